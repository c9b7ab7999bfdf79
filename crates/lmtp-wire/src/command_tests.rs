//! Tables of command lines.

use proptest::prelude::*;

use super::*;

fn parse(line: &str) -> Result<Command, CommandError> {
    Command::parse(line.as_bytes())
}

/// Checks that `line` is understood as what `canonical` says.
fn check(line: &str, canonical: &str) {
    assert_eq!(
        parse(line).map(|command| command.to_string()).as_deref(),
        Ok(canonical),
        "{line:?}"
    );
}

fn refuse(line: &str, expected: CommandError) {
    assert_eq!(parse(line), Err(expected), "{line:?}");
}

#[test]
fn simple_commands() {
    check("LHLO client.example.org", "LHLO client.example.org");
    check("lhlo [192.0.2.1]", "LHLO [192.0.2.1]");
    check("LHLO [IPv6:2001:db8::1]  ", "LHLO [IPv6:2001:db8::1]");
    check("LHLO my_host", "LHLO my_host");
    check("data", "DATA");
    check("RSET ", "RSET");
    check("NOOP whatever", "NOOP");
    check("HELP MAIL", "HELP");
    check("QUIT", "QUIT");
    check("VRFY  postmaster", "VRFY postmaster");
    check("STARTTLS", "STARTTLS");
    check("BDAT 1000", "BDAT 1000");
    check("bdat 86 last", "BDAT 86 LAST");
}

#[test]
fn commands_that_are_refused() {
    for smtp in ["HELO x", "EHLO client.example.org", "ehlo"] {
        refuse(smtp, CommandError::NotSmtp);
    }
    for unknown in [
        "",
        " ",
        "TURN",
        "EXPN x",
        "MAILFROM:<>",
        " NOOP",
        "GET / HTTP/1.1",
        "A1 LOGIN x y",
    ] {
        refuse(unknown, CommandError::Unrecognized);
    }
    for syntax in [
        "LHLO",
        "LHLO a b",
        "LHLO <x>",
        "LHLO a..b",
        "DATA x",
        "RSET x",
        "QUIT now",
        "STARTTLS x",
        "VRFY",
        "MAIL",
        "MAIL TO:<a@b>",
        "RCPT",
        "RCPT FROM:<a@b>",
        "BDAT",
        "BDAT x",
        "BDAT -1",
        "BDAT 1 MORE",
        "BDAT 111111111111111111111",
    ] {
        refuse(syntax, CommandError::Syntax);
    }
    for malformed in ["NOOP\0", "NO\rOP", "NOOP \u{7f}", "NOOP \u{85}"] {
        refuse(malformed, CommandError::MalformedLine);
    }
    assert_eq!(Command::parse(b"NOOP \xff"), Err(CommandError::MalformedLine));
}

#[test]
fn senders() {
    check("MAIL FROM:<>", "MAIL FROM:<>");
    check("MAIL FROM:<a@example.org>", "MAIL FROM:<a@example.org>");
    check("mail from: <a@example.org>", "MAIL FROM:<a@example.org>");
    check("MAIL FROM : < a@example.org >", "MAIL FROM:<a@example.org>");
    check("MAIL FROM:a@example.org", "MAIL FROM:<a@example.org>");
    check(
        "MAIL FROM:<@one.example,@two.example:a@example.org>",
        "MAIL FROM:<a@example.org>",
    );
    check("MAIL FROM:<a@[192.0.2.1]>", "MAIL FROM:<a@[192.0.2.1]>");
    check("MAIL FROM:<a..b.@example.org>", "MAIL FROM:<a..b.@example.org>");
    check(
        "MAIL FROM:<\"a b\"@example.org>",
        "MAIL FROM:<\"a b\"@example.org>",
    );
    check(
        "MAIL FROM:<\"plain\"@example.org>",
        "MAIL FROM:<plain@example.org>",
    );
    check(
        "MAIL FROM:<\"a\\\"b\\\\c\"@example.org>",
        "MAIL FROM:<\"a\\\"b\\\\c\"@example.org>",
    );
    check(
        "MAIL FROM:<\">@<\"@example.org>",
        "MAIL FROM:<\">@<\"@example.org>",
    );
}

#[test]
fn senders_that_are_refused() {
    let local = "a".repeat(257);
    let label = "b".repeat(64);
    for path in [
        "",
        "<",
        "<a@b",
        "a@b>",
        "<a@>",
        "<@b>",
        "<\"\"@b>",
        "<a@b>x",
        "<a@b><c@d>",
        "<a b@c>",
        "<a@b@c>",
        "<a@b..c>",
        "<a@.b>",
        "<a@b.>",
        "<\"a@b>",
        "<a@[1.2.3.4>",
        "<a@[]>",
        "<(x)a@b>",
        "<a@b;c>",
        &format!("<{local}@b>"),
        &format!("<a@{label}>"),
    ] {
        refuse(&format!("MAIL FROM:{path}"), CommandError::Sender);
    }
}

#[test]
fn sender_parameters() {
    check("MAIL FROM:<a@b> SIZE=1000", "MAIL FROM:<a@b> SIZE=1000");
    check(
        "MAIL FROM:<a@b>  body=8bitmime  size=0 ",
        "MAIL FROM:<a@b> SIZE=0 BODY=8BITMIME",
    );
    check(
        "MAIL FROM:<a@b> BODY=7BIT RET=HDRS ENVID=QQ314159 AUTH=<>",
        "MAIL FROM:<a@b>",
    );
    check("MAIL FROM:<> BODY=BINARYMIME", "MAIL FROM:<> BODY=BINARYMIME");
    check(
        "MAIL FROM:<a@b> SIZE=99999999999999999999",
        &format!("MAIL FROM:<a@b> SIZE={}", u64::MAX),
    );
    check(
        "MAIL FROM:<jürgen@müller.example> SMTPUTF8",
        "MAIL FROM:<jürgen@müller.example> SMTPUTF8",
    );
    for unknown in [
        "X",
        "X=1",
        "SIZE",
        "BODY",
        "BODY=9BIT",
        "SMTPUTF8=1",
        "NOTIFY=NEVER",
        "RET",
    ] {
        refuse(&format!("MAIL FROM:<a@b> {unknown}"), CommandError::Parameter);
    }
    for syntax in [
        "SIZE=",
        "SIZE=x",
        "SIZE=-1",
        "SIZE=111111111111111111111",
        "=1",
        "-X",
        "A=B=C",
        "SIZE=1 SIZE=1",
    ] {
        refuse(&format!("MAIL FROM:<a@b> {syntax}"), CommandError::Syntax);
    }
    refuse("MAIL FROM:<jürgen@example.org>", CommandError::NeedsSmtpUtf8);
    refuse(
        "MAIL FROM:<a@müller.example> BODY=8BITMIME",
        CommandError::NeedsSmtpUtf8,
    );
}

#[test]
fn recipients() {
    check("RCPT TO:<user@example.org>", "RCPT TO:<user@example.org>");
    check("rcpt to: <user>", "RCPT TO:<user>");
    check("RCPT TO:<Postmaster>", "RCPT TO:<Postmaster>");
    check(
        "RCPT TO:<u+detail@example.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;u@example.org",
        "RCPT TO:<u+detail@example.org>",
    );
    check("RCPT TO:<jürgen@example.org>", "RCPT TO:<jürgen@example.org>");
    for path in [
        "",
        "<>",
        "< >",
        "<@example.org>",
        "<\"\"@example.org>",
        "<\"\">",
        "<a@b",
        "<a\\b@c>",
    ] {
        refuse(&format!("RCPT TO:{path}"), CommandError::Recipient);
    }
    for unknown in ["SIZE=1", "NOTIFY", "X"] {
        refuse(&format!("RCPT TO:<a@b> {unknown}"), CommandError::Parameter);
    }
}

#[test]
fn recipients_say_whether_they_need_smtputf8() {
    let is_ascii = |line| match parse(line) {
        Ok(Command::Rcpt(rcpt)) => rcpt.forward_path.0.is_ascii(),
        other => panic!("{other:?}"),
    };
    assert!(is_ascii("RCPT TO:<user@example.org>"));
    assert!(!is_ascii("RCPT TO:<jürgen@example.org>"));
    assert!(!is_ascii("RCPT TO:<user@müller.example>"));
}

#[test]
fn parts_of_an_address() {
    let mailbox = crate::Mailbox::parse("\"a b\"@Example.ORG").unwrap();
    assert_eq!((mailbox.local(), mailbox.domain()), ("a b", Some("Example.ORG")));
    assert_eq!(crate::Mailbox::parse("user").unwrap().domain(), None);
    assert_eq!(crate::Mailbox::parse("<user@example.org>"), None);
}

/// Each refusal has a reply of the 5xx family with an enhanced code.
#[test]
fn refusals_are_permanent() {
    let errors = [
        CommandError::Unrecognized,
        CommandError::NotSmtp,
        CommandError::MalformedLine,
        CommandError::LineTooLong,
        CommandError::Syntax,
        CommandError::Sender,
        CommandError::Recipient,
        CommandError::NeedsSmtpUtf8,
        CommandError::Parameter,
    ];
    for error in errors {
        let reply = error.reply().to_string();
        assert!(
            reply.starts_with('5') && reply[4..].starts_with("5.") && !error.is_retryable(),
            "{reply}"
        );
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = Command::parse(&bytes);
    }

    /// What is parsed can be written, and parses to the same again.
    #[test]
    fn commands_round_trip(line in "(MAIL FROM:|RCPT TO:|LHLO |BDAT )[<]?[a\"\\\\ @.ü<>\\[\\]:,]{0,12}[>]?( SIZE=[0-9]{1,3})?( SMTPUTF8)?") {
        if let Ok(command) = parse(&line) {
            prop_assert_eq!(parse(&command.to_string()), Ok(command.clone()), "{}", command);
        }
    }
}
