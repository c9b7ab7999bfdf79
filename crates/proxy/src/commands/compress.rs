//! COMPRESS (RFC 4978).

use imap_wire::response::ResponseCode;
use imap_wire::types::Atom;

use crate::answer::{Answer, CommandResult};
use crate::connection::{Connection, Upgrade};

pub(super) fn compress(connection: &mut Connection, algorithm: &Atom) -> CommandResult {
    if !algorithm.is("DEFLATE") {
        return Ok(Answer::bad("Unknown compression algorithm"));
    }
    if connection.session.compressed {
        return Ok(Answer::no(ResponseCode::CompressionActive, "Compressed already"));
    }
    connection.upgrade = Some(Upgrade::Deflate);
    Ok(Answer::ok("Compression begins"))
}
