//! Who may log in: SASL exchanges, password hashes, session tokens and the defence against guessing.
//!
//! Everything here is pure. An [`Exchange`] is a state machine that is given the client's messages
//! and says what it needs next: the user's [`Verifiers`], or the outcome of a password check. Time,
//! random bytes and secrets are handed in. The caller does the look-ups, and runs
//! [`PasswordCheck::run`] on a bounded pool, because it is made to be slow.
//!
//! This crate deliberately knows no socket, no IMAP, no storage, and not where accounts live. It
//! does not decide whether one user may act for another; it reports the wish (`authzid`).
//!
//! SCRAM is our own rather than a library's. The exchange must stop in the middle for a look-up in
//! the account's group, answer for unknown users with a salt that is stable across attempts and
//! nodes, decode escaped names, and compare in constant time; the SASL library considered (rsasl 2.3)
//! calls back synchronously, draws a fresh salt for unknown users and tells the client
//! `e=unknown-user`, leaves `=2C` in names, and compares with `==`.
//!
//! Start reading at [`Exchange`], then [`Verifiers`] and [`KeyRing`].
#![deny(missing_docs)]

mod cache;
mod codec;
mod directory;
mod error;
mod exchange;
mod limiter;
mod mechanism;
mod name;
mod network;
mod password;
mod plain;
mod pretender;
mod scram;
mod secret;
mod ticket;
mod token;
mod verifiers;

pub use cache::{LoginCache, LoginCacheOptions};
pub use directory::{DirectoryEntry, UserDirectory};
pub use error::{AuthError, ErrorKind, TokenError};
pub use exchange::{Authenticated, Exchange, ExchangeOptions, Failure, Limits, PasswordCheck, Step, Verdict};
pub use limiter::{Admission, FailureLimiter, LimiterOptions, RateLimit};
pub use mechanism::{Mechanism, UnknownMechanism};
pub use name::login_name;
pub use network::{InvalidNetwork, Network};
pub use password::{HashParameters, PasswordHash, Salts};
pub use plain::{named_user, plain_message};
pub use pretender::Pretender;
pub use scram::ServerNonce;
pub use secret::Secret;
pub use ticket::{ContentClaims, TICKET_LIFETIME};
pub use token::{KeyId, KeyRing, SessionClaims, TOKEN_LIFETIME, TokenSigner};
pub use verifiers::{ScramVerifier, Verifiers};
