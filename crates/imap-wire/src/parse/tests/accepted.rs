//! What each command's arguments mean.

use super::*;
use crate::command::*;

#[test]
fn without_arguments() {
    check("CAPABILITY", CommandBody::Capability);
    check("noop", CommandBody::Noop);
    check("Logout", CommandBody::Logout);
    check("STARTTLS", CommandBody::StartTls);
    check("NAMESPACE", CommandBody::Namespace);
    check("IDLE", CommandBody::Idle);
    check("CHECK", CommandBody::Check);
    check("CLOSE", CommandBody::Close);
    check("UNSELECT", CommandBody::Unselect);
    check("EXPUNGE", CommandBody::Expunge);
}

#[test]
fn id() {
    check("ID NIL", CommandBody::Id(vec![]));
    check("ID ()", CommandBody::Id(vec![]));
    check(
        r#"ID ("name" "sodr" "version" NIL)"#,
        CommandBody::Id(vec![
            ("name".into(), Some("sodr".into())),
            ("version".into(), None),
        ]),
    ); // RFC 2971 §3.1
}

#[test]
fn login() {
    let login = |user: &[u8], password: &[u8]| CommandBody::Login {
        user: user.to_vec(),
        password: Secret::new(password.to_vec()),
    };
    check("LOGIN SMITH SESAME", login(b"SMITH", b"SESAME"));
    check(r#"LOGIN "a b" "p\"\\w""#, login(b"a b", br#"p"\w"#));
    check(
        "LOGIN {11}\r\nFRED FOOBAR {7}\r\nfat man",
        login(b"FRED FOOBAR", b"fat man"),
    ); // RFC 3501 §7.5
    check("LOGIN {2+}\r\n\r\n {0+}\r\n", login(b"\r\n", b""));
    check("LOGIN u@h.example p]", login(b"u@h.example", b"p]"));
    check("LOGIN u {3}\r\n\u{e9}x", login(b"u", "\u{e9}x".as_bytes()));
}

#[test]
fn authenticate() {
    let authenticate = |response: Option<&[u8]>| CommandBody::Authenticate {
        mechanism: atom("PLAIN"),
        initial_response: response.map(|bytes| Secret::new(bytes.to_vec())),
    };
    check("AUTHENTICATE PLAIN", authenticate(None));
    check(
        "AUTHENTICATE PLAIN dGVzdAB0ZXN0AHRlc3Q=",
        authenticate(Some(b"test\0test\0test")),
    ); // RFC 4959 §5
    check("AUTHENTICATE PLAIN =", authenticate(Some(b"")));
}

#[test]
fn lines_after_authenticate_and_idle() {
    use crate::parse::{AuthenticateLine, authenticate_line, is_done};
    let response = |bytes: &[u8]| Ok(AuthenticateLine::Response(Secret::new(bytes.to_vec())));
    assert_eq!(authenticate_line(b"*"), Ok(AuthenticateLine::Cancel));
    assert_eq!(authenticate_line(b""), response(b""));
    assert_eq!(authenticate_line(b"AGEAYg=="), response(b"\0a\0b"));
    for bad in [&b"A"[..], b"AGEAYg", b"AG!A", b"* ", b"AGEAYh==", b"AGEAYg== "] {
        assert_eq!(authenticate_line(bad), Err(WireError::Base64), "{bad:?}");
    }
    assert!(is_done(b"done") && is_done(b"DONE "));
    assert!(!is_done(b"DONE x") && !is_done(b""));
}

#[test]
fn enable_and_compress() {
    check(
        "ENABLE CONDSTORE UTF8=ACCEPT",
        CommandBody::Enable(vec![atom("CONDSTORE"), atom("UTF8=ACCEPT")]),
    );
    check("COMPRESS DEFLATE", CommandBody::Compress(atom("DEFLATE")));
}

#[test]
fn select() {
    let select = |condstore, qresync| Select {
        mailbox: mailbox("INBOX"),
        condstore,
        qresync,
    };
    check("SELECT inbox", CommandBody::Select(select(false, None)));
    check(
        "EXAMINE INBOX (CONDSTORE)",
        CommandBody::Examine(select(true, None)),
    );
    let mut qresync = QResync {
        uid_validity: UidValidity(nz(67_890_007)),
        mod_seq: mod_seq(90_060_115_194_045_000),
        known_uids: Some(numbers(&[(41, 211), (214, 541)])),
        sequence_match: None,
    };
    check(
        "SELECT INBOX (QRESYNC (67890007 90060115194045000 41:211,214:541))",
        CommandBody::Select(select(false, Some(qresync.clone()))),
    ); // RFC 7162 §3.2.5
    qresync.sequence_match = Some((numbers(&[(1, 2)]), numbers(&[(7, 7), (9, 9)])));
    check(
        "SELECT INBOX (CONDSTORE QRESYNC (67890007 90060115194045000 41:211,214:541 (1:2 7,9)))",
        CommandBody::Select(select(true, Some(qresync.clone()))),
    );
    qresync.known_uids = None;
    check(
        "SELECT INBOX (QRESYNC (67890007 90060115194045000 (1:2 7,9)))",
        CommandBody::Select(select(false, Some(qresync))),
    );
}

#[test]
fn mailboxes() {
    let create = |name, special_uses: &[SpecialUse]| CommandBody::Create {
        mailbox: mailbox(name),
        special_uses: special_uses.to_vec(),
    };
    check("CREATE owatagusiam/", create("owatagusiam", &[])); // RFC 3501 §6.3.3
    check(
        r"CREATE x (USE (\Sent \drafts))",
        create("x", &[SpecialUse::Sent, SpecialUse::Drafts]),
    );
    check("DELETE Entw&APw-rfe", CommandBody::Delete(mailbox("Entwürfe")));
    check(
        "RENAME \"a b\" c",
        CommandBody::Rename {
            from: mailbox("a b"),
            to: mailbox("c"),
        },
    );
    check("SUBSCRIBE a/b", CommandBody::Subscribe(mailbox("a/b")));
    check(
        "UNSUBSCRIBE iNbOx/x",
        CommandBody::Unsubscribe(mailbox("INBOX/x")),
    );
    check("SUBSCRIBE {3}\r\na]b", CommandBody::Subscribe(mailbox("a]b")));
}

#[test]
fn mailbox_names_after_utf8_accept() {
    let options = ParseOptions {
        names: NameEncoding::Utf8,
        strict: true,
    };
    let delete = |line: &[u8]| command(line, options).map(|command| command.body);
    assert_eq!(
        delete("a DELETE \"Entwürfe\"\r\n".as_bytes()),
        Ok(CommandBody::Delete(mailbox("Entwürfe")))
    );
    assert_eq!(
        delete(b"a DELETE Entw&APw-rfe\r\n"),
        Ok(CommandBody::Delete(mailbox("Entw&APw-rfe")))
    );
    assert!(delete(b"a DELETE \"\xff\"\r\n").is_err());
}

#[test]
fn list() {
    let list = |reference: &str, patterns: &[&str]| List {
        selection: ListSelection::default(),
        reference: reference.into(),
        patterns: patterns.iter().map(|pattern| (*pattern).to_owned()).collect(),
        returns: None,
    };
    check(r#"LIST "" *"#, CommandBody::List(list("", &["*"])));
    check(r#"LIST "" """#, CommandBody::List(list("", &[""])));
    check("LIST foo/ b%&-", CommandBody::List(list("foo/", &["b%&"])));
    let subscribed = ListSelection {
        subscribed: true,
        recursive_match: true,
        ..ListSelection::default()
    };
    let returns = ListReturn {
        special_use: true,
        ..ListReturn::default()
    };
    check(
        r#"LIST (SUBSCRIBED RECURSIVEMATCH) "" "*" RETURN (SPECIAL-USE)"#,
        CommandBody::List(List {
            selection: subscribed,
            returns: Some(returns),
            ..list("", &["*"])
        }),
    );
    check(
        r#"LIST () "" (INBOX "Sent/%") RETURN ()"#,
        CommandBody::List(List {
            returns: Some(ListReturn::default()),
            ..list("", &["INBOX", "Sent/%"])
        }),
    );
    let returns = ListReturn {
        subscribed: true,
        children: true,
        special_use: false,
        status: Some(vec![StatusItem::Messages, StatusItem::Size]),
    };
    check(
        r#"LIST "" % RETURN (SUBSCRIBED STATUS (MESSAGES SIZE) CHILDREN)"#,
        CommandBody::List(List {
            returns: Some(returns),
            ..list("", &["%"])
        }),
    );
    let basic = BasicList {
        reference: "#news.".into(),
        pattern: "comp.mail.*".into(),
    };
    check(
        "LSUB \"#news.\" \"comp.mail.*\"",
        CommandBody::Lsub(basic.clone()),
    ); // RFC 3501 §6.3.9
    check("XLIST #news. comp.mail.*", CommandBody::Xlist(basic));
}

#[test]
fn status() {
    check(
        "STATUS blurdybloop (UIDNEXT MESSAGES)",
        CommandBody::Status {
            mailbox: mailbox("blurdybloop"),
            items: vec![StatusItem::UidNext, StatusItem::Messages],
        },
    );
    check(
        "STATUS x (SIZE HIGHESTMODSEQ MAILBOXID APPENDLIMIT DELETED DELETED-STORAGE RECENT UIDVALIDITY UNSEEN SIZE)",
        CommandBody::Status {
            mailbox: mailbox("x"),
            items: vec![
                StatusItem::Size,
                StatusItem::HighestModSeq,
                StatusItem::MailboxId,
                StatusItem::AppendLimit,
                StatusItem::Deleted,
                StatusItem::DeletedStorage,
                StatusItem::Recent,
                StatusItem::UidValidity,
                StatusItem::Unseen,
            ],
        },
    );
}

#[test]
fn quota() {
    check(r#"GETQUOTA """#, CommandBody::GetQuota(vec![]));
    check("GETQUOTAROOT INBOX", CommandBody::GetQuotaRoot(mailbox("INBOX")));
    check(
        r#"SETQUOTA "" (STORAGE 512)"#,
        CommandBody::SetQuota {
            root: vec![],
            limits: vec![(atom("STORAGE"), 512)],
        },
    );
}

#[test]
fn leniencies() {
    check_lenient("NOOP ", Leniency::StraySpace, "NOOP");
    check_lenient(
        "STATUS x (MESSAGES )",
        Leniency::StraySpace,
        "STATUS x (MESSAGES)",
    ); // Exchange
    check_lenient(
        "STATUS x ( MESSAGES)",
        Leniency::StraySpace,
        "STATUS x (MESSAGES)",
    );
    check_lenient("FETCH 1  FLAGS", Leniency::RepeatedSpace, "FETCH 1 FLAGS");
    check_lenient("DELETE a/", Leniency::TrailingDelimiter, "DELETE a");
    check_lenient(
        "DELETE {3}\r\n\u{e9}x",
        Leniency::Utf8MailboxName,
        "DELETE &AOk-x",
    );
    check_lenient(r#"DELETE "a\b""#, Leniency::NeedlessEscape, "DELETE ab");
    check_lenient(
        "FETCH 1 (FAST UID)",
        Leniency::MacroInList,
        "FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE UID)",
    );
    check_lenient(
        r"STORE 1 +FLAGS (\Recent \Seen)",
        Leniency::RecentFlag,
        r"STORE 1 +FLAGS (\Seen)",
    );
    check_lenient(
        "SEARCH TEXT \"\u{e9}\"",
        Leniency::EightBit,
        "SEARCH TEXT {2}\r\n\u{e9}",
    );
    check_lenient("SEARCH ( ALL)", Leniency::StraySpace, "SEARCH (ALL)");
}
