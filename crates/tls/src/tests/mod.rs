//! Handshakes over in-memory streams, against authorities made on the spot and a clock that stands
//! where the test puts it.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::files::{self, Visibility};
use crate::pki::{Authority, Validity};
use crate::*;

mod cluster;
mod local_authority;
mod mail;

const DEADLINE: Duration = Duration::from_secs(10);
const DAY: Duration = Duration::from_secs(86_400);

/// The day on which every test takes place.
fn today() -> SystemTime {
    UNIX_EPOCH + DAY * 20_000
}

fn validity() -> Validity {
    Validity {
        issued: today(),
        lasts: DAY * 365,
    }
}

fn authority() -> Authority {
    Authority::create("test", validity()).unwrap()
}

fn write(directory: &Path, name: &str, pem: &CertificatePem) -> CertificateFiles {
    let pair = CertificateFiles {
        chain: directory.join(format!("{name}.pem")),
        key: directory.join(format!("{name}.key")),
    };
    files::replace(&pair.key, pem.key.as_bytes(), Visibility::Owner).unwrap();
    files::replace(&pair.chain, pem.chain.as_bytes(), Visibility::World).unwrap();
    pair
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

type End = Result<TlsStream<DuplexStream>, TlsError>;
type Ends = (End, End);

fn client(authority: &Authority, versions: OfferedVersions, now: SystemTime) -> MailClient {
    MailClient::trusting(
        authority.certificate_pem().as_bytes(),
        versions,
        Clock::fixed(now),
    )
    .unwrap()
}

/// Sends a greeting over both ends, so that the client reads its session tickets too.
async fn greet(ends: Ends) -> (TlsStream<DuplexStream>, TlsStream<DuplexStream>) {
    let (mut client, mut server) = (ends.0.unwrap(), ends.1.unwrap());
    server.write_all(b"* OK").await.unwrap();
    server.flush().await.unwrap();
    let mut greeting = [0; 4];
    client.read_exact(&mut greeting).await.unwrap();
    assert_eq!(&greeting, b"* OK");
    (client, server)
}
