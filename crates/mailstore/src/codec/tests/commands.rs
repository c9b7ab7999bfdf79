//! Random entries and commands.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::values::*;
use crate::account::{Credentials, NewAccount};
use crate::command::{
    AccountCommand, AddressCommand, Command, Entry, MailboxCommand, MessageCommand, Subject,
};
use crate::flags::FlagOperation;
use crate::ids::RequestId;
use crate::message::NewMessage;
use crate::slots::{CopiedRow, InstallRows, MoveId, RowsCommand, SlotCommand, SlotStep};

pub fn subject() -> impl Strategy<Value = Subject> {
    prop_oneof![
        account_id().prop_map(Subject::Account),
        address().prop_map(Subject::Address),
        Just(Subject::Header)
    ]
}

pub fn entry() -> impl Strategy<Value = Entry> {
    let request = (session_id(), any::<u64>(), time());
    let request = request.prop_map(|(session, sequence, created)| RequestId {
        session,
        sequence,
        created,
    });
    let parts = (subject(), option::of(request), time(), command());
    parts.prop_map(|(subject, request, time, command)| Entry {
        subject,
        request,
        time,
        command,
    })
}

pub fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        address_command().prop_map(Command::Address),
        account_command().prop_map(Command::Account),
        mailbox_command().prop_map(Command::Mailbox),
        message_command().prop_map(Command::Message),
        slot_command().prop_map(Command::Slots),
        rows_command().prop_map(Command::Rows),
    ]
}

fn address_command() -> impl Strategy<Value = AddressCommand> {
    (account_id(), 0..3).prop_map(|(account, kind)| match kind {
        0 => AddressCommand::Reserve { account },
        1 => AddressCommand::Activate { account },
        _ => AddressCommand::Release { account },
    })
}

fn account_command() -> impl Strategy<Value = AccountCommand> {
    let mailboxes = vec((name(), special_use()), 0..3);
    let new = (address(), bytes(), limits(), mailboxes);
    let new = new.prop_map(|(address, credentials, limits, mailboxes)| NewAccount {
        address,
        credentials: Credentials(credentials),
        limits,
        mailboxes,
    });
    prop_oneof![
        new.prop_map(AccountCommand::Create),
        bytes().prop_map(|secret| AccountCommand::SetCredentials(Credentials(secret))),
        (bytes(), any::<u64>()).prop_map(|(secret, version)| AccountCommand::UpgradeCredentials {
            credentials: Credentials(secret),
            version,
        }),
        any::<bool>().prop_map(AccountCommand::SetSuspended),
        address().prop_map(AccountCommand::SetAddress),
        limits().prop_map(AccountCommand::SetLimits),
        time().prop_map(|purge_after| AccountCommand::Remove { purge_after }),
        Just(AccountCommand::Restore),
        Just(AccountCommand::Purge),
    ]
}

fn mailbox_command() -> impl Strategy<Value = MailboxCommand> {
    prop_oneof![
        (name(), special_use()).prop_map(|(name, special_use)| MailboxCommand::Create { name, special_use }),
        name().prop_map(|name| MailboxCommand::Delete { name }),
        (name(), name()).prop_map(|(from, to)| MailboxCommand::Rename { from, to }),
        (name(), any::<bool>()).prop_map(|(name, subscribed)| MailboxCommand::Subscribe { name, subscribed }),
    ]
}

fn new_message() -> impl Strategy<Value = NewMessage> {
    let parts = (blob(), any::<u32>(), named_flags(), internal_date(), email_id());
    parts.prop_map(|(blob, size, flags, internal_date, email_id)| NewMessage {
        blob,
        size,
        flags,
        internal_date,
        email_id,
    })
}

fn message_command() -> impl Strategy<Value = MessageCommand> {
    let operation =
        prop::sample::select(&[FlagOperation::Replace, FlagOperation::Add, FlagOperation::Remove][..]);
    let store = (
        mailbox_id(),
        uid_set(),
        operation,
        named_flags(),
        option::of(modseq()),
    );
    prop_oneof![
        (name(), vec(new_message(), 0..3), any::<bool>()).prop_map(|(mailbox, messages, create)| {
            MessageCommand::Append {
                mailbox,
                messages,
                create,
            }
        }),
        store.prop_map(
            |(mailbox, uids, operation, flags, unchanged_since)| MessageCommand::Store {
                mailbox,
                uids,
                operation,
                flags,
                unchanged_since,
            }
        ),
        (mailbox_id(), uid_set(), name()).prop_map(|(mailbox, uids, target)| MessageCommand::Copy {
            mailbox,
            uids,
            target,
        }),
        (mailbox_id(), uid_set(), name()).prop_map(|(mailbox, uids, target)| MessageCommand::Move {
            mailbox,
            uids,
            target,
        }),
        (mailbox_id(), option::of(uid_set()))
            .prop_map(|(mailbox, uids)| MessageCommand::Expunge { mailbox, uids }),
        (mailbox_id(), option::of(uid()))
            .prop_map(|(mailbox, below)| MessageCommand::ClaimRecent { mailbox, below }),
    ]
}

pub fn slot_command() -> impl Strategy<Value = SlotCommand> {
    let step = prop_oneof![
        group().prop_map(|from| SlotStep::Accept { from }),
        group().prop_map(|to| SlotStep::Freeze { to }),
        Just(SlotStep::Thaw),
        (any::<u64>(), group()).prop_map(|(epoch, to)| SlotStep::Release { epoch, to }),
        Just(SlotStep::Own),
        Just(SlotStep::Refuse),
    ];
    let slots = vec(slot(), 0..5).prop_map(|slots| slots.into_iter().collect());
    (any::<u64>(), slots, step).prop_map(|(moving, slots, step)| SlotCommand {
        moving: MoveId(moving),
        slots,
        step,
    })
}

fn rows_command() -> impl Strategy<Value = RowsCommand> {
    let row = (bytes(), bytes(), any::<bool>());
    let row = row.prop_map(|(key, value, append)| CopiedRow { key, value, append });
    let numbers = (any::<[u64; 3]>(), any::<u32>(), any::<bool>());
    let piece = (numbers, vec(row, 0..3));
    let piece = piece.prop_map(
        |(([moving, copy, source_index], piece, last), rows)| InstallRows {
            moving: MoveId(moving),
            copy,
            source_index,
            piece,
            last,
            rows,
        },
    );
    prop_oneof![piece.prop_map(RowsCommand::Install), Just(RowsCommand::Remove)]
}
