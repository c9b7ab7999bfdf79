//! The role from outside: over a pipe in memory, before a storage that is made up.

mod aborts;
mod fake;
mod harness;
mod limits;
mod logging;
mod outliving;
mod security;
mod transcripts;
