//! Why a command failed, and the exit code that tells so.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use mailstore::{Rejection, StoreError};
use rpc::RpcError;

/// Who has to do something about an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// Whoever gave the command.
    Client,
    /// Nobody: the same command may succeed later.
    Passing,
    /// Whoever runs the servers.
    Internal,
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The service refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The service cannot be reached.
    #[error("cannot connect to the administration service")]
    Connection(#[from] RpcError),
    /// `--server` without its certificate files.
    #[error("--server needs --ca, --cert and --key")]
    CertificateMissing,
    /// Nothing to do.
    #[error("give --storage or --messages")]
    NothingToSet,
    /// The password cannot be asked for.
    #[error("cannot ask for a password (use --password-stdin)")]
    Prompt(#[source] io::Error),
    /// The password cannot be read.
    #[error("cannot read the password")]
    Input(#[source] io::Error),
    /// The two passwords differ.
    #[error("the passwords are not the same")]
    PasswordsDiffer,
    /// No password was given.
    #[error("the password is empty")]
    PasswordEmpty,
    /// The directory refused it.
    #[error(transparent)]
    Refused(#[from] directory::Rejection),
    /// There is no directory yet.
    #[error("the node that answers does not know its cluster yet")]
    NoCluster,
    /// There is no such node.
    #[error("no node is called {0}")]
    NoSuchNode(String),
    /// There is no such group.
    #[error("there is no group {0}")]
    NoSuchGroup(u32),
    /// What is asked for does not go with how things are.
    #[error("{0}")]
    NotNow(&'static str),
    /// Nobody can be asked whether it is meant.
    #[error("cannot ask whether this is meant (use --yes)")]
    Confirmation(#[source] io::Error),
    /// It is not meant.
    #[error("nothing was changed")]
    NotConfirmed,
    /// The answer cannot be written.
    #[error("cannot write the answer")]
    Output(#[from] io::Error),
}

/// How a command went, as a process tells it: the codes of `sysexits.h`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Exit {
    /// As asked.
    Success = 0,
    /// The command line is wrong.
    Usage = 64,
    /// What was given cannot be used.
    Data = 65,
    /// There is no such account.
    NoUser = 67,
    /// There is no such node.
    NoHost = 68,
    /// The service cannot be reached.
    Unavailable = 69,
    /// A defect or damage.
    Internal = 70,
    /// It exists already, or there is no room for it.
    CannotCreate = 73,
    /// Reading or writing failed.
    InputOutput = 74,
    /// It may work later. After a change it is not known whether it took effect.
    TemporaryFailure = 75,
    /// Not permitted.
    NoPermission = 77,
    /// Certificate files are missing or of no use.
    Configuration = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl CliError {
    /// Returns the family.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self.exit() {
            Exit::TemporaryFailure | Exit::Unavailable => ErrorKind::Passing,
            Exit::Internal | Exit::InputOutput | Exit::Configuration => ErrorKind::Internal,
            Exit::Success
            | Exit::Usage
            | Exit::Data
            | Exit::NoUser
            | Exit::NoHost
            | Exit::CannotCreate
            | Exit::NoPermission => ErrorKind::Client,
        }
    }

    /// Tells whether the same command may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.kind() == ErrorKind::Passing
    }

    /// Returns the exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Store(error) => exit_of_store(error),
            Self::Connection(error) => exit_of_connection(error),
            Self::CertificateMissing | Self::NothingToSet | Self::Prompt(_) => Exit::Usage,
            Self::Confirmation(_) => Exit::Usage,
            Self::PasswordsDiffer | Self::PasswordEmpty | Self::NoSuchGroup(_) | Self::NotConfirmed => {
                Exit::Data
            }
            Self::Refused(rejection) => exit_of_directory(*rejection),
            Self::NoCluster => Exit::Unavailable,
            Self::NoSuchNode(_) => Exit::NoHost,
            Self::NotNow(_) => Exit::TemporaryFailure,
            Self::Input(_) | Self::Output(_) => Exit::InputOutput,
        }
    }

    /// Returns the error with its causes in one line.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            // A transparent error repeats the words of its source.
            let text = error.to_string();
            if !line.ends_with(&text) {
                line = format!("{line}: {text}");
            }
            cause = error.source();
        }
        line.replace(['\r', '\n'], " ")
    }
}

fn exit_of_store(error: &StoreError) -> Exit {
    match error {
        StoreError::Rejected(rejection) => exit_of_rejection(rejection),
        StoreError::Unauthorized => Exit::NoPermission,
        StoreError::Unavailable(_) => Exit::Unavailable,
        StoreError::NotLeader { .. }
        | StoreError::WrongGroup { .. }
        | StoreError::Overloaded
        | StoreError::NoSpace
        | StoreError::OutcomeUnknown
        | StoreError::Limit(_) => Exit::TemporaryFailure,
        StoreError::ContentUnavailable | StoreError::Internal(_) => Exit::Internal,
    }
}

fn exit_of_directory(rejection: directory::Rejection) -> Exit {
    use directory::Rejection as Refusal;
    match rejection {
        Refusal::NoSuchNode => Exit::NoHost,
        Refusal::NotFounded => Exit::Unavailable,
        Refusal::Founded => Exit::CannotCreate,
        Refusal::Busy | Refusal::NodeInUse | Refusal::FeatureLevel => Exit::TemporaryFailure,
        Refusal::Invalid
        | Refusal::OtherDisk
        | Refusal::NodeState
        | Refusal::NoSuchGroup
        | Refusal::NoSuchReplica
        | Refusal::Occupied
        | Refusal::LastReplica
        | Refusal::NoSuchMove
        | Refusal::MoveDecided
        | Refusal::NoChange => Exit::Data,
    }
}

fn exit_of_rejection(rejection: &Rejection) -> Exit {
    match rejection {
        Rejection::NoSuchAccount | Rejection::NoSuchAddress => Exit::NoUser,
        Rejection::AccountExists
        | Rejection::AddressTaken
        | Rejection::MailboxExists
        | Rejection::SpecialUseTaken
        | Rejection::TooManyMailboxes
        | Rejection::TooManyKeywords
        | Rejection::UidsExhausted
        | Rejection::OverQuota => Exit::CannotCreate,
        Rejection::AccountNotActive
        | Rejection::AccountState
        | Rejection::NoSuchMailbox
        | Rejection::MailboxHasChildren
        | Rejection::Inbox
        | Rejection::Name(_)
        | Rejection::RenameBelowItself
        | Rejection::TooManyMessages
        | Rejection::Secret
        | Rejection::MessageTooLarge => Exit::Data,
        Rejection::OutcomeUnknown | Rejection::SlotMoving | Rejection::WrongGroup | Rejection::SlotStep => {
            Exit::TemporaryFailure
        }
    }
}

fn exit_of_connection(error: &RpcError) -> Exit {
    match error {
        RpcError::Address(_) => Exit::Usage,
        RpcError::Socket(source) if source.kind() == io::ErrorKind::PermissionDenied => Exit::NoPermission,
        RpcError::Socket(_) | RpcError::Grpc(_) => Exit::Unavailable,
        // A handshake may pass with the next attempt; files of no use do not mend themselves.
        RpcError::Tls(source) if source.is_retryable() => Exit::Unavailable,
        RpcError::Tls(_) => Exit::Configuration,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_of_errors_has_its_exit_code() {
        let cases = [
            (StoreError::Rejected(Rejection::NoSuchAccount), 67),
            (StoreError::Rejected(Rejection::NoSuchAddress), 67),
            (StoreError::Rejected(Rejection::AddressTaken), 73),
            (StoreError::Rejected(Rejection::MailboxExists), 73),
            (StoreError::Rejected(Rejection::NoSuchMailbox), 65),
            (StoreError::Rejected(Rejection::Secret), 65),
            (StoreError::Rejected(Rejection::OutcomeUnknown), 75),
            (StoreError::Unauthorized, 77),
            (StoreError::Unavailable("no leader"), 69),
            (StoreError::NotLeader { hint: None }, 75),
            (StoreError::Overloaded, 75),
            (StoreError::OutcomeUnknown, 75),
            (StoreError::Internal("disk".into()), 70),
        ];
        for (error, expected) in cases {
            let error = CliError::from(error);
            assert_eq!(error.exit() as u8, expected, "{error}");
        }
        let refused = RpcError::Socket(io::ErrorKind::PermissionDenied.into());
        assert_eq!(CliError::from(refused).exit() as u8, 77);
        let absent = RpcError::Socket(io::ErrorKind::NotFound.into());
        assert_eq!(CliError::from(absent).exit() as u8, 69);
    }

    #[test]
    fn an_error_is_one_line_with_its_causes() {
        let absent = RpcError::Socket(io::Error::other("no\nsocket"));
        assert_eq!(
            CliError::from(absent).line(),
            "cannot connect to the administration service: socket: no socket"
        );
        let rejected = StoreError::from(Rejection::NoSuchAccount);
        assert_eq!(CliError::from(rejected).line(), "no such account");
    }
}
