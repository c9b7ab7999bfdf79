//! Random commands, for round trips.

use super::*;
use crate::command::*;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

fn a_tag() -> impl Strategy<Value = Tag> {
    "[a-zA-Z0-9.]{1,8}".prop_map(|text| Tag::new(text.as_bytes()).expect("tag"))
}

fn an_atom() -> impl Strategy<Value = Atom> {
    "[a-zA-Z0-9=+-]{1,10}".prop_map(|text| atom(&text))
}

/// Any bytes but NUL, which no string may hold.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[ -~]{0,12}".prop_map(String::into_bytes),
        vec(1_u8..=255, 0..12),
        Just(b"NIL".to_vec()),
    ]
}

fn a_mailbox() -> impl Strategy<Value = MailboxName> {
    prop_oneof![
        Just(MailboxName::inbox()),
        "\\PC{1,12}".prop_filter_map("no name", |text| MailboxName::new(&text).ok()),
        "[a-z &\"\\\\]{1,4}(/[a-zé日]{1,4}){0,3}"
            .prop_filter_map("no name", |text| MailboxName::new(&text).ok()),
    ]
}

fn a_pattern() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z/%* &é]{0,8}", "\\PC{0,8}"]
}

fn a_set() -> impl Strategy<Value = SequenceSet> {
    vec((0_u32..60, 0_u32..60), 1..5).prop_map(|pairs| numbers(&pairs))
}

fn a_closed_set() -> impl Strategy<Value = SequenceSet> {
    vec((1_u32..60, 1_u32..60), 1..5).prop_map(|pairs| numbers(&pairs))
}

fn a_message_set() -> impl Strategy<Value = MessageSet> {
    prop_oneof![5 => a_set().prop_map(MessageSet::Numbers), 1 => Just(MessageSet::Saved)]
}

fn an_addressing() -> impl Strategy<Value = Addressing> {
    select(vec![Addressing::Sequence, Addressing::Uid])
}

fn a_mod_seq() -> impl Strategy<Value = ModSeq> {
    (1..=ModSeq::MAX.get()).prop_map(mod_seq)
}

fn a_flag() -> impl Strategy<Value = Flag> {
    prop_oneof![
        select(vec![
            Flag::Answered,
            Flag::Flagged,
            Flag::Deleted,
            Flag::Seen,
            Flag::Draft
        ]),
        "[$a-zA-Z0-9]{1,8}".prop_map(|text| keyword(&text)),
    ]
}

fn a_date() -> impl Strategy<Value = Date> {
    (0_i64..60_000).prop_map(|days| Date::from_days_since_epoch(days).expect("a day of this century"))
}

fn an_object_id() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_-]{1,20}"
}

fn status_items() -> impl Strategy<Value = Vec<StatusItem>> {
    subsequence(StatusItem::ALL.to_vec(), 1..=StatusItem::ALL.len())
}

fn a_section() -> impl Strategy<Value = Section> {
    let names = || vec("[A-Za-z-]{1,10}".prop_map(String::into_bytes), 1..4);
    let text = prop_oneof![
        Just(SectionText::Header),
        Just(SectionText::Text),
        Just(SectionText::Mime),
        names().prop_map(SectionText::HeaderFields),
        names().prop_map(SectionText::HeaderFieldsNot),
    ];
    (vec((1_u32..10).prop_map(nz), 0..4), of(text))
        .prop_map(|(part, text)| Section { part, text })
        .prop_filter("MIME is of a part", |section| {
            !section.part.is_empty() || section.text != Some(SectionText::Mime)
        })
}

fn a_fetch_item() -> impl Strategy<Value = FetchItem> {
    use FetchItem::*;
    let simple = vec![
        Uid,
        Flags,
        InternalDate,
        Rfc822Size,
        Envelope,
        BodyWithoutExtensions,
        BodyStructure,
        Rfc822,
        Rfc822Header,
        Rfc822Text,
        ModSeq,
        EmailId,
        ThreadId,
    ];
    let partial = (any::<u64>(), 1..=u64::MAX).prop_map(|(origin, length)| Partial { origin, length });
    prop_oneof![
        select(simple),
        (any::<bool>(), a_section(), of(partial)).prop_map(|(peek, section, partial)| Body {
            peek,
            section,
            partial
        }),
    ]
}

fn a_leaf() -> impl Strategy<Value = SearchKey> {
    let text = || bytes().prop_map(SearchText);
    let texts: Vec<fn(SearchText) -> SearchKey> = vec![
        SearchKey::Bcc,
        SearchKey::Body,
        SearchKey::Cc,
        SearchKey::From,
        SearchKey::Subject,
        SearchKey::Text,
        SearchKey::To,
    ];
    let days: Vec<fn(Date) -> SearchKey> = vec![
        SearchKey::Before,
        SearchKey::On,
        SearchKey::Since,
        SearchKey::SentBefore,
        SearchKey::SentOn,
        SearchKey::SentSince,
    ];
    let entry = (
        a_flag(),
        select(vec![EntryKind::Private, EntryKind::Shared, EntryKind::All]),
    )
        .prop_map(|(flag, kind)| ModSeqEntry { flag, kind });
    prop_oneof![
        select(vec![
            SearchKey::All,
            SearchKey::Recent,
            SearchKey::New,
            SearchKey::Old
        ]),
        a_message_set().prop_map(SearchKey::Sequence),
        a_message_set().prop_map(SearchKey::Uid),
        a_flag().prop_map(SearchKey::Flag),
        a_flag().prop_map(SearchKey::NoFlag),
        (select(texts), text()).prop_map(|(make, text)| make(text)),
        (select(days), a_date()).prop_map(|(make, date)| make(date)),
        (bytes(), text()).prop_map(|(name, text)| SearchKey::Header(SearchHeader { name, text })),
        any::<u64>().prop_map(SearchKey::Larger),
        any::<u64>().prop_map(SearchKey::Smaller),
        (1..=u32::MAX).prop_map(|age| SearchKey::Older(nz(age))),
        (1..=u32::MAX).prop_map(|age| SearchKey::Younger(nz(age))),
        (of(entry), a_mod_seq()).prop_map(|(entry, value)| SearchKey::ModSeq(entry, value)),
        an_object_id().prop_map(SearchKey::EmailId),
        an_object_id().prop_map(SearchKey::ThreadId),
    ]
}

fn a_search_key() -> impl Strategy<Value = SearchKey> {
    a_leaf().prop_recursive(6, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(SearchKey::And),
            inner.clone().prop_map(|key| SearchKey::Not(Box::new(key))),
            (inner.clone(), inner).prop_map(|(left, right)| SearchKey::Or(Box::new(left), Box::new(right))),
        ]
    })
}

fn a_search() -> impl Strategy<Value = CommandBody> {
    let returns = vec(any::<bool>(), 5).prop_filter_map("RETURN () means ALL", |on| {
        let [min, max, all, count, save] = <[bool; 5]>::try_from(on).ok()?;
        (min || max || all || count || save).then_some(SearchReturn {
            min,
            max,
            all,
            count,
            save,
        })
    });
    let charset = select(vec![
        Charset::Utf8,
        Charset::UsAscii,
        Charset::Other("KOI8-R".into()),
    ]);
    (an_addressing(), of(returns), charset, a_search_key()).prop_map(|(addressing, returns, charset, key)| {
        CommandBody::Search(Search {
            addressing,
            returns,
            charset,
            key,
        })
    })
}

fn fetch_items() -> impl Strategy<Value = Vec<FetchItem>> {
    let unique = |items: &Vec<FetchItem>| (1..items.len()).all(|end| !items[..end].contains(&items[end]));
    vec(a_fetch_item(), 1..5).prop_filter("each item once", unique)
}

fn a_fetch() -> impl Strategy<Value = CommandBody> {
    (
        an_addressing(),
        a_message_set(),
        fetch_items(),
        of(a_mod_seq()),
        any::<bool>(),
    )
        .prop_map(|(addressing, set, items, changed_since, vanished)| {
            let vanished = vanished && changed_since.is_some() && addressing == Addressing::Uid;
            CommandBody::Fetch(Fetch {
                addressing,
                set,
                items,
                changed_since,
                vanished,
            })
        })
}

fn a_store() -> impl Strategy<Value = CommandBody> {
    let action = select(vec![StoreAction::Replace, StoreAction::Add, StoreAction::Remove]);
    (
        an_addressing(),
        a_message_set(),
        of(a_mod_seq()),
        action,
        any::<bool>(),
        vec(a_flag(), 0..4),
    )
        .prop_map(|(addressing, set, unchanged_since, action, silent, flags)| {
            CommandBody::Store(Store {
                addressing,
                set,
                unchanged_since,
                action,
                silent,
                flags,
            })
        })
}

fn a_copy() -> impl Strategy<Value = CopyOrMove> {
    (an_addressing(), a_message_set(), a_mailbox()).prop_map(|(addressing, set, mailbox)| CopyOrMove {
        addressing,
        set,
        mailbox,
    })
}

fn a_select() -> impl Strategy<Value = Select> {
    let qresync = (
        1..=u32::MAX,
        a_mod_seq(),
        of(a_closed_set()),
        of((a_closed_set(), a_closed_set())),
    )
        .prop_map(|(validity, mod_seq, known_uids, sequence_match)| QResync {
            uid_validity: UidValidity(nz(validity)),
            mod_seq,
            known_uids,
            sequence_match,
        });
    (a_mailbox(), any::<bool>(), of(qresync)).prop_map(|(mailbox, condstore, qresync)| Select {
        mailbox,
        condstore,
        qresync,
    })
}

fn a_list() -> impl Strategy<Value = CommandBody> {
    let selection = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(subscribed, remote, recursive, special_use)| ListSelection {
            subscribed,
            remote,
            recursive_match: recursive && (subscribed || special_use),
            special_use,
        },
    );
    let returns = (any::<bool>(), any::<bool>(), any::<bool>(), of(status_items())).prop_map(
        |(subscribed, children, special_use, status)| ListReturn {
            subscribed,
            children,
            special_use,
            status,
        },
    );
    (selection, a_pattern(), vec(a_pattern(), 1..4), of(returns)).prop_map(
        |(selection, reference, patterns, returns)| {
            CommandBody::List(List {
                selection,
                reference,
                patterns,
                returns,
            })
        },
    )
}

fn a_session_command() -> impl Strategy<Value = CommandBody> {
    use CommandBody::*;
    let bare = vec![
        Capability, Noop, Logout, StartTls, Namespace, Idle, Check, Close, Unselect, Expunge,
    ];
    let initial = of(vec(any::<u8>(), 0..20).prop_map(Secret::new));
    prop_oneof![
        select(bare),
        vec(("[ -~]{1,8}", of("[ -~é]{0,8}")), 0..4).prop_map(Id),
        (an_atom(), initial).prop_map(|(mechanism, initial_response)| Authenticate {
            mechanism,
            initial_response
        }),
        (bytes(), bytes()).prop_map(|(user, password)| Login {
            user,
            password: Secret::new(password)
        }),
        vec(an_atom(), 1..4).prop_map(Enable),
        an_atom().prop_map(Compress),
        bytes().prop_map(GetQuota),
        (bytes(), vec((an_atom(), any::<u64>()), 0..3)).prop_map(|(root, limits)| SetQuota { root, limits }),
    ]
}

fn a_mailbox_command() -> impl Strategy<Value = CommandBody> {
    use CommandBody::*;
    let special_uses = subsequence(SpecialUse::ALL.to_vec(), 0..=3);
    let basic =
        || (a_pattern(), a_pattern()).prop_map(|(reference, pattern)| BasicList { reference, pattern });
    prop_oneof![
        a_select().prop_map(Select),
        a_select().prop_map(Examine),
        (a_mailbox(), special_uses).prop_map(|(mailbox, special_uses)| Create {
            mailbox,
            special_uses
        }),
        a_mailbox().prop_map(Delete),
        (a_mailbox(), a_mailbox()).prop_map(|(from, to)| Rename { from, to }),
        a_mailbox().prop_map(Subscribe),
        a_mailbox().prop_map(Unsubscribe),
        a_mailbox().prop_map(GetQuotaRoot),
        a_list(),
        basic().prop_map(Lsub),
        basic().prop_map(Xlist),
        (a_mailbox(), status_items()).prop_map(|(mailbox, items)| Status { mailbox, items }),
    ]
}

/// Any command.
pub(super) fn a_command() -> impl Strategy<Value = Command> {
    let body = prop_oneof![
        a_session_command(),
        a_mailbox_command(),
        a_search(),
        a_fetch(),
        a_store(),
        a_copy().prop_map(CommandBody::Copy),
        a_copy().prop_map(CommandBody::Move),
        a_message_set().prop_map(CommandBody::UidExpunge),
    ];
    (a_tag(), body).prop_map(|(tag, body)| Command {
        tag,
        body,
        leniencies: Leniencies::default(),
    })
}

/// Any APPEND, with a non-synchronising literal.
pub(super) fn an_append() -> impl Strategy<Value = Append> {
    let date = (0_i64..4_000_000_000, -720_i16..720).prop_map(|(seconds, zone)| {
        DateTime::from_unix_seconds(seconds, zone).expect("a time of this century")
    });
    (
        a_tag(),
        a_mailbox(),
        vec(a_flag(), 0..3),
        of(date),
        0_u64..100,
        any::<bool>(),
    )
        .prop_map(|(tag, mailbox, flags, internal_date, bytes, utf8)| {
            let literal = Literal {
                bytes,
                synchronising: false,
                binary: utf8,
            };
            let message = AppendMessage {
                flags,
                internal_date,
                literal,
                utf8,
            };
            Append {
                tag,
                mailbox,
                message,
                leniencies: Leniencies::default(),
            }
        })
}
