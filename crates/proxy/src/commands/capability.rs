//! CAPABILITY (RFC 3501 §6.1.1).

use imap_wire::response;

use crate::answer::Answer;
use crate::connection::Connection;

pub(super) fn capability(connection: &mut Connection) -> Answer {
    let capabilities = connection.capabilities();
    response::capability(connection.out(), &capabilities);
    Answer::ok("Listed")
}
