//! The corpus and the normal form of its recorded answers (see `corpus/record.py`).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Returns the corpus directory.
pub fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// Returns all messages of the corpus by name, in order.
pub fn messages() -> Vec<(String, Vec<u8>)> {
    let directory = std::fs::read_dir(corpus().join("messages")).expect("the corpus is committed");
    let mut found: Vec<(String, Vec<u8>)> = directory
        .map(|entry| {
            let path = entry.expect("readable").path();
            let name = path.file_stem().expect("named").to_string_lossy().into_owned();
            (name, std::fs::read(path).expect("readable"))
        })
        .collect();
    found.sort();
    assert!(found.len() >= 120, "the corpus has shrunk");
    found
}

/// Writes a value as it goes on the wire in the normal form: literals become strings, and all bytes but
/// printable ASCII are escaped.
pub fn normal(wire: &[u8]) -> String {
    let mut out = String::new();
    let mut rest = wire;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = match byte {
            b'"' => quoted(behind, &mut out),
            b'{' => literal(behind, &mut out),
            _ => {
                // The grammar has no space between addresses or parts; the normal form has one everywhere.
                if byte == b'(' && out.ends_with(')') {
                    out.push(' ');
                }
                out.push(char::from(byte));
                behind
            }
        };
    }
    out
}

fn quoted<'w>(wire: &'w [u8], out: &mut String) -> &'w [u8] {
    let mut value = Vec::new();
    let mut rest = wire;
    loop {
        let (&byte, behind) = rest.split_first().expect("quoted strings end");
        rest = behind;
        match byte {
            b'"' => break,
            b'\\' => {
                value.push(rest[0]);
                rest = &rest[1..];
            }
            _ => value.push(byte),
        }
    }
    escape(&value, out);
    rest
}

fn literal<'w>(wire: &'w [u8], out: &mut String) -> &'w [u8] {
    let end = wire
        .iter()
        .position(|byte| *byte == b'}')
        .expect("literals have a length");
    let length: usize = std::str::from_utf8(&wire[..end])
        .expect("digits")
        .parse()
        .expect("digits");
    let start = end + 3;
    escape(&wire[start..start + length], out);
    &wire[start + length..]
}

fn escape(value: &[u8], out: &mut String) {
    out.push('"');
    for &byte in value {
        match byte {
            b'"' | b'\\' => write!(out, "\\x{byte:02x}").expect("strings take everything"),
            0x20..0x7f => out.push(char::from(byte)),
            _ => write!(out, "\\x{byte:02x}").expect("strings take everything"),
        }
    }
    out.push('"');
}
