//! Dialogues as data, in `transcripts/*.lmtp`: `C: ` lines of the client, `S: ` lines of the server, then
//! `D: ` what was delivered to whom, its octets behind `| `. `C> ` is text with escapes and without a line
//! end, `C* 70000 x` a text repeated. `option: ` lines change the server's. `BLESS=1` rewrites what the
//! server said.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use lmtp::{LmtpOptions, OverQuota};

use crate::fake::{Fake, Message};
use crate::harness::{Client, options, role};

struct Transcript {
    /// Comments and options.
    head: Vec<String>,
    options: LmtpOptions,
    /// What the client says at a time, as it is written.
    turns: Vec<Vec<String>>,
}

fn parse(text: &str) -> Transcript {
    let mut transcript = Transcript {
        head: Vec::new(),
        options: options(),
        turns: vec![Vec::new()],
    };
    let mut answered = true;
    for line in text.lines() {
        if line.starts_with('C') {
            if answered {
                transcript.turns.push(Vec::new());
            }
            transcript.turns.last_mut().expect("a turn").push(line.to_owned());
            answered = false;
        } else if line.starts_with("S: ") {
            answered = true;
        } else if line.starts_with('#') || line.starts_with("option: ") {
            transcript.head.push(line.to_owned());
            if let Some(option) = line.strip_prefix("option: ") {
                set(&mut transcript.options, option);
            }
        }
    }
    transcript
}

fn set(options: &mut LmtpOptions, option: &str) {
    let (name, value) = option.split_once(' ').expect("a name and a value");
    let number = || value.parse().expect("a number");
    match name {
        "over-quota-refuse" => options.over_quota = OverQuota::Refuse,
        "no-subaddress" => options.subaddress = false,
        "recipients-max" => options.recipients_max = number(),
        "line-bytes-max" => options.line_bytes_max = number(),
        "message-bytes-max" => options.message_bytes_max = number() as u64,
        other => {
            assert_eq!(other, "bad-commands-max", "an option that is not known");
            options.bad_commands_max = value.parse().expect("a number");
        }
    }
}

/// Returns the octets that a line of the client stands for.
fn octets(line: &str) -> Vec<u8> {
    let (kind, text) = line.split_at(line.len().min(3));
    match kind.trim_end() {
        "C:" => format!("{text}\r\n").into_bytes(),
        "C>" => text
            .replace("\\r", "\r")
            .replace("\\n", "\n")
            .replace("\\0", "\0")
            .into_bytes(),
        other => {
            assert_eq!(other, "C*", "a kind of line that is not known");
            let (count, text) = text.split_once(' ').expect("a count and a text");
            text.repeat(count.parse().expect("a count")).into_bytes()
        }
    }
}

fn delivered(messages: &[Message]) -> String {
    let mut text = String::new();
    for message in messages {
        let recipients = message.recipients.join(", ");
        let sender = &message.sender;
        writeln!(text, "\nD: from <{sender}> to {recipients}").expect("memory");
        let content = String::from_utf8_lossy(&message.content);
        if content.len() > 2000 {
            writeln!(text, "| {} octets", content.len()).expect("memory");
            continue;
        }
        for line in content.split_inclusive("\r\n") {
            let line = line.strip_suffix("\r\n").unwrap_or(line);
            writeln!(text, "| {}", line.replace(['\r', '\n'], "?").replace('\t', "\\t")).expect("memory");
        }
    }
    text
}

/// Plays turn by turn and returns the transcript as it went.
async fn played(transcript: &Transcript) -> String {
    let fake = Fake::default();
    let mut client = Client::connect(&role(transcript.options.clone(), &fake));
    let mut text: String = transcript.head.iter().map(|line| format!("{line}\n")).collect();
    let mut over = false;
    for turn in &transcript.turns {
        for line in turn {
            writeln!(text, "{line}").expect("memory");
            client.send(&octets(line)).await;
        }
        let (heard, closed) = client.hear().await;
        for line in heard.lines() {
            writeln!(text, "S: {line}").expect("memory");
        }
        over = closed;
    }
    if over {
        text.push_str("S: <closed>\n");
    }
    client.leave().await;
    let messages = fake.log.delivered.lock().expect("not poisoned").clone();
    text.push_str(&delivered(&messages));
    text.lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

/// Plays everything that the client says at once, in pieces of this many octets, and returns what the
/// server said and what was delivered.
async fn rushed(transcript: &Transcript, piece: usize) -> (String, Vec<Message>) {
    let fake = Fake::default();
    let mut client = Client::connect(&role(transcript.options.clone(), &fake));
    let lines = transcript.turns.iter().flatten();
    let input: Vec<u8> = lines.flat_map(|line| octets(line)).collect();
    for piece in input.chunks(piece) {
        client.send(piece).await;
        tokio::task::yield_now().await;
    }
    let (heard, _) = client.hear().await;
    client.leave().await;
    let messages = fake.log.delivered.lock().expect("not poisoned").clone();
    (heard, messages)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogue/transcripts")
}

fn all() -> Vec<(PathBuf, String)> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder())
        .expect("the transcripts")
        .map(|entry| entry.expect("a file").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a transcript");
        (path, text)
    };
    paths.into_iter().map(read).collect()
}

#[tokio::test(start_paused = true)]
async fn every_transcript_goes_as_it_is_written() {
    for (path, expected) in all() {
        let actual = played(&parse(&expected)).await;
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &actual).expect("writable");
        } else {
            assert_eq!(actual, expected, "{}", path.display());
        }
    }
}

/// RFC 2920: a client need not wait; and the network may cut what it says anywhere.
#[tokio::test(start_paused = true)]
async fn any_split_of_the_input_gives_the_same_answers_and_messages() {
    for (path, text) in all() {
        let transcript = parse(&text);
        let input: usize = transcript
            .turns
            .iter()
            .flatten()
            .map(|line| octets(line).len())
            .sum();
        let whole = rushed(&transcript, usize::MAX).await;
        let heard: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("S: ")).collect();
        let heard: Vec<&str> = heard.into_iter().filter(|line| *line != "<closed>").collect();
        let said: Vec<&str> = whole.0.lines().map(str::trim_end).collect();
        assert_eq!(said, heard, "{}", path.display());
        // Long messages are split less finely, or this would take minutes.
        let pieces: &[usize] = if input > 4000 {
            &[999, 4096, 20_000]
        } else {
            &[1, 2, 3, 7, 64]
        };
        for piece in pieces {
            assert_eq!(
                rushed(&transcript, *piece).await,
                whole,
                "{} in {piece}",
                path.display()
            );
        }
    }
}
