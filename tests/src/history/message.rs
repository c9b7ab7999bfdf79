//! What is known of one message.

use std::collections::BTreeSet;

/// Where a message is and how it is marked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum State {
    /// It was never there, or is gone for good.
    Absent,
    /// It is in a mailbox.
    Present {
        /// Which.
        mailbox: String,
        /// Under which UID; nothing when the answer that would say so never came.
        uid: Option<u64>,
        /// Its flags.
        flags: BTreeSet<String>,
    },
}

impl State {
    /// Says whether what was seen is this state.
    pub fn allows(&self, seen: &Self) -> bool {
        match (self, seen) {
            (Self::Absent, Self::Absent) => true,
            (
                Self::Present { mailbox, uid, flags },
                Self::Present {
                    mailbox: seen_mailbox,
                    uid: seen_uid,
                    flags: seen_flags,
                },
            ) => mailbox == seen_mailbox && flags == seen_flags && (uid.is_none() || uid == seen_uid),
            (Self::Absent, Self::Present { .. }) | (Self::Present { .. }, Self::Absent) => false,
        }
    }
}

/// A message of the load. One connection owns it, so that its changes follow each other.
#[derive(Clone, Debug)]
pub struct Message {
    /// The word by which it is known again, whatever its UID.
    pub token: String,
    /// Its bytes.
    pub content: Vec<u8>,
    /// What the last acknowledged change left.
    pub certain: State,
    /// What a change would leave that was sent and never answered.
    pub possible: Option<State>,
}

impl Message {
    /// Says whether the message may be found so.
    pub fn allows(&self, seen: &State) -> bool {
        self.certain.allows(seen) || self.possible.as_ref().is_some_and(|state| state.allows(seen))
    }

    /// Takes what was found or acknowledged for certain.
    pub fn settle(&mut self, seen: State) {
        self.certain = seen;
        self.possible = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn present(mailbox: &str, uid: Option<u64>) -> State {
        State::Present {
            mailbox: mailbox.to_owned(),
            uid,
            flags: BTreeSet::new(),
        }
    }

    #[test]
    fn an_unanswered_change_allows_both_outcomes() {
        let mut message = Message {
            token: "a".to_owned(),
            content: Vec::new(),
            certain: present("INBOX", Some(1)),
            possible: Some(present("Archive", None)),
        };
        assert!(message.allows(&present("INBOX", Some(1))));
        assert!(message.allows(&present("Archive", Some(9))));
        assert!(!message.allows(&present("INBOX", Some(2))));
        assert!(!message.allows(&State::Absent));
        message.settle(present("Archive", Some(9)));
        assert!(!message.allows(&present("INBOX", Some(1))));
    }
}
