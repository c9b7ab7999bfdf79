//! What the demo prints: addresses, the account, and commands that can be pasted into a shell.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;

use super::account::USER;
use crate::compose::doors::Addresses;

/// Returns the lines. They are the same at every start on one data directory.
pub fn banner(addresses: &Addresses, password: &str, authority: Option<&Path>, data: &Path) -> String {
    let mut text = String::new();
    let listeners = [
        ("imap", &addresses.imap),
        ("imaps", &addresses.imaps),
        ("lmtp", &addresses.lmtp),
    ];
    // Writing to a string cannot fail.
    for (scheme, bound) in listeners {
        if let Some(address) = shown(bound) {
            let _ = writeln!(text, "{scheme}://{address}");
        }
    }
    if let Some(socket) = &addresses.admin_socket {
        let _ = writeln!(text, "admin://{}", socket.display());
    }
    let _ = writeln!(text, "user: {USER}\npassword: {password}");
    if let Some((address, authority)) = shown(&addresses.imaps).zip(authority) {
        let authority = quoted(&authority.display().to_string());
        let _ = writeln!(text, "{}", curl(address, password, &authority));
        let _ = writeln!(text, "{}", mutt(address, password, &authority));
    }
    if let Some(address) = shown(&addresses.metrics) {
        let _ = writeln!(text, "metrics: http://{address}/metrics");
    }
    let _ = writeln!(
        text,
        "data: {} (another place: --data-dir or FACTEUR_DATA_DIR)\nstop: Ctrl-C",
        data.display()
    );
    text
}

/// Prefers IPv4, which every mail program can be given without brackets.
fn shown(bound: &[SocketAddr]) -> Option<SocketAddr> {
    bound
        .iter()
        .find(|address| address.is_ipv4())
        .or(bound.first())
        .copied()
}

fn curl(imaps: SocketAddr, password: &str, authority: &str) -> String {
    format!("curl --cacert {authority} --user '{USER}:{password}' 'imaps://{imaps}/INBOX;MAILINDEX=1'")
}

/// Settings of the user's own are left out, so that the line works on any machine.
fn mutt(imaps: SocketAddr, password: &str, authority: &str) -> String {
    format!(
        "mutt -n -F /dev/null -e \"set ssl_ca_certificates_file={authority} imap_user={USER} imap_pass={password} \
         folder=imaps://{imaps}/\" -f imaps://{imaps}/INBOX"
    )
}

/// Puts a path in single quotes, which a shell and mutt both understand.
fn quoted(path: &str) -> String {
    format!("'{}'", path.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_are_those_that_are_documented() {
        let both = |port: u16| {
            vec![
                SocketAddr::from(([127, 0, 0, 1], port)),
                SocketAddr::from(([0; 8], port)),
            ]
        };
        let addresses = Addresses {
            imap: both(40_143),
            imaps: both(40_993),
            lmtp: both(40_024),
            metrics: both(40_464),
            admin_socket: Some("/srv/demo/admin.sock".into()),
        };
        let text = banner(
            &addresses,
            "secret",
            Some(Path::new("/srv/demo/tls/ca.pem")),
            Path::new("/srv/demo"),
        );
        let expected = [
            "imap://127.0.0.1:40143",
            "imaps://127.0.0.1:40993",
            "lmtp://127.0.0.1:40024",
            "admin:///srv/demo/admin.sock",
            "user: demo@example.org",
            "password: secret",
            "curl --cacert '/srv/demo/tls/ca.pem' --user 'demo@example.org:secret' \
             'imaps://127.0.0.1:40993/INBOX;MAILINDEX=1'",
            "mutt -n -F /dev/null -e \"set ssl_ca_certificates_file='/srv/demo/tls/ca.pem' \
             imap_user=demo@example.org imap_pass=secret folder=imaps://127.0.0.1:40993/\" \
             -f imaps://127.0.0.1:40993/INBOX",
            "metrics: http://127.0.0.1:40464/metrics",
            "data: /srv/demo (another place: --data-dir or FACTEUR_DATA_DIR)",
            "stop: Ctrl-C",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }
}
