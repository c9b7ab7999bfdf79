//! Typed settings: a TOML file, the environment and the command line, read into plain structs.
//!
//! Every option is declared once, in `sections/`, with its type, default, range and docs. The structs, the checks,
//! the sample file ([`sample`]) and the reference ([`reference()`]) are made from that declaration. Unknown keys are
//! refused with their position and the nearest known name, and all problems are reported at once.
//!
//! The crate knows no other crate of ours: each owns its options struct, and `server` fills it from these sections.
//! No other crate reads the environment.
//!
//! Start reading at [`Settings::load`], then at one of the sections, for example [`Limits`].

#![deny(missing_docs)]

mod checks;
mod choices;
mod document;
mod fixed;
mod layers;
mod named;
mod nearest;
mod node;
mod problem;
mod reader;
mod section;
mod sections;
mod settings;
mod show;
mod size;
mod span;
mod value;

pub use choices::{LogFormat, LogLevel, OverQuota, ReadPolicy, Role, TableEngine, TlsVersion};
pub use document::{reference, sample};
pub use fixed::{FIXED_LIMITS, FixedLimit};
pub use layers::{Override, Sources};
pub use named::NamedValue;
pub use node::NodeAddress;
pub use problem::{Fault, Origin, Problem, ProblemKind};
pub use section::OptionInfo;
pub use sections::{
    Account, Auth, Cluster, Imap, Limits, Listen, Lmtp, Log, Quota, Server, Storage, Telemetry, Tls,
};
pub use settings::Settings;
pub use show::Effective;
pub use size::ByteSize;
