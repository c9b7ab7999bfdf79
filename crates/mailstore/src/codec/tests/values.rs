//! Random values of every type that has an encoded form.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::account::{Account, AccountState, Credentials, QuotaLimits, QuotaUsage};
use crate::address::{Address, AddressRecord, AddressState};
use crate::error::{Rejection, StoreError};
use crate::event::Event;
use crate::flags::{FlagBits, Keyword, NamedFlags};
use crate::ids::{
    AccountId, BlobId, GroupId, MailboxId, ModSeq, SLOT_COUNT, SessionId, Slot, Uid, UidValidity,
};
use crate::mailbox::{Mailbox, SpecialUse};
use crate::message::{EmailId, MessageRecord, MessageState};
use crate::name::{MailboxName, NameError};
use crate::query::{MailboxChanges, MailboxRef, MailboxTree, TreeEntry, Vanished};
use crate::reply::{Appended, Copied, Expunged, Reply, Stored};
use crate::search::{Comparison, DateField, SearchKey, SearchProgram};
use crate::time::{InternalDate, Timestamp};
use crate::uid_set::UidSet;

pub fn account_id() -> impl Strategy<Value = AccountId> {
    any::<[u8; 16]>().prop_map(AccountId)
}

pub fn session_id() -> impl Strategy<Value = SessionId> {
    any::<[u8; 16]>().prop_map(SessionId)
}

pub fn mailbox_id() -> impl Strategy<Value = MailboxId> {
    any::<u32>().prop_map(MailboxId)
}

pub fn modseq() -> impl Strategy<Value = ModSeq> {
    any::<u64>().prop_map(ModSeq)
}

pub fn time() -> impl Strategy<Value = Timestamp> {
    any::<u64>().prop_map(Timestamp)
}

pub fn uid() -> impl Strategy<Value = Uid> {
    (1_u32..).prop_map(|value| Uid::new(value).expect("not zero"))
}

pub fn uid_validity() -> impl Strategy<Value = UidValidity> {
    (1_u32..).prop_map(|value| UidValidity::new(value).expect("not zero"))
}

pub fn uid_set() -> impl Strategy<Value = UidSet> {
    let ranges = prop_oneof![
        (uid(), uid()),
        (1_u32..50, 1_u32..50).prop_map(|(one, other)| {
            (
                Uid::new(one).expect("not zero"),
                Uid::new(other).expect("not zero"),
            )
        })
    ];
    vec(ranges, 0..6).prop_map(|ranges| {
        let mut set = UidSet::new();
        ranges
            .into_iter()
            .for_each(|(one, other)| set.insert_range(one, other));
        set
    })
}

pub fn bytes() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..40).prop_map(Bytes::from)
}

pub fn text() -> impl Strategy<Value = String> {
    ".{0,20}"
}

pub fn address() -> impl Strategy<Value = Address> {
    "[a-zA-ZÀ-ž0-9.+]{1,12}@[a-z]{1,8}\\.org".prop_map(|text| Address::parse(&text).expect("an address"))
}

pub fn name() -> impl Strategy<Value = MailboxName> {
    "[a-zA-ZÀ-ž0-9 .]{1,8}x(/[a-zé&]{1,5}){0,3}|[iI]nbox(/a)?"
        .prop_map(|text| MailboxName::parse(&text).expect("a name"))
}

pub fn special_use() -> impl Strategy<Value = SpecialUse> {
    any::<u8>().prop_map(SpecialUse)
}

pub fn keyword() -> impl Strategy<Value = Keyword> {
    "[$a-zA-Z0-9!-]{1,10}".prop_map(|text| Keyword::new(&text).expect("an atom"))
}

pub fn named_flags() -> impl Strategy<Value = NamedFlags> {
    (0_u128..32, vec(keyword(), 0..4)).prop_map(|(system, keywords)| NamedFlags {
        system: FlagBits(system),
        keywords,
    })
}

pub fn internal_date() -> impl Strategy<Value = InternalDate> {
    (any::<i64>(), any::<i16>()).prop_map(|(seconds, zone_minutes)| InternalDate {
        seconds,
        zone_minutes,
    })
}

pub fn blob() -> impl Strategy<Value = BlobId> {
    any::<[u8; 32]>().prop_map(BlobId)
}

pub fn email_id() -> impl Strategy<Value = EmailId> {
    any::<[u8; 12]>().prop_map(EmailId)
}

pub fn limits() -> impl Strategy<Value = QuotaLimits> {
    option::of(any::<(Option<u64>, Option<u64>)>()).prop_map(|limits| {
        let (storage_bytes, messages) = limits.unwrap_or_default();
        QuotaLimits {
            storage_bytes,
            messages,
        }
    })
}

pub fn usage() -> impl Strategy<Value = QuotaUsage> {
    any::<(u64, u64)>().prop_map(|(storage_bytes, messages)| QuotaUsage {
        storage_bytes,
        messages,
    })
}

pub fn account() -> impl Strategy<Value = Account> {
    let state = prop_oneof![
        Just(AccountState::Active),
        Just(AccountState::Suspended),
        time().prop_map(|purge_after| AccountState::Removed { purge_after }),
    ];
    let first = (account_id(), address(), state, bytes(), any::<u64>());
    let second = (limits(), usage(), time(), modseq(), uid_validity());
    (first, second).prop_map(
        |((id, address, state, credentials, credentials_version), second)| {
            let (limits, usage, created, modseq, uid_validity) = second;
            Account {
                id,
                address,
                state,
                credentials: Credentials(credentials),
                credentials_version,
                limits,
                usage,
                created,
                modseq,
                uid_validity,
            }
        },
    )
}

pub fn address_record() -> impl Strategy<Value = AddressRecord> {
    let state = prop_oneof![Just(AddressState::Reserved), Just(AddressState::Active)];
    (address(), account_id(), state).prop_map(|(address, account, state)| AddressRecord {
        address,
        account,
        state,
    })
}

fn mailbox() -> impl Strategy<Value = Mailbox> {
    let first = (mailbox_id(), name(), uid_validity(), option::of(uid()), modseq());
    let second = (
        modseq(),
        option::of(uid()),
        special_use(),
        vec(keyword(), 0..5),
        time(),
    );
    let counts = any::<(u32, u32, u32, u32, u64)>();
    (first, second, counts).prop_map(|(first, second, counts)| {
        let (id, name, uid_validity, uid_next, highest_modseq) = first;
        let (expunge_floor, first_recent_uid, special_use, keywords, created) = second;
        let (messages, recent, unseen, deleted, size_bytes) = counts;
        Mailbox {
            id,
            name,
            uid_validity,
            uid_next,
            highest_modseq,
            expunge_floor,
            first_recent_uid,
            messages,
            recent,
            unseen,
            deleted,
            size_bytes,
            special_use,
            keywords,
            created,
        }
    })
}

pub fn tree() -> impl Strategy<Value = MailboxTree> {
    let entry = (name(), option::of(mailbox()), any::<bool>());
    let entry = entry.prop_map(|(name, mailbox, subscribed)| TreeEntry {
        name,
        mailbox,
        subscribed,
    });
    vec(entry, 0..4).prop_map(|entries| MailboxTree { entries })
}

fn states() -> impl Strategy<Value = Vec<MessageState>> {
    let flags = prop_oneof![0_u128..4, any::<u128>()];
    proptest::collection::btree_map(1_u32.., (flags, modseq()), 0..20).prop_map(|states| {
        let state = |(uid, (flags, modseq))| {
            let uid = Uid::new(uid)?;
            let flags = FlagBits(flags);
            Some(MessageState { uid, flags, modseq })
        };
        states.into_iter().filter_map(state).collect()
    })
}

pub fn changes() -> impl Strategy<Value = MailboxChanges> {
    let vanished = prop_oneof![
        uid_set().prop_map(Vanished::Exactly),
        uid_set().prop_map(|present| Vanished::AllBut { present }),
    ];
    let parts = (mailbox(), modseq(), states(), vanished);
    parts.prop_map(|(mailbox, since, changed, vanished)| MailboxChanges {
        mailbox,
        since,
        changed,
        vanished,
    })
}

pub fn mailbox_ref() -> impl Strategy<Value = MailboxRef> {
    prop_oneof![
        name().prop_map(MailboxRef::Name),
        mailbox_id().prop_map(MailboxRef::Id)
    ]
}

pub fn record() -> impl Strategy<Value = MessageRecord> {
    let parts = (uid(), blob(), any::<u32>(), internal_date(), time(), email_id());
    parts.prop_map(
        |(uid, blob, size, internal_date, saved, email_id)| MessageRecord {
            uid,
            blob,
            size,
            internal_date,
            saved,
            email_id,
        },
    )
}

pub fn reply() -> impl Strategy<Value = Reply> {
    let appended = (mailbox_id(), uid_validity(), uid_set(), modseq());
    let appended = appended.prop_map(|(mailbox, uid_validity, uids, modseq)| {
        Reply::Appended(Appended {
            mailbox,
            uid_validity,
            uids,
            modseq,
        })
    });
    let stored = (modseq(), uid_set(), uid_set(), uid_set(), states());
    let stored = stored.prop_map(|(modseq, changed, modified, missing, states)| {
        Reply::Stored(Stored {
            modseq,
            changed,
            modified,
            missing,
            states,
        })
    });
    let copied = (mailbox_id(), uid_validity(), uid_set(), uid_set(), modseq());
    let copied = copied.prop_map(|(target, uid_validity, source, uids, modseq)| {
        Reply::Copied(Copied {
            target,
            uid_validity,
            source,
            uids,
            modseq,
        })
    });
    prop_oneof![
        Just(Reply::Done),
        mailbox_id().prop_map(|mailbox| Reply::Created { mailbox }),
        appended,
        stored,
        copied,
        (uid_set(), modseq()).prop_map(|(uids, modseq)| Reply::Expunged(Expunged { uids, modseq })),
        option::of(uid()).prop_map(|first| Reply::RecentClaimed { first }),
        any::<bool>().prop_map(|more| Reply::RowsRemoved { more }),
    ]
}

pub fn group() -> impl Strategy<Value = GroupId> {
    any::<u32>().prop_map(GroupId)
}

pub fn slot() -> impl Strategy<Value = Slot> {
    (0..SLOT_COUNT).prop_map(Slot)
}

pub fn rejection() -> impl Strategy<Value = Rejection> {
    let names = [
        NameError::Empty,
        NameError::TooLong,
        NameError::TooDeep,
        NameError::Level,
        NameError::Character,
    ];
    let mut all = vec![
        Rejection::NoSuchAccount,
        Rejection::AccountExists,
        Rejection::AccountNotActive,
        Rejection::AccountState,
        Rejection::AddressTaken,
        Rejection::NoSuchAddress,
        Rejection::NoSuchMailbox,
        Rejection::MailboxExists,
        Rejection::MailboxHasChildren,
        Rejection::Inbox,
        Rejection::RenameBelowItself,
        Rejection::SpecialUseTaken,
        Rejection::OverQuota,
        Rejection::TooManyKeywords,
        Rejection::TooManyMailboxes,
        Rejection::TooManyMessages,
        Rejection::UidsExhausted,
        Rejection::MessageTooLarge,
        Rejection::OutcomeUnknown,
        Rejection::SlotMoving,
        Rejection::WrongGroup,
        Rejection::SlotStep,
    ];
    all.extend(names.map(Rejection::Name));
    prop::sample::select(all)
}

/// Errors without those that carry a constant text, which is not kept.
pub fn store_error() -> impl Strategy<Value = StoreError> {
    prop_oneof![
        rejection().prop_map(StoreError::Rejected),
        Just(StoreError::Unauthorized),
        option::of(text()).prop_map(|hint| StoreError::NotLeader { hint }),
        (any::<u64>(), option::of(group()))
            .prop_map(|(epoch, group)| StoreError::WrongGroup { epoch, group }),
        Just(StoreError::Overloaded),
        Just(StoreError::NoSpace),
        Just(StoreError::OutcomeUnknown),
        Just(StoreError::ContentUnavailable),
        text().prop_map(StoreError::Internal),
    ]
}

pub fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (account_id(), mailbox_id(), modseq()).prop_map(|(account, mailbox, modseq)| {
            Event::MailboxChanged {
                account,
                mailbox,
                modseq,
            }
        }),
        (account_id(), mailbox_id())
            .prop_map(|(account, mailbox)| Event::MailboxDeleted { account, mailbox }),
        account_id().prop_map(|account| Event::TreeChanged { account }),
        account_id().prop_map(|account| Event::AccountChanged { account }),
        slot().prop_map(|slot| Event::SlotReleased { slot }),
    ]
}

pub fn search_program() -> impl Strategy<Value = SearchProgram> {
    (search_key(), uid_set()).prop_map(|(key, within)| SearchProgram { key, within })
}

fn search_key() -> impl Strategy<Value = SearchKey> {
    let field = prop::sample::select(&[DateField::Internal, DateField::Sent, DateField::Saved][..]);
    let comparison = || prop::sample::select(&[Comparison::Below, Comparison::At, Comparison::Above][..]);
    let flag = prop::sample::select(&crate::flags::SystemFlag::ALL[..]);
    let leaf = prop_oneof![
        Just(SearchKey::All),
        uid_set().prop_map(SearchKey::Uids),
        flag.prop_map(SearchKey::Flag),
        keyword().prop_map(SearchKey::Keyword),
        (field, comparison(), any::<i32>()).prop_map(|(field, how, day)| SearchKey::Date(field, how, day)),
        (comparison(), any::<u32>()).prop_map(|(how, size)| SearchKey::Size(how, size)),
        (any::<u32>(), any::<i64>()).prop_map(|(seconds, now)| SearchKey::Younger { seconds, now }),
        (text(), text()).prop_map(|(name, value)| SearchKey::Header { name, value }),
        text().prop_map(SearchKey::Body),
        text().prop_map(SearchKey::Text),
        modseq().prop_map(SearchKey::ModSeq),
        email_id().prop_map(SearchKey::EmailId),
    ];
    leaf.prop_recursive(4, 16, 3, |key| {
        prop_oneof![
            vec(key.clone(), 0..3).prop_map(SearchKey::And),
            (key.clone(), key.clone()).prop_map(|pair| SearchKey::Or(Box::new(pair))),
            key.prop_map(|key| SearchKey::Not(Box::new(key))),
        ]
    })
}
