//! Mail programs as people use them, driven unattended against a server as a process.

mod curl;
mod demo;
mod fetchmail;
mod mbsync;
mod mutt;
mod postfix;
mod python;
mod swaks;
