//! ENVELOPE, BODY, BODYSTRUCTURE, RFC822.SIZE and body sections agree with Dovecot 2.3.19 on the corpus.
//!
//! Where they differ on purpose, `corpus/differences.txt` holds both answers and the reason from
//! [`REASONS`]. The test fails when a difference comes, goes or changes; `BLESS=1` rewrites the file.

mod support;

use std::fmt::Write as _;

use mail_message::{Section, Span, Summary, SummaryRef};
use support::{corpus, messages};

const DELIMITER: &str = "RFC 2046 §5.1.1: the CRLF preceding a boundary delimiter line belongs to the delimiter, \
    also where another delimiter stands before it; Dovecot counts it into the inner multipart";
const CONTENT_TYPE: &str =
    "RFC 2045 §5.2: text/plain is assumed when a Content-Type field is syntactically invalid";
const OCTETS: &str = "RFC 3501 §7.4.2 (RFC822.SIZE) and §2.3.4: sizes count the octets of the message as it was \
    appended and BODY[] returns them; Dovecot rewrites line endings";
const NUL: &str = "RFC 3501 §9 (CHAR8): NUL cannot be sent in a literal, so it is left out of ENVELOPE, and the \
    message is returned as it was appended; Dovecot puts another character in its place";
const FOLDING: &str = "RFC 5322 §2.2.3: a field means the same folded and on one line, so the white space of a fold \
    right behind the colon is no more content than the space there";
const EMPTY_BOUNDARY: &str = "RFC 2046 §5.1.1 (boundary = 0*69<bchars> bcharsnospace): an empty boundary delimits \
    nothing; there is no part that could have a header";
const LONG_BOUNDARY: &str =
    "RFC 2046 §5.1.1: the boundary must appear in its entirety; Dovecot compares 80 characters";

/// Which messages may differ, and why.
const REASONS: &[(&str, &[&str])] = &[
    (
        DELIMITER,
        &[
            "digest-in-mixed",
            "digest-message-multipart",
            "digest-no-blank",
            "message-boundary-in-inner-header",
            "message-multipart-in-multipart",
            "message-same-boundary-inside",
            "nested-inner-delimiter-then-outer",
            "nested-inner-end-with-outer-prefix",
            "nested-prefix-inner-longer",
            "nested-same-boundary",
            "nested-twenty",
            "nested-two",
        ],
    ),
    (
        CONTENT_TYPE,
        &[
            "digest-broken-type",
            "multipart-subtype-empty",
            "multipart-subtype-missing",
            "type-at-sign",
            "type-empty",
            "type-junk",
            "type-no-semicolon",
            "type-no-subtype",
            "type-no-subtype-slash",
            "type-no-type",
            "type-text-slash-slash",
        ],
    ),
    (
        OCTETS,
        &[
            "lines-cr-in-body",
            "lines-cr-only",
            "lines-crcrlf-header",
            "lines-lf-only",
            "lines-lf-only-multipart",
            "lines-mixed",
            "lines-trailing-cr",
            "multipart-bare-lf-boundaries",
        ],
    ),
    (NUL, &["lines-nul-in-body", "lines-nul-in-header"]),
    (
        FOLDING,
        &[
            "field-id-folded",
            "header-empty-fields",
            "header-folded-everything",
        ],
    ),
    (EMPTY_BOUNDARY, &["type-multipart-empty-boundary"]),
    (LONG_BOUNDARY, &["multipart-boundary-very-long"]),
];

#[test]
fn answers_agree_or_differ_for_a_reason() {
    let found: String = messages()
        .iter()
        .map(|(name, message)| compare(name, message))
        .collect();
    let file = corpus().join("differences.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, &found).expect("the corpus is writable");
    }
    let recorded = std::fs::read_to_string(&file).expect("the file is committed");
    assert_eq!(
        found, recorded,
        "the differences are not those recorded; BLESS=1 records them"
    );
    assert!(!found.contains("NO REASON"), "a difference has no reason");
}

/// Returns both answers wherever they differ, with the reason.
fn compare(name: &str, message: &[u8]) -> String {
    // Dovecot refuses to store an empty message, so nothing was recorded about it.
    let Ok(golden) = std::fs::read_to_string(corpus().join("golden").join(format!("{name}.txt"))) else {
        assert!(message.is_empty(), "{name} was not recorded");
        return String::new();
    };
    let summary = Summary::of(message).expect("short");
    let mut out = String::new();
    for theirs in golden.lines() {
        let ours = answer(message, &summary.view(), theirs);
        if ours != theirs {
            writeln!(out, "Dovecot: {theirs}\nours:    {ours}").expect("strings take everything");
        }
    }
    if out.is_empty() {
        out
    } else {
        format!("## {name}\n{}\n{out}\n", reason(name))
    }
}

fn reason(name: &str) -> &'static str {
    let found = REASONS.iter().find(|(_, names)| names.contains(&name));
    found.map_or("NO REASON", |(reason, _)| reason)
}

/// Answers one line of a golden file from our summary.
fn answer(message: &[u8], view: &SummaryRef<'_>, line: &str) -> String {
    let (item, rest) = line.split_once(' ').expect("an item and its value");
    match item {
        "ENVELOPE" => format!("ENVELOPE {}", normal(view.envelope())),
        "BODY" => format!("BODY {}", normal(view.body())),
        "BODYSTRUCTURE" => format!("BODYSTRUCTURE {}", normal(view.bodystructure())),
        "RFC822.SIZE" => format!("RFC822.SIZE {}", view.size()),
        "SECTION" => {
            let name = rest.split(' ').next().expect("a section");
            // Dovecot answers a section that does not exist with an empty string.
            let bytes = section(view, name).unwrap_or_default().of(message);
            format!("SECTION {name} {} {:08x}", bytes.len(), crc32(bytes))
        }
        other => format!("{other} is not known here"),
    }
}

fn section(view: &SummaryRef<'_>, name: &str) -> Option<Span> {
    let mut path = Vec::new();
    let mut section = Section::Whole;
    for word in name.split('.') {
        match word {
            "-" => {}
            "HEADER" => section = Section::Header,
            "TEXT" => section = Section::Text,
            "MIME" => section = Section::Mime,
            number => path.push(number.parse().expect("a part number")),
        }
    }
    view.section(&path, section)
}

/// Returns the CRC-32 that zip uses.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                crc >> 1 ^ 0xedb8_8320
            } else {
                crc >> 1
            }
        })
    })
}

/// Writes a value as it goes on the wire in the normal form of `corpus/record.py`: literals become strings, and all bytes but
/// printable ASCII are escaped.
fn normal(wire: &[u8]) -> String {
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
