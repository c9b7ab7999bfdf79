//! A disk that runs full: new mail waits elsewhere, everything else goes on (RELIABILITY.md §2, fault 7).

use cluster_tests::disk::{Disk, FileSystem};
use cluster_tests::imap::Status;
use cluster_tests::server::Access;
use cluster_tests::{Imap, Program, Server, ServerOptions, mail, wait};

const MIB: u64 = 1 << 20;

/// A server that keeps 32 MiB of a disk of 256 free.
fn server_on(disk: &Disk) -> Server {
    let options = ServerOptions::default()
        .data(&disk.path().join("data"))
        .set("storage", "reserve_bytes", "\"32MiB\"")
        .set("storage", "wal_segment_bytes", "\"1MiB\"")
        .set("storage", "blob_segment_bytes", "\"4MiB\"");
    Server::start_with(options)
}

/// Hands in a message over LMTP and returns what swaks heard.
fn deliver(access: &Access) -> String {
    Program::new("swaks")
        .arguments(["--protocol", "LMTP", "--server", &access.lmtp.to_string()])
        .arguments(["--from", "ada@example.net", "--to", &access.user])
        .run()
        .text()
}

fn append(client: &mut Imap) -> (Status, String) {
    let answer = client
        .append("INBOX", "", &mail::large_message("More", 100_000))
        .expect("an answer to APPEND");
    (answer.status, answer.text)
}

#[test]
fn new_mail_is_refused_and_the_rest_goes_on_until_space_returns() {
    let disk = Disk::make(FileSystem::Ext4, 256);
    let server = server_on(&disk);
    let access = server.access();
    let mut client = Imap::login(access);
    let before = mail::message("Before", "there was space");
    client.deposit(&before);
    let filler = disk.fill_up_to(8 * MIB);
    // Space is looked at from time to time, not with each message.
    let (status, text) = wait::until("a refusal", || {
        Some(append(&mut client)).filter(|(status, _)| *status != Status::Ok)
    });
    assert_eq!(status, Status::No, "{text}");
    assert!(
        text.starts_with("[LIMIT]") || text.starts_with("[UNAVAILABLE]") || text.starts_with("[OVERQUOTA]"),
        "{text}"
    );
    let delivery = deliver(access);
    assert!(
        delivery.contains("<** 452") || delivery.contains("<** 451"),
        "{delivery}"
    );
    let dump = client.dump("INBOX");
    assert!(
        dump.iter().any(|message| message.body == before),
        "reading does not work"
    );
    client.ok("UID STORE 1 +FLAGS.SILENT (\\Seen)");
    client.ok("UID STORE 2:* +FLAGS.SILENT (\\Deleted)");
    client.ok("EXPUNGE");
    drop(filler);
    wait::until("space to be noticed", || {
        Some(append(&mut client)).filter(|(status, _)| *status == Status::Ok)
    });
    let delivery = deliver(access);
    assert!(delivery.contains("<-  250"), "{delivery}");
}

#[test]
fn a_disk_without_a_single_byte_left_loses_nothing() {
    let disk = Disk::make(FileSystem::Ext4, 256);
    let mut server = server_on(&disk);
    let mut client = Imap::login(server.access());
    let message = mail::message("Kept", "through it all");
    client.deposit(&message);
    let filler = disk.fill_up_to(0);
    let answer = client.append("INBOX", "", &mail::large_message("More", 2 << 20));
    assert!(
        !answer.is_ok_and(|answer| answer.status == Status::Ok),
        "there was no space for it"
    );
    server.kill();
    drop(filler);
    server.restart();
    let dump = Imap::login(server.access()).dump("INBOX");
    assert_eq!(dump.len(), 1);
    assert!(dump.iter().all(|kept| kept.body == message));
}
