//! NAMESPACE (RFC 2342).

use imap_wire::response::{NamespaceResponse, NamespaceRoot};

use crate::answer::Answer;
use crate::connection::Connection;

/// There is the personal namespace, without a prefix; others' mailboxes cannot be reached yet.
pub(super) fn namespace(connection: &mut Connection) -> Answer {
    let names = connection.session.enabled.names();
    let response = NamespaceResponse {
        personal: &[NamespaceRoot { prefix: "" }],
        other_users: &[],
        shared: &[],
    };
    response.encode(connection.out(), names);
    Answer::ok("Listed")
}
