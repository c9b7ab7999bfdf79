//! Status responses: OK, NO, BAD, PREAUTH and BYE.

use crate::response::{ResponseCode, end_line, text};
use crate::types::Tag;

/// What a status response says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// `OK`
    Ok,
    /// `NO`
    No,
    /// `BAD`
    Bad,
    /// `PREAUTH`, a greeting.
    PreAuth,
    /// `BYE`
    Bye,
}

/// A status response, tagged or not; untagged OK, PREAUTH and BYE are also the greetings.
///
/// `resp-cond-state = ("OK" / "NO" / "BAD") SP resp-text`,
/// `resp-text = ["[" resp-text-code "]" SP] text` (RFC 3501 §9)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status<'a> {
    /// The tag, or `None` for an untagged response.
    pub tag: Option<&'a Tag>,
    /// What it says.
    pub condition: Condition,
    /// The response code.
    pub code: Option<ResponseCode<'a>>,
    /// The text for a person. Unprintable characters are shown as `?`; an empty text is replaced, for
    /// the grammar wants one and clients stumble without it.
    pub text: &'a str,
}

impl Condition {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::No => "NO",
            Self::Bad => "BAD",
            Self::PreAuth => "PREAUTH",
            Self::Bye => "BYE",
        }
    }

    fn default_text(self) -> &'static str {
        match self {
            Self::Ok => "Done",
            Self::No => "Failed",
            Self::Bad => "Not understood",
            Self::PreAuth => "Welcome",
            Self::Bye => "Goodbye",
        }
    }
}

impl Status<'_> {
    /// Appends the response.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.tag.map_or("*", Tag::as_str).as_bytes());
        out.push(b' ');
        out.extend_from_slice(self.condition.name().as_bytes());
        out.push(b' ');
        if let Some(code) = &self.code {
            out.push(b'[');
            code.encode(out);
            out.extend_from_slice(b"] ");
        }
        match (self.text, self.code) {
            ("", _) => out.extend_from_slice(self.condition.default_text().as_bytes()),
            // A text that begins with a bracket would be read as a code.
            (words, None) if words.starts_with('[') => {
                out.push(b'(');
                text(out, words.get(1..).unwrap_or_default());
            }
            (words, _) => text(out, words),
        }
        end_line(out);
    }
}
