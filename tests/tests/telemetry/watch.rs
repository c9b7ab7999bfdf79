//! Asking a server as those do who watch it: over HTTP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use cluster_tests::{Server, wait};

/// An answer.
pub struct Answer {
    pub status: u16,
    pub body: String,
}

/// Asks a server for a path of its address for metrics.
pub fn get(server: &Server, path: &str) -> Answer {
    let address = address(server);
    let mut stream = TcpStream::connect_timeout(&address, wait::LIMIT).expect("a connection");
    stream.set_read_timeout(Some(wait::LIMIT)).expect("a timeout");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Answer {
        status: status.expect("a status"),
        body: body.to_owned(),
    }
}

/// Returns the address that the server has printed.
fn address(server: &Server) -> SocketAddr {
    wait::until("the address for metrics", || {
        let output = server.output();
        let mut lines = output.lines();
        let shown = lines.find_map(|line| line.strip_prefix("metrics: http://")?.strip_suffix("/metrics"));
        shown?.parse().ok()
    })
}
