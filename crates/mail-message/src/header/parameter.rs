//! Parameters of Content-Type and Content-Disposition (RFC 2045 §5.1, RFC 2183), with the
//! continuations of RFC 2231 §3 joined.

use super::lexer::{Broken, Lexer, is_token};
use crate::limits::PARAMETERS_MAX;

/// A parameter. A value with RFC 2231 §4 encoding keeps it, and its name keeps the `*` that says so,
/// because BODYSTRUCTURE sends parameters undecoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parameter {
    pub name: Vec<u8>,
    pub value: Vec<u8>,
}

/// Returns the value of the first parameter with this name.
pub(crate) fn parameter<'p>(parameters: &'p [Parameter], name: &str) -> Option<&'p [u8]> {
    let found = parameters
        .iter()
        .find(|p| p.name.eq_ignore_ascii_case(name.as_bytes()));
    found.map(|p| p.value.as_slice())
}

/// Reads `*(";" parameter)` up to the end of the field body, at most [`PARAMETERS_MAX`] of them.
///
/// Broken stretches are skipped up to a semicolon behind them.
pub(crate) fn parse_parameters(lexer: &mut Lexer<'_>) -> Vec<Parameter> {
    let mut plain = Vec::new();
    let mut sections = Vec::new();
    while !lexer.is_at_end() && plain.len() + sections.len() < PARAMETERS_MAX {
        match one_parameter(lexer) {
            Ok(found) => match Section::of(&found) {
                Some(section) => sections.push(section),
                None => plain.push(found),
            },
            Err(Broken) => lexer.bump(),
        }
    }
    join_sections(sections, &mut plain);
    plain
}

/// `parameter = attribute "=" value` behind its semicolon (RFC 2045 §5.1)
fn one_parameter(lexer: &mut Lexer<'_>) -> Result<Parameter, Broken> {
    lexer.skip_cfws()?;
    if !lexer.eat(b';') {
        return Err(Broken);
    }
    lexer.skip_cfws()?;
    let name = lexer.run(is_token).to_vec();
    lexer.skip_cfws()?;
    if !lexer.eat(b'=') {
        return Err(Broken);
    }
    lexer.skip_cfws()?;
    let mut value = Vec::new();
    if lexer.peek() == Some(b'"') {
        lexer.quoted_string(&mut value)?;
    } else if lexer.rest().starts_with(b"=?") {
        // RFC 2047 §5 forbids encoded words here; file names come in them all the same.
        value.extend_from_slice(lexer.run(|byte| !b" \t\r\n;".contains(&byte)));
    } else {
        value.extend_from_slice(lexer.run(is_token));
    }
    lexer.skip_cfws()?;
    Ok(Parameter { name, value })
}

/// One section of a continued or encoded parameter: `name*3`, `name*3*`, or `name*`, which is the only
/// section of its parameter (RFC 2231 §3, §4).
struct Section {
    base: Vec<u8>,
    number: usize,
    is_extended: bool,
    value: Vec<u8>,
}

impl Section {
    fn of(parameter: &Parameter) -> Option<Self> {
        const DIGITS_MAX: usize = 4;
        let star = parameter.name.iter().position(|byte| *byte == b'*')?;
        let (base, rest) = (parameter.name.get(..star)?, parameter.name.get(star + 1..)?);
        let (digits, is_extended) = match rest.strip_suffix(b"*") {
            Some(digits) => (digits, true),
            None => (rest, rest.is_empty()),
        };
        let plain = digits.len() <= DIGITS_MAX && digits.iter().all(u8::is_ascii_digit);
        let number = plain.then(|| {
            digits
                .iter()
                .fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'))
        })?;
        Some(Self {
            base: base.to_vec(),
            number,
            is_extended,
            value: parameter.value.clone(),
        })
    }

    /// Turns the section back into the parameter that it came from.
    fn apart(self) -> Parameter {
        let star = if self.is_extended { "*" } else { "" };
        let name = [self.base.as_slice(), format!("*{}{star}", self.number).as_bytes()].concat();
        Parameter {
            name,
            value: self.value,
        }
    }
}

/// Appends the parameters that the sections make up. Where a section is missing or doubled they stay
/// apart: sending them unjoined loses nothing, and RFC 2231 §3 does not say what else to do.
fn join_sections(mut sections: Vec<Section>, out: &mut Vec<Parameter>) {
    sections.sort_by_cached_key(|section| (section.base.to_ascii_lowercase(), section.number));
    let mut joined = Vec::new();
    let mut rest = sections.into_iter().peekable();
    while let Some(first) = rest.next() {
        let mut group = vec![first];
        while let Some(next) = rest.next_if(|next| {
            group
                .first()
                .is_some_and(|first| first.base.eq_ignore_ascii_case(&next.base))
        }) {
            group.push(next);
        }
        if group.iter().enumerate().all(|(at, section)| at == section.number) {
            joined.extend(join(group));
        } else {
            out.extend(group.into_iter().map(Section::apart));
        }
    }
    out.extend(joined);
}

/// Joins sections 0..n. If one is percent-encoded, all become so (RFC 2231 §4.1 lets them mix).
fn join(group: Vec<Section>) -> Option<Parameter> {
    let extended = group.iter().any(|section| section.is_extended);
    let first = group.first()?;
    let mut name = first.base.clone();
    let mut value = Vec::new();
    if extended {
        name.push(b'*');
        // Charset and language stand in section 0; without encoding there, both are empty.
        if !first.is_extended {
            value.extend_from_slice(b"''");
        }
    }
    for section in group {
        if extended && !section.is_extended {
            percent_encode(&section.value, &mut value);
        } else {
            value.extend(section.value);
        }
    }
    Some(Parameter { name, value })
}

/// Encodes what a decoder of RFC 2231 §4 would otherwise take for an encoded octet.
fn percent_encode(value: &[u8], out: &mut Vec<u8>) {
    for &byte in value {
        if byte == b'%' {
            out.extend_from_slice(b"%25");
        } else {
            out.push(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: &[(&str, &str)]) {
        let found = parse_parameters(&mut Lexer::new(body.as_bytes()));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let found: Vec<(String, String)> = found.iter().map(|p| (text(&p.name), text(&p.value))).collect();
        let found: Vec<(&str, &str)> = found.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(found, expected, "{body}");
    }

    #[test]
    fn plain_parameters() {
        check(
            "; a=b; c=\"d; e\" (comment); f=",
            &[("a", "b"), ("c", "d; e"), ("f", "")],
        );
        check("; name=a/b; c=d", &[("name", "a"), ("c", "d")]);
        check("; broken; a=b; c=d", &[("c", "d")]);
    }

    #[test]
    fn continuations_are_joined() {
        check("; f*1=b; f*0=a", &[("f", "ab")]);
        check(
            "; f*0*=utf-8''a%20; f*1=\"b c\"; x=y",
            &[("x", "y"), ("f*", "utf-8''a%20b c")],
        );
        check("; f*=utf-8''x", &[("f*", "utf-8''x")]);
    }

    #[test]
    fn incomplete_continuations_stay_apart() {
        check(
            "; f*0=a; f*2*=c; g*0=d",
            &[("f*0", "a"), ("f*2*", "c"), ("g", "d")],
        );
        check("; f*=a; f*0=b", &[("f*0*", "a"), ("f*0", "b")]);
    }

    #[test]
    fn parameters_are_capped() {
        let many = "; a*1=b".repeat(50_000);
        assert_eq!(
            parse_parameters(&mut Lexer::new(many.as_bytes())).len(),
            PARAMETERS_MAX
        );
        let junk = ";;;(".repeat(50_000);
        assert!(parse_parameters(&mut Lexer::new(junk.as_bytes())).is_empty());
    }
}
