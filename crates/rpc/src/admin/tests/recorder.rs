//! A service that answers what is expected and keeps what it was asked.

use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use mailstore::account::{Account, AccountState, Credentials, QuotaLimits, QuotaUsage};
use mailstore::address::Address;
use mailstore::flags::Keyword;
use mailstore::mailbox::{Mailbox, SpecialUse};
use mailstore::name::MailboxName;
use mailstore::ports::{
    AccountAdd, AccountSelector, Administration, BoxStream, GroupStatus, LeaderStatus, NodeStatus,
    SecretChange, SessionInfo,
};
use mailstore::query::{AccountInfo, MailboxTree, TreeEntry};
use mailstore::time::Timestamp;
use mailstore::{AccountId, GroupId, MailboxId, ModSeq, Rejection, SessionId, StoreError, Uid, UidValidity};
use tokio::sync::Mutex;

pub(super) fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

pub(super) fn name(text: &str) -> MailboxName {
    MailboxName::parse(text).expect("a name")
}

pub(super) fn demo() -> AccountSelector {
    AccountSelector::Address(address("demo@example.org"))
}

pub(super) fn by_id() -> AccountSelector {
    AccountSelector::Id(AccountId([7; 16]))
}

pub(super) fn account(state: AccountState) -> AccountInfo {
    AccountInfo {
        account: Account {
            id: AccountId([7; 16]),
            address: address("demo@example.org"),
            state,
            credentials: Credentials::default(),
            credentials_version: 3,
            limits: QuotaLimits {
                storage_bytes: Some(1 << 40),
                messages: None,
            },
            usage: QuotaUsage {
                storage_bytes: 12,
                messages: 2,
            },
            created: Timestamp(1_700_000_000_123),
            modseq: ModSeq::MAX,
            uid_validity: UidValidity::MIN,
        },
        mailboxes: 6,
    }
}

fn mailbox() -> Mailbox {
    Mailbox {
        id: MailboxId(4),
        name: name("Gesendet"),
        uid_validity: UidValidity::MIN,
        uid_next: Some(Uid::MAX),
        highest_modseq: ModSeq(9),
        expunge_floor: ModSeq(2),
        first_recent_uid: Some(Uid::MIN),
        messages: 5,
        recent: 4,
        unseen: 3,
        deleted: 2,
        size_bytes: 1 << 33,
        special_use: SpecialUse(SpecialUse::SENT.0 | SpecialUse::IMPORTANT.0),
        keywords: vec![Keyword::new("$Forwarded").expect("a keyword")],
        created: Timestamp(8),
    }
}

pub(super) fn tree() -> MailboxTree {
    let full = TreeEntry {
        name: name("Gesendet"),
        mailbox: Some(mailbox()),
        subscribed: false,
    };
    let used_up = TreeEntry {
        name: name("used up"),
        mailbox: Some(Mailbox {
            name: name("used up"),
            uid_next: None,
            first_recent_uid: None,
            special_use: SpecialUse::NONE,
            keywords: Vec::new(),
            ..mailbox()
        }),
        subscribed: true,
    };
    let only_subscribed = TreeEntry {
        name: name("gone/ünïcode"),
        mailbox: None,
        subscribed: true,
    };
    MailboxTree {
        entries: vec![full, used_up, only_subscribed],
    }
}

pub(super) fn session() -> SessionInfo {
    SessionInfo {
        session: SessionId([9; 16]),
        account: AccountId([7; 16]),
        address: address("demo@example.org"),
        protocol: "imap".into(),
        peer: "2001:db8::1".into(),
        proxy: "proxy-1".into(),
        since: Timestamp(5),
    }
}

pub(super) fn nodes() -> Vec<NodeStatus> {
    let group = |id, leader| GroupStatus {
        group: GroupId(id),
        leader,
        term: 1,
        last_log_index: 2,
        applied_index: 3,
        snapshot_index: 4,
        voters: vec!["storage-1".into(), "storage-2".into()],
    };
    vec![NodeStatus {
        node: "storage-1".into(),
        version: "0.1.0".into(),
        started: Timestamp(1),
        groups: vec![
            group(0, LeaderStatus::Local),
            group(1, LeaderStatus::Remote("storage-2".into())),
            group(2, LeaderStatus::Unknown),
        ],
        blob_bytes: u64::MAX,
        disk_free_bytes: 2,
        sessions: 3,
    }]
}

/// Answers what is expected and keeps what it was asked, as text.
#[derive(Default)]
pub(super) struct Recorder {
    asked: Mutex<Vec<String>>,
}

impl Recorder {
    async fn note(&self, call: String) {
        self.asked.lock().await.push(call);
    }

    pub(super) async fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().await)
    }
}

fn revealed(secret: &SecretChange) -> String {
    match secret {
        SecretChange::Password(text) => format!("password {text}"),
        SecretChange::Hash(text) => format!("hash {text}"),
    }
}

#[async_trait]
impl Administration for Recorder {
    async fn account_add(&self, add: AccountAdd) -> Result<AccountId, StoreError> {
        let secret = revealed(&add.secret);
        self.note(format!("add {} {secret} {:?}", add.address, add.limits))
            .await;
        Ok(AccountId([7; 16]))
    }

    async fn account_list(&self) -> Result<BoxStream<Result<AccountInfo, StoreError>>, StoreError> {
        let items = vec![
            Ok(account(AccountState::Active)),
            Ok(account(AccountState::Removed {
                purge_after: Timestamp(77),
            })),
            Err(StoreError::Unavailable("storage-2")),
        ];
        Ok(futures::stream::iter(items).boxed())
    }

    async fn account_show(&self, selector: &AccountSelector) -> Result<AccountInfo, StoreError> {
        if *selector == by_id() {
            Ok(account(AccountState::Suspended))
        } else {
            Err(Rejection::NoSuchAccount.into())
        }
    }

    async fn account_set_secret(
        &self,
        account: &AccountSelector,
        secret: SecretChange,
    ) -> Result<(), StoreError> {
        self.note(format!("secret {account:?} {}", revealed(&secret)))
            .await;
        Ok(())
    }

    async fn account_suspend(&self, account: &AccountSelector, suspended: bool) -> Result<(), StoreError> {
        self.note(format!("suspend {account:?} {suspended}")).await;
        Ok(())
    }

    async fn account_rename(&self, account: &AccountSelector, address: Address) -> Result<(), StoreError> {
        self.note(format!("rename {account:?} {address}")).await;
        Err(Rejection::AddressTaken.into())
    }

    async fn account_remove(
        &self,
        account: &AccountSelector,
        retention: Option<Duration>,
    ) -> Result<Timestamp, StoreError> {
        self.note(format!("remove {account:?} {retention:?}")).await;
        Ok(Timestamp(99))
    }

    async fn account_restore(&self, account: &AccountSelector) -> Result<(), StoreError> {
        self.note(format!("restore {account:?}")).await;
        Ok(())
    }

    async fn account_set_limits(
        &self,
        account: &AccountSelector,
        limits: QuotaLimits,
    ) -> Result<(), StoreError> {
        self.note(format!("limits {account:?} {limits:?}")).await;
        Ok(())
    }

    async fn mailbox_list(&self, _: &AccountSelector) -> Result<MailboxTree, StoreError> {
        Ok(tree())
    }

    async fn mailbox_create(
        &self,
        account: &AccountSelector,
        name: MailboxName,
        special_use: SpecialUse,
    ) -> Result<MailboxId, StoreError> {
        self.note(format!("create {account:?} {name} {special_use:?}"))
            .await;
        Ok(MailboxId(12))
    }

    async fn mailbox_delete(&self, account: &AccountSelector, name: MailboxName) -> Result<(), StoreError> {
        self.note(format!("delete {account:?} {name}")).await;
        Ok(())
    }

    async fn session_list(&self, account: Option<&AccountSelector>) -> Result<Vec<SessionInfo>, StoreError> {
        self.note(format!("sessions {account:?}")).await;
        Ok(vec![session()])
    }

    async fn session_kick(
        &self,
        account: &AccountSelector,
        session: Option<SessionId>,
    ) -> Result<u64, StoreError> {
        self.note(format!("kick {account:?} {session:?}")).await;
        Ok(2)
    }

    async fn status(&self) -> Result<Vec<NodeStatus>, StoreError> {
        Ok(nodes())
    }
}
