//! The client's lines of the RFCs' example dialogues: each must frame and parse.

use super::*;
use crate::frame::{Event, Framer, Limits};

/// Runs `stream` through framer and parser and returns the names of the commands, in order.
fn commands(stream: &str) -> Vec<&'static str> {
    let stream = stream.trim_start().replace('\n', "\r\n");
    let mut framer = Framer::new(Limits::after_login(), ParseOptions::default());
    let mut input = stream.as_bytes();
    let mut names = Vec::new();
    while let Some(event) = framer.advance(&mut input) {
        match event {
            Event::Command(frame) => {
                let command = command(
                    &frame,
                    ParseOptions {
                        strict: true,
                        ..ParseOptions::default()
                    },
                );
                names.push(command.expect("an example of an RFC").body.kind().spec().name);
                if names.ends_with(&["IDLE"]) {
                    framer.expect_line();
                }
            }
            Event::Line(line) => assert!(crate::parse::is_done(&line)),
            Event::Append(_) | Event::AppendAnother(_) => framer.accept_message(),
            Event::AppendEnd => names.push("APPEND"),
            Event::Continue | Event::Body(_) | Event::BodyEnd { .. } => {}
            Event::Rejected(rejection) => unreachable!("{rejection:?}"),
        }
    }
    names
}

#[test]
fn rfc_3501_section_6() {
    let dialogue = "
abcd CAPABILITY
efgh STARTTLS
ijkl CAPABILITY
A023 LOGOUT
a001 LOGIN SMITH SESAME
A142 SELECT INBOX
A932 EXAMINE blurdybloop
A003 CREATE owatagusiam/
A004 CREATE owatagusiam/blurdybloop
A683 DELETE blurdybloop
A684 RENAME blurdybloop sarasoop
A002 SUBSCRIBE #news.comp.mail.mime
A002 UNSUBSCRIBE #news.comp.mail.mime
A101 LIST \"\" \"\"
A102 LIST #news.comp.mail.misc \"\"
A103 LIST /usr/staff/jones \"\"
A202 LIST ~/Mail/ %
A002 LSUB \"#news.\" \"comp.mail.*\"
A003 LSUB \"#news.\" \"comp.%\"
A042 STATUS blurdybloop (UIDNEXT MESSAGES)
FXXZ CHECK
A341 CLOSE
A202 EXPUNGE
A282 SEARCH FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"
A283 SEARCH TEXT \"string not in mailbox\"
A284 SEARCH CHARSET UTF-8 TEXT {6}
XXXXXX
A654 FETCH 2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])
A003 STORE 2:4 +FLAGS (\\Deleted)
A003 COPY 2:4 MEETING
A999 UID FETCH 4827313:4828442 FLAGS
";
    let expected = [
        "CAPABILITY",
        "STARTTLS",
        "CAPABILITY",
        "LOGOUT",
        "LOGIN",
        "SELECT",
        "EXAMINE",
        "CREATE",
        "CREATE",
        "DELETE",
        "RENAME",
        "SUBSCRIBE",
        "UNSUBSCRIBE",
        "LIST",
        "LIST",
        "LIST",
        "LIST",
        "LSUB",
        "LSUB",
        "STATUS",
        "CHECK",
        "CLOSE",
        "EXPUNGE",
        "SEARCH",
        "SEARCH",
        "SEARCH",
        "FETCH",
        "STORE",
        "COPY",
        "FETCH",
    ];
    assert_eq!(commands(dialogue), expected);
}

#[test]
fn rfc_3501_section_6_3_11_append() {
    let dialogue = "
A003 APPEND saved-messages (\\Seen) {64}
Date: Mon, 7 Feb 1994 21:52:25 -0800 (PST)
Subject: afternoon

A004 NOOP
";
    assert_eq!(commands(dialogue), ["APPEND", "NOOP"]);
}

#[test]
fn rfc_3501_section_8() {
    let dialogue = "
a001 login mrc secret
a002 select inbox
a003 fetch 12 full
a004 fetch 12 body[header]
a005 store 12 +flags \\deleted
a006 logout
";
    assert_eq!(
        commands(dialogue),
        ["LOGIN", "SELECT", "FETCH", "FETCH", "STORE", "LOGOUT"]
    );
}

#[test]
fn extensions() {
    let dialogue = "
a ID (\"name\" \"sodr\" \"version\" \"19.34\" \"vendor\" \"Pink Floyd Music Limited\")
A002 IDLE
DONE
t1 ENABLE CONDSTORE X-GOOD-IDEA
A003 UID EXPUNGE 3000:3002
a UID MOVE 42:69 foo
A01 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" \"*\" RETURN (CHILDREN)
A02 LIST \"\" (\"INBOX\" \"Drafts\" \"Sent/%\")
t2 LIST (SPECIAL-USE) \"\" \"*\" RETURN (SPECIAL-USE)
t3 LIST \"\" % RETURN (STATUS (MESSAGES UNSEEN))
t4 CREATE MySpecial (USE (\\Drafts \\Sent))
A282 SEARCH RETURN (MIN COUNT) FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"
A283 FETCH $ (FLAGS)
C4 SEARCH UNSEEN YOUNGER 259200
s100 UID STORE 1 (UNCHANGEDSINCE 12345) +FLAGS.SILENT ($Processed)
s103 UID FETCH 300:500 (FLAGS) (CHANGEDSINCE 12345 VANISHED)
A03 SELECT INBOX (QRESYNC (67890007 90060115194045000 41:211,214:541))
A003 GETQUOTAROOT INBOX
A003 SETQUOTA \"#user/alice\" (STORAGE 510)
a STATUS frop (MESSAGES SIZE)
a COMPRESS DEFLATE
a UNSELECT
";
    let expected = [
        "ID",
        "IDLE",
        "ENABLE",
        "EXPUNGE",
        "MOVE",
        "LIST",
        "LIST",
        "LIST",
        "LIST",
        "CREATE",
        "SEARCH",
        "FETCH",
        "SEARCH",
        "STORE",
        "FETCH",
        "SELECT",
        "GETQUOTAROOT",
        "SETQUOTA",
        "STATUS",
        "COMPRESS",
        "UNSELECT",
    ];
    assert_eq!(commands(dialogue), expected);
}
