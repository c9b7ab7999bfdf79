//! Known answers for every response, most of them from the RFCs' examples.

use super::*;
use crate::command::Addressing;
use crate::types::*;

fn nz(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("not zero")
}

fn set(pairs: &[(u32, u32)]) -> Vec<NumberRange> {
    pairs.iter().map(|(first, last)| nz(*first)..=nz(*last)).collect()
}

fn check(write: impl FnOnce(&mut Vec<u8>), expected: &str) {
    let mut out = Vec::new();
    write(&mut out);
    assert_eq!(String::from_utf8_lossy(&out), expected.to_owned() + "\r\n");
}

fn check_code(code: ResponseCode<'_>, expected: &str) {
    let status = Status {
        tag: None,
        condition: Condition::Ok,
        code: Some(code),
        text: "x",
    };
    check(|out| status.encode(out), &format!("* OK [{expected}] x"));
}

#[test]
fn status_responses() {
    let tag = Tag::new(b"a1").expect("tag");
    let status = |condition, text| Status {
        tag: Some(&tag),
        condition,
        code: None,
        text,
    };
    check(|out| status(Condition::Ok, "done").encode(out), "a1 OK done");
    check(|out| status(Condition::No, "").encode(out), "a1 NO Failed");
    check(|out| status(Condition::Bad, "[x] y").encode(out), "a1 BAD (x] y");
    check(
        |out| status(Condition::Bad, "a\r\n* BYE \0é").encode(out),
        "a1 BAD a??* BYE ??",
    );
    let greeting = Status {
        tag: None,
        condition: Condition::PreAuth,
        code: None,
        text: "hello",
    };
    check(|out| greeting.encode(out), "* PREAUTH hello");
}

#[test]
fn codes_with_arguments() {
    let validity = UidValidity(nz(38505));
    check_code(
        ResponseCode::AppendUid(validity, &set(&[(3955, 3955)])),
        "APPENDUID 38505 3955",
    );
    check_code(
        ResponseCode::CopyUid(validity, &set(&[(304, 304), (319, 320)]), &set(&[(3956, 3958)])),
        "COPYUID 38505 304,319:320 3956:3958",
    ); // RFC 4315 §3
    check_code(ResponseCode::UidNext(Uid(nz(4392))), "UIDNEXT 4392");
    check_code(ResponseCode::UidValidity(validity), "UIDVALIDITY 38505");
    check_code(ResponseCode::Unseen(SeqNum(nz(12))), "UNSEEN 12");
    check_code(
        ResponseCode::PermanentFlags(&[FlagRef::Deleted, FlagRef::Seen, FlagRef::NewKeywords]),
        "PERMANENTFLAGS (\\Deleted \\Seen \\*)",
    );
    check_code(ResponseCode::PermanentFlags(&[]), "PERMANENTFLAGS ()");
    check_code(
        ResponseCode::BadCharset(&["US-ASCII", "UTF-8"]),
        "BADCHARSET (US-ASCII UTF-8)",
    );
    check_code(ResponseCode::BadCharset(&[]), "BADCHARSET");
    check_code(ResponseCode::Modified(&set(&[(7, 7), (9, 9)])), "MODIFIED 7,9"); // RFC 7162 §3.1.3
    let mod_seq = ModSeq::new(715_194_045_007).expect("63 bits");
    check_code(ResponseCode::HighestModSeq(mod_seq), "HIGHESTMODSEQ 715194045007");
    check_code(
        ResponseCode::MailboxId("F2212ea87-6097"),
        "MAILBOXID (F2212ea87-6097)",
    );
    check_code(
        ResponseCode::Capability(&[Capability::Imap4Rev1, Capability::Idle]),
        "CAPABILITY IMAP4rev1 IDLE",
    );
    check_code(ResponseCode::TryCreate, "TRYCREATE");
}

#[test]
fn listings() {
    let response = ListResponse {
        form: ListForm::List,
        attributes: &[
            ListAttribute::HasNoChildren,
            ListAttribute::SpecialUse(SpecialUse::Sent),
        ],
        name: "Gesendete Entwürfe",
        child_info: &[],
        old_name: None,
    };
    check(
        |out| response.encode(out, NameEncoding::ModifiedUtf7),
        r#"* LIST (\HasNoChildren \Sent) "/" "Gesendete Entw&APw-rfe""#,
    );
    check(
        |out| response.encode(out, NameEncoding::Utf8),
        r#"* LIST (\HasNoChildren \Sent) "/" "Gesendete Entwürfe""#,
    );
    let extended = ListResponse {
        attributes: &[],
        name: "Foo",
        child_info: &[ChildInfo::Subscribed],
        old_name: Some("Bar"),
        ..response
    };
    check(
        |out| extended.encode(out, NameEncoding::ModifiedUtf7),
        r#"* LIST () "/" Foo ("CHILDINFO" ("SUBSCRIBED") "OLDNAME" (Bar))"#,
    );
    let root = ListResponse {
        form: ListForm::Lsub,
        name: "",
        child_info: &[],
        old_name: None,
        ..extended
    };
    check(
        |out| root.encode(out, NameEncoding::ModifiedUtf7),
        r#"* LSUB () "/" """#,
    );
}

#[test]
fn a_name_never_ends_a_line() {
    let response = ListResponse {
        form: ListForm::List,
        attributes: &[],
        name: "a\r\nb",
        child_info: &[],
        old_name: None,
    };
    check(
        |out| response.encode(out, NameEncoding::ModifiedUtf7),
        r#"* LIST () "/" a&AA0ACg-b"#,
    );
    check(
        |out| response.encode(out, NameEncoding::Utf8),
        "* LIST () \"/\" {4}\r\na\r\nb",
    );
}

#[test]
fn namespaces() {
    let response = NamespaceResponse {
        personal: &[NamespaceRoot { prefix: "" }],
        other_users: &[NamespaceRoot {
            prefix: "Other Users/",
        }],
        shared: &[],
    };
    check(
        |out| response.encode(out, NameEncoding::ModifiedUtf7),
        r#"* NAMESPACE (("" "/")) (("Other Users/" "/")) NIL"#,
    );
}

#[test]
fn status_of_a_mailbox() {
    let mailbox = MailboxName::new("blurdybloop").expect("name");
    let values = [
        StatusValue::Messages(231),
        StatusValue::UidNext(Uid(nz(44292))),
        StatusValue::MailboxId("F1"),
        StatusValue::AppendLimit(None),
        StatusValue::Size(8),
    ];
    let response = StatusResponse {
        mailbox: &mailbox,
        values: &values,
    };
    check(
        |out| response.encode(out, NameEncoding::ModifiedUtf7),
        "* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292 MAILBOXID (F1) APPENDLIMIT NIL SIZE 8)",
    );
}

#[test]
fn message_responses() {
    check(|out| exists(out, 172), "* 172 EXISTS");
    check(|out| recent(out, 0), "* 0 RECENT");
    check(|out| expunge(out, SeqNum(nz(44))), "* 44 EXPUNGE");
    check(
        |out| vanished(out, Expunged::Earlier, set(&[(41, 41), (43, 116)])),
        "* VANISHED (EARLIER) 41,43:116",
    );
    check(
        |out| vanished(out, Expunged::Now, set(&[(405, 405)])),
        "* VANISHED 405",
    );
    check(
        |out| {
            flags(
                out,
                [FlagRef::Answered, FlagRef::Recent, FlagRef::Keyword("$Junk")],
            )
        },
        r"* FLAGS (\Answered \Recent $Junk)",
    );
    let mut out = Vec::new();
    vanished(&mut out, Expunged::Now, []);
    assert!(out.is_empty());
}

#[test]
fn fetch_items() {
    let mut out = Vec::new();
    let mut fetch = FetchWriter::begin(&mut out, SeqNum(nz(12)));
    fetch.uid(&mut out, Uid(nz(7)));
    fetch.flags(&mut out, [FlagRef::Seen, FlagRef::Keyword("a(b")]);
    fetch.internal_date(
        &mut out,
        DateTime::from_unix_seconds(837_596_665, -420).expect("time"),
    );
    fetch.rfc822_size(&mut out, 4286);
    fetch.envelope(&mut out, b"(NIL)");
    fetch.body_structure(&mut out, b"(\"TEXT\")");
    fetch.body_without_extensions(&mut out, b"(x)");
    fetch.mod_seq(&mut out, ModSeq::new(9).expect("63 bits"));
    fetch.email_id(&mut out, "M1");
    fetch.thread_id(&mut out, None);
    fetch.end(&mut out);
    let expected = "* 12 FETCH (UID 7 FLAGS (\\Seen a_b) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 4286 \
                    ENVELOPE (NIL) BODYSTRUCTURE (\"TEXT\") BODY (x) MODSEQ (9) EMAILID (M1) THREADID NIL)\r\n";
    assert_eq!(String::from_utf8_lossy(&out), expected);
}

#[test]
fn fetch_bodies_are_announced() {
    let mut out = Vec::new();
    let section = Section {
        part: vec![nz(1), nz(2)],
        text: Some(SectionText::HeaderFields(vec![b"Date".to_vec()])),
    };
    let mut fetch = FetchWriter::begin(&mut out, SeqNum(nz(1)));
    fetch.body(&mut out, BodyName::Section(&section, None), 3);
    out.extend_from_slice(b"abc");
    fetch.body(&mut out, BodyName::Section(&Section::default(), Some(5)), 0);
    fetch.no_body(
        &mut out,
        BodyName::Section(
            &Section {
                part: vec![nz(9)],
                text: None,
            },
            None,
        ),
    );
    fetch.body(&mut out, BodyName::Rfc822Header, 2);
    out.extend_from_slice(b"\r\n");
    fetch.end(&mut out);
    let expected = "* 1 FETCH (BODY[1.2.HEADER.FIELDS (Date)] {3}\r\nabc BODY[]<5> \"\" BODY[9] NIL \
                    RFC822.HEADER {2}\r\n\r\n)\r\n";
    assert_eq!(String::from_utf8_lossy(&out), expected);
}

#[test]
fn search_results() {
    check(
        |out| search(out, [nz(2), nz(84), nz(882)], None),
        "* SEARCH 2 84 882",
    ); // RFC 3501 §7.2.5
    check(|out| search(out, [], None), "* SEARCH");
    check(
        |out| search(out, [nz(2), nz(5)], ModSeq::new(917)),
        "* SEARCH 2 5 (MODSEQ 917)",
    );
    let tag = Tag::new(b"A285").expect("tag");
    let found = set(&[(43, 43), (45, 47)]);
    let mut response = ESearch {
        tag: &tag,
        addressing: Addressing::Uid,
        min: Some(nz(7)),
        max: Some(nz(3800)),
        all: Some(&found),
        count: Some(15),
        mod_seq: ModSeq::new(917),
    };
    check(
        |out| response.encode(out),
        "* ESEARCH (TAG \"A285\") UID MIN 7 MAX 3800 COUNT 15 ALL 43,45:47 MODSEQ 917",
    );
    response = ESearch {
        addressing: Addressing::Sequence,
        min: None,
        max: None,
        all: Some(&[]),
        ..response
    };
    check(
        |out| response.encode(out),
        "* ESEARCH (TAG \"A285\") COUNT 15 MODSEQ 917",
    );
}

#[test]
fn quotas() {
    let usage = QuotaUsage {
        resource: QuotaResource::Storage,
        used: 10,
        limit: 512,
    };
    check(|out| quota(out, "", &[usage]), r#"* QUOTA "" (STORAGE 10 512)"#); // RFC 9208 §4.1.1
    let inbox = MailboxName::inbox();
    check(
        |out| quota_root(out, &inbox, &[""], NameEncoding::ModifiedUtf7),
        r#"* QUOTAROOT INBOX """#,
    );
}

#[test]
fn session_responses() {
    let capabilities = [
        Capability::Imap4Rev1,
        Capability::Auth(SaslMechanism::ScramSha256Plus),
        Capability::AppendLimit(Some(1000)),
    ];
    check(
        |out| capability(out, &capabilities),
        "* CAPABILITY IMAP4rev1 AUTH=SCRAM-SHA-256-PLUS APPENDLIMIT=1000",
    );
    check(|out| enabled(out, &[]), "* ENABLED");
    check(|out| id(out, &[]), "* ID NIL");
    check(|out| id(out, &[("name", "x\"y")]), r#"* ID ("name" "x\"y")"#);
    check(|out| continuation(out, "idling"), "+ idling");
    check(|out| continuation_base64(out, b""), "+ ");
    check(|out| continuation_base64(out, b"ready"), "+ cmVhZHk=");
}

#[test]
fn numbers_join_into_ranges() {
    let joined: Vec<NumberRange> = ranges([1, 2, 3, 7, 9, u32::MAX].map(nz)).collect();
    assert_eq!(joined, set(&[(1, 3), (7, 7), (9, 9), (u32::MAX, u32::MAX)]));
}
