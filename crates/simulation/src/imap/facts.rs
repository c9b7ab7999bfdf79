//! What mail programs together know of one account: which messages must be there, and under which UIDs.

use std::collections::BTreeMap;

use mailstore::BlobId;

/// Names a message by what its header says, whatever its UID.
pub(crate) type Token = String;

/// A UID with what it belongs to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Place {
    pub(crate) mailbox: &'static str,
    pub(crate) uid_validity: u32,
    pub(crate) uid: u32,
}

/// One message that was sent.
#[derive(Clone, Debug)]
struct Sent {
    content: BlobId,
    /// Copies that were acknowledged, and those that may have been made.
    least: usize,
    most: usize,
    /// Whether somebody may have removed it.
    may_be_gone: bool,
}

/// What is known of one account.
#[derive(Default)]
pub(crate) struct MailFacts {
    sent: BTreeMap<Token, Sent>,
    named: BTreeMap<Place, Token>,
    uid_validity: BTreeMap<&'static str, u32>,
    /// The highest UID that was acknowledged in a mailbox.
    highest: BTreeMap<&'static str, u32>,
}

impl MailFacts {
    /// Takes note of a message that is being sent: it may be there from now on.
    pub(crate) fn sending(&mut self, token: &str, octets: &[u8]) {
        let sent = Sent {
            content: BlobId(*blake3::hash(octets).as_bytes()),
            least: 0,
            most: 1,
            may_be_gone: false,
        };
        self.sent.insert(token.to_owned(), sent);
    }

    /// Takes note that a message was refused: no copy was made.
    pub(crate) fn refused(&mut self, token: &str) {
        if let Some(sent) = self.sent.get_mut(token) {
            sent.most = sent.most.saturating_sub(1);
        }
    }

    /// Takes note of an acknowledged copy.
    ///
    /// # Errors
    /// When its UID has named another message.
    pub(crate) fn acknowledged(&mut self, token: &str, place: Place) -> Result<(), String> {
        if let Some(sent) = self.sent.get_mut(token) {
            sent.least += 1;
        }
        let highest = self.highest.entry(place.mailbox).or_default();
        *highest = place.uid.max(*highest);
        self.observed(place, token)
    }

    /// Takes note of messages that may be copied from now on. Returns their tokens.
    pub(crate) fn copying(&mut self, places: &[Place]) {
        for token in self.tokens(places) {
            if let Some(sent) = self.sent.get_mut(&token) {
                sent.most += 1;
            }
        }
    }

    /// Takes note that nothing was copied of these.
    pub(crate) fn not_copied(&mut self, places: &[Place]) {
        for token in self.tokens(places) {
            self.refused(&token);
        }
    }

    /// Takes note of messages that may be removed from now on.
    pub(crate) fn may_be_removed(&mut self, places: &[Place]) {
        for token in self.tokens(places) {
            if let Some(sent) = self.sent.get_mut(&token) {
                sent.may_be_gone = true;
            }
        }
    }

    /// Returns the message at a place, if it was seen there.
    pub(crate) fn token_at(&self, place: &Place) -> Option<Token> {
        self.named.get(place).cloned()
    }

    fn tokens(&self, places: &[Place]) -> Vec<Token> {
        places
            .iter()
            .filter_map(|place| self.named.get(place).cloned())
            .collect()
    }

    /// Takes note of a message that was seen.
    ///
    /// # Errors
    /// When the UID has named another one (RFC 9051 §2.3.1.1).
    pub(crate) fn observed(&mut self, place: Place, token: &str) -> Result<(), String> {
        let known = self
            .named
            .entry(place.clone())
            .or_insert_with(|| token.to_owned());
        match known == token {
            true => Ok(()),
            false => Err(format!("{place:?} names {token}, and named {known}")),
        }
    }

    /// Checks the octets of a message.
    ///
    /// # Errors
    /// When they are not those that were sent.
    pub(crate) fn content(&self, token: &str, octets: &[u8]) -> Result<(), String> {
        let Some(sent) = self.sent.get(token) else {
            return Err(format!("nobody sent {token}"));
        };
        match sent.content == BlobId(*blake3::hash(octets).as_bytes()) {
            true => Ok(()),
            false => Err(format!("{token} is not what was sent: {} octets", octets.len())),
        }
    }

    /// Takes note of the UIDVALIDITY of a mailbox.
    ///
    /// # Errors
    /// When it was another one (RELIABILITY §1.2.5).
    pub(crate) fn uid_validity(&mut self, mailbox: &'static str, validity: u32) -> Result<(), String> {
        let known = *self.uid_validity.entry(mailbox).or_insert(validity);
        match known == validity {
            true => Ok(()),
            false => Err(format!(
                "UIDVALIDITY of {mailbox} was {known} and is {validity}"
            )),
        }
    }

    /// Returns the highest UID that was acknowledged in a mailbox, or 0.
    pub(crate) fn highest(&self, mailbox: &'static str) -> u32 {
        self.highest.get(mailbox).copied().unwrap_or_default()
    }

    /// Compares what is there in the end with what must be there. Gives what is wrong.
    pub(crate) fn compare(&self, there: &BTreeMap<Token, usize>) -> Vec<String> {
        let wrong = self.sent.iter().filter_map(|(token, sent)| {
            let found = there.get(token).copied().unwrap_or_default();
            let least = if sent.may_be_gone { 0 } else { sent.least };
            let fits = (least..=sent.most).contains(&found);
            (!fits).then(|| format!("{found} copies of {token}, expected {least} to {}", sent.most))
        });
        let strange = there.keys().filter(|token| !self.sent.contains_key(*token));
        wrong
            .chain(strange.map(|token| format!("nobody sent {token}")))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(uid: u32) -> Place {
        Place {
            mailbox: "INBOX",
            uid_validity: 1,
            uid,
        }
    }

    fn found(token: &str, copies: usize) -> BTreeMap<Token, usize> {
        [(token.to_owned(), copies)].into()
    }

    #[test]
    fn an_acknowledged_message_is_there_once_and_one_without_an_answer_at_most_once() {
        let mut facts = MailFacts::default();
        facts.sending("a", b"a");
        assert_eq!(facts.compare(&found("a", 1)), [""; 0]);
        assert_eq!(facts.compare(&found("a", 0)), [""; 0]);
        assert_eq!(facts.acknowledged("a", place(1)), Ok(()));
        assert_eq!(facts.compare(&found("a", 0)).len(), 1);
        assert_eq!(facts.compare(&found("a", 2)).len(), 1);
        facts.copying(&[place(1)]);
        assert_eq!(facts.compare(&found("a", 2)), [""; 0]);
        facts.not_copied(&[place(1)]);
        facts.may_be_removed(&[place(1)]);
        assert_eq!(facts.compare(&found("a", 0)), [""; 0]);
        assert_eq!(facts.compare(&found("b", 1)).len(), 1);
    }

    #[test]
    fn a_uid_names_one_message() {
        let mut facts = MailFacts::default();
        assert_eq!(facts.observed(place(1), "a"), Ok(()));
        assert!(facts.observed(place(1), "b").is_err());
        facts.sending("a", b"a");
        assert!(facts.content("a", b"b").is_err());
        assert!(facts.uid_validity("INBOX", 1).is_ok());
        assert!(facts.uid_validity("INBOX", 2).is_err());
    }
}
