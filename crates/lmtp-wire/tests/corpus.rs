//! The corpus of the `lmtp` fuzz target as an ordinary test, and the dialogue of RFC 2033.

#[path = "../../../fuzz/checks/lmtp.rs"]
mod session;

use std::path::Path;

use session::{Event, check};

#[test]
fn the_fuzz_corpus_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/lmtp");
    let mut seen = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        check(&std::fs::read(entry.unwrap().path()).unwrap());
        seen += 1;
    }
    assert!(seen >= 15, "the corpus is there");
}

/// RFC 2033 §4.2, the client's side.
#[test]
fn the_dialogue_of_the_rfc_is_understood() {
    let dialogue = "LHLO foo.edu\r\n\
        MAIL FROM:<chris@bar.com>\r\n\
        RCPT TO:<pat@foo.edu>\r\n\
        RCPT TO:<jones@foo.edu>\r\n\
        RCPT TO:<green@foo.edu>\r\n\
        DATA\r\n\
        Blah blah blah...\r\n\
        ...etc. etc. etc.\r\n\
        .\r\n\
        QUIT\r\n";
    let seen: Vec<String> = check(dialogue.as_bytes())
        .into_iter()
        .map(|event| match event {
            Event::Command(command) => command.to_string(),
            Event::Message(message) => String::from_utf8(message).unwrap(),
            Event::Refused(error) => panic!("{error}"),
        })
        .collect();
    let expected = [
        "LHLO foo.edu",
        "MAIL FROM:<chris@bar.com>",
        "RCPT TO:<pat@foo.edu>",
        "RCPT TO:<jones@foo.edu>",
        "RCPT TO:<green@foo.edu>",
        "DATA",
        // The example forgets to stuff the dot of its second line; the decoder takes one away.
        "Blah blah blah...\r\n..etc. etc. etc.\r\n",
        "QUIT",
    ];
    assert_eq!(seen, expected);
}
