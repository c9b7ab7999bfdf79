//! TLS, channel binding and compression.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use proxy::{ProxyOptions, Security};
use testkit::transcript::{Peer, Said};
use tls::{Clock, LocalAuthority, MailClient, MailServer, MailServerOptions, OfferedVersions};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::support::{Server, USER, is_ok, tagged};

/// A moment that certificates of these tests are valid at.
fn moment() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600)
}

struct Tls {
    server: Arc<MailServer>,
    client: MailClient,
    _files: tempfile::TempDir,
}

fn tls() -> Tls {
    let files = tempfile::tempdir().unwrap();
    let authority = LocalAuthority::open(files.path(), moment()).unwrap();
    let certificate = authority.server_certificate(&[], moment()).unwrap();
    let clock = Clock::fixed(moment());
    let options = MailServerOptions {
        clock: clock.clone(),
        ..MailServerOptions::new(vec![certificate.files])
    };
    let trusted = authority.authority().certificate_pem().as_bytes().to_vec();
    Tls {
        server: Arc::new(MailServer::load(options).unwrap()),
        client: MailClient::trusting(&trusted, OfferedVersions::All, clock).unwrap(),
        _files: files,
    }
}

impl Server {
    fn open_with(&self, security: Security) -> DuplexStream {
        let (client, server) = tokio::io::duplex(64 * 1024);
        self.proxy
            .spawn(server, "127.0.0.1:40000".parse().unwrap(), security);
        client
    }
}

/// Reads one line and leaves what follows it in the stream.
async fn line(stream: &mut DuplexStream) -> String {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        line.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(line).unwrap()
}

/// RFC 3501 §6.2.1: before TLS no login; afterwards everything that was known before is forgotten.
#[tokio::test(start_paused = true)]
async fn starttls_protects_the_password() {
    let (server, tls) = (Server::new(ProxyOptions::default(), Default::default()), tls());
    let mut stream = server.open_with(Security::StartTls(Arc::clone(&tls.server)));
    let greeting = line(&mut stream).await;
    assert!(greeting.contains("STARTTLS LOGINDISABLED"), "{greeting}");
    stream.write_all(b"a STARTTLS\r\n").await.unwrap();
    assert!(line(&mut stream).await.starts_with("a OK"));
    let stream = tls
        .client
        .connect(stream, "localhost", Duration::from_secs(10))
        .await
        .unwrap();
    let mut peer = Peer::new(Box::new(stream));
    let capabilities = peer.command("b", "CAPABILITY").await;
    let list = capabilities.first().unwrap();
    assert!(
        list.contains("AUTH=SCRAM-SHA-256-PLUS") && !list.contains("STARTTLS"),
        "{list}"
    );
    assert!(!list.contains("LOGINDISABLED"), "{list}");
    assert!(tagged(&peer.command("c", "STARTTLS").await).starts_with("c BAD"));
    assert!(is_ok(&peer.command("d", &format!("LOGIN {USER} secret")).await));
}

/// PROTOCOL §2.4: what is sent behind STARTTLS before the handshake may be an attacker's.
#[tokio::test(start_paused = true)]
async fn octets_behind_starttls_end_the_connection() {
    let (server, tls) = (Server::local(), tls());
    let mut stream = server.open_with(Security::StartTls(tls.server));
    line(&mut stream).await;
    stream
        .write_all(b"a STARTTLS\r\nb LOGIN demo@example.org secret\r\n")
        .await
        .unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert!(rest.starts_with("a OK") && !rest.contains("b OK"), "{rest}");
}

#[tokio::test(start_paused = true)]
async fn implicit_tls_comes_before_the_greeting() {
    let (server, tls) = (Server::new(ProxyOptions::default(), Default::default()), tls());
    let stream = server.open_with(Security::Implicit(Arc::clone(&tls.server)));
    let stream = tls
        .client
        .connect(stream, "localhost", Duration::from_secs(10))
        .await
        .unwrap();
    let mut peer = Peer::new(Box::new(stream));
    assert!(matches!(peer.hear().await, Said::Response(line) if line.contains("AUTH=PLAIN")));
    let login = peer
        .command("a", "AUTHENTICATE PLAIN AGRlbW9AZXhhbXBsZS5vcmcAc2VjcmV0")
        .await;
    assert!(is_ok(&login), "{login:?}");
}

/// RELIABILITY §3: the time before login begins with the connection, not with the end of the handshake.
#[tokio::test(start_paused = true)]
async fn a_slow_handshake_takes_of_the_time_before_login() {
    for starttls in [false, true] {
        let (server, tls) = (Server::new(ProxyOptions::default(), Default::default()), tls());
        let begun = tokio::time::Instant::now();
        let mut stream = if starttls {
            let mut stream = server.open_with(Security::StartTls(Arc::clone(&tls.server)));
            line(&mut stream).await;
            stream.write_all(b"a STARTTLS\r\n").await.unwrap();
            line(&mut stream).await;
            stream
        } else {
            server.open_with(Security::Implicit(Arc::clone(&tls.server)))
        };
        tokio::time::sleep(Duration::from_secs(25)).await;
        let mut stream = tls
            .client
            .connect(&mut stream, "localhost", Duration::from_secs(10))
            .await
            .unwrap();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).await.unwrap();
        assert!(heard.contains("* BYE No login in time"), "{heard}");
        assert!(begun.elapsed() < Duration::from_secs(61), "{:?}", begun.elapsed());
    }
}

/// RFC 4978: both directions, across several flushes; what is sent behind the command is compressed.
#[tokio::test(start_paused = true)]
async fn compression_carries_a_session() {
    let server = Server::local();
    let mut stream = server.open();
    line(&mut stream).await;
    stream
        .write_all(b"a LOGIN demo@example.org secret\r\n")
        .await
        .unwrap();
    line(&mut stream).await;
    let mut deflate = Compress::new(Compression::default(), false);
    let mut packet = b"b COMPRESS DEFLATE\r\n".to_vec();
    compress(&mut deflate, b"c NOOP\r\nd SELECT INBOX\r\n", &mut packet);
    stream.write_all(&packet).await.unwrap();
    assert!(line(&mut stream).await.starts_with("b OK"));
    let mut inflate = Decompress::new(false);
    let mut text = Vec::new();
    inflate_until(&mut stream, &mut inflate, &mut text, "d OK").await;
    for tag in ["e", "f"] {
        let mut packet = Vec::new();
        let message = "x".repeat(50_000);
        let command = format!(
            "{tag}1 APPEND INBOX {{50000+}}\r\n{message}\r\n{tag}2 FETCH * BODY[]\r\n{tag}3 IDLE\r\n"
        );
        compress(&mut deflate, command.as_bytes(), &mut packet);
        stream.write_all(&packet).await.unwrap();
        inflate_until(&mut stream, &mut inflate, &mut text, "+ Waiting").await;
        assert!(String::from_utf8_lossy(&text).contains(&message));
        let mut packet = Vec::new();
        compress(&mut deflate, b"DONE\r\n", &mut packet);
        stream.write_all(&packet).await.unwrap();
        inflate_until(&mut stream, &mut inflate, &mut text, &format!("{tag}3 OK")).await;
        text.clear();
    }
    let mut packet = Vec::new();
    compress(&mut deflate, b"g COMPRESS DEFLATE\r\n", &mut packet);
    stream.write_all(&packet).await.unwrap();
    inflate_until(&mut stream, &mut inflate, &mut text, "g NO [COMPRESSIONACTIVE]").await;
}

/// RELIABILITY §3: what inflates to much passes through the same limits as what is sent plain.
#[tokio::test(start_paused = true)]
async fn a_compression_bomb_is_one_long_line() {
    let server = Server::local();
    let mut stream = server.open();
    line(&mut stream).await;
    stream
        .write_all(b"a LOGIN demo@example.org secret\r\nb COMPRESS DEFLATE\r\n")
        .await
        .unwrap();
    line(&mut stream).await;
    line(&mut stream).await;
    let mut deflate = Compress::new(Compression::best(), false);
    let mut packet = Vec::new();
    compress(&mut deflate, &vec![b'x'; 10_000_000], &mut packet);
    assert!(packet.len() < 64 * 1024);
    stream.write_all(&packet).await.unwrap();
    let mut text = Vec::new();
    inflate_until(&mut stream, &mut Decompress::new(false), &mut text, "* BYE").await;
}

/// Octets that are no deflate stream end the connection.
#[tokio::test(start_paused = true)]
async fn garbage_is_not_inflated() {
    let server = Server::local();
    let mut stream = server.open();
    line(&mut stream).await;
    stream
        .write_all(b"a LOGIN demo@example.org secret\r\nb COMPRESS DEFLATE\r\n")
        .await
        .unwrap();
    line(&mut stream).await;
    line(&mut stream).await;
    stream.write_all(&[0xff; 64]).await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(rest.len() < 64, "{rest:?}");
}

fn compress(deflate: &mut Compress, input: &[u8], out: &mut Vec<u8>) {
    let start = deflate.total_in();
    loop {
        let done = usize::try_from(deflate.total_in() - start).unwrap();
        out.reserve(64 * 1024);
        deflate
            .compress_vec(&input[done..], out, FlushCompress::Sync)
            .unwrap();
        let done = usize::try_from(deflate.total_in() - start).unwrap();
        if done == input.len() && out.len() < out.capacity() {
            return;
        }
    }
}

async fn inflate_until(stream: &mut DuplexStream, inflate: &mut Decompress, text: &mut Vec<u8>, end: &str) {
    let mut space = [0; 4096];
    while !String::from_utf8_lossy(text).contains(end) {
        let read = stream.read(&mut space).await.unwrap();
        assert!(read > 0, "closed before {end}: {}", String::from_utf8_lossy(text));
        let mut input = &space[..read];
        while !input.is_empty() {
            text.reserve(64 * 1024);
            let before = inflate.total_in();
            inflate
                .decompress_vec(input, text, FlushDecompress::None)
                .unwrap();
            input = &input[usize::try_from(inflate.total_in() - before).unwrap()..];
        }
    }
}

/// A client's side of SCRAM-SHA-256 (RFC 5802 §3, RFC 7677).
struct Scram {
    bare: String,
    header: &'static str,
    binding: Vec<u8>,
}

impl Scram {
    fn new(header: &'static str, binding: &[u8]) -> Self {
        Self {
            bare: format!("n={USER},r=clientnonce"),
            header,
            binding: binding.to_vec(),
        }
    }

    fn first(&self) -> String {
        STANDARD.encode(format!("{}{}", self.header, self.bare))
    }

    /// Answers the server's first message, and returns what its last must say.
    fn last(&self, challenge: &str) -> (String, String) {
        let server_first = String::from_utf8(STANDARD.decode(challenge).unwrap()).unwrap();
        let field = |name: &str| {
            let fields = server_first.split(',');
            fields
                .filter_map(|field| field.strip_prefix(name))
                .next()
                .unwrap()
                .to_owned()
        };
        let salt = STANDARD.decode(field("s=")).unwrap();
        let mut salted = [0; 32];
        let rounds = field("i=").parse().unwrap();
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, &salt, b"secret", &mut salted);
        let client_key = sign(&salted, b"Client Key");
        let channel = STANDARD.encode([self.header.as_bytes(), &self.binding].concat());
        let without_proof = format!("c={channel},r={}", field("r="));
        let message = format!("{},{server_first},{without_proof}", self.bare);
        let stored_key = digest::digest(&digest::SHA256, &client_key);
        let signature = sign(stored_key.as_ref(), message.as_bytes());
        let proof: Vec<u8> = client_key
            .iter()
            .zip(signature)
            .map(|(key, sign)| key ^ sign)
            .collect();
        let verifier = sign(&sign(&salted, b"Server Key"), message.as_bytes());
        let answer = format!("{without_proof},p={}", STANDARD.encode(proof));
        (
            STANDARD.encode(answer),
            STANDARD.encode(format!("v={}", STANDARD.encode(verifier))),
        )
    }

    async fn log_in(&self, peer: &mut Peer, mechanism: &str) -> Vec<String> {
        peer.send(format!("s AUTHENTICATE {mechanism} {}\r\n", self.first()).as_bytes())
            .await;
        let challenge = peer.until("+ ").await;
        let (answer, verifier) = self.last(challenge[0].strip_prefix("+ ").unwrap());
        peer.send(format!("{answer}\r\n").as_bytes()).await;
        let last = peer.hear().await;
        if last != Said::Response(format!("+ {verifier}")) {
            let Said::Response(refusal) = last else {
                return Vec::new();
            };
            return vec![refusal];
        }
        peer.send(b"\r\n").await;
        peer.until("s ").await
    }
}

fn sign(key: &[u8], message: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, message).as_ref().to_vec()
}

/// RFC 5802: the server proves itself before the client says that it is content.
#[tokio::test(start_paused = true)]
async fn scram_proves_both_sides() {
    let server = Server::local();
    let mut peer = server.greeted().await;
    let responses = Scram::new("n,,", b"").log_in(&mut peer, "SCRAM-SHA-256").await;
    assert!(is_ok(&responses), "{responses:?}");
    assert!(is_ok(&peer.command("l", "LIST \"\" *").await));
}

/// RFC 5802 §6, RFC 9266: bound to the TLS connection; another connection's binding is refused.
#[tokio::test(start_paused = true)]
async fn scram_plus_is_bound_to_the_connection() {
    let (server, tls) = (Server::new(ProxyOptions::default(), Default::default()), tls());
    for (flip, expected) in [(0, true), (1, false)] {
        let stream = server.open_with(Security::Implicit(Arc::clone(&tls.server)));
        let stream = tls
            .client
            .connect(stream, "localhost", Duration::from_secs(10))
            .await
            .unwrap();
        let mut binding = stream.channel_binding().exporter.unwrap();
        binding[0] ^= flip;
        let mut peer = Peer::new(Box::new(stream));
        peer.hear().await;
        let scram = Scram::new("p=tls-exporter,,", &binding);
        let responses = scram.log_in(&mut peer, "SCRAM-SHA-256-PLUS").await;
        assert_eq!(is_ok(&responses), expected, "{responses:?}");
    }
}
