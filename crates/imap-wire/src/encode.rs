//! Wire primitives: nil, numbers, strings and lists appended to a byte buffer.
//!
//! Every function appends to a caller-owned `Vec<u8>`, so encoding a long response allocates nothing
//! but the growth of that one buffer. The output is valid in every session, whatever the client has
//! enabled, so a value may be encoded once, stored, and sent to any number of clients: a byte that a
//! quoted string of RFC 3501 §9 cannot hold makes the string a literal.

/// The longest string sent in quotes. A longer one goes as a literal, which every client reads by
/// length, where some give up on a line of more than 8000 bytes.
const QUOTED_BYTES_MAX: usize = 1024;

/// Appends `NIL`.
///
/// `nil = "NIL"` (RFC 3501 §9)
pub fn nil(out: &mut Vec<u8>) {
    out.extend_from_slice(b"NIL");
}

/// Appends a decimal number without sign or leading zero.
///
/// `number = 1*DIGIT` (RFC 3501 §9); `number64` and `mod-sequence-value` (RFC 9051 §9, RFC 7162 §7) look alike.
pub fn number(out: &mut Vec<u8>, value: u64) {
    let mut digits = [0_u8; 20];
    let mut rest = value;
    let mut length = 0;
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + u8::try_from(rest % 10).expect("invariant: a remainder of ten is one digit");
        length += 1;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend(digits.iter().skip(digits.len() - length));
}

/// Appends one space.
pub fn space(out: &mut Vec<u8>) {
    out.push(b' ');
}

/// Appends `(`.
pub fn list_open(out: &mut Vec<u8>) {
    out.push(b'(');
}

/// Appends `)`.
pub fn list_close(out: &mut Vec<u8>) {
    out.push(b')');
}

/// Appends `items` in parentheses with a space between each two, each written by `each`.
///
/// An empty iterator gives `()`; where the grammar wants `NIL` instead, the caller decides.
pub fn list<T>(out: &mut Vec<u8>, items: impl IntoIterator<Item = T>, mut each: impl FnMut(&mut Vec<u8>, T)) {
    list_open(out);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            space(out);
        }
        each(out, item);
    }
    list_close(out);
}

/// Appends a string: quoted where it can be, else as a literal.
///
/// CR, LF and bytes above 127 cannot stand in a quoted string and make it a literal. NUL may stand in
/// neither and is dropped; RFC 3501 §9 excludes it from `CHAR8`, and literal8 is for BINARY only.
///
/// `string = quoted / literal` (RFC 3501 §9)
pub fn string(out: &mut Vec<u8>, value: &[u8]) {
    string_as(out, value, LiteralForm::Synchronising);
}

/// How the literals among strings are announced: servers know one form only, clients have two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LiteralForm {
    /// `{n}`
    Synchronising,
    /// `{n+}` (RFC 7888)
    NonSynchronising,
}

/// As [`string`], with literals of that form.
pub(crate) fn string_as(out: &mut Vec<u8>, value: &[u8], form: LiteralForm) {
    match form {
        _ if is_quotable(value) => quoted(out, value),
        LiteralForm::Synchronising => literal(out, value),
        LiteralForm::NonSynchronising => {
            out.push(b'{');
            number(out, as_u64(value.len()));
            out.extend_from_slice(b"+}\r\n");
            out.extend_from_slice(value);
        }
    }
}

/// Appends a string, or `NIL` for `None`.
///
/// `nstring = string / nil` (RFC 3501 §9)
pub fn nstring(out: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        Some(value) => string(out, value),
        None => nil(out),
    }
}

/// Appends an astring: bare where every byte allows it, else as [`string`] does.
///
/// The word `NIL` is always quoted, because clients read the bare word as nil.
///
/// `astring = 1*ASTRING-CHAR / string` (RFC 3501 §9)
pub fn astring(out: &mut Vec<u8>, value: &[u8]) {
    astring_as(out, value, LiteralForm::Synchronising);
}

/// As [`astring`], with literals of that form.
pub(crate) fn astring_as(out: &mut Vec<u8>, value: &[u8], form: LiteralForm) {
    let bare =
        !value.is_empty() && value.len() <= QUOTED_BYTES_MAX && value.iter().copied().all(is_astring_char);
    if bare && !value.eq_ignore_ascii_case(b"NIL") {
        out.extend_from_slice(value);
    } else {
        string_as(out, value, form);
    }
}

/// Appends an astring of UTF-8, for sessions that have enabled UTF8=ACCEPT.
///
/// `QUOTED-CHAR =/ UTF8-2 / UTF8-3 / UTF8-4` (RFC 9755 §3); atoms stay US-ASCII.
pub fn utf8_astring(out: &mut Vec<u8>, value: &str) {
    utf8_astring_as(out, value, LiteralForm::Synchronising);
}

/// As [`utf8_astring`], with literals of that form.
pub(crate) fn utf8_astring_as(out: &mut Vec<u8>, value: &str, form: LiteralForm) {
    let quotable = value.len() <= QUOTED_BYTES_MAX && !value.contains(['\0', '\r', '\n']);
    if value.is_ascii() || !quotable {
        astring_as(out, value.as_bytes(), form);
    } else {
        quoted(out, value.as_bytes());
    }
}

/// Appends a literal with its synchronising-form header, which is the only one a server sends.
///
/// NUL bytes are dropped and not counted. For bytes that must go out unchanged, write
/// [`literal_header`] and then the bytes.
///
/// `literal = "{" number "}" CRLF *CHAR8` (RFC 3501 §9)
pub fn literal(out: &mut Vec<u8>, value: &[u8]) {
    let nuls = value.iter().filter(|byte| **byte == 0).count();
    literal_header(out, as_u64(value.len() - nuls));
    if nuls == 0 {
        out.extend_from_slice(value);
    } else {
        out.extend(value.iter().filter(|byte| **byte != 0));
    }
}

/// Appends `{n}` and CRLF; the caller then writes exactly `length` bytes.
pub fn literal_header(out: &mut Vec<u8>, length: u64) {
    out.push(b'{');
    number(out, length);
    out.extend_from_slice(b"}\r\n");
}

/// Tells whether `byte` may stand in a bare astring.
///
/// `ASTRING-CHAR = ATOM-CHAR / resp-specials` (RFC 3501 §9)
pub fn is_astring_char(byte: u8) -> bool {
    is_atom_char(byte) || byte == b']'
}

/// Tells whether `byte` may stand in an atom.
///
/// `ATOM-CHAR = <any CHAR except atom-specials>` (RFC 3501 §9)
pub fn is_atom_char(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7e) && !matches!(byte, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b']')
}

fn is_quotable(value: &[u8]) -> bool {
    value.len() <= QUOTED_BYTES_MAX
        && value
            .iter()
            .all(|byte| byte.is_ascii() && !matches!(byte, 0 | b'\r' | b'\n'))
}

/// `quoted = DQUOTE *QUOTED-CHAR DQUOTE` (RFC 3501 §9); the caller has checked the bytes.
fn quoted(out: &mut Vec<u8>, value: &[u8]) {
    out.push(b'"');
    for &byte in value {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// Widens a length. `usize` is at most 64 bits wide on every target that Rust supports.
pub(crate) fn as_u64(length: usize) -> u64 {
    u64::try_from(length).expect("invariant: usize fits u64")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(write: impl FnOnce(&mut Vec<u8>), expected: &[u8]) {
        let mut out = Vec::new();
        write(&mut out);
        assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(expected));
    }

    #[test]
    fn numbers() {
        for value in [0, 7, 10, 4_294_967_295, u64::MAX] {
            check(|out| number(out, value), value.to_string().as_bytes());
        }
    }

    #[test]
    fn strings_are_quoted_where_possible() {
        check(|out| string(out, b""), br#""""#);
        check(|out| string(out, b"hello world"), br#""hello world""#);
        check(|out| string(out, br#"a"b\c"#), br#""a\"b\\c""#);
    }

    #[test]
    fn strings_become_literals_where_they_must() {
        check(|out| string(out, b"a\r\nb"), b"{4}\r\na\r\nb");
        check(|out| string(out, "é".as_bytes()), "{2}\r\né".as_bytes());
        check(
            |out| string(out, &[b'x'; 1025]),
            &[b"{1025}\r\n".as_slice(), &[b'x'; 1025]].concat(),
        );
    }

    #[test]
    fn nul_is_dropped_and_not_counted() {
        check(|out| string(out, b"a\0b"), b"{2}\r\nab");
    }

    #[test]
    fn nstring_and_astring() {
        check(|out| nstring(out, None), b"NIL");
        check(|out| nstring(out, Some(b"NIL")), br#""NIL""#);
        check(|out| astring(out, b"INBOX"), b"INBOX");
        check(|out| astring(out, b"a]b"), b"a]b");
        check(|out| astring(out, b"nil"), br#""nil""#);
        check(|out| astring(out, b"two words"), br#""two words""#);
        check(|out| astring(out, b""), br#""""#);
    }

    #[test]
    fn lists() {
        check(|out| list(out, [1, 2, 3], number), b"(1 2 3)");
        check(|out| list(out, [0; 0], number), b"()");
    }
}
