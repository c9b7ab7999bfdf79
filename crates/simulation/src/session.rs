//! A client's session, as a role holds it: a login, and requests with ids of their own.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use bytes::Bytes;
use cluster::Router;
use futures::{StreamExt, TryStreamExt};
use mailstore::command::{Command, MailboxCommand, MessageCommand};
use mailstore::flags::NamedFlags;
use mailstore::message::{EmailId, NewMessage};
use mailstore::name::MailboxName;
use mailstore::ports::{
    Authentication, Caller, ChannelBinding, Login, LoginFailure, LoginRequest, Mail, SaslOutcome, StoredBlob,
};
use mailstore::query::{ContentRange, MailboxChanges, MailboxRef, MessageAnswer, MessageParts};
use mailstore::reply::Appended;
use mailstore::time::InternalDate;
use mailstore::{MailboxId, ModSeq, Reply, RequestId, StoreError, Uid, UidSet};
use storage_node::Environment;

use crate::environment::SimEnvironment;

/// The name of the proxy that all sessions come through.
pub const PROXY: &str = "proxy-1";

/// Octets of one piece of an upload.
const PIECE_BYTES: usize = 64 * 1024;

/// Returns the start of a login.
#[must_use]
pub fn login_request(user: &str, mechanism: &str) -> LoginRequest {
    LoginRequest {
        user: user.to_owned(),
        mechanism: mechanism.to_owned(),
        protocol: "imap",
        peer: IpAddr::V6(Ipv6Addr::LOCALHOST),
        secure: true,
        binding: ChannelBinding::default(),
        proxy: PROXY.into(),
    }
}

/// Logs in with PLAIN.
///
/// # Errors
/// When the storage does not answer.
pub async fn log_in(
    router: &Router,
    user: &str,
    password: &str,
) -> Result<Result<Login, LoginFailure>, StoreError> {
    let mut exchange = router.begin_login(login_request(user, "PLAIN")).await?;
    let message = [b"\0", user.as_bytes(), b"\0", password.as_bytes()].concat();
    Ok(match exchange.respond(message.into()).await? {
        SaslOutcome::Success { login, .. } => Ok(login),
        SaslOutcome::Failure(failure) => Err(failure),
        SaslOutcome::Challenge(_) => Err(LoginFailure::Malformed),
    })
}

/// A session.
#[derive(Clone)]
pub struct Session {
    /// The way to the storage.
    pub router: Router,
    /// What proves the login.
    pub caller: Caller,
    clock: Arc<SimEnvironment>,
    sequence: u64,
}

impl Session {
    /// Returns the session of a login.
    #[must_use]
    pub fn new(router: Router, login: &Login, clock: Arc<SimEnvironment>) -> Self {
        Self {
            router,
            caller: login.caller(),
            clock,
            sequence: 0,
        }
    }

    /// Returns the id of a new request.
    pub fn request(&mut self) -> RequestId {
        self.sequence += 1;
        RequestId {
            session: self.caller.session,
            sequence: self.sequence,
            created: self.clock.now(),
        }
    }

    /// Commits a change.
    ///
    /// # Errors
    /// Those of [`Mail::submit`].
    pub async fn submit(&mut self, command: Command) -> Result<Reply, StoreError> {
        let request = self.request();
        self.router.submit(&self.caller, request, command).await
    }

    /// Commits a change of messages.
    ///
    /// # Errors
    /// Those of [`Mail::submit`].
    pub async fn change(&mut self, command: MessageCommand) -> Result<Reply, StoreError> {
        self.submit(Command::Message(command)).await
    }

    /// Commits a change of mailboxes.
    ///
    /// # Errors
    /// Those of [`Mail::submit`].
    pub async fn mailbox(&mut self, command: MailboxCommand) -> Result<Reply, StoreError> {
        self.submit(Command::Mailbox(command)).await
    }

    /// Stores content.
    ///
    /// # Errors
    /// Those of [`Mail::upload`].
    pub async fn upload(&self, octets: &[u8]) -> Result<StoredBlob, StoreError> {
        let mut upload = self.router.upload(&self.caller, octets.len() as u64).await?;
        for piece in octets.chunks(PIECE_BYTES) {
            upload.push(Bytes::copy_from_slice(piece)).await?;
        }
        upload.finish().await
    }

    /// Adds a message to a mailbox that exists.
    ///
    /// # Errors
    /// Those of [`Mail::submit`] and [`Mail::upload`].
    pub async fn append(
        &mut self,
        mailbox: &MailboxName,
        octets: &[u8],
        flags: NamedFlags,
    ) -> Result<Appended, StoreError> {
        self.router
            .check_append(&self.caller, mailbox, octets.len() as u64)
            .await?;
        let stored = self.upload(octets).await?;
        let message = self.message(stored, flags);
        let append = MessageCommand::Append {
            mailbox: mailbox.clone(),
            messages: vec![message],
            create: false,
        };
        match self.change(append).await? {
            Reply::Appended(appended) => Ok(appended),
            other => Err(StoreError::Internal(format!("unexpected reply {other:?}"))),
        }
    }

    /// Returns a message with this content, dated now.
    #[must_use]
    pub fn message(&self, stored: StoredBlob, flags: NamedFlags) -> NewMessage {
        let mut email_id = [0; 12];
        self.clock.fill_random(&mut email_id);
        NewMessage {
            blob: stored.blob,
            size: stored.size,
            flags,
            internal_date: InternalDate {
                seconds: i64::try_from(self.clock.now().seconds()).unwrap_or(i64::MAX),
                zone_minutes: 60,
            },
            email_id: EmailId(email_id),
        }
    }

    /// Returns what changed in a mailbox.
    ///
    /// # Errors
    /// Those of [`Mail::changes`].
    pub async fn changes(&self, mailbox: MailboxRef, since: ModSeq) -> Result<MailboxChanges, StoreError> {
        self.router.changes(&self.caller, &mailbox, since).await
    }

    /// Returns messages.
    ///
    /// # Errors
    /// Those of [`Mail::messages`].
    pub async fn messages(
        &self,
        mailbox: MailboxId,
        uids: UidSet,
        parts: MessageParts,
    ) -> Result<Vec<MessageAnswer>, StoreError> {
        let batches = self.router.messages(&self.caller, mailbox, uids, parts).await?;
        let batches: Vec<_> = batches.try_collect().await?;
        Ok(batches.concat())
    }

    /// Returns a message's octets; `None` when there is no such message.
    ///
    /// # Errors
    /// Those of [`Mail::content`].
    pub async fn content(&self, mailbox: MailboxId, uid: Uid) -> Result<Option<Vec<u8>>, StoreError> {
        let range = ContentRange {
            uid,
            offset: 0,
            length: u32::MAX,
        };
        let mut chunks = self.router.content(&self.caller, mailbox, vec![range]).await?;
        let mut octets = Vec::new();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            if chunk.missing {
                return Ok(None);
            }
            octets.extend_from_slice(&chunk.bytes);
        }
        Ok(Some(octets))
    }
}
