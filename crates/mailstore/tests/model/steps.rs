//! Random steps.

use mailstore::flags::{FlagBits, FlagOperation, Keyword, NamedFlags, SystemFlag};
use mailstore::mailbox::SpecialUse;
use mailstore::name::MailboxName;
use mailstore::{Uid, UidSet};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// One step: a command, or something that happens between commands.
#[derive(Clone, Debug)]
pub enum Step {
    Create(MailboxName, SpecialUse),
    Delete(MailboxName),
    Rename(MailboxName, MailboxName),
    Subscribe(MailboxName, bool),
    Append(MailboxName, Vec<(u32, NamedFlags)>, bool),
    /// The last member is how many modification sequences back UNCHANGEDSINCE lies.
    Store(u32, UidSet, FlagOperation, NamedFlags, Option<u64>),
    Copy(u32, UidSet, MailboxName),
    Move(u32, UidSet, MailboxName),
    Expunge(u32, Option<UidSet>),
    ClaimRecent(u32, Option<Uid>),
    Suspend(bool),
    Limits(Option<u64>, Option<u64>),
    /// Sends an earlier entry once more, counted from the last.
    Retry(usize),
    /// Lets seconds pass.
    Wait(u64),
}

pub fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..most)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (name(), special_use()).prop_map(|(name, uses)| Step::Create(name, uses)),
        2 => name().prop_map(Step::Delete),
        2 => (name(), name()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => (name(), any::<bool>()).prop_map(|(name, on)| Step::Subscribe(name, on)),
        8 => (name(), vec((0_u32..60, flags()), 0..9), any::<bool>())
            .prop_map(|(name, messages, create)| Step::Append(name, messages, create)),
        8 => (mailbox(), uids(), operation(), flags(), option::of(0_u64..5))
            .prop_map(|(id, uids, operation, flags, back)| Step::Store(id, uids, operation, flags, back)),
        3 => (mailbox(), uids(), name()).prop_map(|(id, uids, to)| Step::Copy(id, uids, to)),
        3 => (mailbox(), uids(), name()).prop_map(|(id, uids, to)| Step::Move(id, uids, to)),
        4 => (mailbox(), option::of(uids())).prop_map(|(id, uids)| Step::Expunge(id, uids)),
        2 => (mailbox(), option::of(1_u32..90))
            .prop_map(|(id, below)| Step::ClaimRecent(id, below.and_then(Uid::new))),
        1 => prop::bool::weighted(0.3).prop_map(Step::Suspend),
        1 => (option::of(500_u64..4000), option::of(20_u64..200))
            .prop_map(|(bytes, messages)| Step::Limits(bytes, messages)),
        2 => (0_usize..6).prop_map(Step::Retry),
        2 => (0_u64..400).prop_map(Step::Wait),
    ]
}

fn name() -> impl Strategy<Value = MailboxName> {
    const NAMES: &[&str] = &[
        "INBOX", "INBOX", "INBOX/k", "a", "a/b", "a/b/c", "ab", "b", "b/x", "Sent",
    ];
    prop::sample::select(NAMES).prop_map(|text| MailboxName::parse(text).expect("a valid name"))
}

fn special_use() -> impl Strategy<Value = SpecialUse> {
    prop_oneof![
        6 => Just(SpecialUse::NONE),
        1 => Just(SpecialUse::SENT),
        1 => Just(SpecialUse(SpecialUse::JUNK.0 | SpecialUse::TRASH.0)),
    ]
}

fn mailbox() -> impl Strategy<Value = u32> {
    prop_oneof![4 => Just(1_u32), 2 => Just(2_u32), 3 => 1_u32..8]
}

fn uids() -> impl Strategy<Value = UidSet> {
    let pairs = vec((1_u32..90, 1_u32..90), 1..4);
    prop_oneof![
        1 => Just(UidSet::range(Uid::MIN, Uid::MAX)),
        4 => pairs.prop_map(|pairs| {
            let mut set = UidSet::new();
            for (one, other) in pairs {
                let (one, other) = (Uid::new(one), Uid::new(other));
                set.insert_range(one.unwrap_or(Uid::MIN), other.unwrap_or(Uid::MIN));
            }
            set
        }),
    ]
}

fn operation() -> impl Strategy<Value = FlagOperation> {
    prop::sample::select(&[FlagOperation::Replace, FlagOperation::Add, FlagOperation::Remove][..])
}

fn flags() -> impl Strategy<Value = NamedFlags> {
    let system = prop::sample::subsequence(&SystemFlag::ALL[..], 0..4);
    let keywords = prop::sample::subsequence(&["$Junk", "one", "two", "x-y"][..], 0..3);
    (system, keywords).prop_map(|(system, keywords)| NamedFlags {
        system: system
            .into_iter()
            .fold(FlagBits::EMPTY, |bits, flag| bits.with(FlagBits::system(flag))),
        keywords: keywords.into_iter().filter_map(Keyword::new).collect(),
    })
}
