//! What the demo prints: addresses, the account, and commands that can be pasted into a shell.

use std::ffi::OsStr;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;

use super::account::USER;
use crate::compose::addresses::Addresses;

/// Returns the lines. They are the same at every start on one data directory.
pub fn banner(addresses: &Addresses, password: &str, authority: Option<&Path>, data: &Path) -> String {
    let mut addresses = addresses.abridged();
    // What few ask for stands behind what everybody needs.
    let metrics = Addresses {
        metrics: std::mem::take(&mut addresses.metrics),
        ..Addresses::default()
    };
    let mut text = addresses.lines();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "user: {USER}\npassword: {password}");
    if let Some((address, authority)) = addresses.imaps.first().zip(authority) {
        let authority = quoted(&authority.display().to_string());
        let _ = writeln!(text, "{}", curl(*address, password, &authority));
        let _ = writeln!(text, "{}", mutt(*address, password, &authority));
    }
    text.push_str(&metrics.lines());
    let _ = writeln!(
        text,
        "data: {} (another place: --data-dir or FACTEUR_DATA_DIR)\nstop: Ctrl-C",
        data.display()
    );
    text
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

/// Returns a word as a shell takes it, quoted where it would not take it as it stands.
pub fn word(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-=:@%+,".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        quoted(&word)
    }
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
            lmtp_socket: None,
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
