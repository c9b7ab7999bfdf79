//! Which messages a command names.

use imap_wire::command::Addressing;
use imap_wire::types::MessageSet;
use mailstore::UidSet;

use crate::answer::{Answer, Failure};
use crate::convert;
use crate::session::LoggedIn;
use crate::session::selected::Selected;

/// How the numbers of a set are meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Numbering {
    Sequence,
    Uid,
}

impl From<Addressing> for Numbering {
    fn from(addressing: Addressing) -> Self {
        match addressing {
            Addressing::Sequence => Self::Sequence,
            Addressing::Uid => Self::Uid,
        }
    }
}

/// Returns the UIDs of the messages that a set names, among those that the client was told of.
///
/// A sequence number beyond the last message is an error of the client (RFC 9051 §9, `seq-number`), `1:*`
/// in an empty mailbox is not: clients that look for new mail send it;
/// a UID that does not exist is not (RFC 3501 §6.4.8).
pub(super) fn resolve(login: &LoggedIn, set: &MessageSet, numbering: Numbering) -> Result<UidSet, Failure> {
    let Some(selected) = &login.selected else {
        return Err(Answer::bad("No mailbox is selected").into());
    };
    match (set, numbering) {
        (MessageSet::Saved, _) => Ok(login.saved.intersection(&selected.sequence().uids())),
        (MessageSet::Numbers(set), Numbering::Uid) => {
            let named = convert::uid_set(set, selected.sequence().last_uid());
            Ok(named.intersection(&selected.sequence().uids()))
        }
        (MessageSet::Numbers(set), Numbering::Sequence) => by_number(selected, set),
    }
}

fn by_number(selected: &Selected, set: &imap_wire::types::SequenceSet) -> Result<UidSet, Failure> {
    let sequence = selected.sequence();
    let count = sequence.count();
    if set.largest_named().is_some_and(|number| number > count) {
        return Err(Answer::bad("There is no message of that number").into());
    }
    let mut uids = UidSet::new();
    for range in set.resolve(std::num::NonZeroU32::new(count)) {
        for (first, last) in sequence.uids_of(range).ranges() {
            uids.insert_range(first, last);
        }
    }
    Ok(uids)
}
