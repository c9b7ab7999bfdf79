//! The table of commands: names, states, UID forms, capability gates and parsers in one place.

use crate::command::{Addressing, CommandBody};
use crate::error::WireError;
use crate::parse::{self, Context, Parsed};
use crate::types::Capability;

/// Which command it is, without arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "the variants are the command names; the table holds the rest"
)]
pub enum CommandKind {
    Capability,
    Noop,
    Logout,
    Id,
    StartTls,
    Authenticate,
    Login,
    Enable,
    Select,
    Examine,
    Create,
    Delete,
    Rename,
    Subscribe,
    Unsubscribe,
    List,
    Lsub,
    Xlist,
    Namespace,
    Status,
    Append,
    Idle,
    Check,
    Close,
    Unselect,
    Expunge,
    UidExpunge,
    Search,
    Fetch,
    Store,
    Copy,
    Move,
    GetQuota,
    GetQuotaRoot,
    SetQuota,
    Compress,
}

/// The states of a session (RFC 3501 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionState {
    /// Before login.
    NotAuthenticated,
    /// After login, no mailbox selected.
    Authenticated,
    /// A mailbox is selected.
    Selected,
    /// After LOGOUT or BYE.
    Logout,
}

/// The states in which a command is permitted (RFC 3501 §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum States {
    /// In every state.
    Any,
    /// Before login only.
    NotAuthenticated,
    /// After login, with or without a mailbox selected.
    Authenticated,
    /// With a mailbox selected only.
    Selected,
}

impl States {
    /// Tells whether `state` is among them. Nothing is permitted after LOGOUT.
    pub fn permit(self, state: SessionState) -> bool {
        match state {
            SessionState::NotAuthenticated => matches!(self, Self::Any | Self::NotAuthenticated),
            SessionState::Authenticated => matches!(self, Self::Any | Self::Authenticated),
            SessionState::Selected => matches!(self, Self::Any | Self::Authenticated | Self::Selected),
            SessionState::Logout => false,
        }
    }
}

/// Whether a command may, may not or must stand behind `UID`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UidForm {
    /// It may not.
    Without,
    /// It may.
    Both,
    /// It must.
    Only,
}

/// How a row's arguments are parsed, from behind the command's name up to the end of the line.
pub(crate) type ArgumentParser = for<'a> fn(&Context, Addressing, &'a [u8]) -> Parsed<'a, CommandBody>;

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct CommandSpec {
    /// The command.
    pub kind: CommandKind,
    /// The name on the wire, in capitals and without `UID`.
    pub name: &'static str,
    /// Where it is permitted.
    pub states: States,
    /// Its relation to `UID`.
    pub uid: UidForm,
    /// The capability that the server must offer for it, `None` if it is in RFC 3501.
    pub capability: Option<Capability>,
    pub(crate) parse: ArgumentParser,
}

impl CommandSpec {
    /// Refuses the command where `state` or the capabilities that the session offers do not allow it.
    ///
    /// A missing capability is looked at first, so a server does not show commands that it hides.
    pub fn check(&self, state: SessionState, offers: impl Fn(Capability) -> bool) -> Result<(), WireError> {
        if !self.capability.is_none_or(offers) {
            return Err(WireError::NotAvailable);
        }
        if self.states.permit(state) {
            Ok(())
        } else {
            Err(WireError::WrongState)
        }
    }

    /// Returns the row for a name as sent, with or without `UID` before it.
    pub fn named(name: &[u8], addressing: Addressing) -> Option<&'static Self> {
        COMMANDS.iter().find(|spec| {
            let form = match addressing {
                Addressing::Sequence => spec.uid != UidForm::Only,
                Addressing::Uid => spec.uid != UidForm::Without,
            };
            form && name.eq_ignore_ascii_case(spec.name.as_bytes())
        })
    }
}

impl CommandKind {
    /// Returns the command's row.
    pub fn spec(self) -> &'static CommandSpec {
        COMMANDS
            .iter()
            .find(|spec| spec.kind == self)
            .expect("invariant: every command has a row, as a test checks")
    }
}

const fn row(kind: CommandKind, name: &'static str, states: States, parse: ArgumentParser) -> CommandSpec {
    CommandSpec {
        kind,
        name,
        states,
        uid: UidForm::Without,
        capability: None,
        parse,
    }
}

impl CommandSpec {
    const fn uid(self, uid: UidForm) -> Self {
        Self { uid, ..self }
    }

    const fn gate(self, capability: Capability) -> Self {
        Self {
            capability: Some(capability),
            ..self
        }
    }
}

/// Every command that the grammar knows.
pub static COMMANDS: [CommandSpec; 36] = {
    use CommandKind as K;
    use States::{Any, Authenticated, NotAuthenticated, Selected};
    [
        row(K::Capability, "CAPABILITY", Any, parse::session::capability),
        row(K::Noop, "NOOP", Any, parse::session::noop),
        row(K::Logout, "LOGOUT", Any, parse::session::logout),
        row(K::Id, "ID", Any, parse::session::id).gate(Capability::Id),
        row(K::StartTls, "STARTTLS", NotAuthenticated, parse::auth::starttls),
        row(
            K::Authenticate,
            "AUTHENTICATE",
            NotAuthenticated,
            parse::auth::authenticate,
        ),
        row(K::Login, "LOGIN", NotAuthenticated, parse::auth::login),
        // RFC 5161 §3.1 has ENABLE in the authenticated state alone; clients send it after SELECT too.
        row(K::Enable, "ENABLE", Authenticated, parse::session::enable).gate(Capability::Enable),
        row(K::Select, "SELECT", Authenticated, parse::select::select),
        row(K::Examine, "EXAMINE", Authenticated, parse::select::examine),
        row(K::Create, "CREATE", Authenticated, parse::mailbox::create),
        row(K::Delete, "DELETE", Authenticated, parse::mailbox::delete),
        row(K::Rename, "RENAME", Authenticated, parse::mailbox::rename),
        row(
            K::Subscribe,
            "SUBSCRIBE",
            Authenticated,
            parse::mailbox::subscribe,
        ),
        row(
            K::Unsubscribe,
            "UNSUBSCRIBE",
            Authenticated,
            parse::mailbox::unsubscribe,
        ),
        row(K::List, "LIST", Authenticated, parse::list::list),
        row(K::Lsub, "LSUB", Authenticated, parse::list::lsub),
        row(K::Xlist, "XLIST", Authenticated, parse::list::xlist).gate(Capability::XList),
        row(
            K::Namespace,
            "NAMESPACE",
            Authenticated,
            parse::session::namespace,
        )
        .gate(Capability::Namespace),
        row(K::Status, "STATUS", Authenticated, parse::status::status),
        row(K::Append, "APPEND", Authenticated, parse::append::without_literal),
        row(K::Idle, "IDLE", Authenticated, parse::session::idle).gate(Capability::Idle),
        row(K::Check, "CHECK", Selected, parse::session::check),
        row(K::Close, "CLOSE", Selected, parse::session::close),
        row(K::Unselect, "UNSELECT", Selected, parse::session::unselect).gate(Capability::Unselect),
        row(K::Expunge, "EXPUNGE", Selected, parse::session::expunge),
        row(K::UidExpunge, "EXPUNGE", Selected, parse::message::uid_expunge)
            .uid(UidForm::Only)
            .gate(Capability::UidPlus),
        row(K::Search, "SEARCH", Selected, parse::search::search).uid(UidForm::Both),
        row(K::Fetch, "FETCH", Selected, parse::fetch::fetch).uid(UidForm::Both),
        row(K::Store, "STORE", Selected, parse::message::store).uid(UidForm::Both),
        row(K::Copy, "COPY", Selected, parse::message::copy).uid(UidForm::Both),
        row(K::Move, "MOVE", Selected, parse::message::move_messages)
            .uid(UidForm::Both)
            .gate(Capability::Move),
        row(K::GetQuota, "GETQUOTA", Authenticated, parse::quota::get_quota).gate(Capability::Quota),
        row(
            K::GetQuotaRoot,
            "GETQUOTAROOT",
            Authenticated,
            parse::quota::get_quota_root,
        )
        .gate(Capability::Quota),
        row(K::SetQuota, "SETQUOTA", Authenticated, parse::quota::set_quota).gate(Capability::QuotaSet),
        row(K::Compress, "COMPRESS", Authenticated, parse::session::compress)
            .gate(Capability::CompressDeflate),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_command_has_one_row() {
        let kinds: HashSet<CommandKind> = COMMANDS.iter().map(|spec| spec.kind).collect();
        assert_eq!(kinds.len(), COMMANDS.len());
        assert_eq!(kinds.len(), CommandKind::Compress as usize + 1);
        for spec in &COMMANDS {
            assert_eq!(spec.kind.spec().name, spec.name);
        }
    }

    #[test]
    fn names_are_found_in_any_case_and_form() {
        let kind =
            |name: &str, addressing| CommandSpec::named(name.as_bytes(), addressing).map(|spec| spec.kind);
        assert_eq!(kind("fetch", Addressing::Sequence), Some(CommandKind::Fetch));
        assert_eq!(kind("Fetch", Addressing::Uid), Some(CommandKind::Fetch));
        assert_eq!(kind("EXPUNGE", Addressing::Sequence), Some(CommandKind::Expunge));
        assert_eq!(kind("EXPUNGE", Addressing::Uid), Some(CommandKind::UidExpunge));
        assert_eq!(kind("NOOP", Addressing::Uid), None);
        assert_eq!(kind("FROB", Addressing::Sequence), None);
    }

    #[test]
    fn states_and_capabilities_gate() {
        let all = |_| true;
        let none = |_| false;
        let check =
            |kind: CommandKind, state, offers: fn(Capability) -> bool| kind.spec().check(state, offers);
        use SessionState::*;
        assert_eq!(check(CommandKind::Login, NotAuthenticated, none), Ok(()));
        assert_eq!(
            check(CommandKind::Login, Selected, all),
            Err(WireError::WrongState)
        );
        assert_eq!(
            check(CommandKind::Fetch, Authenticated, all),
            Err(WireError::WrongState)
        );
        assert_eq!(check(CommandKind::List, Selected, none), Ok(()));
        assert_eq!(
            check(CommandKind::Move, Selected, none),
            Err(WireError::NotAvailable)
        );
        assert_eq!(check(CommandKind::Noop, Logout, all), Err(WireError::WrongState));
    }
}
