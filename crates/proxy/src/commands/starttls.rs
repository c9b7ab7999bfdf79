//! STARTTLS (RFC 3501 §6.2.1).

use std::sync::Arc;

use crate::answer::{Answer, CommandResult};
use crate::connection::{Connection, Upgrade};

pub(super) fn starttls(connection: &mut Connection) -> CommandResult {
    let security = &connection.security;
    match &security.starttls {
        Some(server) if !security.encrypted => {
            connection.upgrade = Some(Upgrade::Tls(Arc::clone(server)));
            Ok(Answer::ok("Begin TLS now"))
        }
        _ => Ok(Answer::bad("TLS is not available here")),
    }
}
