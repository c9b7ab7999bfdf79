//! The administration service, `facteur.admin.v1`: public and typed, so that other programs may use it
//! too. Unlike the services between nodes it carries no encoding of our own.

mod accounts;
mod client;
mod fields;
mod mailboxes;
mod nodes;
mod server;
#[cfg(test)]
mod tests;

pub use client::AdminClient;
pub use server::serve_admin;
