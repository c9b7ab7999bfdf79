//! Messages from a seed: each has a Message-ID, a subject and body bytes of its own, so that a server that keeps
//! equal bodies once gains nothing, and each is the same whenever it is made again.

use std::fmt::Write as _;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Number of senders; message `n` is from sender `n mod CORRESPONDENTS`.
pub const CORRESPONDENTS: usize = 50;
/// One message in so many has `RARE_WORD` in its text.
pub const RARE_EVERY: usize = 100;
pub const RARE_WORD: &str = "quixotiquement";
/// One message in so many has an attachment.
const ATTACHMENT_EVERY: usize = 4;
const SHORTEST_BYTES: usize = 600;
const WORDS: usize = 2000;
const LINE_BYTES: usize = 72;

/// SplitMix64: small, fast, and good enough to make text.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    fn word(&mut self) -> &'static str {
        let words = words();
        // Squaring the choice makes some words common, as in real text.
        let at = self.below(WORDS) * self.below(WORDS) / WORDS;
        words.get(at).map_or("et", String::as_str)
    }
}

fn words() -> &'static [String] {
    static CHOSEN: OnceLock<Vec<String>> = OnceLock::new();
    CHOSEN.get_or_init(|| {
        let syllables = [
            "la", "ré", "mi", "son", "tu", "ver", "ca", "ne", "po", "lis", "dra", "que", "o", "fen",
        ];
        let mut random = Random(7);
        let word = |_| {
            let count = 1 + random.below(4);
            (0..count)
                .map(|_| *syllables.get(random.below(syllables.len())).unwrap_or(&"a"))
                .collect()
        };
        (0..WORDS).map(word).collect()
    })
}

/// The address of sender `number`.
pub fn correspondent(number: usize) -> String {
    format!("correspondent-{:02}@sender.example", number % CORRESPONDENTS)
}

/// Returns message `number` of the series `seed`: `bytes` long, or a little less where a line would be cut.
pub fn message(seed: u64, number: usize, bytes: usize) -> Vec<u8> {
    let bytes = bytes.max(SHORTEST_BYTES);
    let mut random = Random(seed.wrapping_mul(0x0100_0000_01b3) ^ u64::try_from(number).unwrap_or(0) << 20);
    let mut text = String::with_capacity(bytes + LINE_BYTES);
    header(&mut text, &mut random, number);
    if number.is_multiple_of(ATTACHMENT_EVERY) {
        multipart(&mut text, &mut random, number, bytes);
    } else {
        text.push_str("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
        prose(&mut text, &mut random, number, bytes);
    }
    text.into_bytes()
}

fn header(text: &mut String, random: &mut Random, number: usize) {
    let (day, hour, minute) = (1 + random.below(28), random.below(24), random.below(60));
    let (unique, sender) = (random.next(), correspondent(number));
    let (one, two, three) = (random.word(), random.word(), random.word());
    let written = write!(
        text,
        "Return-Path: <{sender}>\r\n\
         Received: from mx.sender.example (mx.sender.example [192.0.2.{number_low}])\r\n\
         \tby mail.example.net with ESMTPS id {unique:016X};\r\n\
         \t{day} Jun 2026 {hour:02}:{minute:02}:07 +0200\r\n\
         Date: {day} Jun 2026 {hour:02}:{minute:02}:00 +0200\r\n\
         From: \"Correspondent Number {sender_number}\" <{sender}>\r\n\
         To: Somebody <somebody@example.net>, other-{number}@example.net\r\n\
         Subject: =?utf-8?Q?{subject}?= {number} {unique:x}\r\n\
         Message-ID: <{unique:016x}.{number}@sender.example>\r\n\
         References: <{before:016x}@sender.example>\r\n\
         MIME-Version: 1.0\r\n",
        number_low = number % 254 + 1,
        sender_number = number % CORRESPONDENTS,
        subject = quoted(&format!("{one}_{two}_{three}")),
        before = random.next(),
    );
    debug_assert!(written.is_ok(), "a string takes any text");
}

/// The Q encoding of RFC 2047 §4.2, for text whose blanks are underscores already.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'_' => out.push(char::from(byte)),
            other => {
                let written = write!(out, "={other:02X}");
                debug_assert!(written.is_ok(), "a string takes any text");
            }
        }
    }
    out
}

/// Fills up to `end` bytes with lines of words.
fn prose(text: &mut String, random: &mut Random, number: usize, end: usize) {
    if number.is_multiple_of(RARE_EVERY) {
        text.push_str(RARE_WORD);
        text.push_str("\r\n");
    }
    let mut line = String::with_capacity(LINE_BYTES * 2);
    loop {
        line.clear();
        while line.len() < LINE_BYTES {
            line.push_str(random.word());
            line.push(' ');
        }
        // The line that fills up the rest has an end, too.
        if text.len() + line.len() + 4 > end {
            break;
        }
        text.push_str(&line);
        text.push_str("\r\n");
    }
    let rest = end.saturating_sub(text.len() + 2);
    text.extend(std::iter::repeat_n('.', rest));
    text.push_str("\r\n");
}

fn multipart(text: &mut String, random: &mut Random, number: usize, bytes: usize) {
    let boundary = format!("=_{:016x}", random.next());
    let start = format!(
        "Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\n"
    );
    text.push_str(&start);
    let half = text.len() + bytes.saturating_sub(text.len()) / 2;
    prose(text, random, number, half);
    let attachment = format!(
        "--{boundary}\r\nContent-Type: application/octet-stream; name=\"file-{number}.bin\"\r\n\
         Content-Disposition: attachment; filename=\"file-{number}.bin\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n"
    );
    text.push_str(&attachment);
    let end = format!("--{boundary}--\r\n");
    while text.len() + LINE_BYTES + 2 + end.len() <= bytes {
        let raw: Vec<u8> = (0..7)
            .flat_map(|_| random.next().to_le_bytes())
            .take(54)
            .collect();
        text.push_str(&STANDARD.encode(raw));
        text.push_str("\r\n");
    }
    text.push_str(&end);
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn messages_are_unique_repeatable_and_of_the_size_asked_for() {
        let mut seen = HashSet::new();
        for number in 0..200 {
            let made = message(3, number, 8192);
            assert!((8000..=8192).contains(&made.len()), "{number}: {}", made.len());
            assert_eq!(made, message(3, number, 8192));
            assert_ne!(made, message(4, number, 8192));
            assert!(made.ends_with(b"\r\n"));
            assert!(!made.windows(2).any(|pair| pair[1] == b'\n' && pair[0] != b'\r'));
            assert!(seen.insert(made));
        }
    }

    #[test]
    fn the_rare_word_is_in_one_message_of_a_hundred() {
        let has = |number| {
            String::from_utf8(message(1, number, 2048))
                .expect("UTF-8")
                .contains(RARE_WORD)
        };
        assert_eq!(
            (0..300).filter(|number| has(*number)).collect::<Vec<_>>(),
            [0, 100, 200]
        );
    }
}
