//! fetchmail: takes all mail away, or a copy of it.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use cluster_tests::program::Ended;
use cluster_tests::server::Access;
use cluster_tests::stand_in::Target;
use cluster_tests::{Imap, Program, Scratch, mail};

struct Fetchmail {
    scratch: Scratch,
    rules: PathBuf,
}

impl Fetchmail {
    /// Sets it up to hand each message to a program that appends it to a file.
    fn new(access: &Access, options: &str) -> Self {
        let scratch = Scratch::new();
        let rules = format!(
            "poll localhost protocol IMAP port {port}\n  user \"{user}\" password \"{password}\"\n  \
             ssl sslcertck sslcertfile \"{authority}\"\n  mda \"cat >> {taken}\"\n  {options}\n",
            port = access.imaps.port(),
            user = access.user,
            password = access.password,
            authority = access.certificates.authority.display(),
            taken = scratch.join("taken").display(),
        );
        let rules = scratch.file("fetchmailrc", rules);
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&rules, private).expect("permissions that fetchmail accepts");
        Self { scratch, rules }
    }

    fn run(&self) -> Ended {
        Program::new("fetchmail")
            .home(self.scratch.path())
            .variable("FETCHMAILHOME", self.scratch.path())
            .arguments(["--nosyslog", "--verbose", "--pidfile", "pid", "--fetchmailrc"])
            .arguments([&self.rules])
            .run()
    }

    fn taken(&self) -> Vec<String> {
        let taken = std::fs::read_to_string(self.scratch.join("taken")).unwrap_or_default();
        let subjects = taken.lines().filter_map(|line| line.strip_prefix("Subject: "));
        subjects.map(str::to_owned).collect()
    }
}

fn deposit(access: &Access, subjects: &[&str]) {
    let mut client = Imap::login(access);
    for subject in subjects {
        client.deposit(&mail::message(subject, "fetch me"));
    }
}

#[test]
fn takes_all_mail_away() {
    let target = Target::start();
    let access = target.access();
    deposit(access, &["One", "Two", "Three"]);
    let fetchmail = Fetchmail::new(access, "nokeep");
    let ended = fetchmail.run();
    assert!(ended.status.success(), "{ended}");
    assert_eq!(fetchmail.taken(), ["One", "Two", "Three"]);
    assert_eq!(Imap::login(access).count("INBOX"), 0);
    // 1 says that there was no mail.
    assert_eq!(fetchmail.run().status.code(), Some(1));
}

#[test]
fn takes_a_copy_once() {
    let target = Target::start();
    let access = target.access();
    deposit(access, &["One", "Two"]);
    let fetchmail = Fetchmail::new(access, "keep");
    let ended = fetchmail.run();
    assert!(ended.status.success(), "{ended}");
    assert_eq!(fetchmail.taken(), ["One", "Two"]);
    let dump = Imap::login(access).dump("INBOX");
    assert!(
        dump.iter()
            .all(|message| message.flags.contains(&"\\Seen".to_owned())),
        "{dump:?}"
    );
    assert_eq!(fetchmail.run().status.code(), Some(1));
    deposit(access, &["Three"]);
    let ended = fetchmail.run();
    assert!(ended.status.success(), "{ended}");
    assert_eq!(fetchmail.taken(), ["One", "Two", "Three"]);
}
