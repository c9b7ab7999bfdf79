//! The server under load, and the mailboxes that rows measure on.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use crate::arguments::Arguments;
use crate::imap::Imap;
use crate::lmtp::Lmtp;
use crate::message::message;
use crate::processes::Processes;
use crate::stream;

/// Mailboxes of more messages hold shorter ones, so that filling them ends in good time.
const LARGE_MAILBOX: usize = 20_000;
const MESSAGE_BYTES_IN_LARGE: usize = 1024;
const RESTART_PATIENCE: Duration = Duration::from_secs(60);

/// Cheap to clone: every worker has its own.
#[derive(Clone)]
pub struct Target {
    pub arguments: Arc<Arguments>,
    pub processes: Processes,
    tls: Option<TlsConnector>,
}

impl Target {
    pub fn new(arguments: Arguments) -> anyhow::Result<Self> {
        let tls = arguments
            .tls
            .then(|| stream::connector(arguments.cafile.as_deref()));
        Ok(Self {
            tls: tls.transpose()?,
            processes: Processes::new(arguments.pids.clone()),
            arguments: Arc::new(arguments),
        })
    }

    /// Returns the login name of connection `number`.
    pub fn user(&self, number: usize) -> String {
        let account = number % self.arguments.accounts.max(1);
        self.arguments.user.replace("{}", &account.to_string())
    }

    pub fn recipient(&self, number: usize) -> String {
        let account = number % self.arguments.accounts.max(1);
        match &self.arguments.recipient {
            Some(pattern) => pattern.replace("{}", &account.to_string()),
            None => self.user(number),
        }
    }

    pub async fn greeted(&self) -> anyhow::Result<Imap> {
        let Arguments { host, port, .. } = &*self.arguments;
        Imap::greeted(stream::connect(host, *port, self.tls.as_ref()).await?).await
    }

    /// Connects as the account of connection `number`.
    pub async fn session(&self, number: usize) -> anyhow::Result<Imap> {
        let mut client = self.greeted().await?;
        client.login(&self.user(number), &self.arguments.password).await?;
        client.learn().await?;
        Ok(client)
    }

    pub async fn lmtp(&self) -> anyhow::Result<Lmtp> {
        Lmtp::greeted(stream::connect(&self.arguments.host, self.arguments.lmtp_port, None).await?).await
    }

    pub fn message(&self, number: usize) -> Vec<u8> {
        message(self.arguments.seed, number, self.arguments.message_bytes)
    }

    /// Returns the name of a mailbox of the first account with `count` messages; one that is there is used again.
    pub async fn filled(&self, count: usize) -> anyhow::Result<String> {
        let bytes = self.bytes_in(count);
        let name = format!("load-{count}-{bytes}-{}", self.arguments.seed);
        let mut client = self.session(0).await?;
        if client.messages(&name).await? != Some(count) {
            client.fresh(&name).await?;
            self.fill(&mut client, &name, count).await?;
        }
        client.logout().await?;
        Ok(name)
    }

    /// Fills an empty mailbox and checks that everything is in it.
    pub async fn fill(&self, client: &mut Imap, mailbox: &str, count: usize) -> anyhow::Result<()> {
        let (seed, bytes) = (self.arguments.seed, self.bytes_in(count));
        client
            .fill(mailbox, count, |number| message(seed, number, bytes))
            .await?;
        let there = client.messages(mailbox).await?;
        ensure!(
            there == Some(count),
            "of {count} messages appended, {there:?} are in the mailbox"
        );
        Ok(())
    }

    /// Makes the server cold where the command line says how.
    pub async fn cool(&self) -> anyhow::Result<()> {
        let Some(command) = &self.arguments.before_first else {
            return Ok(());
        };
        let status = tokio::process::Command::new("sh")
            .arg("-c")
            .arg(command)
            .status()
            .await?;
        ensure!(status.success(), "`{command}` failed: {status}");
        timeout(RESTART_PATIENCE, async {
            while self.session(0).await.is_err() {
                sleep(Duration::from_millis(50)).await;
            }
        })
        .await
        .context("the server did not come back")
    }

    fn bytes_in(&self, count: usize) -> usize {
        let asked = self.arguments.message_bytes;
        if count > LARGE_MAILBOX {
            asked.min(MESSAGE_BYTES_IN_LARGE)
        } else {
            asked
        }
    }
}
