//! What a session costs beside the storage: SELECT, FETCH of flags and of summaries, on a store in memory.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use mailstore::account::QuotaLimits;
use mailstore::command::{Command, MessageCommand};
use mailstore::flags::NamedFlags;
use mailstore::message::{EmailId, NewMessage};
use mailstore::name::MailboxName;
use mailstore::ports::{Authentication, LoginRequest, Mail, SaslOutcome};
use mailstore::time::{InternalDate, Timestamp};
use mailstore::{AccountId, BlobId};
use proxy::{Environment, Proxy, ProxyOptions, Security};
use testkit::MemoryStore;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::runtime::Runtime;

const MESSAGE: &str = "From: Ada <ada@example.org>\r\nTo: Bob <bob@example.org>, Eve <eve@example.org>\r\n\
    Subject: A subject of the usual length\r\nDate: Thu, 1 Jan 2026 10:00:00 +0100\r\n\
    Message-ID: <0123456789abcdef@example.org>\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\ntext\r\n\
    --b\r\nContent-Type: text/html\r\n\r\n<p>text</p>\r\n--b--\r\n";

struct Still;

impl Environment for Still {
    fn now(&self) -> Timestamp {
        Timestamp(1_767_225_600_000)
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// Stores the message's bytes as a session would and returns their name.
async fn upload(store: &MemoryStore) -> BlobId {
    let request = LoginRequest {
        user: "demo@example.org".to_owned(),
        mechanism: "PLAIN".to_owned(),
        protocol: "imap",
        peer: [127, 0, 0, 1].into(),
        secure: true,
        binding: Default::default(),
        proxy: Arc::from("bench"),
    };
    let mut exchange = store.begin_login(request).await.expect("an exchange");
    let outcome = exchange.respond("\0demo@example.org\0secret".into()).await;
    let Ok(SaslOutcome::Success { login, .. }) = outcome else {
        return BlobId([0; 32]);
    };
    let caller = login.caller();
    let mut upload = store
        .upload(&caller, MESSAGE.len() as u64)
        .await
        .expect("an upload");
    upload.push(MESSAGE.into()).await.expect("room");
    upload.finish().await.expect("room").blob
}

fn fill(store: &MemoryStore, account: AccountId, blob: BlobId, count: u32) {
    let message = NewMessage {
        blob,
        size: u32::try_from(MESSAGE.len()).unwrap_or(u32::MAX),
        flags: NamedFlags::default(),
        internal_date: InternalDate {
            seconds: 0,
            zone_minutes: 0,
        },
        email_id: EmailId([0; 12]),
    };
    for _ in 0..count / 1000 {
        let append = MessageCommand::Append {
            mailbox: MailboxName::inbox(),
            messages: vec![message.clone(); 1000],
            create: false,
        };
        store
            .apply(account, None, Command::Message(append))
            .expect("an append");
    }
}

async fn session(messages: u32) -> DuplexStream {
    let store = MemoryStore::new();
    let account = store.add_account("demo@example.org", "secret", QuotaLimits::default());
    let blob = upload(&store).await;
    fill(&store, account, blob, messages);
    let options = ProxyOptions {
        plaintext_on_loopback: true,
        ..ProxyOptions::default()
    };
    let ports = Arc::new(store);
    let proxy = Proxy::new(options, ports.clone(), ports, Arc::new(Still));
    let (mut client, server) = tokio::io::duplex(1024 * 1024);
    proxy.spawn(server, SocketAddr::from(([127, 0, 0, 1], 1)), Security::Plain);
    command(&mut client, "LOGIN demo@example.org secret").await;
    command(&mut client, "SELECT INBOX").await;
    client
}

/// Sends a command, reads its responses and returns how many octets they were.
async fn command(client: &mut DuplexStream, text: &str) -> usize {
    client
        .write_all(format!("t {text}\r\n").as_bytes())
        .await
        .expect("a connection");
    let mut space = vec![0; 256 * 1024];
    let (mut total, mut tail) = (0, Vec::new());
    loop {
        let read = client.read(&mut space).await.expect("a connection");
        total += read;
        tail.extend_from_slice(&space[read.saturating_sub(1000)..read]);
        let end = tail
            .windows(7)
            .any(|line| line.starts_with(b"\r\nt OK ") || line.starts_with(b"\r\nt NO "));
        if end || read == 0 {
            return total;
        }
        tail.drain(..tail.len().saturating_sub(16));
    }
}

fn sessions(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let mut group = criterion.benchmark_group("session");
    group.measurement_time(Duration::from_secs(3)).sample_size(20);
    let commands = [
        ("select_100k", 100_000, "SELECT INBOX"),
        ("fetch_flags_10k", 10_000, "FETCH 1:* FLAGS"),
        (
            "fetch_summaries_10k",
            10_000,
            "FETCH 1:* (ENVELOPE BODYSTRUCTURE FLAGS INTERNALDATE RFC822.SIZE)",
        ),
        ("noop_100k", 100_000, "NOOP"),
    ];
    for (name, messages, text) in commands {
        let mut client = runtime.block_on(session(messages));
        group.bench_function(name, |bencher| {
            bencher.iter(|| runtime.block_on(command(&mut client, text)));
        });
    }
    group.finish();
}

criterion_group!(benches, sessions);
criterion_main!(benches);
