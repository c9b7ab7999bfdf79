//! Parameters of Content-Type and Content-Disposition (RFC 2045 §5.1, RFC 2183), with the
//! continuations of RFC 2231 §3 joined.

use std::collections::HashMap;

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
/// Broken stretches are skipped up to the next semicolon.
pub(crate) fn parse_parameters(lexer: &mut Lexer<'_>) -> Vec<Parameter> {
    let mut plain = Vec::new();
    let mut sections = Sections::default();
    while !lexer.is_at_end() && plain.len() + sections.count < PARAMETERS_MAX {
        match one_parameter(lexer) {
            Ok(found) => match section_number(&found.name) {
                Some((base, section)) => sections.add(base.to_vec(), section, found),
                None => plain.push(found),
            },
            Err(Broken) if lexer.peek() == Some(b';') => {}
            Err(Broken) => lexer.bump(),
        }
    }
    sections.join_into(&mut plain);
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
    if name.is_empty() || !lexer.eat(b'=') {
        return Err(Broken);
    }
    lexer.skip_cfws()?;
    let mut value = Vec::new();
    if lexer.peek() == Some(b'"') {
        // A string that never ends still tells its value: mail programs cut long names like that.
        let _kept_as_read = lexer.quoted_string(&mut value);
    } else {
        // RFC 2045 §5.1 wants a quoted string for tspecials; senders leave the quotes out.
        value.extend_from_slice(lexer.run(|byte| is_token(byte) || b"/:=?@[]<>,".contains(&byte)));
    }
    let _end_of_field = lexer.skip_cfws();
    Ok(Parameter { name, value })
}

/// Splits `name*3` and `name*3*` into base name and number (RFC 2231 §3).
fn section_number(name: &[u8]) -> Option<(&[u8], usize)> {
    let star = name.iter().position(|byte| *byte == b'*')?;
    let (base, number) = (name.get(..star)?, name.get(star + 1..)?);
    let digits = number.strip_suffix(b"*").unwrap_or(number);
    let plain = !digits.is_empty() && digits.len() <= 3 && digits.iter().all(u8::is_ascii_digit);
    let number = plain.then(|| {
        digits
            .iter()
            .fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'))
    })?;
    Some((base, number))
}

/// The continuation sections met so far, by lower-case base name, in order of first appearance.
#[derive(Default)]
struct Sections {
    by_name: HashMap<Vec<u8>, usize>,
    groups: Vec<Group>,
    count: usize,
}

struct Group {
    base: Vec<u8>,
    sections: Vec<(usize, Parameter)>,
}

impl Sections {
    fn add(&mut self, base: Vec<u8>, number: usize, parameter: Parameter) {
        let groups = &mut self.groups;
        let at = *self.by_name.entry(base.to_ascii_lowercase()).or_insert_with(|| {
            groups.push(Group {
                base,
                sections: Vec::new(),
            });
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(at) {
            group.sections.push((number, parameter));
            self.count += 1;
        }
    }

    fn join_into(self, out: &mut Vec<Parameter>) {
        let mut groups = self.groups;
        groups.sort_by_key(|group| group.base.to_ascii_lowercase());
        for mut group in groups {
            group.sections.sort_by_key(|(number, _)| *number);
            let complete = group
                .sections
                .iter()
                .enumerate()
                .all(|(at, (number, _))| at == *number);
            if complete {
                out.push(join(group));
            } else {
                // Sections missing or doubled: sending them unjoined loses nothing (RFC 2231 §3 does not say).
                out.extend(group.sections.into_iter().map(|(_, parameter)| parameter));
            }
        }
    }
}

/// Joins sections 0..n. If one is percent-encoded, all become so (RFC 2231 §4.1 lets them mix).
fn join(group: Group) -> Parameter {
    let is_extended = |parameter: &Parameter| parameter.name.ends_with(b"*");
    let extended = group.sections.iter().any(|(_, parameter)| is_extended(parameter));
    let mut name = group.base;
    let mut value = Vec::new();
    if extended {
        name.push(b'*');
        // Charset and language stand in section 0; without encoding there, both are empty.
        if group
            .sections
            .first()
            .is_some_and(|(_, first)| !is_extended(first))
        {
            value.extend_from_slice(b"''");
        }
    }
    for (_, parameter) in &group.sections {
        if extended && !is_extended(parameter) {
            percent_encode(&parameter.value, &mut value);
        } else {
            value.extend_from_slice(&parameter.value);
        }
    }
    Parameter { name, value }
}

/// `ext-octet = "%" 2(DIGIT / "A" / ...)` for all that is no `attribute-char` (RFC 2231 §7)
fn percent_encode(value: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for &byte in value {
        if is_token(byte) && byte < 0x80 && !b"*'%".contains(&byte) {
            out.push(byte);
        } else {
            let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
            out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
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
        check("; name=a/b?c", &[("name", "a/b?c")]);
        check("; broken; a=b", &[("a", "b")]);
    }

    #[test]
    fn continuations_are_joined() {
        check("; f*1=b; f*0=a", &[("f", "ab")]);
        check(
            "; f*0*=utf-8''a%20; f*1=\"b c\"; x=y",
            &[("x", "y"), ("f*", "utf-8''a%20b%20c")],
        );
        check("; f*=utf-8''x", &[("f*", "utf-8''x")]);
    }

    #[test]
    fn incomplete_continuations_stay_apart() {
        check("; f*0=a; f*2=c", &[("f*0", "a"), ("f*2", "c")]);
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
