//! Python's imaplib and the library IMAPClient; the scripts are in `tests/scripts`.

use std::path::PathBuf;

use cluster_tests::server::Access;
use cluster_tests::stand_in::Target;
use cluster_tests::{Program, Scratch, binary};

/// Runs a script with the Python of `.ci/install`, which has the libraries.
fn script(name: &str, access: &Access) {
    let python: PathBuf = binary::repository().join("target/venv/bin/python");
    let scratch = Scratch::new();
    Program::new(python)
        .home(scratch.path())
        .arguments([binary::repository().join("tests/scripts").join(name)])
        .variable("IMAP_PORT", access.imap.port().to_string())
        .variable("IMAPS_PORT", access.imaps.port().to_string())
        .variable("LMTP_PORT", access.lmtp.port().to_string())
        .variable("MAIL_USER", &access.user)
        .variable("MAIL_PASSWORD", &access.password)
        .variable("AUTHORITY", &access.certificates.authority)
        .variable("PYTHONDONTWRITEBYTECODE", "1")
        .succeed();
}

#[test]
fn imaplib_takes_the_whole_tour() {
    let target = Target::start();
    script("imaplib_tour.py", target.access());
}

#[test]
fn imapclient_takes_the_whole_tour() {
    let target = Target::start();
    script("imapclient_tour.py", target.access());
}

#[test]
fn two_sessions_of_imapclient_see_each_other_in_idle() {
    let target = Target::start();
    script("imapclient_idle.py", target.access());
}

#[test]
fn addresses_beyond_ascii_are_delivered_to() {
    let target = Target::start();
    script("lmtp_smtputf8.py", target.access());
}
