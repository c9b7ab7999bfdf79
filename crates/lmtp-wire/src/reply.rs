//! Replies (RFC 5321 §4.2) with enhanced status codes (RFC 2034, RFC 3463).

use std::fmt;

/// RFC 5321 §4.5.3.1.5, CRLF included.
const LINE_BYTES_MAX: usize = 512;

/// A three-digit reply code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReplyCode(u16);

impl ReplyCode {
    /// 214 Help message.
    pub const HELP: Self = Self(214);
    /// 220 Service ready.
    pub const READY: Self = Self(220);
    /// 221 Closing.
    pub const CLOSING: Self = Self(221);
    /// 250 Done.
    pub const OK: Self = Self(250);
    /// 252 Cannot verify the user, but will take mail for him.
    pub const CANNOT_VERIFY: Self = Self(252);
    /// 354 Go on with the mail data.
    pub const START_MAIL_INPUT: Self = Self(354);
    /// 421 Service not available, closing.
    pub const SERVICE_UNAVAILABLE: Self = Self(421);
    /// 450 Mailbox unavailable for now.
    pub const MAILBOX_BUSY: Self = Self(450);
    /// 451 Local error in processing.
    pub const LOCAL_ERROR: Self = Self(451);
    /// 452 Not enough storage for now.
    pub const INSUFFICIENT_STORAGE: Self = Self(452);
    /// 454 TLS not available for now (RFC 3207 §4).
    pub const TLS_UNAVAILABLE: Self = Self(454);
    /// 500 Syntax error.
    pub const SYNTAX_ERROR: Self = Self(500);
    /// 501 Syntax error in parameters.
    pub const PARAMETER_SYNTAX_ERROR: Self = Self(501);
    /// 502 Command not implemented.
    pub const NOT_IMPLEMENTED: Self = Self(502);
    /// 503 Bad sequence of commands.
    pub const BAD_SEQUENCE: Self = Self(503);
    /// 550 Mailbox unavailable.
    pub const MAILBOX_UNAVAILABLE: Self = Self(550);
    /// 552 Too much for this mailbox.
    pub const EXCEEDED_STORAGE: Self = Self(552);
    /// 553 Mailbox name not allowed.
    pub const MAILBOX_NAME_NOT_ALLOWED: Self = Self(553);
    /// 554 Transaction failed.
    pub const TRANSACTION_FAILED: Self = Self(554);
    /// 555 Parameters not recognised.
    pub const PARAMETERS_NOT_RECOGNIZED: Self = Self(555);

    /// Returns the code as a number.
    pub fn number(self) -> u16 {
        self.0
    }

    /// Returns whether the client should try again later.
    pub fn is_transient(self) -> bool {
        self.0 / 100 == 4
    }
}

/// Subject and detail of an enhanced status code. Its class is that of the reply code, so the two
/// cannot contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Enhanced {
    subject: u16,
    detail: u16,
}

impl Enhanced {
    /// x.0.0 Nothing special.
    pub const OTHER: Self = Self::new(0, 0);
    /// x.1.0 Something about an address.
    pub const ADDRESS: Self = Self::new(1, 0);
    /// x.1.1 No such mailbox.
    pub const BAD_MAILBOX: Self = Self::new(1, 1);
    /// x.1.3 Malformed recipient address.
    pub const BAD_RECIPIENT_SYNTAX: Self = Self::new(1, 3);
    /// x.1.5 Recipient address valid.
    pub const RECIPIENT_VALID: Self = Self::new(1, 5);
    /// x.1.7 Malformed sender address.
    pub const BAD_SENDER_SYNTAX: Self = Self::new(1, 7);
    /// x.2.0 Something about a mailbox.
    pub const MAILBOX: Self = Self::new(2, 0);
    /// x.2.1 Mailbox disabled.
    pub const MAILBOX_DISABLED: Self = Self::new(2, 1);
    /// x.2.2 Mailbox full.
    pub const MAILBOX_FULL: Self = Self::new(2, 2);
    /// x.2.3 Message longer than the mailbox takes.
    pub const MESSAGE_TOO_LONG: Self = Self::new(2, 3);
    /// x.3.0 Something about the system.
    pub const SYSTEM: Self = Self::new(3, 0);
    /// x.3.1 System full.
    pub const SYSTEM_FULL: Self = Self::new(3, 1);
    /// x.3.2 System not accepting messages.
    pub const SYSTEM_NOT_ACCEPTING: Self = Self::new(3, 2);
    /// x.3.4 Message too big for the system.
    pub const MESSAGE_TOO_BIG: Self = Self::new(3, 4);
    /// x.4.2 Connection lost or too slow.
    pub const BAD_CONNECTION: Self = Self::new(4, 2);
    /// x.5.1 Command not allowed.
    pub const INVALID_COMMAND: Self = Self::new(5, 1);
    /// x.5.2 Syntax error.
    pub const INVALID_COMMAND_SYNTAX: Self = Self::new(5, 2);
    /// x.5.3 Too many recipients.
    pub const TOO_MANY_RECIPIENTS: Self = Self::new(5, 3);
    /// x.5.4 Invalid arguments.
    pub const INVALID_ARGUMENTS: Self = Self::new(5, 4);
    /// x.6.0 Something about the message.
    pub const MESSAGE: Self = Self::new(6, 0);
    /// x.6.7 Address beyond ASCII not permitted (RFC 6531 §4.1).
    pub const NON_ASCII_ADDRESS: Self = Self::new(6, 7);
    /// x.7.0 Something about security.
    pub const SECURITY: Self = Self::new(7, 0);

    /// Returns the code x.`subject`.`detail`.
    pub const fn new(subject: u16, detail: u16) -> Self {
        Self { subject, detail }
    }
}

/// What a server offers in its answer to LHLO.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Capability {
    /// `PIPELINING` (RFC 2920), which RFC 2033 §5 requires.
    Pipelining,
    /// `ENHANCEDSTATUSCODES` (RFC 2034), which RFC 2033 §5 requires.
    EnhancedStatusCodes,
    /// `8BITMIME` (RFC 6152).
    EightBitMime,
    /// `SMTPUTF8` (RFC 6531).
    SmtpUtf8,
    /// `SIZE` (RFC 1870) with the greatest size that is taken.
    Size(u64),
    /// `CHUNKING` (RFC 3030).
    Chunking,
    /// `STARTTLS` (RFC 3207).
    StartTls,
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pipelining => f.write_str("PIPELINING"),
            Self::EnhancedStatusCodes => f.write_str("ENHANCEDSTATUSCODES"),
            Self::EightBitMime => f.write_str("8BITMIME"),
            Self::SmtpUtf8 => f.write_str("SMTPUTF8"),
            Self::Size(bytes) => write!(f, "SIZE {bytes}"),
            Self::Chunking => f.write_str("CHUNKING"),
            Self::StartTls => f.write_str("STARTTLS"),
        }
    }
}

/// A reply of one or more lines. Written by `Display`, CRLF included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    code: ReplyCode,
    enhanced: Option<Enhanced>,
    /// At least one; printable ASCII.
    lines: Vec<String>,
}

impl Reply {
    /// Returns a reply with an enhanced status code. Each line of `text` becomes a line of the reply;
    /// what is not printable ASCII in it becomes a question mark, and what is too long is cut.
    ///
    /// RFC 2034 §4 puts enhanced codes on 2xx, 4xx and 5xx replies only, so another code drops it.
    pub fn new(code: ReplyCode, enhanced: Enhanced, text: &str) -> Self {
        let enhanced = matches!(code.0 / 100, 2 | 4 | 5).then_some(enhanced);
        Self::with(code, enhanced, text)
    }

    /// Returns a reply without an enhanced status code: the greeting, and those to LHLO and DATA
    /// (RFC 2034 §4).
    pub fn bare(code: ReplyCode, text: &str) -> Self {
        Self::with(code, None, text)
    }

    /// Returns the answer to LHLO: our name, then what we offer.
    pub fn lhlo(host: &str, capabilities: &[Capability]) -> Self {
        let mut reply = Self::bare(ReplyCode::OK, host);
        reply.lines.truncate(1);
        reply.lines.extend(capabilities.iter().map(Capability::to_string));
        reply
    }

    /// Returns the reply code.
    pub fn code(&self) -> ReplyCode {
        self.code
    }

    /// Appends the reply as it goes to the client.
    pub fn encode(&self, output: &mut Vec<u8>) {
        output.extend_from_slice(self.to_string().as_bytes());
    }

    fn with(code: ReplyCode, enhanced: Option<Enhanced>, text: &str) -> Self {
        let mut lines: Vec<String> = text.lines().map(printable).collect();
        if lines.is_empty() {
            lines.push(String::new());
        }
        Self {
            code,
            enhanced,
            lines,
        }
    }
}

fn printable(line: &str) -> String {
    // Code, separator and enhanced code take at most 4 + 10 bytes, CRLF two.
    line.chars()
        .take(LINE_BYTES_MAX - 16)
        .map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' })
        .collect()
}

/// RFC 5321 §4.2.1: a hyphen behind the code on all lines but the last. RFC 2034 §4: the enhanced code
/// on all.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.0;
        for (number, line) in self.lines.iter().enumerate() {
            let separator = if number + 1 < self.lines.len() { '-' } else { ' ' };
            match self.enhanced {
                Some(Enhanced { subject, detail }) => {
                    write!(f, "{code}{separator}{}.{subject}.{detail} {line}\r\n", code / 100)?;
                }
                None => write!(f, "{code}{separator}{line}\r\n")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(reply: Reply, expected: &str) {
        assert_eq!(reply.to_string(), expected);
        let mut bytes = b"x".to_vec();
        reply.encode(&mut bytes);
        assert_eq!(bytes, format!("x{expected}").as_bytes());
    }

    #[test]
    fn replies_are_written() {
        check(
            Reply::bare(ReplyCode::READY, "host LMTP ready"),
            "220 host LMTP ready\r\n",
        );
        check(
            Reply::new(ReplyCode::OK, Enhanced::RECIPIENT_VALID, "ok"),
            "250 2.1.5 ok\r\n",
        );
        check(
            Reply::new(ReplyCode::INSUFFICIENT_STORAGE, Enhanced::MAILBOX_FULL, "full"),
            "452 4.2.2 full\r\n",
        );
        check(
            Reply::new(ReplyCode::EXCEEDED_STORAGE, Enhanced::MAILBOX_FULL, "full"),
            "552 5.2.2 full\r\n",
        );
        check(
            Reply::new(ReplyCode::START_MAIL_INPUT, Enhanced::OTHER, "go on"),
            "354 go on\r\n",
        );
        check(
            Reply::new(ReplyCode::HELP, Enhanced::OTHER, "one\r\ntwo\nthree"),
            "214-2.0.0 one\r\n214-2.0.0 two\r\n214 2.0.0 three\r\n",
        );
        check(Reply::new(ReplyCode::OK, Enhanced::OTHER, ""), "250 2.0.0 \r\n");
    }

    /// RFC 2033 §5: PIPELINING and ENHANCEDSTATUSCODES must be, 8BITMIME should be offered.
    #[test]
    fn the_answer_to_lhlo_lists_capabilities() {
        let capabilities = [
            Capability::Pipelining,
            Capability::EnhancedStatusCodes,
            Capability::EightBitMime,
            Capability::SmtpUtf8,
            Capability::Size(1000),
            Capability::Chunking,
            Capability::StartTls,
        ];
        check(
            Reply::lhlo("mail.example.org", &capabilities),
            "250-mail.example.org\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n\
             250-SMTPUTF8\r\n250-SIZE 1000\r\n250-CHUNKING\r\n250 STARTTLS\r\n",
        );
        check(Reply::lhlo("mail.example.org", &[]), "250 mail.example.org\r\n");
    }

    #[test]
    fn transient_codes_say_so() {
        assert!(ReplyCode::LOCAL_ERROR.is_transient());
        assert!(!ReplyCode::MAILBOX_UNAVAILABLE.is_transient());
        assert!(!ReplyCode::OK.is_transient());
    }

    proptest! {
        /// No text breaks out of its reply: every line is short, printable and has the code.
        #[test]
        fn text_cannot_break_a_reply(text in "\\PC{0,20}[\r\n\0\u{7f}ü]{0,4}\\PC{0,900}") {
            let reply = Reply::new(ReplyCode::MAILBOX_UNAVAILABLE, Enhanced::BAD_MAILBOX, &text).to_string();
            let lines: Vec<&str> = reply.strip_suffix("\r\n").unwrap().split("\r\n").collect();
            for (number, line) in lines.iter().enumerate() {
                prop_assert!(line.len() <= 510);
                let separator = if number + 1 < lines.len() { '-' } else { ' ' };
                let prefix = format!("550{separator}5.1.1 ");
                prop_assert!(line.starts_with(&prefix));
                prop_assert!(line.bytes().all(|b| b == b' ' || b.is_ascii_graphic()));
            }
        }
    }
}
