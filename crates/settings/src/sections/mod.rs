//! The options, one file a family of sections.

mod access;
mod limits;
mod network;
mod process;
mod protocols;
mod storage;

pub use access::{Account, Auth, Quota};
pub use limits::Limits;
pub use network::{Listen, Tls};
pub use process::{Log, Server, Telemetry};
pub use protocols::{Imap, Lmtp};
pub use storage::{Cluster, Storage};
