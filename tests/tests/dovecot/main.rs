//! What the server says of a message's structure, beside what Debian's Dovecot says of the same message.
//!
//! The corpus, the differences that are meant and the RFC section behind each are those of `mail-message`
//! (`crates/mail-message/corpus`). That crate's tests hold its summaries against recorded answers; here both servers
//! run, so that the whole way from APPEND to FETCH is compared, with the Dovecot that is installed.

mod differences;
mod value;

use std::path::Path;

use cluster_tests::stand_in::Target;
use cluster_tests::{Imap, Server, binary};
use differences::Differences;
use value::Value;

/// What is asked for each message.
const ITEMS: [&str; 4] = ["ENVELOPE", "BODY", "BODYSTRUCTURE", "RFC822.SIZE"];

/// A corpus that shrank to less would prove little.
const MESSAGES_MIN: usize = 300;

struct Message {
    name: String,
    bytes: Vec<u8>,
}

/// Returns the corpus in the order of its names.
fn corpus(folder: &Path) -> Vec<Message> {
    let entries = std::fs::read_dir(folder.join("messages")).expect("the corpus");
    let paths = entries.map(|entry| entry.expect("a file of the corpus").path());
    let mut messages: Vec<Message> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "eml"))
        .map(|path| Message {
            name: path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            bytes: std::fs::read(&path).expect("a message of the corpus"),
        })
        // Dovecot refuses to store an empty message; we refuse NUL, which a literal cannot hold (RFC 3501 §9, CHAR8),
        // where Dovecot stores another byte instead.
        .filter(|message| !message.bytes.is_empty() && !message.bytes.contains(&0))
        .collect();
    messages.sort_by(|left, right| left.name.cmp(&right.name));
    messages
}

/// Appends a message and returns what a server says of it, item by item.
fn ask(client: &mut Imap, message: &Message) -> Vec<String> {
    let uid = client.deposit(&message.bytes);
    let answer = client.ok(format!("UID FETCH {uid} ({})", ITEMS.join(" ")));
    let fetched = answer.untagged.iter().find_map(|line| value::fetched(line));
    let fetched = fetched.unwrap_or_default();
    let normal = |item: &&str| {
        let value = fetched.iter().find(|(name, _)| name == item);
        format!("{item} {}", value.map_or(&Value::Nil, |(_, value)| value))
    };
    ITEMS.iter().map(normal).collect()
}

#[test]
fn envelope_and_structure_agree_or_differ_for_a_reason_that_is_written_down() {
    let folder = binary::repository().join("crates/mail-message/corpus");
    let messages = corpus(&folder);
    assert!(messages.len() >= MESSAGES_MIN, "{} messages", messages.len());
    let mut differences = Differences::read(&folder.join("differences.txt"), &messages);
    let (ours, theirs) = (Server::start(), Target::dovecot());
    let (mut our_client, mut their_client) = (Imap::login(ours.access()), Imap::login(theirs.access()));
    our_client.ok("SELECT INBOX");
    their_client.ok("SELECT INBOX");
    let mut unexplained = Vec::new();
    for message in &messages {
        let answers = ask(&mut our_client, message)
            .into_iter()
            .zip(ask(&mut their_client, message));
        for (ours, theirs) in answers.filter(|(ours, theirs)| ours != theirs) {
            if !differences.explain(&message.name, &theirs, &ours) {
                unexplained.push(format!("{}\nDovecot: {theirs}\nours:    {ours}", message.name));
            }
        }
    }
    assert!(
        unexplained.is_empty(),
        "{} differences without a reason:\n{}",
        unexplained.len(),
        unexplained.join("\n\n")
    );
    let gone = differences.left_over();
    assert!(gone.is_empty(), "written down, and gone:\n{}", gone.join("\n"));
}

#[test]
fn messages_come_back_byte_for_byte() {
    let server = Server::start();
    let mut client = Imap::login(server.access());
    let messages = corpus(&binary::repository().join("crates/mail-message/corpus"));
    for message in &messages {
        client.deposit(&message.bytes);
    }
    let stored = client.dump("INBOX");
    assert_eq!(stored.len(), messages.len());
    let changed = messages
        .iter()
        .zip(&stored)
        .filter(|(sent, stored)| sent.bytes != stored.body);
    let changed: Vec<&str> = changed.map(|(sent, _)| sent.name.as_str()).collect();
    assert!(changed.is_empty(), "changed: {changed:?}");
}
