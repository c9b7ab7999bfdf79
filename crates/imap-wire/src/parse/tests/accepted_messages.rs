//! What the arguments of the commands on messages mean.

use super::*;
use crate::command::*;

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
        "FETCH 1:* (FLAGS) (CHANGEDSINCE 9223372036854775807)",
        expected(Addressing::Sequence, u64::MAX >> 1, false),
    );
    let apple = parse("a1 FETCH 1:* (FLAGS) (CHANGEDSINCE 0)").expect("tolerated");
    assert_eq!(apple.body, expected(Addressing::Sequence, 0, false));
    assert_eq!(
        apple.leniencies.iter().collect::<Vec<_>>(),
        [Leniency::ZeroModSeq]
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
