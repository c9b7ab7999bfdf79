//! How a change gets into the log.

use mailstore::command::{
    AccountCommand, AddressCommand, Command, Entry, MailboxCommand, MessageCommand, Subject,
};
use mailstore::{Reply, RequestId, StoreError};

use crate::node::Node;

impl Node {
    /// Commits a change with this node's time.
    ///
    /// # Errors
    /// [`StoreError::NoSpace`] when the change would add to what is stored and the disk is nearly full.
    pub(crate) async fn propose_for(
        &self,
        subject: Subject,
        request: Option<RequestId>,
        command: Command,
    ) -> Result<Reply, StoreError> {
        if grows(&command) && self.content_store().is_full() {
            return Err(StoreError::NoSpace);
        }
        let group = self.group_of_subject(&subject);
        let entry = Entry {
            subject,
            request,
            time: self.steady_now(),
            command,
        };
        self.replication().propose(group, entry).await
    }
}

/// Tells whether a command adds messages, mailboxes or accounts. The others go on when the disk is nearly
/// full: the space that is kept free is there for them, above all for those that make room.
fn grows(command: &Command) -> bool {
    match command {
        Command::Address(command) => match command {
            AddressCommand::Reserve { .. } => true,
            AddressCommand::Activate { .. } | AddressCommand::Release { .. } => false,
        },
        Command::Account(command) => match command {
            AccountCommand::Create(_) => true,
            AccountCommand::SetCredentials(_)
            | AccountCommand::UpgradeCredentials { .. }
            | AccountCommand::SetSuspended(_)
            | AccountCommand::SetAddress(_)
            | AccountCommand::SetLimits(_)
            | AccountCommand::Remove { .. }
            | AccountCommand::Restore
            | AccountCommand::Purge => false,
        },
        Command::Mailbox(command) => match command {
            MailboxCommand::Create { .. } => true,
            // What one account may subscribe to is bounded, and RENAME makes a few parents at the most.
            MailboxCommand::Delete { .. }
            | MailboxCommand::Rename { .. }
            | MailboxCommand::Subscribe { .. } => false,
        },
        Command::Message(command) => match command {
            MessageCommand::Append { .. } | MessageCommand::Copy { .. } => true,
            MessageCommand::Store { .. }
            | MessageCommand::Move { .. }
            | MessageCommand::Expunge { .. }
            | MessageCommand::ClaimRecent { .. } => false,
        },
    }
}
