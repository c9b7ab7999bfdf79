//! What tests of the whole system share: a server as a process, mail programs, disks that fail, and a client that
//! sees every byte.
//!
//! Nothing here links the server: it is started as the program that people run, in a directory of its own, on ports
//! that the kernel chooses. Whatever a test starts ends with the value that stands for it. Tests wait on conditions
//! with a deadline and never for a time ([`wait`]). A program that is not installed fails the test that needs it and
//! names `.ci/install`.
//!
//! Start reading at [`Server`] for the server, at [`Imap`] for the client, and at [`history`] for what crash tests
//! check. `FACTEUR_STAND_IN=dovecot` runs the tests of mail programs against Debian's Dovecot instead, which tells a
//! program's trouble from ours.

pub mod binary;
pub mod bulk;
pub mod certificates;
pub mod chaos;
pub mod cluster;
pub mod damage;
pub mod disk;
pub mod history;
pub mod imap;
pub mod log;
pub mod mail;
pub mod mbsync;
pub mod network;
pub mod postfix;
pub mod probe;
pub mod process;
pub mod program;
pub mod scratch;
pub mod server;
pub mod stand_in;
mod stream;
pub mod wait;

pub use imap::Imap;
pub use program::Program;
pub use scratch::Scratch;
pub use server::{Access, Server, ServerOptions};
