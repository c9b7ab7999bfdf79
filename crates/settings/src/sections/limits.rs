//! What one client, or all of them together, may use up.

use std::time::Duration;

use crate::section::section;
use crate::size::ByteSize;

section! {
    /// What one client, or all together, may use up. Names that begin with `preauth` hold before login.
    Limits = "limits" {
        /// A literal before login.
        preauth_literal_bytes_max: ByteSize = "8KiB" in "256B" to "1MiB";
        /// A whole command before login, its literals included.
        preauth_command_bytes_max: ByteSize = "16KiB" in "1KiB" to "1MiB";
        /// Time from connecting to logging in.
        preauth_timeout: Duration = "60s" in "1s" to "1h";
        /// Commands before login that no grammar knows; one more ends the connection.
        preauth_bad_commands_max: u32 = "8" in "1" to "1000";
        /// Connections of one address that have not logged in.
        preauth_connections_per_ip_max: u32 = "20" in "1" to "1000000";

        /// Connections of each mail protocol; more are told to come back later.
        connections_max: u32 = "50000" in "1" to "10000000";
        /// Connections of one user from one address. Mail programs open 5 to 20 each.
        connections_per_user_and_ip_max: u32 = "30" in "1" to "100000";
        /// Sessions of one account over all addresses.
        sessions_per_account_max: u32 = "500" in "1" to "100000";

        /// A command line without its literals.
        line_bytes_max: ByteSize = "64KiB" in "8KiB" to "16MiB";
        /// All arguments of a command, literals included; messages of APPEND do not count.
        command_bytes_max: ByteSize = "256KiB" in "64KiB" to "64MiB";
        /// Commands in a row that may be wrong; one more ends the connection.
        bad_commands_max: u32 = "20" in "1" to "100000";
        /// A message given to APPEND; announced as APPENDLIMIT (RFC 7889).
        append_bytes_max: ByteSize = "150MiB" in "64KiB" to "1GiB";
        /// A message on its way that is kept in memory; a larger one goes to the spool.
        append_memory_bytes_max: ByteSize = "256KiB" in "16KiB" to "16MiB";
        /// All messages on their way through this process. When it is full, APPEND is answered `NO [LIMIT]` and LMTP 452.
        spool_bytes_max: ByteSize = "4GiB" in "1MiB" to "1TiB";
        /// Time on a processor that one command may take; then `NO [LIMIT]`.
        command_cpu_max: Duration = "10s" in "100ms" to "10m";
        /// Answers that wait for a slow reader, a connection.
        output_bytes_max: ByteSize = "256KiB" in "16KiB" to "64MiB";
        /// What all connections together may hold of commands that come in and answers that wait. When it is reached, new
        /// connections and logins are told to come back later.
        buffered_bytes_max: ByteSize = "1GiB" in "16MiB" to "1TiB";
        /// Requests of this process that one storage node answers at a time.
        storage_requests_max: u32 = "1024" in "16" to "100000";
        /// Requests that wait behind those, where sessions take turns; one more is answered `NO [UNAVAILABLE]`. When half
        /// of what may wait does, new connections and logins are told to come back later.
        storage_requests_waiting_max: u32 = "8192" in "16" to "1000000";
        /// Time that a client may refuse to read; then the connection ends.
        output_stall_timeout: Duration = "5m" in "1s" to "1d";
        /// Messages in all mailbox views that sessions keep in memory together, at about 32 bytes each.
        view_messages_max: u32 = "8388608" in "10000" to "1000000000";
    }
}
