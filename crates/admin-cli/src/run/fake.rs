//! A service that keeps a few accounts in memory.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use mailstore::account::{Account, AccountState, Credentials, QuotaLimits, QuotaUsage};
use mailstore::address::Address;
use mailstore::mailbox::{Mailbox, SpecialUse};
use mailstore::name::MailboxName;
use mailstore::ports::{
    AccountAdd, AccountSelector, Administration, BoxStream, GroupStatus, LeaderStatus, NodeStatus,
    SecretChange, SessionInfo,
};
use mailstore::query::{AccountInfo, MailboxTree, TreeEntry};
use mailstore::time::Timestamp;
use mailstore::{AccountId, GroupId, MailboxId, ModSeq, Rejection, SessionId, StoreError, UidValidity};

/// When everything happened.
const CREATED: Timestamp = Timestamp(1_700_000_000_000);

/// The accounts, and the secrets that were set.
pub(super) struct Fake {
    accounts: Mutex<Vec<(AccountInfo, String)>>,
    mailboxes: Mutex<Vec<TreeEntry>>,
}

impl Default for Fake {
    fn default() -> Self {
        let names = [
            ("INBOX", SpecialUse::NONE),
            ("Gesendete Objekte", SpecialUse::SENT),
        ];
        let mut mailboxes: Vec<TreeEntry> = names
            .iter()
            .zip(1..)
            .map(|((name, special_use), id)| entry(name, id, *special_use))
            .collect();
        mailboxes.push(TreeEntry {
            name: MailboxName::parse("löngst/weg").expect("a name"),
            mailbox: None,
            subscribed: true,
        });
        Self {
            accounts: Mutex::default(),
            mailboxes: Mutex::new(mailboxes),
        }
    }
}

fn entry(name: &str, id: u32, special_use: SpecialUse) -> TreeEntry {
    let name = MailboxName::parse(name).expect("a name");
    let mailbox = Mailbox {
        id: MailboxId(id),
        name: name.clone(),
        uid_validity: UidValidity::new(id + 100).expect("not zero"),
        uid_next: None,
        highest_modseq: ModSeq(1),
        expunge_floor: ModSeq(0),
        first_recent_uid: None,
        messages: 1200 * (id - 1),
        recent: 0,
        unseen: 3 * (id - 1),
        deleted: 0,
        size_bytes: 5_000_000 * u64::from(id - 1),
        special_use,
        keywords: Vec::new(),
        created: CREATED,
    };
    TreeEntry {
        name,
        mailbox: Some(mailbox),
        subscribed: id == 1,
    }
}

impl Fake {
    fn accounts(&self) -> MutexGuard<'_, Vec<(AccountInfo, String)>> {
        self.accounts.lock().expect("no test panics with this held")
    }

    /// Changes one account.
    fn change<T>(
        &self,
        selector: &AccountSelector,
        change: impl FnOnce(&mut (AccountInfo, String)) -> T,
    ) -> Result<T, StoreError> {
        let mut accounts = self.accounts();
        let named = accounts.iter_mut().find(|(info, _)| match selector {
            AccountSelector::Address(address) => info.account.address == *address,
            AccountSelector::Id(id) => info.account.id == *id,
        });
        named
            .map(change)
            .ok_or(StoreError::Rejected(Rejection::NoSuchAccount))
    }

    fn taken(&self, address: &Address) -> bool {
        self.accounts()
            .iter()
            .any(|(info, _)| info.account.address == *address)
    }

    /// Returns the secrets of all accounts.
    pub(super) fn secrets(&self) -> Vec<String> {
        self.accounts().iter().map(|(_, secret)| secret.clone()).collect()
    }
}

/// Some addresses stand for conditions of the service.
fn trouble(address: &Address) -> Result<(), StoreError> {
    match address.as_str() {
        "weak@example.org" => Err(Rejection::Secret.into()),
        "away@example.org" => Err(StoreError::Unavailable("no leader")),
        "busy@example.org" => Err(StoreError::Overloaded),
        "broken@example.org" => Err(StoreError::Internal("bad row".into())),
        "foreign@example.org" => Err(StoreError::Unauthorized),
        _ => Ok(()),
    }
}

fn shown(secret: SecretChange) -> String {
    match secret {
        SecretChange::Password(text) => format!("password {text}"),
        SecretChange::Hash(text) => format!("hash {text}"),
    }
}

#[async_trait]
impl Administration for Fake {
    async fn account_add(&self, add: AccountAdd) -> Result<AccountId, StoreError> {
        trouble(&add.address)?;
        if self.taken(&add.address) {
            return Err(Rejection::AddressTaken.into());
        }
        let mut accounts = self.accounts();
        let id = AccountId([u8::try_from(accounts.len() + 1).expect("few accounts"); 16]);
        let account = Account {
            id,
            address: add.address,
            state: AccountState::Active,
            credentials: Credentials::default(),
            credentials_version: 1,
            limits: add.limits.unwrap_or(QuotaLimits {
                storage_bytes: Some(1 << 30),
                messages: None,
            }),
            usage: QuotaUsage {
                storage_bytes: 1536,
                messages: 2,
            },
            created: CREATED,
            modseq: ModSeq(1),
            uid_validity: UidValidity::MIN,
        };
        let info = AccountInfo {
            account,
            mailboxes: 6,
        };
        accounts.push((info, shown(add.secret)));
        Ok(id)
    }

    async fn account_list(&self) -> Result<BoxStream<Result<AccountInfo, StoreError>>, StoreError> {
        let mut items: Vec<Result<AccountInfo, StoreError>> =
            self.accounts().iter().map(|(info, _)| Ok(info.clone())).collect();
        // The fourth account stands for a group that is lost while the list is on its way.
        if items.len() > 3 {
            items.truncate(3);
            items.push(Err(StoreError::Unavailable("no leader")));
        }
        Ok(futures::stream::iter(items).boxed())
    }

    async fn account_show(&self, account: &AccountSelector) -> Result<AccountInfo, StoreError> {
        self.change(account, |(info, _)| info.clone())
    }

    async fn account_set_secret(
        &self,
        account: &AccountSelector,
        secret: SecretChange,
    ) -> Result<(), StoreError> {
        self.change(account, |(_, kept)| *kept = shown(secret))
    }

    async fn account_suspend(&self, account: &AccountSelector, suspended: bool) -> Result<(), StoreError> {
        let state = if suspended {
            AccountState::Suspended
        } else {
            AccountState::Active
        };
        self.change(account, |(info, _)| info.account.state = state)
    }

    async fn account_rename(&self, account: &AccountSelector, address: Address) -> Result<(), StoreError> {
        if self.taken(&address) {
            return Err(Rejection::AddressTaken.into());
        }
        self.change(account, |(info, _)| info.account.address = address)
    }

    async fn account_remove(
        &self,
        account: &AccountSelector,
        retention: Option<Duration>,
    ) -> Result<Timestamp, StoreError> {
        let seconds = retention.map_or(30 * 86_400, |retention| retention.as_secs());
        let purge_after = Timestamp(CREATED.0 + 1000 * seconds);
        self.change(account, |(info, _)| {
            info.account.state = AccountState::Removed { purge_after };
        })?;
        Ok(purge_after)
    }

    async fn account_restore(&self, account: &AccountSelector) -> Result<(), StoreError> {
        self.change(account, |(info, _)| {
            if !matches!(info.account.state, AccountState::Removed { .. }) {
                return Err(StoreError::from(Rejection::AccountState));
            }
            info.account.state = AccountState::Active;
            Ok(())
        })?
    }

    async fn account_set_limits(
        &self,
        account: &AccountSelector,
        limits: QuotaLimits,
    ) -> Result<(), StoreError> {
        self.change(account, |(info, _)| info.account.limits = limits)
    }

    async fn mailbox_list(&self, account: &AccountSelector) -> Result<MailboxTree, StoreError> {
        self.change(account, |_| ())?;
        let entries = self
            .mailboxes
            .lock()
            .expect("no test panics with this held")
            .clone();
        Ok(MailboxTree { entries })
    }

    async fn mailbox_create(
        &self,
        account: &AccountSelector,
        name: MailboxName,
        special_use: SpecialUse,
    ) -> Result<MailboxId, StoreError> {
        self.change(account, |_| ())?;
        let mut mailboxes = self.mailboxes.lock().expect("no test panics with this held");
        if mailboxes.iter().any(|entry| entry.name == name) {
            return Err(Rejection::MailboxExists.into());
        }
        let id = 9;
        mailboxes.push(entry(name.as_str(), id, special_use));
        Ok(MailboxId(id))
    }

    async fn mailbox_delete(&self, account: &AccountSelector, name: MailboxName) -> Result<(), StoreError> {
        self.change(account, |_| ())?;
        if name.is_inbox() {
            return Err(Rejection::Inbox.into());
        }
        let mut mailboxes = self.mailboxes.lock().expect("no test panics with this held");
        let at = mailboxes.iter().position(|entry| entry.name == name);
        mailboxes.remove(at.ok_or(StoreError::Rejected(Rejection::NoSuchMailbox))?);
        Ok(())
    }

    async fn session_list(&self, account: Option<&AccountSelector>) -> Result<Vec<SessionInfo>, StoreError> {
        let session = |id: u8, peer: &str| SessionInfo {
            session: SessionId([id; 16]),
            account: AccountId([1; 16]),
            address: Address::parse("demo@example.org").expect("an address"),
            protocol: "imap".into(),
            peer: peer.into(),
            proxy: "proxy-1".into(),
            since: CREATED,
        };
        let sessions = vec![session(0xaa, "192.0.2.1"), session(0xbb, "2001:db8::77")];
        match account {
            Some(account) => self.change(account, |_| sessions),
            None => Ok(sessions),
        }
    }

    async fn session_kick(
        &self,
        account: &AccountSelector,
        session: Option<SessionId>,
    ) -> Result<u64, StoreError> {
        self.change(account, |_| if session.is_some() { 1 } else { 2 })
    }

    async fn status(&self) -> Result<Vec<NodeStatus>, StoreError> {
        let group = |id, leader| GroupStatus {
            group: GroupId(id),
            leader,
            term: 3,
            last_log_index: 1_000_042,
            applied_index: 1_000_041,
            snapshot_index: 7,
            voters: vec!["storage-1".into(), "storage-2".into()],
        };
        Ok(vec![NodeStatus {
            node: "storage-1".into(),
            version: "0.1.0".into(),
            started: CREATED,
            groups: vec![
                group(0, LeaderStatus::Local),
                group(15, LeaderStatus::Remote("storage-2".into())),
                group(16, LeaderStatus::Unknown),
            ],
            blob_bytes: 123_456_789,
            disk_free_bytes: 1 << 40,
            sessions: 12,
        }])
    }
}
