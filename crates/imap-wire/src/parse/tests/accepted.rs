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

fn fetch_of(items: Vec<FetchItem>) -> CommandBody {
    let (addressing, set) = (Addressing::Sequence, set(&[(1, 1)]));
    CommandBody::Fetch(Fetch {
        addressing,
        set,
        items,
        changed_since: None,
        vanished: false,
    })
}

#[test]
fn fetch_items() {
    use FetchItem::*;
    check(
        "FETCH 1 ALL",
        fetch_of(vec![Flags, InternalDate, Rfc822Size, Envelope]),
    );
    check("FETCH 1 FAST", fetch_of(vec![Flags, InternalDate, Rfc822Size]));
    check(
        "FETCH 1 full",
        fetch_of(vec![
            Flags,
            InternalDate,
            Rfc822Size,
            Envelope,
            BodyWithoutExtensions,
        ]),
    );
    check(
        "FETCH 1 (UID BODY BODYSTRUCTURE RFC822 RFC822.HEADER RFC822.TEXT MODSEQ EMAILID THREADID)",
        fetch_of(vec![
            Uid,
            BodyWithoutExtensions,
            BodyStructure,
            Rfc822,
            Rfc822Header,
            Rfc822Text,
            ModSeq,
            EmailId,
            ThreadId,
        ]),
    );
}

#[test]
fn repeated_fetch_items_are_answered_once() {
    let line = format!("FETCH 1 ({})", vec!["BODY[] FLAGS"; 100].join(" "));
    let whole = FetchItem::Body {
        peek: false,
        section: Section::default(),
        partial: None,
    };
    check(&line, fetch_of(vec![whole, FetchItem::Flags]));
}

#[test]
fn fetch_sections() {
    let body = |peek, part: &[u32], text, partial| {
        let section = Section {
            part: part.iter().copied().map(nz).collect(),
            text,
        };
        fetch_of(vec![FetchItem::Body {
            peek,
            section,
            partial,
        }])
    };
    let partial = |origin, length| Some(Partial { origin, length });
    let fields = || vec![b"DATE".to_vec(), b"From".to_vec()];
    check("FETCH 1 BODY[]", body(false, &[], None, None));
    check(
        "FETCH 1 body.peek[]<0.393216>",
        body(true, &[], None, partial(0, 393_216)),
    );
    check("FETCH 1 BODY[1.2.3]", body(false, &[1, 2, 3], None, None));
    check(
        "FETCH 1 BODY[1.MIME]",
        body(false, &[1], Some(SectionText::Mime), None),
    );
    check(
        "FETCH 1 BODY[4.1.HEADER]<5.1>",
        body(false, &[4, 1], Some(SectionText::Header), partial(5, 1)),
    );
    check(
        "FETCH 1 BODY[TEXT]",
        body(false, &[], Some(SectionText::Text), None),
    );
    check(
        "FETCH 1 BODY.PEEK[HEADER.FIELDS (DATE \"From\")]",
        body(true, &[], Some(SectionText::HeaderFields(fields())), None),
    );
    check(
        "FETCH 1 BODY[3.HEADER.FIELDS.NOT ({4}\r\nDATE From)]",
        body(false, &[3], Some(SectionText::HeaderFieldsNot(fields())), None),
    );
}

#[test]
fn fetch_modifiers() {
    let expected = |addressing, changed_since, vanished| {
        let (set, items) = (set(&[(1, 0)]), vec![FetchItem::Flags]);
        CommandBody::Fetch(Fetch {
            addressing,
            set,
            items,
            changed_since: Some(mod_seq(changed_since)),
            vanished,
        })
    };
    check(
        "FETCH 1:* (FLAGS) (CHANGEDSINCE 0)",
        expected(Addressing::Sequence, 0, false),
    );
    check(
        "UID FETCH 1:* FLAGS (CHANGEDSINCE 12345 VANISHED)",
        expected(Addressing::Uid, 12_345, true),
    );
}

#[test]
fn store() {
    let store = |action, silent, flags: &[Flag]| Store {
        addressing: Addressing::Sequence,
        set: set(&[(2, 4)]),
        unchanged_since: None,
        action,
        silent,
        flags: flags.to_vec(),
    };
    check(
        r"STORE 2:4 +FLAGS (\Deleted)",
        CommandBody::Store(store(StoreAction::Add, false, &[Flag::Deleted])),
    );
    check(
        r"STORE 4:2 FLAGS.SILENT ()",
        CommandBody::Store(store(StoreAction::Replace, true, &[])),
    );
    check(
        r"STORE 2:4 -FLAGS \seen $Junk",
        CommandBody::Store(store(StoreAction::Remove, false, &[Flag::Seen, keyword("$Junk")])),
    );
    check(
        r"UID STORE $ (UNCHANGEDSINCE 320162338) +FLAGS.SILENT (\Draft)",
        CommandBody::Store(Store {
            addressing: Addressing::Uid,
            set: MessageSet::Saved,
            unchanged_since: Some(mod_seq(320_162_338)),
            ..store(StoreAction::Add, true, &[Flag::Draft])
        }),
    );
}

#[test]
fn copy_move_and_uid_expunge() {
    let target = |addressing| CopyOrMove {
        addressing,
        set: set(&[(2, 4)]),
        mailbox: mailbox("MEETING"),
    };
    check(
        "COPY 2:4 MEETING",
        CommandBody::Copy(target(Addressing::Sequence)),
    );
    check("UID COPY 2:4 MEETING", CommandBody::Copy(target(Addressing::Uid)));
    check(
        "MOVE 2:4 MEETING",
        CommandBody::Move(target(Addressing::Sequence)),
    );
    check("UID MOVE 2:4 MEETING", CommandBody::Move(target(Addressing::Uid)));
    check(
        "UID EXPUNGE 3000:3002",
        CommandBody::UidExpunge(set(&[(3000, 3002)])),
    ); // RFC 4315 §2.1
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

fn search_of(key: SearchKey) -> CommandBody {
    let addressing = Addressing::Sequence;
    CommandBody::Search(Search {
        addressing,
        returns: None,
        charset: Charset::Utf8,
        key,
    })
}

fn text(text: &str) -> SearchText {
    SearchText(text.as_bytes().to_vec())
}

#[test]
fn search_keys() {
    use SearchKey::*;
    let date = Date::new(1994, 2, 1).expect("date");
    let cases = [
        ("ALL", All),
        ("RECENT", Recent),
        ("NEW", New),
        ("OLD", Old),
        ("UNSEEN", NoFlag(super::Flag::Seen)),
        ("KEYWORD $Junk", Flag(keyword("$Junk"))),
        ("UNKEYWORD a", NoFlag(keyword("a"))),
        ("2,4:*", Sequence(set(&[(2, 2), (4, 0)]))),
        ("*:*", Sequence(set(&[(0, 0)]))),
        ("$", Sequence(MessageSet::Saved)),
        ("UID 5", Uid(set(&[(5, 5)]))),
        ("SUBJECT \"a b\"", Subject(text("a b"))),
        ("BODY {2}\r\n\r\n", Body(text("\r\n"))),
        ("SINCE 1-Feb-1994", Since(date)),
        ("SENTON \"01-feb-1994\"", SentOn(date)),
        ("LARGER 18446744073709551615", Larger(u64::MAX)),
        ("OLDER 259200", Older(nz(259_200))),
        ("YOUNGER 1", Younger(nz(1))),
        ("EMAILID M_-1", EmailId("M_-1".into())),
        ("THREADID T1", ThreadId("T1".into())),
        ("MODSEQ 620162338", ModSeq(None, mod_seq(620_162_338))),
    ];
    for (arguments, key) in cases {
        check(&format!("SEARCH {arguments}"), search_of(key));
    }
    let header = SearchHeader {
        name: b"Message-ID".to_vec(),
        text: text(""),
    };
    check("SEARCH HEADER Message-ID \"\"", search_of(Header(header)));
    let entry = ModSeqEntry {
        flag: super::Flag::Draft,
        kind: EntryKind::All,
    };
    check(
        r#"SEARCH MODSEQ "/flags/\\draft" all 620162338"#, // RFC 7162 §3.1.5
        search_of(ModSeq(Some(entry), mod_seq(620_162_338))),
    );
}

#[test]
fn search_trees() {
    use SearchKey::*;
    check(
        "SEARCH FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"", // RFC 3501 §6.4.4
        search_of(And(vec![
            Flag(super::Flag::Flagged),
            Since(Date::new(1994, 2, 1).expect("date")),
            Not(Box::new(From(text("Smith")))),
        ])),
    );
    check(
        "SEARCH OR (SEEN DRAFT) OR TO a CC b",
        search_of(Or(
            Box::new(And(vec![Flag(super::Flag::Seen), Flag(super::Flag::Draft)])),
            Box::new(Or(Box::new(To(text("a"))), Box::new(Cc(text("b"))))),
        )),
    );
    check("SEARCH ((ALL))", search_of(All));
}

#[test]
fn search_options() {
    let search = |returns, charset| {
        CommandBody::Search(Search {
            addressing: Addressing::Uid,
            returns,
            charset,
            key: SearchKey::All,
        })
    };
    let returns = |min, count, all, save| {
        Some(SearchReturn {
            min,
            max: false,
            all,
            count,
            save,
        })
    };
    check(
        "UID SEARCH RETURN (MIN COUNT) ALL",
        search(returns(true, true, false, false), Charset::Utf8),
    );
    check(
        "UID SEARCH RETURN () ALL",
        search(returns(false, false, true, false), Charset::Utf8),
    );
    check(
        "UID SEARCH RETURN (SAVE) ALL",
        search(returns(false, false, false, true), Charset::Utf8),
    );
    check("UID SEARCH CHARSET us-ascii ALL", search(None, Charset::UsAscii));
    check("UID SEARCH CHARSET \"UTF-8\" ALL", search(None, Charset::Utf8));
    check(
        "UID SEARCH CHARSET koi8-r ALL",
        search(None, Charset::Other("KOI8-R".into())),
    );
}

#[test]
fn hostile_sets_collapse() {
    let line = format!("FETCH {} FLAGS", vec!["1:*"; 1500].join(","));
    let Ok(CommandBody::Fetch(fetch)) = parse(&format!("a {line}")).map(|command| command.body) else {
        unreachable!("a FETCH");
    };
    assert_eq!(fetch.set, set(&[(1, 0)]));
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
