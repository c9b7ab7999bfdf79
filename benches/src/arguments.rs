//! The command line.

use std::path::PathBuf;

use clap::Parser;

use crate::rows::Row;

#[derive(Debug, Clone, Parser)]
#[command(name = "load", about = "Measures an IMAP or LMTP server", after_help = Row::help())]
pub struct Arguments {
    /// Name or address of the server.
    #[arg(long, default_value = "127.0.0.1")]
    pub host: String,
    /// Port of IMAP; with --tls, of IMAP over implicit TLS.
    #[arg(long, default_value_t = 143)]
    pub port: u16,
    /// Login name; `{}` stands for the number of the account, from 0 to --accounts less 1.
    #[arg(long)]
    pub user: String,
    /// Password of every account.
    #[arg(long)]
    pub password: String,
    /// Number of accounts that connections are spread over.
    #[arg(long, default_value_t = 1)]
    pub accounts: usize,
    /// Speaks TLS from the first byte, over a session of its own each time.
    #[arg(long)]
    pub tls: bool,
    /// Certificates to trust, in PEM; without it any certificate is accepted.
    #[arg(long)]
    pub cafile: Option<PathBuf>,
    /// Port of LMTP, for the rows that deliver.
    #[arg(long, default_value_t = 24)]
    pub lmtp_port: u16,
    /// Recipient of deliveries, with `{}` as in --user; without it, the login name.
    #[arg(long)]
    pub recipient: Option<String>,
    /// Times that each row is measured.
    #[arg(long, default_value_t = 5)]
    pub runs: usize,
    /// How long each run of a row that counts operations takes.
    #[arg(long, default_value_t = 3.0)]
    pub seconds: f64,
    /// Size of each message that is appended or delivered.
    #[arg(long, default_value_t = 8192)]
    pub message_bytes: usize,
    /// Seed of all messages; another seed makes other ones.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// A process of the server, with all its children: its memory and processor time are reported.
    #[arg(long = "pid")]
    pub pids: Vec<u32>,
    /// How long idle sessions rest before their memory is counted.
    #[arg(long, default_value_t = 15.0)]
    pub settle_seconds: f64,
    /// A shell command that makes the server cold, run before each run of a row named `…-first`; a restart,
    /// for one. The program waits until the server greets again.
    #[arg(long)]
    pub before_first: Option<String>,
    /// Threads of this program; one gives the most even times, more are needed to saturate a fast server.
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
    /// Says in the report which server was measured.
    #[arg(long, default_value = "server")]
    pub label: String,
    /// Writes the report there as JSON, too.
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// Rows to measure, in this order, each `name` or `name:number`.
    #[arg(required = true)]
    pub rows: Vec<Row>,
}
