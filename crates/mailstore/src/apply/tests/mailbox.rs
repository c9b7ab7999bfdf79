//! The tree of mailboxes.

use super::*;

#[test]
fn a_name_made_again_has_a_greater_uid_validity() {
    let mut fixture = Fixture::new();
    fixture.create("a").expect("a new name");
    let first = fixture.find("a").expect("a").uid_validity;
    fixture.delete("a").expect("a deletion");
    fixture.create("a").expect("a free name");
    assert!(fixture.find("a").expect("a").uid_validity > first);
}

#[test]
fn create_makes_parents_and_refuses_what_exists() {
    let mut fixture = Fixture::new();
    fixture.create("a/b/c").expect("a new name");
    assert_eq!(fixture.names(), ["INBOX", "Sent", "a", "a/b", "a/b/c"]);
    assert_eq!(fixture.create("a/b"), Err(Rejection::MailboxExists));
    assert_eq!(fixture.create("inbox"), Err(Rejection::MailboxExists));
}

#[test]
fn a_special_use_has_one_mailbox() {
    let mut fixture = Fixture::new();
    let create = |text: &str| MailboxCommand::Create {
        name: name(text),
        special_use: SpecialUse::SENT,
    };
    assert_eq!(
        fixture.mailbox_command(create("x")),
        Err(Rejection::SpecialUseTaken)
    );
    assert_eq!(fixture.names(), ["INBOX", "Sent"]);
    fixture.delete("Sent").expect("a deletion");
    assert!(fixture.mailbox_command(create("x")).is_ok());
}

#[test]
fn deleting_a_mailbox_with_children_leaves_a_level() {
    // RFC 3501 §6.3.4.
    let mut fixture = Fixture::new();
    fixture.create("a/b").expect("a new name");
    fixture.fill("a", 2);
    fixture.delete("a").expect("a deletion");
    assert_eq!(fixture.names(), ["INBOX", "Sent", "a/b"]);
    assert_eq!(fixture.delete("a"), Err(Rejection::MailboxHasChildren));
    assert_eq!(fixture.delete("none"), Err(Rejection::NoSuchMailbox));
    assert_eq!(fixture.delete("INBOX"), Err(Rejection::Inbox));
    let usage = read::quota(&fixture.rows)
        .expect("sound rows")
        .expect("an account")
        .usage;
    assert_eq!((usage.messages, usage.storage_bytes), (0, 0));
}

#[test]
fn rename_takes_the_whole_subtree() {
    let mut fixture = Fixture::new();
    fixture.create("a/b/c").expect("a new name");
    fixture.create("ab").expect("a new name");
    let id = fixture.id("a/b/c");
    fixture.rename("a", "x/y").expect("a free name");
    assert_eq!(
        fixture.names(),
        ["INBOX", "Sent", "ab", "x", "x/y", "x/y/b", "x/y/b/c"]
    );
    assert_eq!(fixture.id("x/y/b/c"), id);
    assert_eq!(fixture.rename("x", "x/z"), Err(Rejection::RenameBelowItself));
    assert_eq!(fixture.rename("x", "ab"), Err(Rejection::MailboxExists));
    assert_eq!(fixture.rename("none", "z"), Err(Rejection::NoSuchMailbox));
    assert_eq!(fixture.rename("ab", "INBOX"), Err(Rejection::Inbox));
}

#[test]
fn rename_of_inbox_leaves_it_empty() {
    // RFC 3501 §6.3.5: inferiors of INBOX stay.
    let mut fixture = Fixture::new();
    fixture.create("INBOX/kept").expect("a new name");
    fixture.fill("INBOX", 3);
    let before = fixture.find("INBOX").expect("INBOX");
    fixture.rename("INBOX", "old").expect("a free name");
    let (inbox, old) = (
        fixture.find("INBOX").expect("INBOX"),
        fixture.find("old").expect("old"),
    );
    assert_eq!((inbox.messages, old.messages), (0, 3));
    assert!(inbox.uid_validity > before.uid_validity);
    assert_eq!(old.uid_validity, before.uid_validity);
    assert!(fixture.find("INBOX/kept").is_some());
}
