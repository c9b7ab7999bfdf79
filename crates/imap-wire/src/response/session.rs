//! CAPABILITY, ENABLED and ID responses, and continuation requests.

use crate::encode;
use crate::response::{end_line, separate, text};
use crate::types::Capability;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Appends `* CAPABILITY ...` (RFC 3501 §7.2.1).
pub fn capability(out: &mut Vec<u8>, capabilities: &[Capability]) {
    capability_line(out, b"* CAPABILITY", capabilities);
}

/// Appends `* ENABLED ...` (RFC 5161 §3.2): what this ENABLE has newly enabled.
pub fn enabled(out: &mut Vec<u8>, capabilities: &[Capability]) {
    capability_line(out, b"* ENABLED", capabilities);
}

fn capability_line(out: &mut Vec<u8>, name: &[u8], capabilities: &[Capability]) {
    out.extend_from_slice(name);
    for capability in capabilities {
        out.push(b' ');
        capability.encode(out);
    }
    end_line(out);
}

/// Appends `* ID (...)`, or `* ID NIL` for no fields.
///
/// `id_response = "ID" SPACE id_params_list` (RFC 2971 §4)
pub fn id(out: &mut Vec<u8>, fields: &[(&str, &str)]) {
    out.extend_from_slice(b"* ID ");
    if fields.is_empty() {
        encode::nil(out);
    } else {
        out.push(b'(');
        let mut first = true;
        for (name, value) in fields {
            separate(out, &mut first);
            encode::string(out, name.as_bytes());
            out.push(b' ');
            encode::string(out, value.as_bytes());
        }
        out.push(b')');
    }
    end_line(out);
}

/// Appends a continuation request for a literal or for IDLE.
///
/// `continue-req = "+" SP (resp-text / base64) CRLF` (RFC 3501 §9)
pub fn continuation(out: &mut Vec<u8>, words: &str) {
    out.extend_from_slice(b"+ ");
    text(out, words);
    end_line(out);
}

/// Appends a continuation request with a SASL challenge; an empty one is `+ ` and nothing behind it.
pub fn continuation_base64(out: &mut Vec<u8>, challenge: &[u8]) {
    out.extend_from_slice(b"+ ");
    out.extend_from_slice(STANDARD.encode(challenge).as_bytes());
    end_line(out);
}
