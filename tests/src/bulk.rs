//! Entries of the log that are large, so that its files fill and snapshots are due after few commands.

use crate::server::Access;
use crate::{Imap, mail};

/// Keywords of a message, each as long as they may be; a change of all of them is an entry of some 9 KiB.
const KEYWORDS: usize = 90;

/// A mailbox that nothing else uses.
const MAILBOX: &str = "Bulk";

/// Makes so many entries in the first account's group.
///
/// # Panics
/// When one is refused.
pub fn fill_log(access: &Access, entries: u64) {
    let mut client = Imap::login(access);
    let keywords: Vec<String> = (0..KEYWORDS).map(|number| format!("{number:0>98}")).collect();
    let keywords = keywords.join(" ");
    // Exists already after the first time.
    drop(client.run(format!("CREATE {MAILBOX}")));
    drop(client.append(MAILBOX, "", &mail::message("Bulk", "with many keywords")));
    client.ok(format!("SELECT {MAILBOX}"));
    for entry in 0..entries {
        let sign = if entry % 2 == 0 { '+' } else { '-' };
        client.ok(format!("STORE 1 {sign}FLAGS.SILENT ({keywords})"));
    }
}
