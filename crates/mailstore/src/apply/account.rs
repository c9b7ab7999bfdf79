//! Commands on the account as such.

use super::workspace::{WorkEvent, Workspace};
use super::{Stop, mailbox};
use crate::account::{AccountState, NewAccount, QuotaUsage};
use crate::command::AccountCommand;
use crate::error::Rejection;
use crate::ids::{AccountId, ModSeq, UidValidity};
use crate::layout::row::{Counters, Profile};
use crate::mailbox::SpecialUse;
use crate::name::MailboxName;
use crate::reply::Reply;
use crate::rows::Rows;
use crate::time::Timestamp;

/// Returns an account that is not stored yet and has no mailbox. Its UIDVALIDITY counter starts at the
/// time of its creation, so that an account of the same name made later gives out greater ones.
pub(super) fn workspace_for<'a>(
    rows: &'a dyn Rows,
    (id, account): (AccountId, &NewAccount),
    time: Timestamp,
) -> Workspace<'a> {
    let start = u32::try_from(time.seconds()).ok().and_then(UidValidity::new);
    let counters = Counters {
        index: 0,
        log_time: time,
        modseq: ModSeq::ZERO,
        uid_validity: start.unwrap_or(UidValidity::MIN),
        next_mailbox: 1,
        mailboxes: 0,
        subscriptions: 0,
        special_uses: SpecialUse::NONE,
        usage: QuotaUsage::default(),
        expunged_records: 0,
        expunged_oldest: None,
        requests_oldest: None,
        requests_floor: None,
        requests_newest: None,
    };
    let profile = Profile {
        id,
        address: account.address.clone(),
        state: AccountState::Active,
        credentials: account.credentials.clone(),
        credentials_version: 1,
        limits: account.limits,
        created: time,
        suspended: false,
    };
    Workspace::create(rows, counters, profile)
}

pub(super) fn run(work: &mut Workspace<'_>, command: &AccountCommand) -> Result<Reply, Stop> {
    let before = work.profile.clone();
    match command {
        AccountCommand::Create(account) if work.is_new() => fill(work, account)?,
        AccountCommand::Create(account) => {
            if account.address != work.profile.address {
                return Err(Rejection::AccountExists.into());
            }
        }
        AccountCommand::SetCredentials(credentials) => work.profile.credentials = credentials.clone(),
        AccountCommand::UpgradeCredentials { credentials, version } => {
            // The password stays, and so do sessions and caches: neither the version nor who watches
            // hears of it.
            if work.profile.credentials_version == *version {
                work.profile.credentials = credentials.clone();
            }
            return Ok(Reply::Done);
        }
        AccountCommand::SetSuspended(suspended) => suspend(&mut work.profile, *suspended)?,
        AccountCommand::SetAddress(address) => work.profile.address = address.clone(),
        AccountCommand::SetLimits(limits) => work.profile.limits = *limits,
        AccountCommand::Remove { purge_after } => remove(&mut work.profile, *purge_after),
        AccountCommand::Restore => restore(&mut work.profile)?,
        AccountCommand::Purge => purge(work)?,
    }
    if work.profile.credentials != before.credentials || work.profile.state != before.state {
        work.profile.credentials_version = work.profile.credentials_version.saturating_add(1);
    }
    // A change of limits or of the address ends no session: tokens name the account by its id.
    if work.profile.credentials_version != before.credentials_version || work.is_purged() {
        work.tell(WorkEvent::Account);
    }
    Ok(Reply::Done)
}

/// Makes INBOX and the other first mailboxes, and subscribes them.
fn fill(work: &mut Workspace<'_>, account: &NewAccount) -> Result<(), Stop> {
    let modseq = work.step()?;
    let inbox = (MailboxName::inbox(), SpecialUse::NONE);
    for (name, special_use) in std::iter::once(&inbox).chain(&account.mailboxes) {
        if work.name(name)?.mailbox.is_none() {
            mailbox::make(work, name, *special_use, modseq)?;
        }
        mailbox::subscribe(work, name, true)?;
    }
    work.tell(WorkEvent::Account);
    Ok(())
}

fn suspend(profile: &mut Profile, suspended: bool) -> Result<(), Rejection> {
    profile.state = match profile.state {
        AccountState::Removed { .. } => return Err(Rejection::AccountState),
        AccountState::Active | AccountState::Suspended if suspended => AccountState::Suspended,
        AccountState::Active | AccountState::Suspended => AccountState::Active,
    };
    Ok(())
}

fn remove(profile: &mut Profile, purge_after: Timestamp) {
    match profile.state {
        AccountState::Active => profile.suspended = false,
        AccountState::Suspended => profile.suspended = true,
        AccountState::Removed { .. } => {}
    }
    profile.state = AccountState::Removed { purge_after };
}

fn restore(profile: &mut Profile) -> Result<(), Rejection> {
    match profile.state {
        AccountState::Active | AccountState::Suspended => return Err(Rejection::AccountState),
        AccountState::Removed { .. } if profile.suspended => profile.state = AccountState::Suspended,
        AccountState::Removed { .. } => profile.state = AccountState::Active,
    }
    profile.suspended = false;
    Ok(())
}

fn purge(work: &mut Workspace<'_>) -> Result<(), Rejection> {
    match work.profile.state {
        AccountState::Removed { purge_after } if purge_after <= work.counters.log_time => {
            work.purge();
            Ok(())
        }
        AccountState::Removed { .. } | AccountState::Active | AccountState::Suspended => {
            Err(Rejection::AccountState)
        }
    }
}
