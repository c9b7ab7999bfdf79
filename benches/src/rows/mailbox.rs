//! Rows that time one command over all messages of a mailbox.

use anyhow::ensure;

use crate::message::{CORRESPONDENTS, RARE_EVERY, RARE_WORD, correspondent};
use crate::rows::Runs;

/// What a mail program asks for to show a mailbox.
pub const LIST_ITEMS: &str = "(ENVELOPE BODYSTRUCTURE FLAGS INTERNALDATE RFC822.SIZE)";
const SCRATCH: &str = "load-scratch";
const SCRATCH_SOURCE: &str = "load-scratch-source";

pub async fn fill(runs: &mut Runs<'_>, count: usize) -> anyhow::Result<()> {
    let target = runs.target;
    let mut client = target.session(0).await?;
    for _ in 0..runs.count() {
        client.fresh(SCRATCH).await?;
        runs.rate(count, target.fill(&mut client, SCRATCH, count)).await?;
    }
    client.command(&format!("DELETE {SCRATCH}")).await?;
    client.logout().await
}

/// Runs once without being measured, then as often as asked for in the same session.
pub async fn fetch(runs: &mut Runs<'_>, count: usize, items: &str) -> anyhow::Result<()> {
    let mailbox = runs.target.filled(count).await?;
    let mut client = runs.target.session(0).await?;
    client.select(&mailbox).await?;
    let command = format!("FETCH 1:* {items}");
    let first = client.command(&command).await?;
    for _ in 0..runs.count() {
        let tally = runs.time(client.command(&command)).await?;
        ensure!(
            tally.fetched == count,
            "{} of {count} messages were fetched",
            tally.fetched
        );
        ensure!(
            tally.literal_bytes == first.literal_bytes,
            "the second answer differs from the first"
        );
    }
    let bodies = items.contains("BODY.PEEK[]");
    let expected = if bodies {
        bytes_of(runs, count)
    } else {
        first.literal_bytes
    };
    ensure!(
        first.literal_bytes == expected,
        "{} bytes of {expected} came",
        first.literal_bytes
    );
    client.logout().await
}

fn bytes_of(runs: &Runs<'_>, count: usize) -> usize {
    (0..count).map(|number| runs.target.message(number).len()).sum()
}

/// Each run fills a mailbox of its own, so that nothing about its messages can have been kept from a FETCH before.
pub async fn list_first(runs: &mut Runs<'_>, count: usize) -> anyhow::Result<()> {
    for _ in 0..runs.count() {
        let mut filler = runs.target.session(0).await?;
        filler.fresh(SCRATCH).await?;
        runs.target.fill(&mut filler, SCRATCH, count).await?;
        filler.logout().await?;
        runs.target.cool().await?;
        let mut client = runs.target.session(0).await?;
        client.select(SCRATCH).await?;
        let tally = runs
            .time(client.command(&format!("FETCH 1:* {LIST_ITEMS}")))
            .await?;
        ensure!(
            tally.fetched == count,
            "{} of {count} messages were fetched",
            tally.fetched
        );
        client.logout().await?;
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    Untagged,
    Silent,
}

/// Sets and removes \Flagged in turn, so that every STORE changes every message.
pub async fn store(runs: &mut Runs<'_>, count: usize, answers: Answers) -> anyhow::Result<()> {
    let mailbox = runs.target.filled(count).await?;
    let mut client = runs.target.session(0).await?;
    client.select(&mailbox).await?;
    client.command("STORE 1:* -FLAGS.SILENT (\\Flagged)").await?;
    let (item, told) = match answers {
        Answers::Untagged => ("FLAGS", count),
        Answers::Silent => ("FLAGS.SILENT", 0),
    };
    for run in 0..runs.count() {
        let adds = run.is_multiple_of(2);
        let sign = if adds { '+' } else { '-' };
        let tally = runs
            .time(client.command(&format!("STORE 1:* {sign}{item} (\\Flagged)")))
            .await?;
        ensure!(
            tally.fetched == told,
            "{} answers instead of {told}",
            tally.fetched
        );
        let flagged = client.command("SEARCH FLAGGED").await?.found;
        let expected = if adds { count } else { 0 };
        ensure!(
            flagged == expected,
            "{flagged} messages are flagged instead of {expected}"
        );
    }
    client.logout().await
}

pub async fn copy(runs: &mut Runs<'_>, count: usize) -> anyhow::Result<()> {
    let mailbox = runs.target.filled(count).await?;
    let mut client = runs.target.session(0).await?;
    client.select(&mailbox).await?;
    for _ in 0..runs.count() {
        client.fresh(SCRATCH).await?;
        runs.time(client.command(&format!("COPY 1:* {SCRATCH}"))).await?;
        let there = client.messages(SCRATCH).await?;
        ensure!(there == Some(count), "{there:?} of {count} messages were copied");
        client.command(&format!("DELETE {SCRATCH}")).await?;
    }
    client.logout().await
}

pub async fn move_all(runs: &mut Runs<'_>, count: usize) -> anyhow::Result<()> {
    let mailbox = runs.target.filled(count).await?;
    let mut client = runs.target.session(0).await?;
    for _ in 0..runs.count() {
        // A server may close the connection of a session whose selected mailbox is deleted.
        client.select(&mailbox).await?;
        client.fresh(SCRATCH).await?;
        client.fresh(SCRATCH_SOURCE).await?;
        client.command(&format!("COPY 1:* {SCRATCH_SOURCE}")).await?;
        client.select(SCRATCH_SOURCE).await?;
        let tally = runs.time(client.command(&format!("MOVE 1:* {SCRATCH}"))).await?;
        ensure!(
            tally.expunged == count,
            "{} of {count} messages were expunged",
            tally.expunged
        );
        let there = client.messages(SCRATCH).await?;
        ensure!(there == Some(count), "{there:?} of {count} messages were moved");
    }
    client.select(&mailbox).await?;
    client.command(&format!("DELETE {SCRATCH}")).await?;
    client.command(&format!("DELETE {SCRATCH_SOURCE}")).await?;
    client.logout().await
}

/// Each run looks for another sender, so that no answer can be kept.
pub async fn search_from(runs: &mut Runs<'_>, count: usize) -> anyhow::Result<()> {
    let mailbox = runs.target.filled(count).await?;
    let mut client = runs.target.session(0).await?;
    client.select(&mailbox).await?;
    for run in 0..runs.count() {
        let expected = (0..count)
            .filter(|number| number % CORRESPONDENTS == run % CORRESPONDENTS)
            .count();
        let command = format!("SEARCH FROM {}", correspondent(run));
        let tally = runs.time(client.command(&command)).await?;
        ensure!(
            tally.found == expected,
            "{} found instead of {expected}",
            tally.found
        );
    }
    client.logout().await
}

pub async fn search_text(runs: &mut Runs<'_>, count: usize) -> anyhow::Result<()> {
    let mailbox = runs.target.filled(count).await?;
    let mut client = runs.target.session(0).await?;
    client.select(&mailbox).await?;
    for _ in 0..runs.count() {
        let tally = runs
            .time(client.command(&format!("SEARCH TEXT {RARE_WORD}")))
            .await?;
        let expected = count.div_ceil(RARE_EVERY);
        ensure!(
            tally.found == expected,
            "{} found instead of {expected}",
            tally.found
        );
    }
    client.logout().await
}

pub async fn select_first(runs: &mut Runs<'_>, count: usize) -> anyhow::Result<()> {
    let mailbox = runs.target.filled(count).await?;
    for _ in 0..runs.count() {
        runs.target.cool().await?;
        let mut client = runs.target.session(0).await?;
        let there = runs.time(client.select(&mailbox)).await?;
        ensure!(there == count, "{there} messages instead of {count}");
        client.logout().await?;
    }
    Ok(())
}

/// The first SELECT of the session is not measured.
pub async fn select(runs: &mut Runs<'_>, count: usize) -> anyhow::Result<()> {
    let mailbox = runs.target.filled(count).await?;
    let mut client = runs.target.session(0).await?;
    client.select(&mailbox).await?;
    for _ in 0..runs.count() {
        let there = runs.time(client.select(&mailbox)).await?;
        ensure!(there == count, "{there} messages instead of {count}");
    }
    client.logout().await
}
