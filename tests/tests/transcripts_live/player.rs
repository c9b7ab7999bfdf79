//! Playing transcripts, each with an account of its own.

use std::path::{Path, PathBuf};

use cluster_tests::{Server, binary, wait};
use testkit::transcript::{Credentials, Play, Transcript, play};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::line::Line;

/// The account and password that stand in transcripts about logging in.
const WRITTEN_ACCOUNT: &str = "demo@example.org";
const PASSWORD: &str = "secret";

/// Transcripts of what the product cannot be set to: a listener without STARTTLS.
const OTHER_PRODUCTS: [&str; 1] = ["login_disabled"];

/// Where mail programs connect, and where accounts are made.
pub struct Processes<'a> {
    pub front: &'a Server,
    pub administered: &'a Server,
}

impl<'a> Processes<'a> {
    /// One process is both.
    pub fn one(server: &'a Server) -> Self {
        Self {
            front: server,
            administered: server,
        }
    }
}

/// Returns the transcripts that a server with default settings can serve; limits of accounts are set for each.
pub fn transcripts() -> Vec<Transcript> {
    let folder = binary::repository().join("tests/transcripts");
    let entries = std::fs::read_dir(folder).expect("the folder of transcripts");
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "imap"));
    paths.sort();
    let transcripts = paths
        .iter()
        .map(|path| Transcript::load(path).expect("a transcript"));
    transcripts
        .filter(|transcript| {
            let mut settings = transcript.settings.iter();
            settings.all(|(name, _)| name.starts_with("quota-"))
                && !OTHER_PRODUCTS.contains(&stem(&transcript.path).as_str())
        })
        .collect()
}

/// Plays transcripts and returns what went otherwise than they say.
pub fn failures(processes: &Processes<'_>, transcripts: &[Transcript]) -> Vec<String> {
    assert!(!transcripts.is_empty(), "there are no transcripts");
    processes.administered.add_account(WRITTEN_ACCOUNT, PASSWORD, &[]);
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let played = transcripts
        .iter()
        .map(|transcript| failure(&runtime, processes, transcript));
    played.flatten().collect()
}

fn failure(runtime: &Runtime, processes: &Processes<'_>, transcript: &Transcript) -> Option<String> {
    let line = Line {
        access: processes.front.access(),
        secured: true,
    };
    let credentials = Credentials {
        user: account(processes, transcript),
        password: PASSWORD.to_owned(),
    };
    let playing = async { timeout(wait::LIMIT, play(transcript, &line, &credentials, false)).await };
    match runtime.block_on(playing) {
        Ok(Ok(Play::Passed | Play::Rewritten(_))) => None,
        Ok(Ok(Play::Skipped)) => Some(format!("{}: a capability is missing", transcript.path.display())),
        Ok(Err(failure)) => Some(failure.to_string()),
        Err(_) => Some(format!("{}: takes too long", transcript.path.display())),
    }
}

/// Makes the account that a transcript is played with.
fn account(processes: &Processes<'_>, transcript: &Transcript) -> String {
    if transcript.text.contains(WRITTEN_ACCOUNT) {
        return WRITTEN_ACCOUNT.to_owned();
    }
    let name = format!("{}@example.org", stem(&transcript.path));
    let limits: Vec<&str> = transcript
        .settings
        .iter()
        .filter_map(|(name, value)| {
            let option = name.strip_prefix("quota-")?;
            let option = if option == "storage" {
                "--storage"
            } else {
                "--messages"
            };
            Some([option, value.as_str()])
        })
        .flatten()
        .collect();
    processes.administered.add_account(&name, PASSWORD, &limits);
    name
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
