//! The grammar of addresses and parameters (RFC 5321 §4.1.2, RFC 6531 §3.3), read liberally.
//!
//! Beyond the RFC these are taken: space around paths, paths without angle brackets, local parts with
//! dots in any place (some Japanese carriers assign them), underscores in domains.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while1};
use nom::character::complete::{char, satisfy};
use nom::combinator::{all_consuming, map, opt, recognize, verify};
use nom::multi::{fold_many0, many0_count, many1, separated_list1};
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser};

use crate::address::{DOMAIN_BYTES_MAX, LABEL_BYTES_MAX, Mailbox};

/// A parameter of MAIL or RCPT: its keyword in upper case, and its value if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parameter<'a> {
    pub(crate) keyword: String,
    pub(crate) value: Option<&'a str>,
}

/// `atext` of RFC 5322 §3.2.3, and beyond ASCII by RFC 6531 §3.3.
pub(crate) fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || is_utf8_non_ascii(c)
}

fn is_utf8_non_ascii(c: char) -> bool {
    !c.is_ascii() && !c.is_control()
}

/// Space and tab, any number.
pub(crate) fn blanks(input: &str) -> IResult<&str, &str> {
    take_while(|c| c == ' ' || c == '\t').parse(input)
}

/// Parses an address that is the whole text.
pub(crate) fn whole_mailbox(text: &str) -> Option<Mailbox> {
    all_consuming(mailbox)
        .parse(text)
        .ok()
        .map(|(_, mailbox)| mailbox)
}

/// `Path = "<" [ A-d-l ":" ] Mailbox ">"`, or an address alone; `None` for `<>`.
///
/// RFC 5321 §4.1.1.3: source routes are accepted and ignored.
pub(crate) fn path(input: &str) -> IResult<&str, Option<Mailbox>> {
    let content = preceded(opt(source_route), delimited(blanks, opt(mailbox), blanks));
    alt((delimited(char('<'), content, char('>')), map(mailbox, Some))).parse(input)
}

/// `A-d-l = At-domain *( "," At-domain )`
fn source_route(input: &str) -> IResult<&str, &str> {
    recognize(terminated(
        separated_list1(char(','), preceded(char('@'), domain)),
        char(':'),
    ))
    .parse(input)
}

/// `Mailbox = Local-part "@" ( Domain / address-literal )`, the domain being optional here.
fn mailbox(input: &str) -> IResult<&str, Mailbox> {
    let (rest, local) = local_part(input)?;
    let (rest, domain) = opt(preceded(char('@'), alt((address_literal, domain)))).parse(rest)?;
    match Mailbox::new(&local, domain) {
        Some(mailbox) => Ok((rest, mailbox)),
        None => Err(failure(input)),
    }
}

fn failure(input: &str) -> nom::Err<nom::error::Error<&str>> {
    nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::Verify))
}

/// `Local-part = Dot-string / Quoted-string`
fn local_part(input: &str) -> IResult<&str, String> {
    alt((
        quoted_string,
        map(take_while1(|c| is_atext(c) || c == '.'), str::to_owned),
    ))
    .parse(input)
}

/// `Quoted-string = DQUOTE *QcontentSMTP DQUOTE`. Returns what is quoted.
fn quoted_string(input: &str) -> IResult<&str, String> {
    let quoted_pair = preceded(char('\\'), satisfy(|c| !c.is_control()));
    let qtext = satisfy(|c| !c.is_control() && c != '"' && c != '\\');
    let content = fold_many0(alt((quoted_pair, qtext)), String::new, |mut text, c| {
        text.push(c);
        text
    });
    delimited(char('"'), content, char('"')).parse(input)
}

/// `Domain = sub-domain *("." sub-domain)`
pub(crate) fn domain(input: &str) -> IResult<&str, &str> {
    let label_character = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || is_utf8_non_ascii(c);
    let label = verify(take_while1(label_character), |label: &str| {
        label.len() <= LABEL_BYTES_MAX
    });
    let domain = recognize(separated_list1(char('.'), label));
    verify(domain, |domain: &str| domain.len() <= DOMAIN_BYTES_MAX).parse(input)
}

/// `address-literal = "[" ( IPv4-address-literal / IPv6-address-literal / General-address-literal ) "]"`,
/// its inside not looked at: mail for one is delivered nowhere, and a sender's is only passed on.
pub(crate) fn address_literal(input: &str) -> IResult<&str, &str> {
    let dcontent = take_while1(|c: char| c.is_ascii_graphic() && !matches!(c, '[' | ']' | '\\' | '<' | '>'));
    let literal = recognize(delimited(char('['), dcontent, char(']')));
    verify(literal, |literal: &str| literal.len() <= DOMAIN_BYTES_MAX).parse(input)
}

/// `Mail-parameters = esmtp-param *(SP esmtp-param)`, to the end of the line.
pub(crate) fn parameters(input: &str) -> Option<Vec<Parameter<'_>>> {
    let one = preceded(preceded(satisfy(|c| c == ' ' || c == '\t'), blanks), parameter);
    let parsed = all_consuming(terminated(opt(many1(one)), blanks)).parse(input);
    parsed.ok().map(|(_, parameters)| parameters.unwrap_or_default())
}

/// `esmtp-param = esmtp-keyword ["=" esmtp-value]`
fn parameter(input: &str) -> IResult<&str, Parameter<'_>> {
    let first = satisfy(|c| c.is_ascii_alphanumeric());
    let keyword = recognize((
        first,
        many0_count(satisfy(|c| c.is_ascii_alphanumeric() || c == '-')),
    ));
    // esmtp-value = 1*(%d33-60 / %d62-126), and beyond ASCII by RFC 6531 §3.3.
    let value = take_while1(|c: char| (c.is_ascii_graphic() && c != '=') || is_utf8_non_ascii(c));
    let parameter = (keyword, opt(preceded(tag("="), value)));
    map(parameter, |(keyword, value): (&str, _)| Parameter {
        keyword: keyword.to_ascii_uppercase(),
        value,
    })
    .parse(input)
}
