//! ID (RFC 2971).

use std::sync::Arc;

use imap_wire::response;

use crate::answer::Answer;
use crate::connection::Connection;

/// Most octets of a client's own words that go to the log.
const LOGGED_BYTES_MAX: usize = 64;

/// Answers who the server is. What the client says of itself is for the log: RFC 2971 §1 forbids to
/// behave by it.
pub(super) fn id(connection: &mut Connection, fields: &[(String, Option<String>)]) -> Answer {
    let field = |name: &str| {
        let found = fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name));
        let value = found.and_then(|(_, value)| value.as_deref()).unwrap_or_default();
        value.chars().take(LOGGED_BYTES_MAX).collect::<String>()
    };
    tracing::debug!(
        name = field("name"),
        version = field("version"),
        "client says who it is"
    );
    let services = Arc::clone(&connection.services);
    let own = services.options.id_fields.iter();
    let own: Vec<_> = own.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    response::id(connection.out(), &own);
    Answer::ok("Pleased to meet you")
}
