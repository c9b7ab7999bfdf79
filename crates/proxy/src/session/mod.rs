//! The state of a session. Everything here is plain data and functions on it: no socket, no clock.

pub(crate) mod report;
pub(crate) mod selected;
pub(crate) mod sequence_map;

use std::sync::Arc;

use imap_wire::command::SessionState;
use imap_wire::types::NameEncoding;
use mailstore::UidSet;

use crate::account_store::AccountStore;
use crate::connection::admission::Place;
use selected::Selected;

/// What a connection is in, from its greeting to its end.
#[derive(Default)]
pub(crate) struct Session {
    pub(crate) enabled: Enabled,
    pub(crate) login: Option<LoggedIn>,
    pub(crate) compressed: bool,
    /// Login attempts that failed.
    pub(crate) failed_logins: u32,
    /// Commands in a row that were answered BAD.
    pub(crate) bad_commands: u32,
}

/// What the client has enabled (RFC 5161), by ENABLE or by a command that implies it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Enabled {
    /// CONDSTORE (RFC 7162 §3.1): FETCH responses carry MODSEQ.
    pub(crate) condstore: bool,
    /// QRESYNC (RFC 7162 §3.2): VANISHED takes the place of EXPUNGE. Implies `condstore`.
    pub(crate) qresync: bool,
    /// UTF8=ACCEPT (RFC 9755).
    pub(crate) utf8: bool,
}

/// The state after login.
pub(crate) struct LoggedIn {
    pub(crate) store: Arc<AccountStore>,
    pub(crate) selected: Option<Selected>,
    /// The result of the last SEARCH with SAVE (RFC 5182), UIDs; emptied with every SELECT.
    pub(crate) saved: UidSet,
    pub(crate) _place: Place,
}

impl Session {
    /// Returns the state that the table of commands speaks of.
    pub(crate) fn state(&self) -> SessionState {
        match &self.login {
            None => SessionState::NotAuthenticated,
            Some(login) if login.selected.is_none() => SessionState::Authenticated,
            Some(_) => SessionState::Selected,
        }
    }

    pub(crate) fn selected(&self) -> Option<&Selected> {
        self.login.as_ref()?.selected.as_ref()
    }

    pub(crate) fn selected_mut(&mut self) -> Option<&mut Selected> {
        self.login.as_mut()?.selected.as_mut()
    }
}

impl Enabled {
    /// Returns how mailbox names are written to this client.
    pub(crate) fn names(self) -> NameEncoding {
        if self.utf8 {
            NameEncoding::Utf8
        } else {
            NameEncoding::ModifiedUtf7
        }
    }
}
