//! The check of what was acknowledged notices what it is there for.

use std::panic::{AssertUnwindSafe, catch_unwind};

use cluster_tests::Imap;
use cluster_tests::history::History;
use cluster_tests::stand_in::Target;

/// Loads a server, changes something behind the load's back, and returns what the check says.
fn verdict(change: &str) -> Option<String> {
    let target = Target::start();
    let access = target.access();
    let mut history = History::begin(access, 2);
    history.load(access, 40, || ());
    history.check(access);
    let mut client = Imap::login(access);
    client.ok("SELECT INBOX");
    for command in change.split('\n').filter(|command| !command.is_empty()) {
        client.ok(command);
    }
    let checked = catch_unwind(AssertUnwindSafe(|| history.check(access)));
    let reason = checked.err()?;
    reason.downcast_ref::<String>().cloned()
}

#[test]
fn what_was_acknowledged_and_is_there_is_no_finding() {
    assert_eq!(verdict(""), None);
}

#[test]
fn a_lost_message_is_noticed() {
    let verdict = verdict("STORE 1 +FLAGS.SILENT (\\Deleted)\nEXPUNGE").unwrap_or_default();
    assert!(verdict.contains("found Absent"), "{verdict}");
}

#[test]
fn a_lost_flag_is_noticed() {
    let verdict = verdict("STORE 1 FLAGS.SILENT (\\Draft)").unwrap_or_default();
    assert!(verdict.contains("broken promises"), "{verdict}");
}

#[test]
fn a_message_that_is_there_twice_is_noticed() {
    let verdict = verdict("COPY 1 Elsewhere").unwrap_or_default();
    assert!(verdict.contains("is there twice"), "{verdict}");
}
