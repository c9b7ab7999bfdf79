//! STARTTLS, LOGIN, AUTHENTICATE and the lines that follow AUTHENTICATE and IDLE.

use crate::command::{Addressing, CommandBody};
use crate::error::WireError;
use crate::parse::context::{Context, Parsed, expect, fail};
use crate::parse::session::typed_atom;
use crate::parse::strings::{astring, sp};
use crate::types::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nom::bytes::complete::take_while1;

/// A client's line in the middle of AUTHENTICATE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthenticateLine {
    /// A SASL response, decoded.
    Response(Secret),
    /// `*`: the client gives up, and the answer is BAD (RFC 3501 §6.2.2).
    Cancel,
}

/// Parses a client's line in the middle of AUTHENTICATE, without its CRLF.
///
/// `base64 = *(4base64-char) [base64-terminal]` (RFC 3501 §9); an empty line is an empty response.
pub fn authenticate_line(line: &[u8]) -> Result<AuthenticateLine, WireError> {
    match line {
        b"*" => Ok(AuthenticateLine::Cancel),
        _ => decode(line).map(AuthenticateLine::Response),
    }
}

/// Tells whether a line, without its CRLF, ends IDLE (RFC 2177 §4).
pub fn is_done(line: &[u8]) -> bool {
    line.trim_ascii_end().eq_ignore_ascii_case(b"DONE")
}

fn decode(base64: &[u8]) -> Result<Secret, WireError> {
    STANDARD
        .decode(base64)
        .map(Secret::new)
        .map_err(|_| WireError::Base64)
}

/// `"STARTTLS"` (RFC 3501 §9)
pub(crate) fn starttls<'a>(_: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    Ok((input, CommandBody::StartTls))
}

/// `login = "LOGIN" SP userid SP password`, both astring (RFC 3501 §9)
pub(crate) fn login<'a>(context: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    let (rest, ()) = sp(context, input)?;
    let (rest, user) = expect("a user name", rest, |input| astring(context, input))?;
    let (rest, ()) = sp(context, rest)?;
    let (rest, password) = expect("a password", rest, |input| astring(context, input))?;
    let password = Secret::new(password.into_owned());
    Ok((
        rest,
        CommandBody::Login {
            user: user.into_owned(),
            password,
        },
    ))
}

/// `authenticate = "AUTHENTICATE" SP auth-type [SP (base64 / "=")]` (RFC 4959 §7)
pub(crate) fn authenticate<'a>(context: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    let (rest, ()) = sp(context, input)?;
    let (rest, mechanism) = typed_atom("a mechanism", rest)?;
    if !matches!(rest, [b' ', byte, ..] if *byte != b' ' && *byte != b'\r') {
        return Ok((
            rest,
            CommandBody::Authenticate {
                mechanism,
                initial_response: None,
            },
        ));
    }
    let (rest, ()) = sp(context, rest)?;
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let (after, text) = expect("base64", rest, take_while1(base64))?;
    // RFC 4959 §3: "=" is the empty initial response.
    let response = decode(if text == b"=" { b"" } else { text }).map_err(|error| fail(rest, error))?;
    Ok((
        after,
        CommandBody::Authenticate {
            mechanism,
            initial_response: Some(response),
        },
    ))
}
