//! Mailboxes.

use mailstore::error::DecodeError;
use mailstore::flags::Keyword;
use mailstore::mailbox::{Mailbox, SpecialUse};
use mailstore::name::MailboxName;
use mailstore::query::TreeEntry;
use mailstore::time::Timestamp;
use mailstore::{MailboxId, ModSeq, Uid};

use super::fields::{mailbox_name, optional_uid, uid_validity};
use crate::generated::admin as proto;

/// The attributes of RFC 6154 §2 and RFC 8457 §4.
const SPECIAL_USES: [(SpecialUse, &str); 8] = [
    (SpecialUse::ALL, "\\All"),
    (SpecialUse::ARCHIVE, "\\Archive"),
    (SpecialUse::DRAFTS, "\\Drafts"),
    (SpecialUse::FLAGGED, "\\Flagged"),
    (SpecialUse::JUNK, "\\Junk"),
    (SpecialUse::SENT, "\\Sent"),
    (SpecialUse::TRASH, "\\Trash"),
    (SpecialUse::IMPORTANT, "\\Important"),
];

pub(super) fn special_use_names(uses: SpecialUse) -> Vec<String> {
    let named = SPECIAL_USES.iter().filter(|(bit, _)| uses.contains(*bit));
    named.map(|(_, name)| (*name).to_owned()).collect()
}

pub(super) fn special_use(names: &[String]) -> Result<SpecialUse, DecodeError> {
    let mut uses = SpecialUse::NONE;
    for name in names {
        let known = SPECIAL_USES
            .iter()
            .find(|(_, known)| known.eq_ignore_ascii_case(name));
        let (bit, _) = known.ok_or(DecodeError::Unknown("special use"))?;
        uses = SpecialUse(uses.0 | bit.0);
    }
    Ok(uses)
}

impl From<&TreeEntry> for proto::Mailbox {
    fn from(entry: &TreeEntry) -> Self {
        let named = Self {
            name: entry.name.as_str().to_owned(),
            subscribed: entry.subscribed,
            ..Self::default()
        };
        let Some(mailbox) = &entry.mailbox else {
            return named;
        };
        Self {
            id: Some(mailbox.id.0),
            uid_validity: mailbox.uid_validity.get(),
            messages: mailbox.messages,
            unseen: mailbox.unseen,
            size_bytes: mailbox.size_bytes,
            special_use: special_use_names(mailbox.special_use),
            uid_next: mailbox.uid_next.map(Uid::get),
            highest_modseq: mailbox.highest_modseq.0,
            expunge_floor: mailbox.expunge_floor.0,
            first_recent_uid: mailbox.first_recent_uid.map(Uid::get),
            recent: mailbox.recent,
            deleted: mailbox.deleted,
            keywords: mailbox.keywords.iter().map(ToString::to_string).collect(),
            created: mailbox.created.0,
            ..named
        }
    }
}

impl TryFrom<proto::Mailbox> for TreeEntry {
    type Error = DecodeError;

    fn try_from(message: proto::Mailbox) -> Result<Self, DecodeError> {
        let name = mailbox_name(&message.name)?;
        let subscribed = message.subscribed;
        let mailbox = match message.id {
            Some(id) => Some(mailbox(MailboxId(id), name.clone(), &message)?),
            None => None,
        };
        Ok(Self {
            name,
            mailbox,
            subscribed,
        })
    }
}

fn mailbox(id: MailboxId, name: MailboxName, message: &proto::Mailbox) -> Result<Mailbox, DecodeError> {
    let keyword = |text: &String| Keyword::new(text).ok_or(DecodeError::Invalid("keyword"));
    Ok(Mailbox {
        id,
        name,
        uid_validity: uid_validity(message.uid_validity)?,
        uid_next: optional_uid(message.uid_next)?,
        highest_modseq: ModSeq(message.highest_modseq),
        expunge_floor: ModSeq(message.expunge_floor),
        first_recent_uid: optional_uid(message.first_recent_uid)?,
        messages: message.messages,
        recent: message.recent,
        unseen: message.unseen,
        deleted: message.deleted,
        size_bytes: message.size_bytes,
        special_use: special_use(&message.special_use)?,
        keywords: message.keywords.iter().map(keyword).collect::<Result<_, _>>()?,
        created: Timestamp(message.created),
    })
}
