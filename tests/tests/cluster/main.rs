//! Several processes that are one server.

mod demo;
mod three_nodes;
mod two_processes;
