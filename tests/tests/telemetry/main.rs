//! What a running server tells of itself: one trace for a command through every part and process, metrics, health, and
//! nothing that is private.

mod metrics;
mod privacy;
mod receiver;
mod traces;
mod watch;
