//! The life of a connection: waiting, commands, timers, the end. The only place with a `select!`
//! beside IDLE.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use imap_wire::response::{Condition, ResponseCode, Status};
use mailstore::ports::{BoxStream, SessionNotice};
use tokio::time::{Instant, sleep_until};

use super::Connection;
use super::client::Input;
use super::control::Control;
use super::notices::notices;
use crate::account_store::AccountStore;
use crate::answer::Over;
use crate::commands;
use crate::environment::random_share;

/// Time that stands for never.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// A connection with what surrounds it.
pub(crate) struct Driver {
    connection: Connection,
    /// From login on.
    notices: Option<BoxStream<SessionNotice>>,
    /// The session's place among those that end when the role does, between 0 and 1.
    place: f64,
    /// When the client must have logged in, or must have sent another command.
    deadline: Instant,
}

impl Driver {
    /// Takes a connection over that must have logged in by `deadline`.
    pub(crate) fn new(connection: Connection, deadline: Instant) -> Self {
        Self {
            place: random_share(&*connection.services.environment),
            connection,
            notices: None,
            deadline,
        }
    }

    /// Serves the connection to its end.
    pub(crate) async fn run(&mut self) {
        self.greet();
        let over = loop {
            if let Err(over) = self.step().await {
                break over;
            }
            if let Err(over) = self.upgrade().await {
                break over;
            }
        };
        Box::pin(self.end(over)).await;
    }

    /// RFC 3501 §7.1: the greeting, with the capabilities so that the client need not ask.
    fn greet(&mut self) {
        let capabilities = self.connection.capabilities();
        let greeting = Status {
            tag: None,
            condition: Condition::Ok,
            code: Some(ResponseCode::Capability(&capabilities)),
            text: "Facteur ready",
        };
        greeting.encode(self.connection.out());
    }

    /// Waits for one command and carries it out.
    async fn step(&mut self) -> Result<(), Over> {
        let input = self.wait().await?;
        self.carry_out(input).await?;
        self.connection.enter_state();
        if let Some(over) = self.connection.control.over() {
            return Err(over);
        }
        if let Some(login) = &self.connection.session.login {
            let times = &self.connection.services.options.times;
            self.deadline = Instant::now() + times.autologout;
            if self.notices.is_none() {
                let services = Arc::clone(&self.connection.services);
                self.notices = Some(notices(services, Arc::clone(&login.store)));
            }
        }
        Ok(())
    }

    /// Changes the stream if the command asked for it. A handshake before login takes of the same time.
    async fn upgrade(&mut self) -> Result<(), Over> {
        let Some(upgrade) = self.connection.upgrade.take() else {
            return Ok(());
        };
        let applied = Box::pin(self.connection.apply(upgrade));
        match tokio::time::timeout_at(self.deadline, applied).await {
            Ok(applied) => applied,
            // In the middle of a handshake nothing can be said.
            Err(_) => Err(Over::Silent),
        }
    }

    async fn wait(&mut self) -> Result<Input, Over> {
        let Self {
            connection,
            notices,
            place,
            deadline,
        } = self;
        let login = connection.session.login.as_ref();
        let store = login.map(|login| Arc::clone(&login.store));
        let control = Arc::clone(&connection.control);
        let services = Arc::clone(&connection.services);
        // Whoever has not begun a session loses nothing.
        let place = if login.is_some() { *place } else { 0.0 };
        loop {
            tokio::select! {
                input = connection.client.next() => return input.map_err(Over::Lost),
                notice = next_notice(notices) => heed(notice, store.as_deref(), &control),
                over = control.ended() => return Err(over),
                () = services.drain.comes_to(place) => return Err(stopping()),
                () = sleep_until(*deadline) => {
                    if login.is_none() {
                        connection.services.metrics.limit("preauth-timeout");
                    }
                    return Err(too_late(login.is_some()));
                }
            }
        }
    }

    /// Runs a command to its end. Before login the deadline cuts it off; after the session's end was
    /// asked for it has a little while.
    async fn carry_out(&mut self, input: Input) -> Result<(), Over> {
        let Self {
            connection,
            notices,
            place,
            deadline,
        } = self;
        let login = connection.session.login.as_ref();
        let store = login.map(|login| Arc::clone(&login.store));
        let control = Arc::clone(&connection.control);
        let services = Arc::clone(&connection.services);
        let drain_max = services.options.times.drain_max;
        let mut limit = if login.is_some() {
            Instant::now() + FAR
        } else {
            *deadline
        };
        let mut ending = false;
        let mut command = Box::pin(commands::carry_out(connection, input));
        loop {
            tokio::select! {
                result = &mut command => return result,
                notice = next_notice(notices) => heed(notice, store.as_deref(), &control),
                () = services.drain.comes_to(*place), if !ending => end_for_shutdown(&control),
                () = sleep_until(limit) => return Err(if ending { Over::Silent } else { too_late(false) }),
            }
            if control.over().is_some() && !ending {
                ending = true;
                let drained = services.drain.limit();
                limit = limit.min(drained.unwrap_or_else(|| Instant::now() + drain_max));
            }
        }
    }

    /// Says goodbye as the reason demands, and gives the session back.
    async fn end(&mut self, over: Over) {
        match &over {
            Over::Bye(code, text) => {
                let bye = Status {
                    tag: None,
                    condition: Condition::Bye,
                    code: *code,
                    text,
                };
                bye.encode(self.connection.out());
            }
            Over::Lost(error) => tracing::debug!(%error, "client is gone"),
            Over::Silent => {}
        }
        let connection = &mut self.connection;
        let (protocol, stage) = (connection.security.protocol, connection.stage);
        connection.services.metrics.stage(protocol, Some(stage), None);
        self.notices = None;
        if let Some(login) = connection.session.login.take() {
            // The goodbye to the registry must not wait for the client, nor the client for it.
            let caller = login.store.caller();
            let authentication = Arc::clone(&connection.services.authentication);
            let logout = async move { authentication.logout(&caller).await };
            connection.services.tasks.spawn(logout);
        }
        if !matches!(over, Over::Lost(_)) {
            connection.client.transport.close().await;
        }
    }
}

async fn next_notice(notices: &mut Option<BoxStream<SessionNotice>>) -> SessionNotice {
    match notices {
        Some(stream) => match stream.next().await {
            Some(notice) => notice,
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

fn heed(notice: SessionNotice, store: Option<&AccountStore>, control: &Control) {
    match notice {
        SessionNotice::TokenRenewed(token) => {
            if let Some(store) = store {
                store.renew_token(token);
            }
        }
        SessionNotice::Ended(reason) => control.end(None, reason),
    }
}

fn end_for_shutdown(control: &Control) {
    control.end(
        Some(ResponseCode::Unavailable),
        "Server is stopping, connect again",
    );
}

fn stopping() -> Over {
    Over::Bye(
        Some(ResponseCode::Unavailable),
        "Server is stopping, connect again",
    )
}

fn too_late(logged_in: bool) -> Over {
    if logged_in {
        Over::Bye(None, "Autologout, idle for too long")
    } else {
        Over::Bye(None, "No login in time")
    }
}
