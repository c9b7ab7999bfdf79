//! A mail program that waits with IDLE for as long as the run lasts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::MailAccount;
use super::connection::Lost;
use crate::random::Random;

/// How long one IDLE lasts.
const IDLE_MAX: Duration = Duration::from_secs(20);
/// Pause before a lost connection is made again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(300);

/// How many messages a watcher was told of that are in INBOX.
#[derive(Clone, Default)]
pub(crate) struct Watched(Arc<AtomicUsize>);

impl Watched {
    pub(crate) fn messages(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, messages: usize) {
        self.0.store(messages, Ordering::Relaxed);
    }
}

/// Watches INBOX through one proxy, for ever.
pub(crate) async fn watch(account: MailAccount, proxy: String, watched: Watched, mut random: Random) {
    let name = format!("watcher of {}", account.address.as_str());
    loop {
        if let Some(mut connection) = account.log_in(&proxy, &name).await {
            // It ends with the connection only.
            let _: Result<(), Lost> = async {
                let selected = connection.select("INBOX").await?;
                if !selected.is_ok() {
                    return Err(Lost);
                }
                watched.set(connection.view.exists());
                loop {
                    let millis = u64::try_from(IDLE_MAX.as_millis()).unwrap_or(u64::MAX);
                    let time = Duration::from_millis(100 + random.below(millis));
                    connection.idle(time, |messages| watched.set(messages)).await?;
                }
            }
            .await;
        }
        tokio::time::sleep(RECONNECT_PAUSE).await;
    }
}

/// Sends one more message to INBOX, and returns how many there are then. `None` when that is not possible.
pub(crate) async fn messages_after_one_more(account: &MailAccount) -> Option<usize> {
    let proxy = account.proxy_names.first()?;
    let mut connection = account.log_in(proxy, "sender").await?;
    if !connection.select("INBOX").await.ok()?.is_ok() {
        return None;
    }
    let token = format!("marker-{}", connection.view.exists());
    let octets = format!("X-Chk: {token}\r\n\r\nAll is well.\r\n").into_bytes();
    account.facts.lock().sending(&token, &octets);
    if !connection.append("INBOX", &octets).await.ok()?.is_ok() {
        return None;
    }
    connection.command("NOOP").await.ok()?;
    let messages = connection.view.exists();
    drop(connection.command("LOGOUT").await);
    Some(messages)
}
