//! mutt: in a terminal, its keys pushed by its own configuration.

use cluster_tests::program::Ended;
use cluster_tests::server::Access;
use cluster_tests::stand_in::Target;
use cluster_tests::{Imap, Program, Scratch, mail};

struct Mutt {
    scratch: Scratch,
    rules: String,
}

impl Mutt {
    fn new(access: &Access) -> Self {
        let scratch = Scratch::new();
        let cache = scratch.folder("cache");
        let bodies = scratch.folder("bodies");
        let rules = format!(
            "set folder=\"imaps://localhost:{port}/\"\nset spoolfile=\"=INBOX\"\n\
             set imap_user=\"{user}\"\nset imap_pass=\"{password}\"\n\
             set certificate_file=\"{authority}\"\nunset ssl_usesystemcerts\n\
             set header_cache=\"{cache}\"\nset message_cachedir=\"{bodies}\"\n\
             set record=\"\"\nset postponed=\"=Drafts\"\nset sleep_time=0\nset wait_key=no\n\
             set quit=yes\nset delete=yes\nset move=no\nset copy=no\nset mark_old=no\n\
             set confirmappend=no\nset confirmcreate=no\nset use_envelope_from=no\n\
             set pipe_split=yes\nset pipe_decode=no\nset weed=no\nset imap_qresync=yes\n",
            port = access.imaps.port(),
            user = access.user,
            password = access.password,
            authority = access.certificates.authority.display(),
            cache = cache.display(),
            bodies = bodies.display(),
        );
        Self { scratch, rules }
    }

    /// Runs it in a terminal with these keys; the last ones must leave it.
    fn press(&self, keys: &str) -> Ended {
        let rules = format!("{}push \"{keys}\"\n", self.rules);
        let rules = self.scratch.file("muttrc", rules);
        let ended = Program::new("script")
            .home(self.scratch.path())
            .variable("TERM", "xterm")
            .arguments(["--quiet", "--return", "--command"])
            .arguments([format!("stty cols 120 rows 40; mutt -n -F {}", rules.display())])
            .arguments(["/dev/null"])
            .run();
        assert!(ended.status.success(), "{ended}");
        ended
    }

    /// Returns what the messages say in a header field, in the order of the index.
    fn piped(&self, file: &str) -> Vec<String> {
        let piped = std::fs::read_to_string(self.scratch.join(file)).unwrap_or_default();
        let subjects = piped.lines().filter_map(|line| line.strip_prefix("Subject: "));
        subjects.map(str::to_owned).collect()
    }
}

fn filled(subjects: &[&str]) -> (Target, Imap) {
    let target = Target::start();
    let mut client = Imap::login(target.access());
    for subject in subjects {
        client.deposit(&mail::message(subject, "read me"));
    }
    (target, client)
}

fn subjects(client: &mut Imap, mailbox: &str) -> Vec<String> {
    let dump = client.dump(mailbox);
    dump.iter()
        .filter_map(|message| mail::header(&message.body, "Subject"))
        .collect()
}

#[test]
fn shows_the_index_and_reads_messages() {
    let (target, mut client) = filled(&["Apples", "Pears"]);
    let mutt = Mutt::new(target.access());
    let ended = mutt.press("<tag-pattern>~A<enter><tag-prefix><pipe-message>cat >> read<enter><first-entry><display-message><exit><quit>");
    let screen = ended.text();
    assert!(screen.contains("Apples") && screen.contains("Pears"), "{ended}");
    assert_eq!(mutt.piped("read"), ["Apples", "Pears"], "{ended}");
    client.ok("SELECT INBOX");
    assert_eq!(client.ok("SEARCH SEEN").found(), [1]);
}

#[test]
fn copies_saves_and_deletes() {
    let (target, mut client) = filled(&["Copy", "Save", "Delete", "Stay"]);
    let mutt = Mutt::new(target.access());
    mutt.press(
        "<search>Copy<enter><copy-message>=Copies<enter>\
         <search>Save<enter><save-message>=Saved<enter>\
         <delete-pattern>Delete<enter><sync-mailbox><quit>",
    );
    assert_eq!(subjects(&mut client, "Copies"), ["Copy"]);
    assert_eq!(subjects(&mut client, "Saved"), ["Save"]);
    assert_eq!(subjects(&mut client, "INBOX"), ["Copy", "Stay"]);
}

#[test]
fn marks_messages_and_the_marks_stay() {
    let (target, mut client) = filled(&["One", "Two"]);
    let mutt = Mutt::new(target.access());
    mutt.press("<tag-pattern>One<enter><tag-prefix><flag-message><sync-mailbox><quit>");
    let flagged = |client: &mut Imap| client.ok("SEARCH FLAGGED").found();
    client.ok("SELECT INBOX");
    assert_eq!(flagged(&mut client), [1]);
    mutt.press("<tag-pattern>~F<enter><tag-prefix><flag-message><sync-mailbox><quit>");
    client.ok("NOOP");
    assert_eq!(flagged(&mut client), [] as [u64; 0]);
}

#[test]
fn a_cached_index_follows_the_mailbox() {
    let (target, mut client) = filled(&["One", "Two", "Three"]);
    let mutt = Mutt::new(target.access());
    let read =
        |file: &str| format!("<tag-pattern>~A<enter><tag-prefix><pipe-message>cat >> {file}<enter><quit>");
    mutt.press(&read("first"));
    assert_eq!(mutt.piped("first"), ["One", "Two", "Three"]);
    client.ok("SELECT INBOX");
    client.ok("STORE 2 +FLAGS.SILENT (\\Deleted)");
    client.ok("EXPUNGE");
    client.deposit(&mail::message("Four", "read me"));
    mutt.press(&read("second"));
    assert_eq!(mutt.piped("second"), ["One", "Three", "Four"]);
}

#[test]
fn logs_in_with_scram() {
    let (target, _client) = filled(&["Apples"]);
    let mut mutt = Mutt::new(target.access());
    mutt.rules.push_str("set imap_authenticators=\"scram-sha-256\"\n");
    mutt.press("<pipe-message>cat >> read<enter><quit>");
    assert_eq!(mutt.piped("read"), ["Apples"]);
}

#[test]
fn makes_mailboxes() {
    let (target, mut client) = filled(&["One"]);
    let mutt = Mutt::new(target.access());
    mutt.press("<change-folder>?<create-mailbox>Letters<enter><exit><quit>");
    assert_eq!(client.count("Letters"), 0);
}
