//! What holds of an account whatever the order of its commands was.

use std::collections::BTreeMap;

use mailstore::message::MessageRecord;
use mailstore::query::MailboxChanges;
use mailstore::reply::Appended;
use mailstore::{BlobId, MailboxId, ModSeq, Uid, UidSet, UidValidity};

/// Names a client, which asks one question after the other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Client(pub u32);

/// What a client last saw of a mailbox.
#[derive(Clone, Copy)]
struct Counters {
    uid_validity: UidValidity,
    uid_next: Option<Uid>,
    highest_modseq: ModSeq,
}

/// What was ever seen of one account.
#[derive(Default)]
pub struct Facts {
    messages: BTreeMap<(MailboxId, UidValidity, Uid), BlobId>,
    counters: BTreeMap<(Client, MailboxId), Counters>,
    recent: BTreeMap<MailboxId, UidSet>,
}

impl Facts {
    /// Takes note of a message that was acknowledged under a UID.
    ///
    /// # Errors
    /// When the UID has named another one.
    pub fn appended(&mut self, appended: &Appended, blobs: &[BlobId]) -> Result<(), String> {
        for (uid, blob) in appended.uids.iter().zip(blobs) {
            self.message((appended.mailbox, appended.uid_validity, uid), *blob)?;
        }
        Ok(())
    }

    /// Takes note of a message that was read.
    ///
    /// # Errors
    /// When its UID has named another one (RFC 9051 §2.3.1.1).
    pub fn record(
        &mut self,
        mailbox: MailboxId,
        uid_validity: UidValidity,
        record: &MessageRecord,
    ) -> Result<(), String> {
        self.message((mailbox, uid_validity, record.uid), record.blob)
    }

    fn message(&mut self, key: (MailboxId, UidValidity, Uid), blob: BlobId) -> Result<(), String> {
        let known = *self.messages.entry(key).or_insert(blob);
        if known == blob {
            Ok(())
        } else {
            Err(format!("UID {key:?} names {blob}, and named {known}"))
        }
    }

    /// Takes note of messages that were taken as `\Recent`.
    ///
    /// # Errors
    /// When one of them was taken before (RFC 3501 §2.3.2).
    pub fn claimed(&mut self, mailbox: MailboxId, uids: &UidSet) -> Result<(), String> {
        let taken = self.recent.entry(mailbox).or_default();
        let twice = taken.intersection(uids);
        uids.ranges()
            .for_each(|(first, last)| taken.insert_range(first, last));
        if twice.is_empty() {
            Ok(())
        } else {
            Err(format!("{twice:?} of {mailbox:?} were recent for two sessions"))
        }
    }

    /// Takes note of the state of a mailbox as a client sees it.
    ///
    /// # Errors
    /// When a counter has gone back, or UIDVALIDITY changed.
    pub fn mailbox(&mut self, client: Client, told: &MailboxChanges) -> Result<(), String> {
        let mailbox = &told.mailbox;
        let now = Counters {
            uid_validity: mailbox.uid_validity,
            uid_next: mailbox.uid_next,
            highest_modseq: mailbox.highest_modseq,
        };
        let Some(before) = self.counters.insert((client, mailbox.id), now) else {
            return Ok(());
        };
        if now.uid_validity != before.uid_validity {
            return Err(format!("UIDVALIDITY of {:?} has changed", mailbox.id));
        }
        if now.highest_modseq < before.highest_modseq {
            return Err(format!("HIGHESTMODSEQ of {:?} has gone back", mailbox.id));
        }
        if now
            .uid_next
            .is_some_and(|now| before.uid_next.is_none_or(|before| now < before))
        {
            return Err(format!("UIDNEXT of {:?} has gone back", mailbox.id));
        }
        Ok(())
    }
}
