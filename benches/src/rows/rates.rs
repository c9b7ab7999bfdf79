//! Rows that count operations: logins, appends, deliveries.

use crate::imap::Imap;
use crate::lmtp::Lmtp;
use crate::rows::Runs;
use crate::target::Target;
use crate::throughput::Worker;
use anyhow::ensure;

struct Login {
    target: Target,
    number: usize,
}

impl Worker for Login {
    async fn step(&mut self) -> anyhow::Result<()> {
        let mut client = self.target.greeted().await?;
        client
            .login(&self.target.user(self.number), &self.target.arguments.password)
            .await?;
        client.logout().await
    }
}

pub async fn login(runs: &mut Runs<'_>, connections: usize) -> anyhow::Result<()> {
    let target = runs.target.clone();
    let worker = |number| Login {
        target: target.clone(),
        number,
    };
    let mut workers: Vec<Login> = (0..connections).map(worker).collect();
    for _ in 0..runs.count() {
        workers = runs.throughput(workers).await?;
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mailboxes {
    /// Each connection appends to a mailbox of its own, of the account that its number gives.
    Own,
    /// All append to one mailbox of the first account.
    Shared,
}

/// The messages of one connection. Their numbers go in steps of the number of connections, so that none is sent twice.
struct Messages {
    target: Target,
    next: usize,
    stride: usize,
    done: usize,
}

impl Messages {
    fn of_connection(target: &Target, number: usize, connections: usize) -> Self {
        Self {
            target: target.clone(),
            next: number,
            stride: connections,
            done: 0,
        }
    }

    fn next(&mut self) -> Vec<u8> {
        let message = self.target.message(self.next);
        self.next += self.stride;
        message
    }
}

struct Append {
    client: Imap,
    mailbox: String,
    messages: Messages,
}

impl Worker for Append {
    async fn step(&mut self) -> anyhow::Result<()> {
        let message = self.messages.next();
        self.client.append(&self.mailbox, &message).await?;
        self.messages.done += 1;
        Ok(())
    }
}

pub async fn append(runs: &mut Runs<'_>, connections: usize, mailboxes: Mailboxes) -> anyhow::Result<()> {
    let target = runs.target;
    let mut workers = Vec::new();
    for number in 0..connections {
        let (account, mailbox) = match mailboxes {
            Mailboxes::Own => (number, format!("load-append-{number}")),
            Mailboxes::Shared => (0, "load-append-shared".to_owned()),
        };
        let mut client = target.session(account).await?;
        if mailboxes == Mailboxes::Own || number == 0 {
            client.fresh(&mailbox).await?;
        }
        workers.push(Append {
            client,
            mailbox,
            messages: Messages::of_connection(target, number, connections),
        });
    }
    for _ in 0..runs.count() {
        workers = runs.throughput(workers).await?;
    }
    let total: usize = workers.iter().map(|worker| worker.messages.done).sum();
    let mut there = 0;
    for (at, worker) in workers.iter_mut().enumerate() {
        if mailboxes == Mailboxes::Own || at == 0 {
            there += worker.client.messages(&worker.mailbox).await?.unwrap_or(0);
        }
    }
    ensure!(
        there == total,
        "{total} messages were appended, {there} are there"
    );
    Ok(())
}

struct Deliver {
    client: Lmtp,
    recipient: String,
    messages: Messages,
}

impl Worker for Deliver {
    async fn step(&mut self) -> anyhow::Result<()> {
        let message = self.messages.next();
        self.client.deliver(&self.recipient, &message).await?;
        self.messages.done += 1;
        Ok(())
    }
}

pub async fn deliver(runs: &mut Runs<'_>, connections: usize) -> anyhow::Result<()> {
    let target = runs.target;
    let before = inboxes(target).await?;
    let mut workers = Vec::new();
    for number in 0..connections {
        let client = target.lmtp().await?;
        workers.push(Deliver {
            client,
            recipient: target.recipient(number),
            messages: Messages::of_connection(target, number, connections),
        });
    }
    for _ in 0..runs.count() {
        workers = runs.throughput(workers).await?;
    }
    let total: usize = workers.iter().map(|worker| worker.messages.done).sum();
    let there = inboxes(target).await? - before;
    ensure!(
        there == total,
        "{total} messages were delivered, {there} have arrived"
    );
    Ok(())
}

/// Counts the messages in the INBOX of every account.
async fn inboxes(target: &Target) -> anyhow::Result<usize> {
    let mut total = 0;
    for account in 0..target.arguments.accounts.max(1) {
        let mut client = target.session(account).await?;
        total += client.messages("INBOX").await?.unwrap_or(0);
        client.logout().await?;
    }
    Ok(total)
}
