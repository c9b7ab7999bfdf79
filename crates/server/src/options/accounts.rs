//! What accounts get, and how calls for them find their node.

use std::path::PathBuf;
use std::time::Duration;

use cluster::{AccountDefaults, Patience, RequestLimits, RouterOptions, SpoolOptions};
use mailstore::account::QuotaLimits;
use mailstore::mailbox::SpecialUse;
use mailstore::name::MailboxName;
use settings::Settings;

use crate::surroundings::Machine;

/// The special uses by name (RFC 6154 §2, RFC 8457).
const USES: &[(&str, SpecialUse)] = &[
    ("all", SpecialUse::ALL),
    ("archive", SpecialUse::ARCHIVE),
    ("drafts", SpecialUse::DRAFTS),
    ("flagged", SpecialUse::FLAGGED),
    ("important", SpecialUse::IMPORTANT),
    ("junk", SpecialUse::JUNK),
    ("sent", SpecialUse::SENT),
    ("trash", SpecialUse::TRASH),
];

/// Returns the mailboxes that a new account gets.
///
/// # Errors
/// What is wrong with the setting.
pub fn mailboxes(settings: &Settings) -> Result<Vec<(MailboxName, SpecialUse)>, String> {
    let parse = |entry: &settings::NamedValue| {
        let name = MailboxName::parse(&entry.name).map_err(|error| format!("`{}`: {error}", entry.name))?;
        Ok((name, special_use(&entry.value)?))
    };
    settings.account.mailboxes.iter().map(parse).collect()
}

/// Reads `\Sent`, or nothing for a mailbox without special use.
fn special_use(text: &str) -> Result<SpecialUse, String> {
    if text.is_empty() {
        return Ok(SpecialUse::NONE);
    }
    let name = text.strip_prefix('\\').unwrap_or_default();
    let known = USES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    known
        .map(|(_, special_use)| *special_use)
        .ok_or_else(|| format!("`{text}` is no special use (RFC 6154 §2)"))
}

/// Returns how the router behaves.
///
/// # Errors
/// What is wrong with the mailboxes of new accounts.
pub fn router(settings: &Settings, spool: PathBuf) -> Result<RouterOptions, String> {
    Ok(RouterOptions {
        patience: Patience {
            total: settings.cluster.leaderless_timeout,
            ..Patience::default()
        },
        spool: SpoolOptions {
            directory: spool,
            memory_bytes_max: settings.limits.append_memory_bytes_max.bytes(),
            total_bytes_max: settings.limits.spool_bytes_max.bytes(),
        },
        accounts: AccountDefaults {
            limits: QuotaLimits {
                storage_bytes: limit(settings.quota.storage_bytes.bytes()),
                messages: limit(settings.quota.messages),
            },
            mailboxes: mailboxes(settings)?,
            retention: retention(settings),
        },
        clock: Machine::clock(),
    })
}

/// Returns the bounds on the requests to each storage node.
pub fn requests(settings: &Settings) -> RequestLimits {
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    RequestLimits {
        running_max: count(settings.limits.storage_requests_max),
        waiting_max: count(settings.limits.storage_requests_waiting_max),
    }
}

fn retention(settings: &Settings) -> Duration {
    settings.account.removal_retention
}

/// In the settings, zero stands for no limit.
fn limit(value: u64) -> Option<u64> {
    (value != 0).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_accounts_get_the_special_uses() {
        let mailboxes = mailboxes(&Settings::default()).expect("valid");
        let sent = mailboxes
            .iter()
            .find(|(name, _)| name.as_str() == "Sent")
            .expect("Sent");
        assert_eq!(sent.1, SpecialUse::SENT);
        assert_eq!(mailboxes.len(), 5);
    }

    #[test]
    fn a_quota_of_zero_is_none() {
        let mut settings = Settings::default();
        settings.quota.messages = 7;
        let router = router(&settings, PathBuf::new()).expect("valid");
        assert_eq!(
            router.accounts.limits,
            QuotaLimits {
                storage_bytes: None,
                messages: Some(7)
            }
        );
        assert_eq!(router.patience.total, settings.cluster.leaderless_timeout);
    }
}
