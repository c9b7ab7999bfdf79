//! Mail programs: they speak IMAP to the proxies, and what they are told must fit.

mod client;
mod connection;
mod dump;
mod facts;
mod view;
mod watcher;
mod wire;

use std::sync::Arc;

use mailstore::address::Address;
use parking_lot::Mutex;

use crate::history::History;
use crate::proxies::Proxies;
use facts::MailFacts;

pub(crate) use client::ImapClient;
pub(crate) use dump::compare_dumps;
pub(crate) use watcher::{Watched, messages_after_one_more, watch};

/// The mailboxes that mail programs use.
pub(crate) const MAILBOXES: [&str; 2] = ["INBOX", "Archive"];

/// One account as its mail programs share it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct MailAccount {
    pub(crate) address: Address,
    pub(crate) password: &'static str,
    pub(crate) proxies: Proxies,
    pub(crate) proxy_names: Arc<[String]>,
    pub(crate) history: Arc<Mutex<History>>,
    facts: Arc<Mutex<MailFacts>>,
}

impl MailAccount {
    pub(crate) fn new(
        address: Address,
        password: &'static str,
        (proxies, names): (&Proxies, &[String]),
        history: &Arc<Mutex<History>>,
    ) -> Self {
        Self {
            address,
            password,
            proxies: proxies.clone(),
            proxy_names: names.into(),
            history: Arc::clone(history),
            facts: Arc::default(),
        }
    }

    /// Connects with a proxy and logs in. `None` when that is not possible at present.
    async fn log_in(&self, proxy: &str, name: &str) -> Option<connection::Connection> {
        let opened = connection::Connection::open(&self.proxies, proxy, name, &self.history).await;
        let mut connection = opened?;
        let login = format!("LOGIN {} \"{}\"", self.address.as_str(), self.password);
        let answered = connection.command(&login).await.ok()?;
        if answered.is_ok() {
            return Some(connection);
        }
        if !answered.is_unknown() {
            connection.violation(&format!("login was refused: {}", answered.status.text));
        }
        None
    }
}
