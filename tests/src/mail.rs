//! Messages to send and to look for.

use rand::distr::Alphanumeric;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Makes a small message in the form that the wire wants: CRLF at each line's end.
#[must_use]
pub fn message(subject: &str, body: &str) -> Vec<u8> {
    let text = format!(
        "From: Ada <ada@example.net>\n\
         To: Alice <alice@example.org>\n\
         Subject: {subject}\n\
         Date: Mon, 02 Mar 2026 10:00:00 +0000\n\
         Message-ID: <{id}@example.net>\n\
         MIME-Version: 1.0\n\
         Content-Type: text/plain; charset=utf-8\n\
         Content-Transfer-Encoding: 8bit\n\
         \n\
         {body}\n",
        id = subject.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-"),
    );
    crlf(&text)
}

/// Makes a message of at least so many bytes.
#[must_use]
pub fn large_message(subject: &str, bytes: usize) -> Vec<u8> {
    let line = "All work and no play makes a dull message.\n";
    message(subject, &line.repeat(bytes / line.len() + 1))
}

/// Makes a message of at least so many bytes that no compression makes smaller than half.
#[must_use]
pub fn incompressible_message(subject: &str, bytes: usize) -> Vec<u8> {
    let mut random = StdRng::seed_from_u64(1);
    let mut text = String::new();
    while text.len() < bytes {
        text.extend((0..72).map(|_| char::from(random.sample(Alphanumeric))));
        text.push('\n');
    }
    message(subject, &text)
}

/// Ends each line with CRLF.
#[must_use]
pub fn crlf(text: &str) -> Vec<u8> {
    text.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes()
}

/// Returns the value of a header field, as in `header(&message, "Subject")`.
#[must_use]
pub fn header(message: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(message);
    let prefix = format!("{name}: ");
    text.lines()
        .take_while(|line| !line.is_empty())
        .find_map(|line| line.strip_prefix(&prefix).map(str::to_owned))
}
