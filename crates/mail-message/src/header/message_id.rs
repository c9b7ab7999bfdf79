//! Message identifiers (RFC 5322 §3.6.4), normalised for threading (RFC 5256 §3).

use super::lexer::Lexer;

/// How many bytes of an identifier count.
const ID_BYTES_MAX: usize = 512;

/// Returns the identifiers in a field body, without angle brackets and with needless quoting undone,
/// so that `<"a"@b>` and `<a@b>` are one (RFC 5256 §3, "References").
pub(crate) fn message_ids(body: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let mut rest = body;
    std::iter::from_fn(move || {
        loop {
            let open = memchr::memchr(b'<', rest)?;
            let inside = rest.get(open + 1..)?;
            let close = memchr::memchr2(b'>', b'<', inside)?;
            rest = inside.get(close..)?;
            if rest.first() == Some(&b'>') {
                let id = normalised(inside.get(..close)?);
                if !id.is_empty() {
                    return Some(id);
                }
            }
        }
    })
}

fn normalised(id: &[u8]) -> Vec<u8> {
    let id = id.get(..ID_BYTES_MAX).unwrap_or(id);
    let mut out = Vec::with_capacity(id.len());
    let mut lexer = Lexer::new(id);
    while let Some(byte) = lexer.peek() {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => lexer.bump(),
            b'"' => {
                let _kept_as_read = lexer.quoted_string(&mut out);
            }
            _ => {
                out.push(byte);
                lexer.bump();
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: &[&str]) {
        let found: Vec<String> = message_ids(body.as_bytes())
            .map(|id| String::from_utf8_lossy(&id).into_owned())
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn identifiers_are_normalised() {
        check("<a@b> <c@d>", &["a@b", "c@d"]);
        // The example of RFC 5256 §3.
        check(
            "<\"01KF8JCEOCBS0045PS\"@xxx.yyy.com>",
            &["01KF8JCEOCBS0045PS@xxx.yyy.com"],
        );
        check("<a\r\n @b>", &["a@b"]);
    }

    #[test]
    fn junk_is_skipped() {
        check("Your message of today <open <a@b> x> <>", &["a@b"]);
        check("", &[]);
    }
}
