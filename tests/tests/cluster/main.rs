//! Several processes that are one server.

mod three_nodes;
mod two_processes;
