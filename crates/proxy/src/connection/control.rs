//! Ending a session from outside: kicked, suspended, or the process stops.

use std::sync::OnceLock;

use imap_wire::response::ResponseCode;
use tokio_util::sync::CancellationToken;

use crate::answer::Over;

/// Asks a connection to end at the next opportunity.
#[derive(Default)]
pub(crate) struct Control {
    token: CancellationToken,
    reason: OnceLock<(Option<ResponseCode<'static>>, &'static str)>,
}

impl Control {
    /// Asks for the end; the first reason counts.
    pub(crate) fn end(&self, code: Option<ResponseCode<'static>>, reason: &'static str) {
        // A second reason comes too late to be told.
        let _ = self.reason.set((code, reason));
        self.token.cancel();
    }

    /// Waits until the end was asked for.
    pub(crate) async fn ended(&self) -> Over {
        self.token.cancelled().await;
        self.over().unwrap_or(Over::Silent)
    }

    /// Returns the end if it was asked for.
    pub(crate) fn over(&self) -> Option<Over> {
        let (code, reason) = self.reason.get()?;
        Some(Over::Bye(*code, reason))
    }
}
