//! A client that does little but wait for news.

use std::time::Duration;

use history::{Command, Messages};

use super::client::Client;
use super::journal::Journal;
use super::view::View;

/// How long a watcher stays in IDLE.
const IDLE: Duration = Duration::from_secs(12);

/// Watches a mailbox until all are to rest.
pub fn watch(client: &mut Client, mailbox: &str, journal: &Journal) {
    while !journal.is_resting() {
        if round(client, mailbox).is_none() {
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn round(client: &mut Client, mailbox: &str) -> Option<()> {
    if !client.is_connected() {
        let doors = [0, 1].into_iter();
        if !doors.into_iter().any(|door| client.connect(door)) {
            return None;
        }
    }
    if client.view.is_none() {
        client.view = Some(View {
            name: mailbox.to_owned(),
            ..View::default()
        });
        let command = Command::Select {
            name: mailbox.to_owned(),
            read_only: false,
            resync: None,
        };
        if !client.run(command, format!("SELECT {mailbox}"))?.is_ok() {
            client.view = None;
            return Some(());
        }
    }
    let look = Command::Fetch {
        messages: Messages::All,
        changed_since: None,
    };
    if client.view.as_ref().is_some_and(|view| !view.messages.is_empty()) {
        client.run(look, "UID FETCH 1:* (UID FLAGS MODSEQ)")?;
    }
    client.idle(IDLE).map(drop)
}
