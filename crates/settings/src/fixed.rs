//! Bounds that no setting changes, for the reference.
//!
//! Every replica must come to the same result from the same log, and the same summary from the same message. So what
//! the replicated state machine, the grammar and the summaries are bounded by is part of the program. `server` checks
//! the numbers here against those of the parts.

/// A bound that no setting changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedLimit {
    /// What is bounded.
    pub name: &'static str,
    /// The bound.
    pub value: u64,
    /// Its unit, in a word or two; empty for a count.
    pub unit: &'static str,
}

const fn limit(name: &'static str, value: u64, unit: &'static str) -> FixedLimit {
    FixedLimit { name, value, unit }
}

/// Every bound that no setting changes.
pub const FIXED_LIMITS: &[FixedLimit] = &[
    limit("Mailboxes of an account", 10_000, ""),
    limit("Subscriptions of an account", 10_000, ""),
    limit("Mailbox name", 1_000, "bytes"),
    limit("Levels of a mailbox name", 100, ""),
    limit("Keywords of a mailbox", 120, ""),
    limit("Keyword", 255, "bytes"),
    limit("Address of an account", 320, "bytes"),
    limit("Messages of one APPEND", 1_000, ""),
    limit("Messages of one STORE, COPY or MOVE", 1_000_000, ""),
    limit("Changes remembered for QRESYNC, a mailbox", 2_000, ""),
    limit("UID ranges remembered for QRESYNC, a mailbox", 100_000, ""),
    limit(
        "Life of a session's token; it is renewed while the session lives",
        600,
        "seconds",
    ),
    limit("Tag of a command", 256, "bytes"),
    limit("NOT, OR and parentheses of SEARCH within each other", 50, ""),
    limit("Wildcards in a pattern of LIST", 64, ""),
    limit("Message with a summary", 1 << 30, "bytes"),
    limit(
        "Levels of MIME within each other; deeper ones are one opaque part",
        100,
        "",
    ),
    limit(
        "MIME parts of a message; later ones belong to the last",
        10_000,
        "",
    ),
    limit("Header bytes of a part that are interpreted", 1 << 20, "bytes"),
    limit("Addresses of a field of ENVELOPE", 1_000, ""),
    limit("Parameters of a MIME header field", 100, ""),
];
