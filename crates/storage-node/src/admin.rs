//! Administration of what this node leads.

use async_trait::async_trait;
use futures::stream::try_unfold;
use futures::{StreamExt, TryStreamExt};
use mailstore::account::Credentials;
use mailstore::command::{Command, Subject};
use mailstore::ids::RequestId;
use mailstore::ports::{BoxStream, NodeAdmin, NodeStatus, SecretChange, SessionInfo};
use mailstore::query::{AccountInfo, MailboxTree};
use mailstore::{AccountId, GroupId, Reply, SessionId, StoreError, read};

use crate::node::Node;
use crate::slots::MOVING;
use crate::tables::{self, damaged};

/// Accounts that are read at one time.
const PAGE_ACCOUNTS: usize = 256;

#[async_trait]
impl NodeAdmin for Node {
    async fn propose(
        &self,
        subject: Subject,
        request: Option<RequestId>,
        command: Command,
    ) -> Result<Reply, StoreError> {
        if matches!(command, Command::Slots(_) | Command::Rows(_)) {
            // Whoever moves slots has a service of his own.
            return Err(StoreError::Unauthorized);
        }
        self.propose_for(subject, request, command).await
    }

    async fn derive_credentials(&self, secret: SecretChange) -> Result<Credentials, StoreError> {
        self.login_desk().derive(self.environment(), secret).await
    }

    async fn account(&self, account: AccountId) -> Result<AccountInfo, StoreError> {
        self.read_account(account, tables::account_info).await
    }

    async fn account_tree(&self, account: AccountId) -> Result<MailboxTree, StoreError> {
        self.read_account(account, |rows| {
            tables::account(rows)?;
            read::mailbox_tree(rows).map_err(damaged)
        })
        .await
    }

    async fn accounts(
        &self,
        group: GroupId,
    ) -> Result<BoxStream<Result<AccountInfo, StoreError>>, StoreError> {
        self.replication().read_barrier(group).await?;
        let first = Some(Position { group, after: None });
        let pages = try_unfold((self.clone(), first), |(node, position)| async move {
            let Some(position) = position else {
                return Ok::<_, StoreError>(None);
            };
            let (page, next) = page(&node, position).await?;
            Ok(Some((
                futures::stream::iter(page.into_iter().map(Ok)),
                (node, next),
            )))
        });
        Ok(pages.try_flatten().boxed())
    }

    async fn sessions(&self, account: Option<AccountId>) -> Result<Vec<SessionInfo>, StoreError> {
        Ok(self.sessions_registry().list(account))
    }

    async fn kick(&self, account: AccountId, session: Option<SessionId>) -> Result<u64, StoreError> {
        Ok(self
            .sessions_registry()
            .kick(account, session, "ended by the administrator"))
    }

    async fn node_status(&self) -> Result<NodeStatus, StoreError> {
        let usage = self.content_store().usage();
        Ok(NodeStatus {
            node: self.options().name.clone(),
            version: self.options().version.clone(),
            started: self.started(),
            groups: self.replication().status(),
            blob_bytes: usage.stored_bytes,
            disk_free_bytes: usage.free_bytes,
            sessions: self.sessions_registry().len(),
        })
    }
}

/// How far a list of a group's accounts has come.
struct Position {
    group: GroupId,
    after: Option<AccountId>,
}

/// Returns a page of accounts and where the next one begins.
async fn page(
    node: &Node,
    Position { group, after }: Position,
) -> Result<(Vec<AccountInfo>, Option<Position>), StoreError> {
    let accounts = node.replication().accounts(group, after, PAGE_ACCOUNTS).await?;
    let after = accounts.last().copied();
    let full = accounts.len() == PAGE_ACCOUNTS;
    let mut infos = Vec::with_capacity(accounts.len());
    for account in accounts {
        let subject = Subject::Account(account);
        match node.ask_in(group, subject, tables::account_info).await {
            Ok(info) => infos.push(info),
            // Purged since the page was read, or listed by the group that has it.
            Err(
                StoreError::Rejected(_) | StoreError::WrongGroup { .. } | StoreError::Unavailable(MOVING),
            ) => {}
            Err(error) => return Err(error),
        }
    }
    Ok((infos, full.then_some(Position { group, after })))
}
