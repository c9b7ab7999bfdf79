//! Commands, from a line to a type.

use std::fmt;

use nom::Parser;
use nom::branch::alt;
use nom::combinator::all_consuming;

use crate::address::{ForwardPath, ReversePath};
use crate::error::CommandError;
use crate::grammar::{self, Parameter};

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `LHLO` (RFC 2033 §4.1).
    Lhlo(ClientName),
    /// `MAIL` (RFC 5321 §4.1.1.2).
    Mail(MailFrom),
    /// `RCPT` (RFC 5321 §4.1.1.3).
    Rcpt(RcptTo),
    /// `DATA` (RFC 5321 §4.1.1.4).
    Data,
    /// `BDAT` (RFC 3030 §2). Recognised whether or not CHUNKING is offered, because a server that
    /// does not know where the bytes behind it end has to hang up.
    Bdat {
        /// Bytes that follow the line.
        bytes: u64,
        /// Whether they are the last ones.
        last: bool,
    },
    /// `RSET` (RFC 5321 §4.1.1.5).
    Rset,
    /// `NOOP` (RFC 5321 §4.1.1.9).
    Noop,
    /// `QUIT` (RFC 5321 §4.1.1.10).
    Quit,
    /// `VRFY` (RFC 5321 §4.1.1.6), with what was asked about.
    Vrfy(String),
    /// `HELP` (RFC 5321 §4.1.1.8).
    Help,
    /// `STARTTLS` (RFC 3207 §4).
    StartTls,
}

/// How a client calls itself: a domain or an address literal. Only written to the log and to the
/// Received header.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientName(Box<str>);

impl ClientName {
    /// Returns the name as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The arguments of `MAIL`. `RET`, `ENVID` (RFC 3461) and `AUTH` (RFC 4954) are accepted and dropped:
/// delivery is where they end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailFrom {
    /// Where a bounce would go.
    pub reverse_path: ReversePath,
    /// `SIZE` (RFC 1870 §4): how long the client believes the message is. Beyond 64 bits it is the
    /// greatest number.
    pub size_bytes: Option<u64>,
    /// `BODY` (RFC 6152 §3).
    pub body: Body,
    /// `SMTPUTF8` (RFC 6531 §3.4): addresses and headers may hold UTF-8.
    pub smtputf8: bool,
}

/// What bytes a message has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Body {
    /// ASCII lines, or nothing said.
    #[default]
    SevenBit,
    /// Lines of any bytes.
    EightBitMime,
    /// Any bytes (RFC 3030 §3); only with BDAT.
    BinaryMime,
}

/// The arguments of `RCPT`. `NOTIFY` and `ORCPT` (RFC 3461) are accepted and dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RcptTo {
    /// For whom the mail is.
    pub forward_path: ForwardPath,
}

impl Command {
    /// Parses a line without its CRLF. Verbs and keywords are not case-sensitive, and space at the end
    /// is ignored (RFC 5321 §4.1.1, §2.4).
    pub fn parse(line: &[u8]) -> Result<Self, CommandError> {
        let text = std::str::from_utf8(line).map_err(|_| CommandError::MalformedLine)?;
        if text.contains(|c: char| c.is_control() && c != '\t') {
            return Err(CommandError::MalformedLine);
        }
        let text = text.trim_end_matches([' ', '\t']);
        let (verb, arguments) = text.split_once([' ', '\t']).unwrap_or((text, ""));
        let arguments = arguments.trim_start_matches([' ', '\t']);
        match verb.to_ascii_uppercase().as_str() {
            "LHLO" => client_name(arguments).map(Self::Lhlo),
            "MAIL" => mail(arguments).map(Self::Mail),
            "RCPT" => rcpt(arguments).map(Self::Rcpt),
            "BDAT" => bdat(arguments),
            "VRFY" if arguments.is_empty() => Err(CommandError::Syntax),
            "VRFY" => Ok(Self::Vrfy(arguments.to_owned())),
            // RFC 5321 §4.1.1.8, §4.1.1.9: these may have an argument, which changes nothing.
            "NOOP" => Ok(Self::Noop),
            "HELP" => Ok(Self::Help),
            "DATA" => alone(arguments, Self::Data),
            "RSET" => alone(arguments, Self::Rset),
            "QUIT" => alone(arguments, Self::Quit),
            "STARTTLS" => alone(arguments, Self::StartTls),
            "HELO" | "EHLO" => Err(CommandError::NotSmtp),
            _ => Err(CommandError::Unrecognized),
        }
    }
}

fn alone(arguments: &str, command: Command) -> Result<Command, CommandError> {
    if arguments.is_empty() {
        Ok(command)
    } else {
        Err(CommandError::Syntax)
    }
}

fn client_name(text: &str) -> Result<ClientName, CommandError> {
    match all_consuming(alt((grammar::address_literal, grammar::domain))).parse(text) {
        Ok((_, name)) => Ok(ClientName(name.into())),
        Err(_) => Err(CommandError::Syntax),
    }
}

/// `mail = "MAIL FROM:" Reverse-path [SP Mail-parameters]`
fn mail(arguments: &str) -> Result<MailFrom, CommandError> {
    let path = strip_keyword(arguments, "FROM").ok_or(CommandError::Syntax)?;
    let (rest, mailbox) = grammar::path(path).map_err(|_| CommandError::Sender)?;
    let reverse_path = mailbox.map_or(ReversePath::Null, ReversePath::Mailbox);
    let parameters = path_parameters(rest, CommandError::Sender)?;
    let mut mail = MailFrom {
        reverse_path,
        size_bytes: None,
        body: Body::SevenBit,
        smtputf8: false,
    };
    for parameter in &parameters {
        mail.apply(parameter)?;
    }
    match &mail.reverse_path {
        ReversePath::Mailbox(mailbox) if !mail.smtputf8 && !mailbox.is_ascii() => {
            Err(CommandError::NeedsSmtpUtf8)
        }
        ReversePath::Mailbox(_) | ReversePath::Null => Ok(mail),
    }
}

impl MailFrom {
    fn apply(&mut self, parameter: &Parameter<'_>) -> Result<(), CommandError> {
        match (parameter.keyword.as_str(), parameter.value) {
            ("SIZE", Some(value)) => self.size_bytes = Some(number(value)?),
            ("BODY", Some(value)) => self.body = body(value)?,
            ("SMTPUTF8", None) => self.smtputf8 = true,
            ("RET" | "ENVID" | "AUTH", Some(_)) => {}
            _ => return Err(CommandError::Parameter),
        }
        Ok(())
    }
}

/// `rcpt = "RCPT TO:" Forward-path [SP Rcpt-parameters]`
fn rcpt(arguments: &str) -> Result<RcptTo, CommandError> {
    let path = strip_keyword(arguments, "TO").ok_or(CommandError::Syntax)?;
    let (rest, mailbox) = grammar::path(path).map_err(|_| CommandError::Recipient)?;
    let mailbox = mailbox.ok_or(CommandError::Recipient)?;
    let parameters = path_parameters(rest, CommandError::Recipient)?;
    let known = |parameter: &Parameter<'_>| {
        matches!(parameter.keyword.as_str(), "NOTIFY" | "ORCPT") && parameter.value.is_some()
    };
    if parameters.iter().all(known) {
        Ok(RcptTo {
            forward_path: ForwardPath(mailbox),
        })
    } else {
        Err(CommandError::Parameter)
    }
}

/// `FROM:` or `TO:`, with space on either side of the colon, as many clients have it.
fn strip_keyword<'a>(arguments: &'a str, keyword: &str) -> Option<&'a str> {
    let (word, rest) = arguments.split_once(':')?;
    let matches = word.trim_end_matches([' ', '\t']).eq_ignore_ascii_case(keyword);
    matches.then(|| rest.trim_start_matches([' ', '\t']))
}

/// What follows a path is space or nothing; anything else means that the path itself is malformed.
fn path_parameters(rest: &str, path_error: CommandError) -> Result<Vec<Parameter<'_>>, CommandError> {
    if !rest.is_empty() && !rest.starts_with([' ', '\t']) {
        return Err(path_error);
    }
    let parameters = grammar::parameters(rest).ok_or(CommandError::Syntax)?;
    let is_repeated = |(index, parameter): (usize, &Parameter<'_>)| {
        parameters
            .iter()
            .skip(index + 1)
            .any(|later| later.keyword == parameter.keyword)
    };
    if parameters.iter().enumerate().any(is_repeated) {
        Err(CommandError::Syntax)
    } else {
        Ok(parameters)
    }
}

/// RFC 1870 §3: `size-value = 1*20DIGIT`, which can be more than 64 bits hold.
fn number(text: &str) -> Result<u64, CommandError> {
    if text.is_empty() || text.len() > 20 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(CommandError::Syntax);
    }
    Ok(text.parse().unwrap_or(u64::MAX))
}

fn body(text: &str) -> Result<Body, CommandError> {
    match text.to_ascii_uppercase().as_str() {
        "7BIT" => Ok(Body::SevenBit),
        "8BITMIME" => Ok(Body::EightBitMime),
        "BINARYMIME" => Ok(Body::BinaryMime),
        _ => Err(CommandError::Parameter),
    }
}

/// `bdat-cmd = "BDAT" SP chunk-size [ SP end-marker ]`
fn bdat(arguments: &str) -> Result<Command, CommandError> {
    let (size, marker) = arguments.split_once([' ', '\t']).unwrap_or((arguments, ""));
    let last = match marker.trim_start_matches([' ', '\t']) {
        "" => false,
        marker if marker.eq_ignore_ascii_case("LAST") => true,
        _ => return Err(CommandError::Syntax),
    };
    Ok(Command::Bdat {
        bytes: number(size)?,
        last,
    })
}

/// Writes the command as a client would, without CRLF.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lhlo(name) => write!(f, "LHLO {}", name.as_str()),
            Self::Mail(mail) => mail.fmt(f),
            Self::Rcpt(rcpt) => write!(f, "RCPT TO:{}", rcpt.forward_path),
            Self::Data => f.write_str("DATA"),
            Self::Bdat { bytes, last } => write!(f, "BDAT {bytes}{}", if *last { " LAST" } else { "" }),
            Self::Rset => f.write_str("RSET"),
            Self::Noop => f.write_str("NOOP"),
            Self::Quit => f.write_str("QUIT"),
            Self::Vrfy(subject) => write!(f, "VRFY {subject}"),
            Self::Help => f.write_str("HELP"),
            Self::StartTls => f.write_str("STARTTLS"),
        }
    }
}

impl fmt::Display for MailFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MAIL FROM:{}", self.reverse_path)?;
        if let Some(size) = self.size_bytes {
            write!(f, " SIZE={size}")?;
        }
        match self.body {
            Body::SevenBit => {}
            Body::EightBitMime => f.write_str(" BODY=8BITMIME")?,
            Body::BinaryMime => f.write_str(" BODY=BINARYMIME")?,
        }
        if self.smtputf8 {
            f.write_str(" SMTPUTF8")
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;
