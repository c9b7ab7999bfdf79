//! What is refused, and how deep, long and wide anything may be.

use super::*;
use crate::command::CommandKind;

#[test]
fn lines_without_a_command() {
    for line in ["", " ", "+ NOOP", "( NOOP", "\u{e9} NOOP"] {
        let error = parse(line).expect_err(line);
        assert_eq!((error.tag, error.error), (None, WireError::Tag), "{line:?}");
    }
    for arguments in [
        "",
        "FROB",
        "UID",
        "UID NOOP",
        "UID FROB 1",
        "NOOPS",
        "123",
        "\"NOOP\"",
    ] {
        check_error(arguments, WireError::UnknownCommand);
    }
}

#[test]
fn errors_name_tag_and_command() {
    let error = parse("a7 FETCH 1").expect_err("incomplete");
    assert_eq!(error.tag, Tag::new(b"a7"));
    assert_eq!(error.kind, Some(CommandKind::Fetch));
    assert_eq!(error.to_string(), "expected a space");
}

#[test]
fn arguments_where_none_belong() {
    for arguments in ["NOOP x", "CLOSE 1", "IDLE DONE", "STARTTLS STARTTLS"] {
        check_syntax(arguments, "the end of the line");
    }
}

#[test]
fn sets() {
    for set in [
        "0",
        "",
        "1,",
        ",1",
        "1:",
        "x",
        "1:2:3,",
        "-1",
        "4294967296",
        "1:4294967296",
        "**",
    ] {
        assert!(parse(&format!("a FETCH {set} FLAGS")).is_err(), "{set}");
    }
    check_syntax("SELECT x (QRESYNC (1 1 1:*))", "a set without *");
}

#[test]
fn fetch() {
    for arguments in [
        "FETCH 1 ()",
        "FETCH 1 (FLAGS",
        "FETCH 1 BODYX",
        "FETCH 1 BODY.PEEK",
        "FETCH 1 BODY[MIME]",
        "FETCH 1 BODY[0]",
        "FETCH 1 BODY[1.]",
        "FETCH 1 BODY[1..2]",
        "FETCH 1 BODY[1",
        "FETCH 1 BODY[HEADER.FIELDS ()]",
        "FETCH 1 BODY[HEADER.FIELDS]",
        "FETCH 1 BODY[]<0.0>",
        "FETCH 1 BODY[]<0>",
        "FETCH 1 FLAGS (CHANGEDSINCE 9223372036854775808)",
        "FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)",
        "UID FETCH 1 FLAGS (VANISHED)",
        "FETCH 1 FLAGS UID",
    ] {
        assert!(parse(&format!("a {arguments}")).is_err(), "{arguments}");
    }
}

#[test]
fn others() {
    for arguments in [
        "LOGIN a",
        "LOGIN a b c",
        "LOGIN \"a b",
        "LOGIN a {5}\r\nabc",
        "LOGIN a ~{1}\r\nb",
        "AUTHENTICATE",
        "AUTHENTICATE PLAIN A===",
        "ENABLE",
        "CREATE x (USE (\\Nope))",
        "CREATE x ()",
        "LIST \"\"",
        "LIST (NOPE) \"\" *",
        "LIST (RECURSIVEMATCH) \"\" *",
        "LIST (RECURSIVEMATCH REMOTE) \"\" *",
        "LIST \"\" ()",
        "LIST \"\" * RETURN (NOPE)",
        "STATUS x ()",
        "STATUS x MESSAGES",
        "STATUS x (NOPE)",
        "STORE 1 FLAGS",
        "STORE 1 FLAGS (\\Nope)",
        "STORE 1 (UNCHANGEDSINCE) FLAGS ()",
        "COPY 1",
        "SETQUOTA \"\" (STORAGE)",
        "APPEND INBOX",
        "SEARCH",
        "SEARCH RETURN ALL",
        "SEARCH RETURN (NOPE) ALL",
        "SEARCH NOPE",
        "SEARCH ()",
        "SEARCH NOT",
        "SEARCH OR ALL",
        "SEARCH SINCE 31-Feb-2024",
        "SEARCH SINCE 1-Foo-2024",
        "SEARCH OLDER 0",
        "SEARCH ALL)",
        "ID (\"a\")",
        "ID",
    ] {
        let error = parse(&format!("a {arguments}")).expect_err(arguments);
        assert!(error.tag.is_some() && error.kind.is_some(), "{arguments}");
    }
}

#[test]
fn mailbox_names() {
    check_error(
        "DELETE a&b",
        WireError::ModifiedUtf7(crate::mutf7::ModifiedUtf7Error::Unterminated),
    );
    check_error("DELETE ../x", WireError::MailboxName(MailboxNameError::Reserved));
    check_error(
        "DELETE \"\"",
        WireError::MailboxName(MailboxNameError::EmptyLevel),
    );
    check_error(
        "CREATE {3}\r\na\r\n",
        WireError::ModifiedUtf7(crate::mutf7::ModifiedUtf7Error::NotPrintable),
    );
    check_error(
        "CREATE &AA0ACg-",
        WireError::MailboxName(MailboxNameError::Control),
    );
}

#[test]
fn nul_is_refused_everywhere() {
    check_error("LOGIN a {1}\r\n\0", WireError::Nul);
    assert!(parse("a LOGIN a \"\0\"").is_err());
    assert!(parse("a LOGIN a \"\\\0\"").is_err());
    assert!(parse("a LOGIN a \0").is_err());
}

#[test]
fn charset_after_utf8_accept() {
    let options = ParseOptions {
        names: NameEncoding::Utf8,
        strict: false,
    };
    let error = command(b"a SEARCH CHARSET UTF-8 ALL\r\n", options).expect_err("RFC 9755 §3");
    assert_eq!(error.error, WireError::CharsetForbidden);
}

#[test]
fn nesting_is_bounded() {
    let parentheses = |depth: usize| format!("SEARCH {}ALL{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&format!("a {}", parentheses(32))).is_ok());
    check_error(&parentheses(33), WireError::TooDeep);
    let nots = |depth: usize| format!("SEARCH {}ALL", "NOT ".repeat(depth));
    assert!(parse(&format!("a {}", nots(SEARCH_DEPTH_MAX))).is_ok());
    check_error(&nots(SEARCH_DEPTH_MAX + 1), WireError::TooDeep);
    check_error(&format!("SEARCH {}", "OR ".repeat(20_000)), WireError::TooDeep);
    check_error(
        &format!("FETCH 1 BODY[{}]", vec!["1"; 101].join(".")),
        WireError::TooDeep,
    );
}

/// Every place of the grammar that may hold a parenthesis, filled with nothing but parentheses.
#[test]
fn parenthesis_bombs() {
    let heads = [
        "FETCH 1 ",
        "SEARCH ",
        "SEARCH RETURN ",
        "SEARCH NOT ",
        "LIST ",
        "LIST \"\" ",
        "LIST \"\" * RETURN ",
        "STATUS x ",
        "STORE 1 ",
        "STORE 1 FLAGS ",
        "SELECT x ",
        "CREATE x ",
        "ID ",
        "SETQUOTA x ",
        "LOGIN ",
        "FETCH 1 BODY[HEADER.FIELDS ",
        "",
        "UID ",
        "ENABLE ",
        "AUTHENTICATE ",
    ];
    for head in heads {
        for bomb in [
            "(".repeat(60_000),
            ")".repeat(60_000),
            "()".repeat(30_000),
            "( ".repeat(30_000),
        ] {
            assert!(parse(&format!("a {head}{bomb}")).is_err(), "{head}");
        }
    }
}

#[test]
fn lists_are_bounded() {
    check_error(
        &format!("ID ({})", vec!["\"a\" \"b\""; 31].join(" ")),
        WireError::TooManyElements,
    );
    check_error(
        &format!("LIST \"\" ({})", vec!["a"; 65].join(" ")),
        WireError::TooManyElements,
    );
    check_error(
        &format!("FETCH 1 ({})", vec!["UID"; 257].join(" ")),
        WireError::TooManyElements,
    );
    check_error(
        &format!("ENABLE {}", vec!["X"; 65].join(" ")),
        WireError::TooManyElements,
    );
}
