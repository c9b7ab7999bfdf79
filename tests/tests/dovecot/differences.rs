//! The differences that are meant, as `crates/mail-message/corpus/differences.txt` has them.

use std::path::Path;

use crate::{ITEMS, Message};

/// A message for which Dovecot and we give different answers, each on purpose.
struct Difference {
    message: String,
    theirs: String,
    ours: String,
    seen: bool,
}

/// All of them.
pub struct Differences(Vec<Difference>);

impl Differences {
    /// Reads what the file says of these messages: `## message`, the reason, then pairs of lines. Body sections,
    /// which the file has too, are not compared here.
    pub fn read(path: &Path, messages: &[Message]) -> Self {
        let text = std::fs::read_to_string(path).expect("the differences");
        let mut message = "";
        let mut theirs = "";
        let mut differences = Vec::new();
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("## ") {
                message = name;
            } else if let Some(answer) = line.strip_prefix("Dovecot: ") {
                theirs = answer;
            } else if let Some(ours) = line.strip_prefix("ours:    ") {
                differences.push(Difference {
                    message: message.to_owned(),
                    theirs: theirs.to_owned(),
                    ours: ours.to_owned(),
                    seen: false,
                });
            }
        }
        differences.retain(|difference| {
            ITEMS.contains(&item(&difference.ours))
                && messages.iter().any(|message| message.name == difference.message)
        });
        Self(differences)
    }

    /// Says whether a difference is written down with its reason.
    pub fn explain(&mut self, message: &str, theirs: &str, ours: &str) -> bool {
        let known = self.0.iter_mut().find(|known| {
            (known.message.as_str(), known.theirs.as_str(), known.ours.as_str()) == (message, theirs, ours)
        });
        known.map(|known| known.seen = true).is_some()
    }

    /// Returns those that did not come up.
    pub fn left_over(&self) -> Vec<String> {
        let left = self.0.iter().filter(|known| !known.seen);
        left.map(|known| format!("{}: {}", known.message, item(&known.ours)))
            .collect()
    }
}

fn item(answer: &str) -> &str {
    answer.split(' ').next().unwrap_or_default()
}
