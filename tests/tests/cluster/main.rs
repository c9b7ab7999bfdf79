//! Several processes that are one server.

mod administration;
mod demo;
mod security;
mod sessions;
mod three_nodes;
mod two_processes;
