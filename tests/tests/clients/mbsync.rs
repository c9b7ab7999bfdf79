//! mbsync: an account and a Maildir that become the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cluster_tests::server::Access;
use cluster_tests::stand_in::Target;
use cluster_tests::{Imap, Program, Scratch, mail};

struct Mbsync {
    scratch: Scratch,
    rules: PathBuf,
}

impl Mbsync {
    fn new(access: &Access) -> Self {
        let scratch = Scratch::new();
        let near = scratch.folder("near");
        let state = scratch.folder("state");
        let rules = format!(
            "IMAPStore far\nHost localhost\nPort {port}\nUser \"{user}\"\nPass \"{password}\"\n\
             SSLType IMAPS\nSystemCertificates no\nCertificateFile {authority}\n\n\
             MaildirStore near\nPath {near}/\nInbox {near}/INBOX\nSubFolders Verbatim\n\n\
             Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\nSyncState {state}/\n",
            port = access.imaps.port(),
            user = access.user,
            password = access.password,
            authority = access.certificates.authority.display(),
            near = near.display(),
            state = state.display(),
        );
        Self {
            rules: scratch.file("mbsyncrc", rules),
            scratch,
        }
    }

    fn run(&self) -> String {
        Program::new("mbsync")
            .home(self.scratch.path())
            .arguments(["--verbose", "--config"])
            .arguments([&self.rules])
            .arguments(["all"])
            .succeed()
    }

    fn near(&self) -> PathBuf {
        self.scratch.join("near")
    }

    /// Returns the path and content of each message of a mailbox, by subject.
    fn messages(&self, mailbox: &str) -> BTreeMap<String, (PathBuf, Vec<u8>)> {
        let folders = ["cur", "new"].map(|folder| self.near().join(mailbox).join(folder));
        let files = folders
            .iter()
            .flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten());
        let messages = files.filter_map(|entry| {
            let path = entry.ok()?.path();
            let content = std::fs::read(&path).ok()?;
            Some((mail::header(&content, "Subject")?, (path, content)))
        });
        messages.collect()
    }

    fn subjects(&self, mailbox: &str) -> Vec<String> {
        self.messages(mailbox).into_keys().collect()
    }

    /// Puts a message into a mailbox as a local program would.
    fn deposit(&self, mailbox: &str, subject: &str) {
        let name = format!("1700000000.{subject}.localhost");
        let text = mail::message(subject, "from the near side");
        let text = String::from_utf8_lossy(&text).replace("\r\n", "\n");
        for folder in ["cur", "new", "tmp"] {
            std::fs::create_dir_all(self.near().join(mailbox).join(folder)).expect("a Maildir");
        }
        std::fs::write(self.near().join(mailbox).join("new").join(name), text).expect("a message");
    }

    /// Marks a message with the letters of Maildir.
    fn mark(&self, mailbox: &str, subject: &str, letters: &str) {
        let messages = self.messages(mailbox);
        let (path, _) = messages.get(subject).expect("the message to mark");
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let (base, _) = name.split_once(":2,").unwrap_or((&name, ""));
        let marked = self
            .near()
            .join(mailbox)
            .join("cur")
            .join(format!("{base}:2,{letters}"));
        std::fs::rename(path, marked).expect("a new name");
    }
}

/// Returns each file below a directory with its content.
fn snapshot(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => open.push(path),
                false => drop(files.insert(path.clone(), std::fs::read(&path).unwrap_or_default())),
            }
        }
    }
    files
}

/// Returns what says whether a mailbox changed at all.
fn far_state(client: &mut Imap, mailbox: &str) -> Option<String> {
    let status = client.ok(format!(
        "STATUS {mailbox} (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"
    ));
    status.lines().into_iter().find(|line| line.starts_with("STATUS"))
}

#[test]
fn a_second_run_changes_nothing() {
    let target = Target::start();
    let access = target.access();
    let mut client = Imap::login(access);
    for subject in ["One", "Two", "Three"] {
        client.deposit(&mail::message(subject, "from the far side"));
    }
    let mbsync = Mbsync::new(access);
    mbsync.deposit("INBOX", "Four");
    mbsync.run();
    assert_eq!(mbsync.subjects("INBOX"), ["Four", "One", "Three", "Two"]);
    assert_eq!(client.count("INBOX"), 4);
    let (near, far) = (snapshot(&mbsync.near()), far_state(&mut client, "INBOX"));
    mbsync.run();
    assert!(near == snapshot(&mbsync.near()), "the near side changed");
    assert_eq!(far, far_state(&mut client, "INBOX"));
}

#[test]
fn changes_of_both_sides_meet() {
    let target = Target::start();
    let access = target.access();
    let mut client = Imap::login(access);
    for subject in ["One", "Two", "Three", "Four"] {
        client.deposit(&mail::message(subject, "from the far side"));
    }
    let mbsync = Mbsync::new(access);
    mbsync.run();
    mbsync.mark("INBOX", "One", "FS");
    mbsync.mark("INBOX", "Two", "ST");
    mbsync.deposit("INBOX", "Five");
    client.ok("SELECT INBOX");
    client.ok("UID STORE 3 +FLAGS.SILENT (\\Answered)");
    client.ok("UID STORE 4 +FLAGS.SILENT (\\Deleted)");
    client.ok("UID EXPUNGE 4");
    client.deposit(&mail::message("Six", "from the far side"));
    mbsync.run();
    assert_eq!(mbsync.subjects("INBOX"), ["Five", "One", "Six", "Three"]);
    let flags: BTreeMap<String, Vec<String>> = client
        .dump("INBOX")
        .into_iter()
        .map(|message| {
            (
                mail::header(&message.body, "Subject").unwrap_or_default(),
                message.flags,
            )
        })
        .collect();
    assert_eq!(flags.keys().collect::<Vec<_>>(), ["Five", "One", "Six", "Three"]);
    assert_eq!(
        flags.get("One").map(Vec::as_slice),
        Some(&["\\Flagged".to_owned(), "\\Seen".to_owned()][..])
    );
    let three = mbsync
        .messages("INBOX")
        .get("Three")
        .map(|(path, _)| path.clone())
        .unwrap_or_default();
    assert!(three.to_string_lossy().ends_with(":2,R"), "{three:?}");
    let (near, far) = (snapshot(&mbsync.near()), far_state(&mut client, "INBOX"));
    mbsync.run();
    assert!(near == snapshot(&mbsync.near()), "the near side changed");
    assert_eq!(far, far_state(&mut client, "INBOX"));
}

#[test]
fn mailboxes_of_both_sides_meet() {
    let target = Target::start();
    let access = target.access();
    let mut client = Imap::login(access);
    client.ok("CREATE Far/Below");
    let message = mail::message("Deep", "in a mailbox below another");
    client
        .append("Far/Below", "\\Seen $Label", &message)
        .expect("an answer");
    let mbsync = Mbsync::new(access);
    mbsync.deposit("Near", "Shallow");
    mbsync.run();
    assert_eq!(mbsync.subjects("Far/Below"), ["Deep"]);
    assert_eq!(client.count("Near"), 1);
    let dump = client.dump("Near");
    let body = dump
        .first()
        .map(|message| message.body.clone())
        .unwrap_or_default();
    assert_eq!(mail::header(&body, "Subject").as_deref(), Some("Shallow"));
}
