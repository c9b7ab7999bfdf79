//! A role in memory, and a client of it.

use std::sync::Arc;
use std::time::Duration;

use lmtp::{Lmtp, LmtpOptions, LmtpParts, Peer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::fake::{Fake, Still};

/// Simulated time after which a server that says nothing has nothing to say.
const QUIET: Duration = Duration::from_millis(100);

pub fn options() -> LmtpOptions {
    LmtpOptions {
        host_name: "mail.example.org".into(),
        ..LmtpOptions::default()
    }
}

pub fn role(options: LmtpOptions, fake: &Fake) -> Lmtp {
    Lmtp::new(options, parts(fake))
}

pub fn parts(fake: &Fake) -> LmtpParts {
    LmtpParts {
        delivery: Arc::new(fake.clone()),
        environment: Arc::new(Still::default()),
        starttls: None,
        meter: opentelemetry::global::meter("lmtp"),
    }
}

pub fn peer() -> Peer {
    Peer::Network([192, 0, 2, 1].into())
}

/// A client whose server runs in a task that it owns.
pub struct Client {
    pub stream: DuplexStream,
    pub served: JoinSet<()>,
}

impl Client {
    pub fn connect(role: &Lmtp) -> Self {
        let (stream, server) = tokio::io::duplex(1024 * 1024);
        let role = role.clone();
        let mut served = JoinSet::new();
        served.spawn(async move {
            // Being turned away is told to the client.
            let _ = role.serve(server, peer()).await;
        });
        Self { stream, served }
    }

    pub async fn send(&mut self, octets: &[u8]) {
        // A server that has hung up takes nothing more; what it said is read all the same.
        let _ = self.stream.write_all(octets).await;
    }

    /// Returns what the server says until it waits, and whether it has hung up.
    pub async fn hear(&mut self) -> (String, bool) {
        let mut heard = Vec::new();
        loop {
            let mut buffer = [0; 4096];
            match timeout(QUIET, self.stream.read(&mut buffer)).await {
                Ok(Ok(0) | Err(_)) => return (text(heard), true),
                Ok(Ok(length)) => heard.extend_from_slice(&buffer[..length]),
                Err(_) => return (text(heard), false),
            }
        }
    }

    /// Says a line and returns the answer.
    pub async fn ask(&mut self, line: &str) -> String {
        self.send(format!("{line}\r\n").as_bytes()).await;
        self.hear().await.0
    }

    /// Says lines that must be answered with these codes.
    pub async fn expect(&mut self, dialogue: &[(&str, &str)]) {
        for (line, expected) in dialogue {
            let answer = self.ask(line).await;
            let last = answer.lines().last().unwrap_or_default();
            assert!(last.starts_with(expected), "{line}: {answer}");
        }
    }

    /// Hangs up and waits until the server has noticed.
    pub async fn leave(mut self) {
        drop(self.stream);
        while self.served.join_next().await.is_some() {}
    }
}

fn text(octets: Vec<u8>) -> String {
    String::from_utf8(octets).expect("replies are ASCII")
}
