//! The command line.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use mailstore::address::Address;
use mailstore::mailbox::SpecialUse;
use mailstore::name::MailboxName;
use mailstore::ports::AccountSelector;
use mailstore::{AccountId, SessionId};

use crate::cluster_arguments::{ClusterCommand, GroupCommand, LayoutCommand, NodeCommand};
use crate::connection::ConnectionArguments;
use crate::size::{Limit, message_limit, storage_limit};

/// What an administrator can ask for.
#[derive(Clone, Debug, Subcommand)]
pub enum AdminCommand {
    /// Adds, lists and changes accounts.
    Account(Family<AccountCommand>),
    /// Lists, creates and deletes an account's mailboxes.
    Mailbox(Family<MailboxCommand>),
    /// Shows and sets what an account may keep.
    Quota(Family<QuotaCommand>),
    /// Shows the state of every storage node.
    Status(CommonArguments),
    /// Lists and ends sessions.
    Session(Family<SessionCommand>),
    /// Shows the cluster and raises what it may do.
    Cluster(Family<ClusterCommand>),
    /// Takes storage nodes in, out of use and out.
    Node(Family<NodeCommand>),
    /// Shows groups and moves their replicas and leaders.
    Group(Family<GroupCommand>),
    /// Spreads replicas evenly over the nodes.
    Layout(Family<LayoutCommand>),
}

/// Commands about one subject.
#[derive(Clone, Debug, Args)]
pub struct Family<C: Subcommand> {
    #[command(flatten)]
    pub(crate) common: CommonArguments,
    #[command(subcommand)]
    pub(crate) command: C,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
pub struct CommonArguments {
    /// The form of the answer.
    #[arg(short, long, value_enum, default_value_t = Format::Table, global = true)]
    pub output: Format,
    /// How to reach the administration service.
    #[command(flatten)]
    pub connection: ConnectionArguments,
}

/// The form of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For programs: sizes in octets, times in RFC 3339.
    Json,
}

/// Commands about accounts.
#[derive(Clone, Debug, Subcommand)]
pub enum AccountCommand {
    /// Adds an account with its special-use mailboxes; asks for the password.
    Add {
        /// The address it logs in by.
        #[arg(value_parser = address)]
        address: Address,
        #[command(flatten)]
        secret: SecretArguments,
        #[command(flatten)]
        limits: LimitArguments,
    },
    /// Lists all accounts, in no order.
    List,
    /// Shows one account.
    Show(AccountArgument),
    /// Replaces the password and ends the account's sessions; asks for the password.
    Passwd {
        #[command(flatten)]
        account: AccountArgument,
        #[command(flatten)]
        secret: SecretArguments,
    },
    /// Refuses logins and ends the account's sessions; mail is still delivered.
    Suspend(AccountArgument),
    /// Lets a suspended account log in again.
    Resume(AccountArgument),
    /// Gives the account another address to log in by; the old one is freed.
    Rename {
        #[command(flatten)]
        account: AccountArgument,
        /// The new address.
        #[arg(value_parser = address)]
        address: Address,
    },
    /// Removes the account; until its data goes it can be restored.
    Remove {
        #[command(flatten)]
        account: AccountArgument,
        /// How long it can be restored, such as 30d; the configured time when not given.
        #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
        keep: Option<Duration>,
    },
    /// Brings a removed account back.
    Restore(AccountArgument),
}

/// Commands about mailboxes.
#[derive(Clone, Debug, Subcommand)]
pub enum MailboxCommand {
    /// Lists the account's mailboxes and subscriptions.
    List(AccountArgument),
    /// Creates a mailbox and subscribes it.
    Create {
        #[command(flatten)]
        account: AccountArgument,
        /// Its name, with / between levels.
        #[arg(value_parser = MailboxName::parse)]
        name: MailboxName,
        /// A special use (RFC 6154); may be given more than once.
        #[arg(long, value_name = "USE", value_enum)]
        special_use: Vec<SpecialUseName>,
    },
    /// Deletes a mailbox and its messages.
    Delete {
        #[command(flatten)]
        account: AccountArgument,
        /// Its name, with / between levels.
        #[arg(value_parser = MailboxName::parse)]
        name: MailboxName,
    },
}

/// Commands about limits.
#[derive(Clone, Debug, Subcommand)]
pub enum QuotaCommand {
    /// Shows limits and use.
    Show(AccountArgument),
    /// Sets limits; one that is not given stays.
    Set {
        #[command(flatten)]
        account: AccountArgument,
        #[command(flatten)]
        limits: LimitArguments,
    },
}

/// Commands about sessions.
#[derive(Clone, Debug, Subcommand)]
pub enum SessionCommand {
    /// Lists the sessions of an account, or of all.
    List {
        /// Address or id of the account.
        #[arg(value_parser = account)]
        account: Option<AccountSelector>,
    },
    /// Ends an account's sessions.
    Kick {
        #[command(flatten)]
        account: AccountArgument,
        /// The id of the one session to end.
        #[arg(long, value_name = "ID", value_parser = session)]
        session: Option<SessionId>,
    },
}

/// The account that a command is about.
#[derive(Clone, Debug, Args)]
pub struct AccountArgument {
    /// Address or id of the account.
    #[arg(value_parser = account)]
    pub(crate) account: AccountSelector,
}

/// Where a password comes from. Never the command line, which every user of the machine can read.
#[derive(Clone, Debug, Args)]
#[group(multiple = false)]
pub struct SecretArguments {
    /// Reads the password from the first line of standard input.
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// A hash made elsewhere: $argon2id$..., $6$..., $5$..., {SHA512-CRYPT}...
    #[arg(long, value_name = "HASH")]
    pub(crate) hash: Option<String>,
}

/// What an account may keep.
#[derive(Clone, Debug, Args)]
pub struct LimitArguments {
    /// Most octets of mail, such as 2GiB, or `none`.
    #[arg(long, value_name = "SIZE", value_parser = storage_limit)]
    pub(crate) storage: Option<Limit>,
    /// Most messages, or `none`.
    #[arg(long, value_name = "COUNT", value_parser = message_limit)]
    pub(crate) messages: Option<Limit>,
}

/// The special uses of RFC 6154 §2 and RFC 8457.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum SpecialUseName {
    /// \All
    All,
    /// \Archive
    Archive,
    /// \Drafts
    Drafts,
    /// \Flagged
    Flagged,
    /// \Junk
    Junk,
    /// \Sent
    Sent,
    /// \Trash
    Trash,
    /// \Important
    Important,
}

impl SpecialUseName {
    pub(crate) fn special_use(self) -> SpecialUse {
        match self {
            Self::All => SpecialUse::ALL,
            Self::Archive => SpecialUse::ARCHIVE,
            Self::Drafts => SpecialUse::DRAFTS,
            Self::Flagged => SpecialUse::FLAGGED,
            Self::Junk => SpecialUse::JUNK,
            Self::Sent => SpecialUse::SENT,
            Self::Trash => SpecialUse::TRASH,
            Self::Important => SpecialUse::IMPORTANT,
        }
    }
}

impl AdminCommand {
    /// Returns what every command takes.
    #[must_use]
    pub fn common(&self) -> &CommonArguments {
        match self {
            Self::Account(family) => &family.common,
            Self::Mailbox(family) => &family.common,
            Self::Quota(family) => &family.common,
            Self::Session(family) => &family.common,
            Self::Cluster(family) => &family.common,
            Self::Node(family) => &family.common,
            Self::Group(family) => &family.common,
            Self::Layout(family) => &family.common,
            Self::Status(common) => common,
        }
    }
}

fn address(text: &str) -> Result<Address, &'static str> {
    Address::parse(text).ok_or("not an address")
}

/// An address that has the form of an id can be had by its id only.
fn account(text: &str) -> Result<AccountSelector, &'static str> {
    match AccountId::from_hex(text) {
        Some(id) => Ok(AccountSelector::Id(id)),
        None => address(text)
            .map(AccountSelector::Address)
            .map_err(|_| "neither an address nor an id"),
    }
}

fn session(text: &str) -> Result<SessionId, &'static str> {
    SessionId::from_hex(text).ok_or("not the id of a session")
}
