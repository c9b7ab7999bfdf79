//! Log entries and commands.

use super::field::{
    account_id, address, all, bytes_of, each, email_id, fixed, name, optional, optional_uid, required,
    special_use,
};
use super::{ENTRY_FORMAT, proto};
use crate::account::{Credentials, NewAccount};
use crate::command::{
    AccountCommand, AddressCommand, Command, Entry, MailboxCommand, MessageCommand, Subject,
};
use crate::error::DecodeError;
use crate::flags::FlagOperation;
use crate::ids::{BlobId, MailboxId, ModSeq, RequestId, SessionId, Uid};
use crate::message::NewMessage;
use crate::slots::RowsCommand;
use crate::time::Timestamp;
use proto::command::Kind;

impl From<&Entry> for proto::Entry {
    fn from(entry: &Entry) -> Self {
        Self {
            format: ENTRY_FORMAT,
            subject: Some((&entry.subject).into()),
            request: entry.request.as_ref().map(proto::RequestId::from),
            time: entry.time.0,
            command: Some((&entry.command).into()),
        }
    }
}

impl TryFrom<proto::Entry> for Entry {
    type Error = DecodeError;

    fn try_from(entry: proto::Entry) -> Result<Self, DecodeError> {
        if entry.format != ENTRY_FORMAT {
            return Err(DecodeError::Format(entry.format));
        }
        Ok(Self {
            subject: required(entry.subject, "subject")?,
            request: optional(entry.request)?,
            time: Timestamp(entry.time),
            command: required(entry.command, "command")?,
        })
    }
}

impl From<&Subject> for proto::Subject {
    fn from(subject: &Subject) -> Self {
        use proto::subject::Kind;
        let kind = match subject {
            Subject::Account(id) => Kind::Account(bytes_of(&id.0)),
            Subject::Address(address) => Kind::Address(address.as_str().to_owned()),
            Subject::Header => Kind::Header(proto::Unit {}),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<proto::Subject> for Subject {
    type Error = DecodeError;

    fn try_from(subject: proto::Subject) -> Result<Self, DecodeError> {
        use proto::subject::Kind;
        match subject.kind.ok_or(DecodeError::Unknown("subject"))? {
            Kind::Account(id) => account_id(&id).map(Self::Account),
            Kind::Address(text) => address(&text).map(Self::Address),
            Kind::Header(_) => Ok(Self::Header),
        }
    }
}

impl From<&RequestId> for proto::RequestId {
    fn from(request: &RequestId) -> Self {
        Self {
            session: bytes_of(&request.session.0),
            sequence: request.sequence,
            created: request.created.0,
        }
    }
}

impl TryFrom<proto::RequestId> for RequestId {
    type Error = DecodeError;

    fn try_from(request: proto::RequestId) -> Result<Self, DecodeError> {
        Ok(Self {
            session: SessionId(fixed(&request.session, "session")?),
            sequence: request.sequence,
            created: Timestamp(request.created),
        })
    }
}

impl From<&Command> for proto::Command {
    fn from(command: &Command) -> Self {
        let kind = match command {
            Command::Address(command) => address_kind(command),
            Command::Account(command) => account_kind(command),
            Command::Mailbox(command) => mailbox_kind(command),
            Command::Message(command) => message_kind(command),
            Command::Slots(command) => Kind::Slots(command.into()),
            Command::Rows(RowsCommand::Install(piece)) => Kind::InstallRows(piece.into()),
            Command::Rows(RowsCommand::Remove) => Kind::RemoveRows(proto::Unit {}),
        };
        Self { kind: Some(kind) }
    }
}

fn address_kind(command: &AddressCommand) -> Kind {
    match command {
        AddressCommand::Reserve { account } => Kind::AddressReserve(bytes_of(&account.0)),
        AddressCommand::Activate { account } => Kind::AddressActivate(bytes_of(&account.0)),
        AddressCommand::Release { account } => Kind::AddressRelease(bytes_of(&account.0)),
    }
}

fn account_kind(command: &AccountCommand) -> Kind {
    match command {
        AccountCommand::Create(account) => Kind::AccountCreate(account.into()),
        AccountCommand::SetCredentials(credentials) => Kind::AccountSetCredentials(credentials.0.clone()),
        AccountCommand::UpgradeCredentials { credentials, version } => {
            Kind::AccountUpgradeCredentials(proto::UpgradeCredentials {
                credentials: credentials.0.clone(),
                version: *version,
            })
        }
        AccountCommand::SetSuspended(suspended) => Kind::AccountSetSuspended(*suspended),
        AccountCommand::SetAddress(address) => Kind::AccountSetAddress(address.as_str().to_owned()),
        AccountCommand::SetLimits(limits) => Kind::AccountSetLimits(limits.into()),
        AccountCommand::Remove { purge_after } => Kind::AccountRemovePurgeAfter(purge_after.0),
        AccountCommand::Restore => Kind::AccountRestore(proto::Unit {}),
        AccountCommand::Purge => Kind::AccountPurge(proto::Unit {}),
    }
}

fn mailbox_kind(command: &MailboxCommand) -> Kind {
    match command {
        MailboxCommand::Create { name, special_use } => Kind::MailboxCreate(proto::NewMailbox {
            name: name.as_str().to_owned(),
            special_use: u32::from(special_use.0),
        }),
        MailboxCommand::Delete { name } => Kind::MailboxDelete(name.as_str().to_owned()),
        MailboxCommand::Rename { from, to } => Kind::MailboxRename(proto::MailboxRename {
            from: from.as_str().to_owned(),
            to: to.as_str().to_owned(),
        }),
        MailboxCommand::Subscribe { name, subscribed } => Kind::MailboxSubscribe(proto::MailboxSubscribe {
            name: name.as_str().to_owned(),
            subscribed: *subscribed,
        }),
    }
}

fn message_kind(command: &MessageCommand) -> Kind {
    match command {
        MessageCommand::Append {
            mailbox,
            messages,
            create,
        } => Kind::Append(proto::Append {
            mailbox: mailbox.as_str().to_owned(),
            messages: all(messages),
            create: *create,
        }),
        MessageCommand::Store {
            mailbox,
            uids,
            operation,
            flags,
            unchanged_since,
        } => Kind::Store(proto::Store {
            mailbox: mailbox.0,
            uids: Some(uids.into()),
            operation: proto::FlagOperation::from(*operation).into(),
            flags: Some(flags.into()),
            unchanged_since: unchanged_since.map(|modseq| modseq.0),
        }),
        MessageCommand::Copy {
            mailbox,
            uids,
            target,
        } => Kind::Copy(proto::Copy {
            mailbox: mailbox.0,
            uids: Some(uids.into()),
            target: target.as_str().to_owned(),
        }),
        MessageCommand::Move {
            mailbox,
            uids,
            target,
        } => Kind::Move(proto::Copy {
            mailbox: mailbox.0,
            uids: Some(uids.into()),
            target: target.as_str().to_owned(),
        }),
        MessageCommand::Expunge { mailbox, uids } => Kind::Expunge(proto::Expunge {
            mailbox: mailbox.0,
            uids: uids.as_ref().map(proto::UidSet::from),
        }),
        MessageCommand::ClaimRecent { mailbox, below } => Kind::ClaimRecent(proto::ClaimRecent {
            mailbox: mailbox.0,
            below: below.map(Uid::get),
        }),
    }
}

impl TryFrom<proto::Command> for Command {
    type Error = DecodeError;

    fn try_from(command: proto::Command) -> Result<Self, DecodeError> {
        Ok(match command.kind.ok_or(DecodeError::Unknown("command"))? {
            Kind::AddressReserve(id) => Self::Address(AddressCommand::Reserve {
                account: account_id(&id)?,
            }),
            Kind::AddressActivate(id) => Self::Address(AddressCommand::Activate {
                account: account_id(&id)?,
            }),
            Kind::AddressRelease(id) => Self::Address(AddressCommand::Release {
                account: account_id(&id)?,
            }),
            Kind::AccountCreate(account) => Self::Account(AccountCommand::Create(account.try_into()?)),
            Kind::AccountSetCredentials(secret) => {
                Self::Account(AccountCommand::SetCredentials(Credentials(secret)))
            }
            Kind::AccountUpgradeCredentials(upgrade) => Self::Account(AccountCommand::UpgradeCredentials {
                credentials: Credentials(upgrade.credentials),
                version: upgrade.version,
            }),
            Kind::AccountSetSuspended(suspended) => Self::Account(AccountCommand::SetSuspended(suspended)),
            Kind::AccountSetAddress(text) => Self::Account(AccountCommand::SetAddress(address(&text)?)),
            Kind::AccountSetLimits(limits) => Self::Account(AccountCommand::SetLimits(limits.into())),
            Kind::AccountRemovePurgeAfter(time) => Self::Account(AccountCommand::Remove {
                purge_after: Timestamp(time),
            }),
            Kind::AccountRestore(_) => Self::Account(AccountCommand::Restore),
            Kind::AccountPurge(_) => Self::Account(AccountCommand::Purge),
            Kind::MailboxCreate(mailbox) => Self::Mailbox(MailboxCommand::Create {
                name: name(&mailbox.name)?,
                special_use: special_use(mailbox.special_use)?,
            }),
            Kind::MailboxDelete(text) => Self::Mailbox(MailboxCommand::Delete { name: name(&text)? }),
            Kind::MailboxRename(rename) => Self::Mailbox(MailboxCommand::Rename {
                from: name(&rename.from)?,
                to: name(&rename.to)?,
            }),
            Kind::MailboxSubscribe(change) => Self::Mailbox(MailboxCommand::Subscribe {
                name: name(&change.name)?,
                subscribed: change.subscribed,
            }),
            Kind::Append(append) => Self::Message(append.try_into()?),
            Kind::Store(store) => Self::Message(store.try_into()?),
            Kind::Copy(copy) => Self::Message(MessageCommand::Copy {
                mailbox: MailboxId(copy.mailbox),
                uids: required(copy.uids, "uids")?,
                target: name(&copy.target)?,
            }),
            Kind::Move(copy) => Self::Message(MessageCommand::Move {
                mailbox: MailboxId(copy.mailbox),
                uids: required(copy.uids, "uids")?,
                target: name(&copy.target)?,
            }),
            Kind::Expunge(expunge) => Self::Message(MessageCommand::Expunge {
                mailbox: MailboxId(expunge.mailbox),
                uids: optional(expunge.uids)?,
            }),
            Kind::ClaimRecent(claim) => Self::Message(MessageCommand::ClaimRecent {
                mailbox: MailboxId(claim.mailbox),
                below: optional_uid(claim.below)?,
            }),
            Kind::Slots(command) => Self::Slots(command.try_into()?),
            Kind::InstallRows(piece) => Self::Rows(RowsCommand::Install(piece.try_into()?)),
            Kind::RemoveRows(_) => Self::Rows(RowsCommand::Remove),
        })
    }
}

impl TryFrom<proto::Append> for MessageCommand {
    type Error = DecodeError;

    fn try_from(append: proto::Append) -> Result<Self, DecodeError> {
        Ok(Self::Append {
            mailbox: name(&append.mailbox)?,
            messages: each(append.messages)?,
            create: append.create,
        })
    }
}

impl TryFrom<proto::Store> for MessageCommand {
    type Error = DecodeError;

    fn try_from(store: proto::Store) -> Result<Self, DecodeError> {
        Ok(Self::Store {
            mailbox: MailboxId(store.mailbox),
            operation: store.operation().try_into()?,
            uids: required(store.uids, "uids")?,
            flags: required(store.flags, "flags")?,
            unchanged_since: store.unchanged_since.map(ModSeq),
        })
    }
}

impl From<FlagOperation> for proto::FlagOperation {
    fn from(operation: FlagOperation) -> Self {
        match operation {
            FlagOperation::Replace => Self::Replace,
            FlagOperation::Add => Self::Add,
            FlagOperation::Remove => Self::Remove,
        }
    }
}

impl TryFrom<proto::FlagOperation> for FlagOperation {
    type Error = DecodeError;

    fn try_from(operation: proto::FlagOperation) -> Result<Self, DecodeError> {
        match operation {
            proto::FlagOperation::Unspecified => Err(DecodeError::Unknown("flag operation")),
            proto::FlagOperation::Replace => Ok(Self::Replace),
            proto::FlagOperation::Add => Ok(Self::Add),
            proto::FlagOperation::Remove => Ok(Self::Remove),
        }
    }
}

impl From<&NewAccount> for proto::NewAccount {
    fn from(account: &NewAccount) -> Self {
        let mailboxes = account.mailboxes.iter();
        Self {
            address: account.address.as_str().to_owned(),
            credentials: account.credentials.0.clone(),
            limits: Some((&account.limits).into()),
            mailboxes: mailboxes
                .map(|(name, special_use)| proto::NewMailbox {
                    name: name.as_str().to_owned(),
                    special_use: u32::from(special_use.0),
                })
                .collect(),
        }
    }
}

impl TryFrom<proto::NewAccount> for NewAccount {
    type Error = DecodeError;

    fn try_from(account: proto::NewAccount) -> Result<Self, DecodeError> {
        let mailboxes = account.mailboxes.iter();
        Ok(Self {
            address: address(&account.address)?,
            credentials: Credentials(account.credentials),
            limits: required(account.limits, "limits")?,
            mailboxes: mailboxes
                .map(|mailbox| Ok((name(&mailbox.name)?, special_use(mailbox.special_use)?)))
                .collect::<Result<_, DecodeError>>()?,
        })
    }
}

impl From<&NewMessage> for proto::NewMessage {
    fn from(message: &NewMessage) -> Self {
        Self {
            blob: bytes_of(&message.blob.0),
            size: message.size,
            flags: Some((&message.flags).into()),
            internal_date: Some((&message.internal_date).into()),
            email_id: bytes_of(&message.email_id.0),
        }
    }
}

impl TryFrom<proto::NewMessage> for NewMessage {
    type Error = DecodeError;

    fn try_from(message: proto::NewMessage) -> Result<Self, DecodeError> {
        Ok(Self {
            blob: BlobId(fixed(&message.blob, "blob")?),
            size: message.size,
            flags: required(message.flags, "flags")?,
            internal_date: required(message.internal_date, "internal_date")?,
            email_id: email_id(&message.email_id)?,
        })
    }
}
