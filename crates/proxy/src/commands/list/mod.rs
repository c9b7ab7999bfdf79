//! LIST (RFC 3501 §6.3.8, RFC 5258, RFC 5819, RFC 6154), LSUB and XLIST.

mod select;

use imap_wire::command::{BasicList, List};
use imap_wire::list_match::Pattern;
use imap_wire::response::{ChildInfo, ListAttribute, ListForm, ListResponse};
use imap_wire::types::{ListReturn, ListSelection, MailboxName, StatusItem};
use mailstore::mailbox::SpecialUse;
use mailstore::{Rejection, StoreError};

use super::status;
use crate::answer::{Answer, CommandResult, Failure};
use crate::connection::Connection;
use crate::convert;
use select::{Listed, Wanted};

pub(super) async fn list(connection: &mut Connection, list: List) -> CommandResult {
    if list.returns.is_none() && list.patterns.iter().all(String::is_empty) {
        return Ok(root(connection, ListForm::List));
    }
    let wanted = Wanted {
        patterns: patterns(&list.reference, &list.patterns)?,
        selection: list.selection,
    };
    let tree = connection.store()?.mailbox_tree().await?;
    let returns = Returns::new(&list);
    let statuses = list
        .returns
        .and_then(|returns| returns.status)
        .unwrap_or_default();
    status::note_condstore(connection, &statuses);
    for listed in wanted.select(&tree) {
        let attributes = returns.attributes(&listed);
        write(connection, ListForm::List, &listed, &attributes);
        write_status(connection, &listed, &statuses).await?;
        connection.client.transport.checkpoint().await?;
    }
    Ok(Answer::ok("Listed"))
}

/// LSUB (RFC 3501 §6.3.9): the subscriptions. A level without one of its own that leads to some is
/// `\Noselect`.
pub(super) async fn lsub(connection: &mut Connection, list: BasicList) -> CommandResult {
    if list.pattern.is_empty() {
        return Ok(root(connection, ListForm::Lsub));
    }
    let pattern = patterns(&list.reference, std::slice::from_ref(&list.pattern))?;
    let wanted = Wanted {
        patterns: pattern,
        selection: ListSelection {
            subscribed: true,
            recursive_match: list.pattern.ends_with('%'),
            ..ListSelection::default()
        },
    };
    let tree = connection.store()?.mailbox_tree().await?;
    for listed in wanted.select(&tree) {
        let no_select = listed.mailbox.is_none() || !listed.subscribed;
        let attributes: &[ListAttribute] = if no_select {
            &[ListAttribute::NoSelect]
        } else {
            &[]
        };
        let listed = Listed {
            child_info: false,
            ..listed
        };
        write(connection, ListForm::Lsub, &listed, attributes);
        connection.client.transport.checkpoint().await?;
    }
    Ok(Answer::ok("Listed"))
}

/// XLIST, as Google had it before SPECIAL-USE: LIST with the uses, and `\Inbox`.
pub(super) async fn xlist(connection: &mut Connection, list: BasicList) -> CommandResult {
    if list.pattern.is_empty() {
        return Ok(root(connection, ListForm::Xlist));
    }
    let wanted = Wanted {
        patterns: patterns(&list.reference, std::slice::from_ref(&list.pattern))?,
        selection: ListSelection::default(),
    };
    let tree = connection.store()?.mailbox_tree().await?;
    for listed in wanted.select(&tree) {
        let mut attributes = Returns::BASIC.attributes(&listed);
        if listed.name == "INBOX" {
            attributes.push(ListAttribute::Inbox);
        }
        write(connection, ListForm::Xlist, &listed, &attributes);
        connection.client.transport.checkpoint().await?;
    }
    Ok(Answer::ok("Listed"))
}

/// An empty pattern asks for the hierarchy delimiter (RFC 3501 §6.3.8).
fn root(connection: &mut Connection, form: ListForm) -> Answer {
    let names = connection.session.enabled.names();
    let response = ListResponse {
        form,
        attributes: &[ListAttribute::NoSelect],
        name: "",
        child_info: &[],
        old_name: None,
    };
    response.encode(connection.out(), names);
    Answer::ok("Listed")
}

/// The reference is a prefix and no more (RFC 3501 §6.3.8 leaves it to the server).
fn patterns(reference: &str, patterns: &[String]) -> Result<Vec<Pattern>, Failure> {
    let compile = |pattern: &String| Pattern::new(&format!("{reference}{pattern}"));
    let compiled: Result<Vec<_>, _> = patterns.iter().map(compile).collect();
    compiled.map_err(|error| Failure::from(super::refused(error)))
}

/// Which attributes are asked for.
#[derive(Clone, Copy)]
struct Returns {
    subscribed: bool,
    children: bool,
    special_use: bool,
}

impl Returns {
    /// What an old LIST gets: RFC 3348 §3 and RFC 6154 §2 allow both, and old clients look for them.
    const BASIC: Self = Self {
        subscribed: false,
        children: true,
        special_use: true,
    };

    fn new(list: &List) -> Self {
        let asked = match &list.returns {
            None => Self::BASIC,
            Some(ListReturn {
                subscribed,
                children,
                special_use,
                ..
            }) => Self {
                subscribed: *subscribed,
                children: *children,
                special_use: *special_use,
            },
        };
        // RFC 5258 §3.1, RFC 6154 §2: to select by it is to ask for it.
        Self {
            subscribed: asked.subscribed || list.selection.subscribed,
            special_use: asked.special_use || list.selection.special_use,
            ..asked
        }
    }

    fn attributes(self, listed: &Listed<'_>) -> Vec<ListAttribute> {
        let mut attributes = Vec::new();
        if listed.mailbox.is_none() {
            // RFC 5258 §3: `\NonExistent` implies `\Noselect`, which old clients know.
            attributes.extend([ListAttribute::NonExistent, ListAttribute::NoSelect]);
        }
        if self.subscribed && listed.subscribed {
            attributes.push(ListAttribute::Subscribed);
        }
        if self.children {
            attributes.push(if listed.has_children {
                ListAttribute::HasChildren
            } else {
                ListAttribute::HasNoChildren
            });
        }
        if self.special_use {
            let uses = listed
                .mailbox
                .map_or(SpecialUse::NONE, |mailbox| mailbox.special_use);
            attributes.extend(convert::wire_special_uses(uses).map(ListAttribute::SpecialUse));
        }
        attributes
    }
}

fn write(connection: &mut Connection, form: ListForm, listed: &Listed<'_>, attributes: &[ListAttribute]) {
    let names = connection.session.enabled.names();
    let response = ListResponse {
        form,
        attributes,
        name: listed.name,
        child_info: if listed.child_info {
            &[ChildInfo::Subscribed]
        } else {
            &[]
        },
        old_name: None,
    };
    response.encode(connection.out(), names);
}

/// RFC 5819 §2: a STATUS response for each mailbox that can be selected. One that was deleted meanwhile
/// has none.
async fn write_status(
    connection: &mut Connection,
    listed: &Listed<'_>,
    items: &[StatusItem],
) -> Result<(), Failure> {
    let (Some(mailbox), false) = (listed.mailbox, items.is_empty()) else {
        return Ok(());
    };
    let Ok(name) = MailboxName::new(listed.name) else {
        return Ok(());
    };
    match status::write(connection, &name, items, mailbox).await {
        Err(Failure::Store(StoreError::Rejected(Rejection::NoSuchMailbox))) => Ok(()),
        written => written,
    }
}
