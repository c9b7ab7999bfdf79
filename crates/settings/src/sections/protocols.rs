//! The mail protocols.

use std::time::Duration;

use crate::choices::OverQuota;
use crate::named::NamedValue;
use crate::section::section;
use crate::size::ByteSize;

section! {
    /// IMAP (RFC 3501).
    Imap = "imap" {
        /// Time between two signs of life in IDLE; many routers forget a silent connection after two minutes.
        idle_keepalive: Duration = "2m" in "1s" to "2m";
        /// Time without a command after which a session ends; at least 30 minutes (RFC 3501 §5.4).
        inactivity_timeout: Duration = "30m" in "30m" to "7d";
        /// Capabilities that are not announced, as in "QRESYNC", for clients that do not get on with one. A client that
        /// uses one nevertheless is served.
        hide_capabilities: Vec<String> = "";
        /// What the server says of itself to ID (RFC 2971 §3.3), at most 30 fields; `version` without a value stands for
        /// the version of the program, and an empty list says nothing.
        id_fields: Vec<NamedValue> = "name=Facteur, version=";
        /// Whether clients may compress the connection (RFC 4978).
        compress: bool = "true";
        /// Time that the flags of an idle session's mailbox stay in memory.
        idle_view_ttl: Duration = "10s" in "0" to "1d";
    }
}

section! {
    /// LMTP (RFC 2033).
    Lmtp = "lmtp" {
        /// Recipients of one message; more are answered 452 (RFC 5321 §4.5.3.1.10).
        recipients_max: u32 = "100" in "1" to "10000";
        /// A message as it comes in; announced as SIZE (RFC 1870).
        message_bytes_max: ByteSize = "150MiB" in "64KiB" to "1023MiB";
        /// Time without a command after which a connection ends (RFC 5321 §4.5.3.2.7).
        command_timeout: Duration = "5m" in "1s" to "1h";
        /// Time without a byte of a message after which a connection ends.
        data_timeout: Duration = "3m" in "1s" to "1h";
        /// Time that one message may take in all.
        message_timeout: Duration = "30m" in "10s" to "1d";
        /// What a sender hears of an account without quota left.
        over_quota: OverQuota = "defer";
        /// Whether `name+detail` reaches `name` (RFC 5233).
        subaddress: bool = "true";
    }
}
