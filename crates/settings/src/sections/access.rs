//! Who gets in, and what an account has.

use std::time::Duration;

use crate::named::NamedValue;
use crate::section::section;
use crate::size::ByteSize;

section! {
    /// Passwords and what guards them.
    Auth = "auth" {
        /// Memory of one argon2id hash of a new password (RFC 9106 §4).
        argon2_memory: ByteSize = "19MiB" in "64KiB" to "4GiB";
        /// Passes of argon2id.
        argon2_passes: u32 = "2" in "1" to "100";
        /// Lanes of argon2id.
        argon2_parallelism: u32 = "1" in "1" to "64";
        /// Rounds of the SCRAM-SHA-256 verifier of a new password (RFC 7677 §4).
        scram_iterations: u32 = "10000" in "4096" to "10000000";
        /// Password hashes computed at the same time.
        hash_threads: u32 = "2" in "1" to "256";
        /// Logins that wait for a hash; more are answered `NO [UNAVAILABLE]`.
        hash_queue_max: u32 = "1000" in "1" to "1000000";
        /// A message of a SASL exchange.
        sasl_bytes_max: ByteSize = "8KiB" in "1KiB" to "1MiB";
        /// Time that a failed login takes at least.
        failure_delay: Duration = "2s" in "0" to "1m";
        /// Failed logins of one user in a minute; further ones are refused unseen.
        failures_per_user_and_minute_max: u32 = "10" in "1" to "100000";
        /// Failed logins from one address in a minute; further ones are refused unseen.
        failures_per_ip_and_minute_max: u32 = "60" in "1" to "1000000";
        /// Failed logins on one connection; then it ends.
        failures_per_connection_max: u32 = "3" in "1" to "100";
        /// Whether a password that was just right is not hashed again.
        login_cache: bool = "true";
        /// Time that a login stays in the cache; a changed password ends it at once.
        login_cache_ttl: Duration = "5m" in "1s" to "1h";
        /// Logins in the cache.
        login_cache_entries_max: u32 = "10000" in "1" to "10000000";
    }
}

section! {
    /// Quota of an account that has none of its own (RFC 9208).
    Quota = "quota" {
        /// Bytes of all messages of an account; 0 for no limit.
        storage_bytes: ByteSize = "0";
        /// Messages of an account; 0 for no limit.
        messages: u64 = "0";
    }
}

section! {
    /// Accounts: what a new one has and how long a removed one is kept.
    Account = "account" {
        /// Mailboxes that a new account has and is subscribed to, with their special use (RFC 6154).
        mailboxes: Vec<NamedValue> =
            r"Drafts=\Drafts, Sent=\Sent, Archive=\Archive, Junk=\Junk, Trash=\Trash";
        /// Time that the mail of a removed account can be restored.
        removal_retention: Duration = "30d" in "0" to "3650d";
    }
}
