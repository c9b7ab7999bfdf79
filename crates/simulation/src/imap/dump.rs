//! Everything that is in an account, through every proxy.

use std::collections::BTreeMap;

use super::client::{check_content, token_of};
use super::connection::{Connection, Lost};
use super::facts::{Place, Token};
use super::{MAILBOXES, MailAccount};
use crate::history::Check;

/// The messages of an account.
type Dump = BTreeMap<Place, Token>;

/// Reads everything through each proxy, which must tell the same, and compares it with what must be there.
pub(crate) async fn compare_dumps(account: &MailAccount) {
    let mut first: Option<Dump> = None;
    for proxy in account.proxy_names.iter() {
        let Some(mut connection) = account.log_in(proxy, "reader").await else {
            let text = format!("nobody can log in at {proxy}");
            account.history.lock().violation(Check::Liveness, text);
            continue;
        };
        let Ok(dump) = dump(account, &mut connection).await else {
            continue;
        };
        match &first {
            Some(first) if *first != dump => connection.violation("this proxy tells of other messages"),
            Some(_) => {}
            None => first = Some(dump),
        }
        drop(connection.command("LOGOUT").await);
    }
    let Some(dump) = first else { return };
    let mut there: BTreeMap<Token, usize> = BTreeMap::new();
    for token in dump.into_values() {
        *there.entry(token).or_default() += 1;
    }
    for wrong in account.facts.lock().compare(&there) {
        account.history.lock().violation(Check::Mail, wrong);
    }
}

async fn dump(account: &MailAccount, connection: &mut Connection) -> Result<Dump, Lost> {
    let mut dump = Dump::new();
    for mailbox in MAILBOXES {
        let selected = connection.select(mailbox).await?;
        if selected.status.text.starts_with("NO [NONEXISTENT]") {
            continue;
        }
        if !selected.is_ok() {
            connection.violation(&format!("{mailbox} cannot be selected: {}", selected.status.text));
            return Err(Lost);
        }
        let validity = connection.view.uid_validity.unwrap_or_default();
        let exists = connection.view.exists();
        if exists == 0 {
            continue;
        }
        let fetched = connection.command("UID FETCH 1:* (UID RFC822.SIZE BODY.PEEK[])").await?;
        if !fetched.is_ok() {
            connection.violation(&format!("{mailbox} cannot be read: {}", fetched.status.text));
        }
        for response in &fetched.untagged {
            let (Some(uid), Some(token)) = (response.number_after("UID"), token_of(response)) else {
                continue;
            };
            check_content(account, connection, response);
            let place = Place {
                mailbox,
                uid_validity: validity,
                uid,
            };
            let observed = account.facts.lock().observed(place.clone(), &token);
            connection.require(observed);
            dump.insert(place, token);
        }
        if connection.view.untold(exists) > 0 {
            connection.violation(&format!("messages of {mailbox} cannot be fetched"));
        }
    }
    Ok(dump)
}
