//! Every transcript of `tests/transcripts`, each on a server of its own. `BLESS=1` rewrites what
//! differs.

use std::path::{Path, PathBuf};

use crate::support::{Server, credentials, local_options};
use mailstore::account::QuotaLimits;
use testkit::transcript::{Play, Transcript, play};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/transcripts");
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "imap"))
        .collect();
    files.sort();
    files
}

fn server(transcript: &Transcript) -> Server {
    let mut options = local_options();
    let mut limits = QuotaLimits::default();
    for (name, value) in &transcript.settings {
        match (name.as_str(), value.as_str()) {
            ("plaintext", "no") => options.plaintext_on_loopback = false,
            ("append-bytes-max", bytes) => options.command.append_bytes_max = bytes.parse().unwrap(),
            ("quota-storage", bytes) => limits.storage_bytes = Some(bytes.parse().unwrap()),
            ("quota-messages", count) => limits.messages = Some(count.parse().unwrap()),
            other => panic!("{}: unknown setting {other:?}", transcript.path.display()),
        }
    }
    Server::new(options, limits)
}

#[tokio::test(start_paused = true)]
async fn transcripts() {
    let bless = std::env::var_os("BLESS").is_some();
    let only = std::env::var("TRANSCRIPT").unwrap_or_default();
    let mut failures = Vec::new();
    let mut played = 0;
    for path in files() {
        if !path.to_string_lossy().contains(&only) {
            continue;
        }
        let transcript = Transcript::load(&path).unwrap();
        let server = server(&transcript);
        match play(&transcript, &server, &credentials(), bless).await {
            Ok(Play::Passed) => played += 1,
            Ok(Play::Skipped) => failures.push(format!("{}: a capability is missing", path.display())),
            Ok(Play::Rewritten(text)) => std::fs::write(&path, text).unwrap(),
            Err(failure) => failures.push(failure.to_string()),
        }
    }
    assert!(failures.is_empty(), "{played} passed; {}", failures.join("\n"));
}
