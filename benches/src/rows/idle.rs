//! Rows about sessions in IDLE: their memory, and how soon all of them are told.

use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::imap::Imap;
use crate::rows::Runs;
use crate::target::Target;

const MAILBOX: usize = 10_000;
const SHARED: &str = "load-fan-out";

/// Each session selects a mailbox of 10,000 messages and idles; after a rest the server's memory is compared with
/// that before. One session stands open on the mailbox all the time, so that what all of them share is not counted.
pub async fn memory(runs: &mut Runs<'_>, sessions: usize) -> anyhow::Result<()> {
    let target = runs.target;
    ensure!(!target.processes.is_empty(), "tell the server's process by --pid");
    let mailbox = target.filled(MAILBOX).await?;
    let settle = Duration::from_secs_f64(target.arguments.settle_seconds);
    for _ in 0..runs.count() {
        let first = idle_on(target, 0, &mailbox).await?;
        sleep(settle).await;
        let before = target.processes.proportional_bytes();
        let mut open = Vec::new();
        for number in 0..sessions {
            // All are sessions of the account that has the mailbox.
            let client = idle_on(target, 0, &mailbox).await;
            open.push(client.with_context(|| format!("session {number}"))?);
        }
        sleep(settle).await;
        let after = target.processes.proportional_bytes();
        #[expect(clippy::cast_precision_loss, reason = "sizes of memory fit a double")]
        let each = (after as f64 - before as f64) / 1024.0 / sessions as f64;
        runs.value(each);
        drop((first, open));
        sleep(settle).await;
    }
    Ok(())
}

async fn idle_on(target: &Target, number: usize, mailbox: &str) -> anyhow::Result<Imap> {
    let mut client = target.session(number).await?;
    client.select(mailbox).await?;
    client.idle().await?;
    Ok(client)
}

pub async fn fan_out(runs: &mut Runs<'_>, sessions: usize) -> anyhow::Result<()> {
    let target = runs.target;
    let mut writer = target.session(0).await?;
    writer.fresh(SHARED).await?;
    let mut open = Vec::new();
    for _ in 0..sessions {
        open.push(idle_on(target, 0, SHARED).await?);
    }
    for run in 1..=runs.count() {
        let message = target.message(run);
        let tell = writer.append(SHARED, &message);
        open = runs.time(told(open, run, tell)).await?;
        // Some servers tell of several changes at once; each run is about one.
        sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

/// Returns once the change is made and every session has been told of `count` messages.
async fn told(
    open: Vec<Imap>,
    count: usize,
    change: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<Vec<Imap>> {
    let mut tasks = JoinSet::new();
    for mut client in open {
        tasks.spawn(async move { client.told_of(count).await.map(|()| client) });
    }
    change.await?;
    let mut open = Vec::new();
    while let Some(client) = tasks.join_next().await {
        open.push(client??);
    }
    Ok(open)
}
