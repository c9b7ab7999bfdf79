//! The order of commands, without any I/O.

use mailstore::AccountId;
use proptest::prelude::*;

use super::*;
use crate::options::OverQuota;

fn session(change: fn(&mut LmtpOptions)) -> Session {
    let mut options = LmtpOptions {
        host_name: "mail.example.org".into(),
        ..LmtpOptions::default()
    };
    change(&mut options);
    Session::new(Rules::new(&options, true))
}

fn recipient(address: &Address) -> Recipient {
    let mut id = [0; 16];
    for (octet, byte) in id.iter_mut().zip(address.as_str().bytes()) {
        *octet = byte;
    }
    Recipient {
        address: address.clone(),
        account: AccountId(id),
        detail: None,
    }
}

/// Gives a line and returns what follows in one word: the reply code, or what is to be done.
fn say(session: &mut Session, line: &str) -> String {
    match session.command(Command::parse(line.as_bytes())) {
        Step::Reply(reply) => reply.code().number().to_string(),
        Step::Resolve(address) if address.as_str().starts_with("nobody") => {
            let reply = session.resolved(Err(RecipientRefusal::Unknown));
            reply.code().number().to_string()
        }
        Step::Resolve(address) => session
            .resolved(Ok(recipient(&address)))
            .code()
            .number()
            .to_string(),
        Step::Data => "data".into(),
        Step::Chunk { bytes, last } => format!("chunk {bytes} {last}"),
        Step::Skip(bytes, reply) => format!("skip {bytes} {}", reply.code().number()),
        Step::StartTls(reply) => format!("tls {}", reply.code().number()),
        Step::Close(reply) => format!("close {}", reply.code().number()),
    }
}

fn check(dialogue: &[(&str, &str)]) {
    let mut session = session(|_| {});
    for (line, expected) in dialogue {
        assert_eq!(say(&mut session, line), *expected, "{line}");
    }
}

const MAIL: &str = "MAIL FROM:<a@example.org>";
const RCPT: &str = "RCPT TO:<b@example.org>";

/// RFC 5321 §4.1.4, RFC 2033 §4.1.
#[test]
fn commands_have_an_order() {
    check(&[
        (MAIL, "503"),
        (RCPT, "503"),
        ("DATA", "503"),
        ("NOOP", "250"),
        ("RSET", "250"),
        ("VRFY x", "252"),
        ("HELP", "214"),
        ("LHLO client.example.org", "250"),
        (RCPT, "503"),
        ("DATA", "503"),
        (MAIL, "250"),
        (MAIL, "503"),
        ("DATA", "503"),
        (RCPT, "250"),
        ("DATA", "data"),
        ("QUIT", "close 221"),
    ]);
}

/// RFC 5321 §4.1.1.5, §4.1.4.
#[test]
fn rset_and_lhlo_end_a_transaction() {
    check(&[
        ("LHLO x", "250"),
        (MAIL, "250"),
        (RCPT, "250"),
        ("RSET", "250"),
        ("DATA", "503"),
        (MAIL, "250"),
        (RCPT, "250"),
        ("LHLO x", "250"),
        ("DATA", "503"),
    ]);
}

/// RFC 2033 §4.2.
#[test]
fn without_an_accepted_recipient_there_is_no_message() {
    check(&[
        ("LHLO x", "250"),
        (MAIL, "250"),
        ("RCPT TO:<nobody@example.org>", "550"),
        ("DATA", "503"),
        ("BDAT 5 LAST", "skip 5 503"),
        (RCPT, "250"),
        ("DATA", "data"),
    ]);
}

/// RFC 3030 §2: BDAT and DATA do not mix; what follows a refused BDAT is not commands.
#[test]
fn chunks_have_an_order() {
    check(&[
        ("BDAT 3", "skip 3 503"),
        ("LHLO x", "250"),
        ("BDAT 0 LAST", "skip 0 503"),
        (MAIL, "250"),
        (RCPT, "250"),
        ("BDAT 3", "chunk 3 false"),
        ("DATA", "503"),
        (RCPT, "503"),
        (MAIL, "503"),
        ("BDAT 0 LAST", "chunk 0 true"),
    ]);
}

#[test]
fn what_is_not_offered_is_refused() {
    check(&[
        ("LHLO x", "250"),
        ("MAIL FROM:<a@x> BODY=BINARYMIME", "555"),
        ("MAIL FROM:<a@x> SIZE=999999999999", "552"),
        ("MAIL FROM:<ä@x>", "553"),
        ("MAIL FROM:<a@x> BODY=8BITMIME SIZE=1000", "250"),
        ("RCPT TO:<ä@x>", "553"),
        ("RSET", "250"),
        ("MAIL FROM:<ä@x> SMTPUTF8", "250"),
        ("RCPT TO:<ä@x>", "250"),
        ("RCPT TO:<\"a b\"@x>", "550"),
        ("RCPT TO:<Postmaster>", "250"),
    ]);
}

/// RFC 3207 §4, §4.2.
#[test]
fn tls_begins_a_session_anew() {
    let mut session = session(|_| {});
    let capabilities = |session: &mut Session| {
        let step = session.command(Command::parse(b"LHLO x"));
        let Step::Reply(reply) = step else {
            panic!("no reply")
        };
        reply.to_string().contains("STARTTLS")
    };
    assert!(capabilities(&mut session));
    assert_eq!(say(&mut session, MAIL), "250");
    assert_eq!(say(&mut session, "STARTTLS"), "tls 220");
    session.secured();
    assert_eq!(say(&mut session, MAIL), "503");
    assert_eq!(say(&mut session, "STARTTLS"), "503");
    assert!(!capabilities(&mut session));
}

#[test]
fn recipients_are_bounded() {
    let mut session = session(|options| options.recipients_max = 2);
    for (line, expected) in [
        ("LHLO x", "250"),
        (MAIL, "250"),
        (RCPT, "250"),
        ("RCPT TO:<nobody@example.org>", "550"),
        (RCPT, "250"),
        (RCPT, "452"),
        ("DATA", "data"),
    ] {
        assert_eq!(say(&mut session, line), expected, "{line}");
    }
}

#[test]
fn bad_commands_are_bounded_and_good_ones_are_not() {
    let mut session = session(|options| options.bad_commands_max = 3);
    for line in ["LHLO x", MAIL, "RCPT TO:<nobody@x>", "NOOP", "RSET", "VRFY x"].repeat(3) {
        assert!(!say(&mut session, line).starts_with("close"), "{line}");
    }
    assert_eq!(say(&mut session, "WHAT"), "500");
    assert_eq!(say(&mut session, "HELO x"), "500");
    assert_eq!(say(&mut session, "DATA"), "close 421");
}

/// RFC 2033 §4.2: a reply for every RCPT, also where several lead to one copy.
#[test]
fn an_account_gets_a_message_once_for_each_detail_and_every_recipient_a_reply() {
    let mut session = session(|options| options.over_quota = OverQuota::Defer);
    let recipients = [
        ("b@x", None),
        ("c@x", None),
        ("b@x", None),
        ("c+lists@x", Some("lists")),
        ("c+LISTS@x", Some("lists")),
        ("c+work@x", Some("work")),
        ("d@x", None),
    ];
    say(&mut session, "LHLO x");
    say(&mut session, MAIL);
    for (path, detail) in recipients {
        let step = session.command(Command::parse(format!("RCPT TO:<{path}>").as_bytes()));
        let Step::Resolve(address) = step else {
            panic!("{step:?}")
        };
        let account = address.without_detail().unwrap_or_else(|| address.clone());
        let mut id = [0; 16];
        id[0] = account.as_str().as_bytes()[0];
        let detail = detail.map(str::to_owned);
        session.resolved(Ok(Recipient {
            account: AccountId(id),
            address,
            detail,
        }));
    }
    let (distinct, places) = session.transaction().expect("a transaction").distinct();
    let details: Vec<Option<&str>> = distinct
        .iter()
        .map(|recipient| recipient.detail.as_deref())
        .collect();
    assert_eq!(details, [None, None, Some("lists"), Some("work"), None]);
    assert_eq!(places, [0, 1, 0, 2, 2, 3, 4]);
}

const VOCABULARY: [&str; 14] = [
    "LHLO x",
    MAIL,
    "MAIL FROM:<> SIZE=10 BODY=8BITMIME",
    "MAIL FROM:<> SIZE=99999999999999999999",
    RCPT,
    "RCPT TO:<nobody@example.org>",
    "DATA",
    "BDAT 1",
    "BDAT 18446744073709551615 LAST",
    "RSET",
    "STARTTLS",
    "QUIT",
    "NOOP",
    "\u{7f}",
];

proptest! {
    /// Whatever a client says: a message is taken only with a sender and a recipient that were accepted
    /// after the last LHLO, RSET or message, and a session that was told to close was told why.
    #[test]
    fn a_message_always_has_an_envelope(words in proptest::collection::vec(0..VOCABULARY.len(), 0..40)) {
        let mut session = session(|_| {});
        let (mut greeted, mut sender, mut recipients) = (false, false, 0);
        for line in words.into_iter().filter_map(|word| VOCABULARY.get(word)) {
            let answer = say(&mut session, line);
            match (*line, answer.as_str()) {
                ("LHLO x", "250") => (greeted, sender, recipients) = (true, false, 0),
                ("RSET", "250") => (sender, recipients) = (false, 0),
                (line, "250") if line.starts_with("MAIL") => {
                    prop_assert!(greeted && !sender);
                    sender = true;
                }
                (line, "250") if line.starts_with("RCPT") => {
                    prop_assert!(sender);
                    recipients += 1;
                }
                (_, "data") => {
                    prop_assert!(sender && recipients > 0);
                    session.reset();
                    (sender, recipients) = (false, 0);
                }
                (_, answer) if answer.starts_with("chunk") => prop_assert!(sender && recipients > 0),
                (_, answer) if answer.starts_with("tls") => {
                    session.secured();
                    (greeted, sender, recipients) = (false, false, 0);
                }
                (line, answer) if answer.starts_with("close") => {
                    prop_assert!(line == "QUIT" || answer == "close 421");
                }
                _ => {}
            }
            prop_assert_eq!(session.transaction().map_or(0, |open| open.recipients.len()), recipients);
        }
    }
}
