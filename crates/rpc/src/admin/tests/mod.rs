//! Every call of administration, there and back over a Unix socket.

mod recorder;

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use mailstore::account::{AccountState, QuotaLimits};
use mailstore::error::DecodeError;
use mailstore::mailbox::SpecialUse;
use mailstore::ports::{AccountAdd, AccountSelector, Administration, SecretChange};
use mailstore::query::{AccountInfo, TreeEntry};
use mailstore::time::Timestamp;
use mailstore::{AccountId, MailboxId, Rejection, SessionId, StoreError};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::recorder::{Recorder, account, address, by_id, demo, name, nodes, session, tree};
use super::mailboxes::{special_use, special_use_names};
use super::{AdminClient, serve_admin};
use crate::generated::admin as proto;
use crate::transport::{Dialer, Listener, Services};

/// A server on a socket of its own, and a client of it.
struct Served {
    recorder: Arc<Recorder>,
    client: AdminClient,
    dialer: Dialer,
    stop: CancellationToken,
    tasks: JoinSet<()>,
    _directory: tempfile::TempDir,
}

impl Served {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("admin.sock");
        let (recorder, stop) = (Arc::<Recorder>::default(), CancellationToken::new());
        let mut services = Services::default();
        serve_admin(
            &mut services,
            Arc::<Recorder>::clone(&recorder) as Arc<dyn Administration>,
        );
        let listener = Listener::unix(&path).expect("a socket");
        let mut tasks = JoinSet::new();
        let served = listener.serve(services, stop.clone());
        tasks.spawn(async move { served.await.expect("a server that stops when told to") });
        let dialer = Dialer::unix(path);
        Self {
            recorder,
            client: AdminClient::new(&dialer),
            dialer,
            stop,
            tasks,
            _directory: directory,
        }
    }

    async fn asked(&self, expected: &str) {
        assert_eq!(self.recorder.take().await, [expected]);
    }

    async fn finish(mut self) {
        drop(self.client);
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

const DEMO: &str = "Address(Address(\"demo@example.org\"))";
const BY_ID: &str = "Id(AccountId(07070707070707070707070707070707))";

#[tokio::test]
async fn accounts_are_changed_as_asked() {
    let served = Served::start();
    let client = &served.client;
    let add = |secret, limits| AccountAdd {
        address: address("demo@example.org"),
        secret,
        limits,
    };
    let secret = || SecretChange::Password("x y".into());
    assert_eq!(
        client.account_add(add(secret(), None)).await,
        Ok(AccountId([7; 16]))
    );
    served.asked("add demo@example.org password x y None").await;
    let unlimited = Some(QuotaLimits::default());
    let hash = SecretChange::Hash("$6$salt$hash".into());
    assert_eq!(
        client.account_add(add(hash, unlimited)).await,
        Ok(AccountId([7; 16]))
    );
    served
        .asked(
            "add demo@example.org hash $6$salt$hash Some(QuotaLimits { storage_bytes: None, messages: None })",
        )
        .await;
    assert_eq!(client.account_set_secret(&demo(), secret()).await, Ok(()));
    served.asked(&format!("secret {DEMO} password x y")).await;
    assert_eq!(client.account_suspend(&by_id(), true).await, Ok(()));
    served.asked(&format!("suspend {BY_ID} true")).await;
    let retention = Some(Duration::from_secs(60));
    assert_eq!(client.account_remove(&demo(), retention).await, Ok(Timestamp(99)));
    served.asked(&format!("remove {DEMO} Some(60s)")).await;
    assert_eq!(client.account_remove(&demo(), None).await, Ok(Timestamp(99)));
    served.asked(&format!("remove {DEMO} None")).await;
    assert_eq!(client.account_restore(&by_id()).await, Ok(()));
    served.asked(&format!("restore {BY_ID}")).await;
    let limits = QuotaLimits {
        storage_bytes: None,
        messages: Some(3),
    };
    assert_eq!(client.account_set_limits(&demo(), limits).await, Ok(()));
    served
        .asked(&format!(
            "limits {DEMO} QuotaLimits {{ storage_bytes: None, messages: Some(3) }}"
        ))
        .await;
    served.finish().await;
}

#[tokio::test]
async fn rejections_come_back_as_they_were() {
    let served = Served::start();
    let renamed = served
        .client
        .account_rename(&demo(), address("new@example.org"))
        .await;
    assert_eq!(renamed, Err(Rejection::AddressTaken.into()));
    served.asked(&format!("rename {DEMO} new@example.org")).await;
    let shown = served.client.account_show(&demo()).await;
    assert_eq!(shown, Err(Rejection::NoSuchAccount.into()));
    served.finish().await;
}

#[tokio::test]
async fn answers_come_back_whole() {
    let served = Served::start();
    let client = &served.client;
    assert_eq!(
        client.account_show(&by_id()).await,
        Ok(account(AccountState::Suspended))
    );
    let listed: Vec<_> = client.account_list().await.expect("a list").collect().await;
    let removed = AccountState::Removed {
        purge_after: Timestamp(77),
    };
    assert_eq!(
        listed[..2],
        [Ok(account(AccountState::Active)), Ok(account(removed))]
    );
    assert!(matches!(listed[2], Err(StoreError::Unavailable(_))));
    assert_eq!(client.mailbox_list(&demo()).await, Ok(tree()));
    assert_eq!(client.status().await, Ok(nodes()));
    served.finish().await;
}

#[tokio::test]
async fn mailboxes_and_sessions_are_changed_as_asked() {
    let served = Served::start();
    let client = &served.client;
    let created = client
        .mailbox_create(&demo(), name("a/b"), SpecialUse::JUNK)
        .await;
    assert_eq!(created, Ok(MailboxId(12)));
    served.asked(&format!("create {DEMO} a/b SpecialUse(16)")).await;
    assert_eq!(client.mailbox_delete(&demo(), name("a/b")).await, Ok(()));
    served.asked(&format!("delete {DEMO} a/b")).await;
    assert_eq!(client.session_list(None).await, Ok(vec![session()]));
    served.asked("sessions None").await;
    assert_eq!(client.session_list(Some(&demo())).await, Ok(vec![session()]));
    served.asked(&format!("sessions Some({DEMO})")).await;
    assert_eq!(client.session_kick(&demo(), None).await, Ok(2));
    served.asked(&format!("kick {DEMO} None")).await;
    let one = Some(SessionId([9; 16]));
    assert_eq!(client.session_kick(&demo(), one).await, Ok(2));
    served
        .asked(&format!("kick {DEMO} Some(SessionId({}))", "09".repeat(16)))
        .await;
    served.finish().await;
}

#[tokio::test]
async fn a_probe_tells_why_there_is_no_connection() {
    let served = Served::start();
    assert!(served.dialer.probe().await.is_ok());
    let elsewhere = Dialer::unix("/nonexistent/admin.sock".into());
    let error = elsewhere.probe().await.expect_err("no socket");
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    assert!(cause.is_some_and(|cause| cause.contains("No such file")));
    served.finish().await;
}

/// What another program may send, and ours never would.
#[test]
fn messages_that_break_a_rule_are_refused() {
    fn check<P, T: TryFrom<P, Error = DecodeError>>(message: P, expected: DecodeError) {
        assert_eq!(T::try_from(message).err(), Some(expected));
    }
    let good = || proto::Account::from(&account(AccountState::Active));
    let change = |change: fn(&mut proto::Account)| {
        let mut message = good();
        change(&mut message);
        message
    };
    assert_eq!(AccountInfo::try_from(good()), Ok(account(AccountState::Active)));
    check::<_, AccountInfo>(change(|m| m.id = "xy".into()), DecodeError::Invalid("account id"));
    check::<_, AccountInfo>(
        change(|m| m.address = "@".into()),
        DecodeError::Invalid("address"),
    );
    check::<_, AccountInfo>(change(|m| m.state = 9), DecodeError::Unknown("account state"));
    check::<_, AccountInfo>(
        change(|m| m.state = proto::AccountState::Removed.into()),
        DecodeError::Missing("purge_after"),
    );
    check::<_, AccountInfo>(change(|m| m.limits = None), DecodeError::Missing("limits"));
    check::<_, AccountInfo>(
        change(|m| m.uid_validity = 0),
        DecodeError::Invalid("UIDVALIDITY"),
    );
    check::<_, AccountSelector>(proto::Selector::default(), DecodeError::Missing("account"));
    check::<_, SecretChange>(proto::Secret::default(), DecodeError::Missing("secret"));
    check::<_, TreeEntry>(proto::Mailbox::default(), DecodeError::Invalid("mailbox name"));
}

/// RFC 6154 §2, RFC 8457 §4.
#[test]
fn special_uses_have_names() {
    for bits in 0..=u8::MAX {
        assert_eq!(
            special_use(&special_use_names(SpecialUse(bits))),
            Ok(SpecialUse(bits))
        );
    }
    assert_eq!(special_use(&["\\sent".to_owned()]), Ok(SpecialUse::SENT));
    assert_eq!(
        special_use(&["Sent".to_owned()]),
        Err(DecodeError::Unknown("special use"))
    );
}

#[test]
fn secrets_are_not_shown() {
    let secret = proto::Secret::from(SecretChange::Password("hunter2".into()));
    assert!(!format!("{secret:?}").contains("hunter2"));
}
