//! ENABLE (RFC 5161).

use imap_wire::response;
use imap_wire::types::{Atom, Capability};

use crate::answer::Answer;
use crate::connection::Connection;

/// Enables what is known and lists what is newly enabled; other names are ignored (RFC 5161 §3.1).
pub(super) fn enable(connection: &mut Connection, names: &[Atom]) -> Answer {
    let mut new = Vec::new();
    let mut enabled = connection.session.enabled;
    for name in names {
        if name.is("CONDSTORE") && !enabled.condstore {
            enabled.condstore = true;
            new.push(Capability::CondStore);
        }
        if name.is("QRESYNC") && !enabled.qresync {
            // RFC 7162 §3.2.3: QRESYNC implies CONDSTORE.
            enabled.qresync = true;
            enabled.condstore = true;
            new.push(Capability::QResync);
        }
        if name.is("UTF8=ACCEPT") && !enabled.utf8 {
            enabled.utf8 = true;
            new.push(Capability::Utf8Accept);
        }
    }
    let condstore = enabled.condstore;
    enabled.condstore = connection.session.enabled.condstore;
    connection.session.enabled = enabled;
    response::enabled(connection.out(), &new);
    if condstore {
        connection.enable_condstore();
    }
    connection.adjust_client();
    Answer::ok("Enabled")
}
