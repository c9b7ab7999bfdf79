//! One connection: the driver that owns its socket and timers, and what command handlers work with.

pub(crate) mod admission;
pub(crate) mod client;
pub(crate) mod control;
mod deflate;
pub(crate) mod driver;
mod notices;
pub(crate) mod stream;
pub(crate) mod sync;
pub(crate) mod transport;
mod upgrade;

pub(crate) use upgrade::{Upgrade, binding, transport as new_transport};

use std::net::IpAddr;
use std::sync::Arc;

use imap_wire::command::SessionState;
use imap_wire::frame::Limits;
use imap_wire::parse::ParseOptions;
use imap_wire::response::{Condition, ResponseCode, Status};
use imap_wire::types::Capability;
use mailstore::ports::ChannelBinding;
use tls::MailServer;

use crate::account_store::AccountStore;
use crate::answer::{Answer, Failure};
use crate::capability::{Offer, announced};
use crate::convert;
use crate::metrics::Stage;
use crate::options::ProxyOptions;
use crate::services::Services;
use crate::session::selected::Selected;
use crate::session::{LoggedIn, Session};
use admission::Place;
use client::Client;
use control::Control;

/// What a command handler has: the session, the client, and what the process shares.
pub(crate) struct Connection {
    pub(crate) services: Arc<Services>,
    pub(crate) client: Client,
    pub(crate) session: Session,
    pub(crate) security: Security,
    pub(crate) peer: IpAddr,
    pub(crate) control: Arc<Control>,
    /// What becomes of the stream once the command under way was answered.
    pub(crate) upgrade: Option<Upgrade>,
    /// What the connection is counted as.
    pub(crate) stage: Stage,
    /// Counted as a connection without login; given back at login.
    pub(crate) before_login: Option<Place>,
    /// Counted as a connection.
    pub(crate) _place: Place,
}

/// How far the connection is protected.
#[derive(Default)]
pub(crate) struct Security {
    /// Whether TLS is in place.
    pub(crate) encrypted: bool,
    /// What STARTTLS begins; `None` where it is not offered.
    pub(crate) starttls: Option<Arc<MailServer>>,
    /// Ties SCRAM to the TLS connection.
    pub(crate) binding: ChannelBinding,
    /// `imap` or `imaps`, in metrics.
    pub(crate) protocol: &'static str,
}

impl Connection {
    /// Returns the buffer that responses are written to.
    pub(crate) fn out(&mut self) -> &mut Vec<u8> {
        self.client.transport.output()
    }

    /// Returns what decides on the capabilities now.
    pub(crate) fn offer(&self) -> Offer {
        let options = &self.services.options;
        let binding = &self.security.binding;
        let local = options.plaintext_on_loopback && self.peer.is_loopback();
        Offer {
            logged_in: self.session.login.is_some(),
            starttls: self.security.starttls.is_some() && !self.security.encrypted,
            passwords: self.security.encrypted || local,
            channel_binding: binding.tls_exporter.is_some() || binding.tls_server_end_point.is_some(),
            compress: options.compress,
            compressed: self.session.compressed,
            append_bytes_max: options.command.append_bytes_max,
        }
    }

    /// Returns the capabilities that the client is told of now.
    pub(crate) fn capabilities(&self) -> Vec<Capability> {
        announced(
            self.offer().capabilities(),
            &self.services.options.hidden_capabilities,
        )
    }

    /// Returns the state after login. The table of commands lets no handler that asks for it run before.
    pub(crate) fn login(&self) -> Result<&LoggedIn, Failure> {
        let login = self.session.login.as_ref();
        login.ok_or_else(|| Answer::bad("Log in first").into())
    }

    pub(crate) fn login_mut(&mut self) -> Result<&mut LoggedIn, Failure> {
        let login = self.session.login.as_mut();
        login.ok_or_else(|| Answer::bad("Log in first").into())
    }

    pub(crate) fn store(&self) -> Result<Arc<AccountStore>, Failure> {
        Ok(Arc::clone(&self.login()?.store))
    }

    pub(crate) fn selected(&self) -> Result<&Selected, Failure> {
        let selected = self.session.selected();
        selected.ok_or_else(|| Answer::bad("No mailbox is selected").into())
    }

    pub(crate) fn selected_mut(&mut self) -> Result<&mut Selected, Failure> {
        let selected = self.session.selected_mut();
        selected.ok_or_else(|| Answer::bad("No mailbox is selected").into())
    }

    /// Returns the selected mailbox if it may be changed.
    pub(crate) fn writable(&self) -> Result<&Selected, Failure> {
        let selected = self.selected()?;
        if selected.is_read_write() {
            return Ok(selected);
        }
        Err(Answer::no(ResponseCode::ReadOnly, "Mailbox was opened by EXAMINE").into())
    }

    /// Enables CONDSTORE. A client that has a mailbox selected is told how far it has been told of that
    /// mailbox's changes (RFC 7162 §3.1).
    pub(crate) fn enable_condstore(&mut self) {
        if std::mem::replace(&mut self.session.enabled.condstore, true) {
            return;
        }
        let Some(selected) = self.session.selected() else {
            return;
        };
        let highest = convert::wire_modseq(selected.complete_modseq());
        let status = Status {
            tag: None,
            condition: Condition::Ok,
            code: Some(ResponseCode::HighestModSeq(highest)),
            text: "Highest modification sequence",
        };
        status.encode(self.out());
    }

    /// Counts the connection as what it is doing now.
    pub(crate) fn enter(&mut self, stage: Stage) {
        let protocol = self.security.protocol;
        self.services
            .metrics
            .stage(protocol, Some(self.stage), Some(stage));
        self.stage = stage;
    }

    /// Counts the connection by its session's state.
    pub(crate) fn enter_state(&mut self) {
        self.enter(match self.session.state() {
            SessionState::NotAuthenticated | SessionState::Logout => Stage::NotAuthenticated,
            SessionState::Authenticated => Stage::Authenticated,
            SessionState::Selected => Stage::Selected,
        });
    }

    /// Returns how commands are to be read now.
    pub(crate) fn parse_options(&self) -> ParseOptions {
        ParseOptions {
            names: self.session.enabled.names(),
            strict: false,
        }
    }

    /// Makes framer and transport follow the session: their limits rise with login, the grammar changes
    /// with ENABLE.
    pub(crate) fn adjust_client(&mut self) {
        let logged_in = self.session.login.is_some();
        let limits = limits(&self.services.options, logged_in);
        let output_bytes_max = upgrade::output_bytes_max(&self.services.options, logged_in);
        self.client.transport.set_output_bytes_max(output_bytes_max);
        self.client.framer.set_limits(limits);
        let options = self.parse_options();
        self.client.framer.set_options(options);
    }
}

/// Returns what a client may make the framer hold.
pub(crate) fn limits(options: &ProxyOptions, logged_in: bool) -> Limits {
    let (before, after) = (&options.before_login, &options.command);
    if logged_in {
        return Limits {
            line_bytes_max: after.line_bytes_max,
            literal_bytes_max: after.command_bytes_max as u64,
            command_bytes_max: after.command_bytes_max,
            non_synchronising_bytes_max: u64::MAX,
            skip_bytes_max: after.command_bytes_max as u64,
        };
    }
    Limits {
        line_bytes_max: before.command_bytes_max,
        literal_bytes_max: before.literal_bytes_max as u64,
        command_bytes_max: before.command_bytes_max,
        non_synchronising_bytes_max: before.literal_bytes_max as u64,
        skip_bytes_max: 0,
    }
}
