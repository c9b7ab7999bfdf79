//! What the Content-* fields of one header say (RFC 2045, RFC 2183, RFC 1864, RFC 2557, RFC 3282).

use crate::header::field::{Field, fields};
use crate::header::lexer::{Lexer, is_token};
use crate::header::parameter::{Parameter, parameter, parse_parameters};
use crate::limits::{HEADER_PARSE_BYTES_MAX, LANGUAGES_MAX};

/// The Content-* fields of one part, undecoded. Where a field is repeated the first one counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Content {
    /// Whether there is a Content-Type field, valid or not.
    pub has_type: bool,
    /// `None` when the field is missing or invalid; then the default of RFC 2045 §5.2 holds.
    pub media_type: Option<MediaType>,
    pub id: Option<Vec<u8>>,
    pub description: Option<Vec<u8>>,
    pub transfer_encoding: Option<Vec<u8>>,
    pub md5: Option<Vec<u8>>,
    pub location: Option<Vec<u8>>,
    pub disposition: Option<Disposition>,
    pub languages: Vec<Vec<u8>>,
}

/// A Content-Type field (RFC 2045 §5.1).
#[derive(Debug, Clone, Default)]
pub(crate) struct MediaType {
    pub main: Vec<u8>,
    pub sub: Vec<u8>,
    pub parameters: Vec<Parameter>,
}

/// A Content-Disposition field (RFC 2183 §2).
#[derive(Debug, Clone, Default)]
pub(crate) struct Disposition {
    pub kind: Vec<u8>,
    pub parameters: Vec<Parameter>,
}

impl MediaType {
    /// Tells whether this is a multipart, whatever the subtype.
    pub fn is_multipart(&self) -> bool {
        self.main.eq_ignore_ascii_case(b"multipart")
    }

    /// Tells whether such a part consists of parts or of a message.
    pub fn has_structure(&self) -> bool {
        self.is_multipart() || self.is("message", "rfc822")
    }

    /// Tells whether this is `main/sub`; media types ignore case (RFC 2045 §5.1).
    pub fn is(&self, main: &str, sub: &str) -> bool {
        self.main.eq_ignore_ascii_case(main.as_bytes()) && self.sub.eq_ignore_ascii_case(sub.as_bytes())
    }

    /// Returns the boundary if this is a multipart that has one (RFC 2046 §5.1.1).
    pub fn boundary(&self) -> Option<&[u8]> {
        let boundary = parameter(&self.parameters, "boundary")?;
        (self.is_multipart() && !boundary.is_empty()).then_some(boundary)
    }
}

/// Reads the Content-* fields of a header block.
pub(crate) fn parse_content(header: &[u8]) -> Content {
    let mut content = Content::default();
    let parsed = header.get(..HEADER_PARSE_BYTES_MAX).unwrap_or(header);
    for field in fields(parsed) {
        let is_content = field
            .name
            .get(..8)
            .is_some_and(|start| start.eq_ignore_ascii_case(b"content-"));
        if is_content {
            content.add(&field);
        }
    }
    content
}

impl Content {
    /// Returns the parameters of the media type, none where it is a default.
    pub fn parameters(&self) -> &[Parameter] {
        self.media_type
            .as_ref()
            .map(|media_type| media_type.parameters.as_slice())
            .unwrap_or_default()
    }

    fn add(&mut self, field: &Field<'_>) {
        let name = field.name.get(8..).unwrap_or_default().to_ascii_lowercase();
        match name.as_slice() {
            b"type" if !self.has_type => {
                self.has_type = true;
                self.media_type = media_type(field.body);
            }
            b"id" => fill(&mut self.id, field),
            b"description" => fill(&mut self.description, field),
            b"md5" => fill(&mut self.md5, field),
            b"location" => fill(&mut self.location, field),
            b"transfer-encoding" if self.transfer_encoding.is_none() => {
                self.transfer_encoding = transfer_encoding(field.body);
            }
            b"disposition" if self.disposition.is_none() => self.disposition = disposition(field.body),
            b"language" if self.languages.is_empty() => self.languages = languages(field.body),
            _ => {}
        }
    }
}

fn fill(slot: &mut Option<Vec<u8>>, field: &Field<'_>) {
    if slot.is_none() {
        *slot = Some(field.unfolded().into_owned());
    }
}

/// `content = "Content-Type" ":" type "/" subtype *(";" parameter)` (RFC 2045 §5.1)
///
/// An invalid field is no field (RFC 2045 §5.2: the default be assumed "when a syntactically invalid
/// Content-Type header field is encountered"). Broken parameters do not make it invalid.
fn media_type(body: &[u8]) -> Option<MediaType> {
    let mut lexer = Lexer::new(body);
    lexer.skip_cfws().ok()?;
    let main = lexer.run(is_token).to_vec();
    lexer.skip_cfws().ok()?;
    if main.is_empty() || !lexer.eat(b'/') {
        return None;
    }
    lexer.skip_cfws().ok()?;
    let sub = lexer.run(is_token).to_vec();
    lexer.skip_cfws().ok()?;
    let valid = !sub.is_empty() && matches!(lexer.peek(), None | Some(b';'));
    valid.then(|| MediaType {
        main,
        sub,
        parameters: parse_parameters(&mut lexer),
    })
}

/// `encoding = "Content-Transfer-Encoding" ":" mechanism` (RFC 2045 §6.1)
fn transfer_encoding(body: &[u8]) -> Option<Vec<u8>> {
    let mut lexer = Lexer::new(body);
    lexer.skip_cfws().ok()?;
    let mechanism = lexer.run(is_token);
    let _broken_comment_is_rest = lexer.skip_cfws();
    (!mechanism.is_empty() && lexer.is_at_end()).then(|| mechanism.to_vec())
}

/// `disposition = "Content-Disposition" ":" disposition-type *(";" disposition-parm)` (RFC 2183 §2)
///
/// The type may be missing: then the file name in the parameters is still worth telling.
fn disposition(body: &[u8]) -> Option<Disposition> {
    let mut lexer = Lexer::new(body);
    lexer.skip_cfws().ok()?;
    let kind = lexer.run(is_token).to_vec();
    let parameters = parse_parameters(&mut lexer);
    Some(Disposition { kind, parameters })
}

/// `Language-List = Language-Tag [CFWS] *("," [CFWS] Language-Tag [CFWS])` (RFC 3282 §2)
fn languages(body: &[u8]) -> Vec<Vec<u8>> {
    let mut lexer = Lexer::new(body);
    let mut found = Vec::new();
    while found.len() < LANGUAGES_MAX && lexer.skip_cfws().is_ok() {
        let tag = lexer.run(is_token);
        if !tag.is_empty() {
            found.push(tag.to_vec());
        }
        if lexer.skip_cfws().is_err() || !lexer.eat(b',') {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media_type_of(header: &str) -> Option<(String, String, usize)> {
        let found = parse_content(header.as_bytes()).media_type?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some((text(&found.main), text(&found.sub), found.parameters.len()))
    }

    fn check(body: &str, expected: Option<(&str, &str, usize)>) {
        let found = media_type_of(&format!("Content-Type: {body}\r\n"));
        assert_eq!(
            found
                .as_ref()
                .map(|(main, sub, count)| (main.as_str(), sub.as_str(), *count)),
            expected,
            "{body}"
        );
    }

    #[test]
    fn media_types() {
        check("text/plain; charset=utf-8", Some(("text", "plain", 1)));
        check("(c) Text / (d) HTML (e)", Some(("Text", "HTML", 0)));
        check(
            "multipart/mixed; boundary=\"a b\"; x",
            Some(("multipart", "mixed", 1)),
        );
    }

    #[test]
    fn invalid_media_types_count_as_missing() {
        for body in [
            "",
            "text",
            "text/",
            "/plain",
            "text/plain charset=utf-8",
            "text/plain/x",
            "(open",
        ] {
            check(body, None);
        }
    }

    #[test]
    fn the_first_field_counts_even_when_it_is_invalid() {
        assert_eq!(
            media_type_of("Content-Type: junk\r\nContent-Type: text/html\r\n"),
            None
        );
        let content = parse_content(b"Content-ID: <a>\r\nContent-ID: <b>\r\n");
        assert_eq!(content.id.as_deref(), Some(b"<a>".as_slice()));
    }

    #[test]
    fn boundaries_belong_to_multiparts() {
        let boundary = |header: &[u8]| {
            parse_content(header)
                .media_type
                .and_then(|media_type| media_type.boundary().map(<[u8]>::to_vec))
        };
        assert_eq!(
            boundary(b"Content-Type: MULTIPART/x; BOUNDARY=b\r\n").as_deref(),
            Some(b"b".as_slice())
        );
        assert_eq!(boundary(b"Content-Type: multipart/x; boundary=\"\"\r\n"), None);
        assert_eq!(boundary(b"Content-Type: text/plain; boundary=b\r\n"), None);
    }
}
