//! The look at everything at the end of a round, through every proxy.

use history::{Command, DUMP, Messages, Response};

use super::client::{Client, Door};
use super::journal::Journal;
use super::view::View;
use crate::wait;

/// Reads all mailboxes of all accounts through each proxy.
///
/// # Panics
/// When nothing can be read although all faults are over.
pub fn dump(accounts: &[String], doors: &[Door], journal: &Journal) {
    for account in accounts {
        let mut client = Client::new(DUMP, account, doors, journal);
        for door in 0..doors.len() {
            wait::until("a proxy to serve after all faults are over", || {
                client.connect(door).then_some(())
            });
            let read = read_all(&mut client);
            assert!(read.is_some(), "a connection is lost though no fault is on");
        }
    }
}

fn read_all(client: &mut Client) -> Option<()> {
    let list = client.run(Command::List, "LIST \"\" *")?;
    client.run(Command::Lsub, "LSUB \"\" *")?;
    client.run(Command::Quota, "GETQUOTA \"\"")?;
    let names = list.lines.iter().filter_map(|line| match Response::parse(line) {
        Response::List(name) => Some(name),
        _ => None,
    });
    for name in names.collect::<Vec<_>>() {
        let status = format!("STATUS {name} (MESSAGES UNSEEN UIDNEXT UIDVALIDITY HIGHESTMODSEQ)");
        client.run(Command::Status { name: name.clone() }, status)?;
        client.view = Some(View {
            name: name.clone(),
            ..View::default()
        });
        let wire = format!("EXAMINE {name}");
        let command = Command::Select {
            name,
            read_only: true,
            resync: None,
        };
        let selected = client.run(command, wire)?;
        if selected.is_ok() && client.view.as_ref().is_some_and(|view| view.messages.is_empty()) {
            client.run(Command::Noop, "NOOP")?;
            continue;
        }
        let items = "UID FLAGS MODSEQ INTERNALDATE RFC822.SIZE EMAILID BODY.PEEK[]";
        let command = Command::Fetch {
            messages: Messages::All,
            changed_since: None,
        };
        client.run(command, format!("UID FETCH 1:* ({items})"))?;
    }
    client.leave();
    Some(())
}
