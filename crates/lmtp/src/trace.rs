//! The trace fields that stand before a delivered message (RFC 5321 §4.4).

use std::fmt::Write as _;
use std::net::IpAddr;

use jiff::tz::TimeZone;
use lmtp_wire::{ForwardPath, ReversePath};
use mailstore::time::Timestamp;

use crate::environment::TransactionName;

/// More than the trace fields ever take: every name in them is bounded by its grammar.
pub const TRACE_BYTES_MAX: u64 = 4096;

/// What the trace fields tell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trace<'a> {
    pub(crate) reverse_path: &'a ReversePath,
    /// How the client called itself.
    pub(crate) client_name: &'a str,
    /// Where it connected from, unless that is this machine.
    pub(crate) client: Option<IpAddr>,
    pub(crate) host_name: &'a str,
    pub(crate) smtputf8: bool,
    pub(crate) encrypted: bool,
    pub(crate) transaction: TransactionName,
    /// The recipient, if there is one only: one must not learn of the others.
    pub(crate) recipient: Option<&'a ForwardPath>,
    pub(crate) now: Timestamp,
}

impl Trace<'_> {
    /// Returns the fields as they stand in the message.
    ///
    /// Final delivery puts the reverse-path in one line (RFC 5321 §4.4). A `Return-Path:` that is there
    /// already stays below it: a message is never changed, and the first one counts.
    pub(crate) fn encode(&self) -> String {
        let mut text = String::with_capacity(512);
        let mut write = |arguments: std::fmt::Arguments<'_>| {
            text.write_fmt(arguments)
                .expect("invariant: a String takes any text");
        };
        write(format_args!("Return-Path: {}\r\n", self.reverse_path));
        write(format_args!("Received: from {}", self.client_name));
        match self.client {
            // RFC 5321 §4.1.3: an IPv6 address is tagged.
            Some(IpAddr::V6(address)) => write(format_args!(" ([IPv6:{address}])")),
            Some(IpAddr::V4(address)) => write(format_args!(" ([{address}])")),
            None => {}
        }
        let (host, protocol) = (self.host_name, self.protocol());
        write(format_args!(
            "\r\n\tby {host} with {protocol} id {}",
            self.transaction
        ));
        if let Some(recipient) = self.recipient {
            write(format_args!("\r\n\tfor {recipient}"));
        }
        write(format_args!(";\r\n\t{}\r\n", date(self.now)));
        text
    }

    /// RFC 3848 §2, RFC 6531 §4.3.
    fn protocol(&self) -> &'static str {
        match (self.smtputf8, self.encrypted) {
            (false, false) => "LMTP",
            (false, true) => "LMTPS",
            (true, false) => "UTF8LMTP",
            (true, true) => "UTF8LMTPS",
        }
    }
}

/// RFC 5322 §3.3, in UTC.
fn date(now: Timestamp) -> String {
    let seconds = i64::try_from(now.seconds()).unwrap_or(i64::MAX);
    let instant = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    let zoned = instant.to_zoned(TimeZone::UTC);
    // Only years beyond 9999 cannot be written, and no timestamp has one.
    jiff::fmt::rfc2822::to_string(&zoned).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use lmtp_wire::Mailbox;

    use super::*;

    struct Zeros;

    impl crate::Environment for Zeros {
        fn now(&self) -> Timestamp {
            Timestamp(0)
        }
        fn fill_random(&self, bytes: &mut [u8]) {
            bytes.fill(0xab);
        }
    }

    fn trace(reverse_path: &ReversePath) -> Trace<'_> {
        Trace {
            reverse_path,
            client_name: "mta.example.org",
            client: None,
            host_name: "mail.example.org",
            smtputf8: false,
            encrypted: false,
            transaction: TransactionName::new(&Zeros),
            recipient: None,
            now: Timestamp(1_700_000_000_999),
        }
    }

    /// RFC 5321 §4.4.
    #[test]
    fn fields_tell_the_way_of_the_message() {
        assert_eq!(
            trace(&ReversePath::Null).encode(),
            "Return-Path: <>\r\n\
             Received: from mta.example.org\r\n\
             \tby mail.example.org with LMTP id abababababababababab;\r\n\
             \tTue, 14 Nov 2023 22:13:20 +0000\r\n"
        );
        let mailbox = |text| Mailbox::parse(text).expect("an address");
        let (sender, recipient) = (
            ReversePath::Mailbox(mailbox("\"a b\"@example.org")),
            ForwardPath(mailbox("ünï@example.org")),
        );
        let full = Trace {
            client: Some(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])),
            smtputf8: true,
            encrypted: true,
            recipient: Some(&recipient),
            ..trace(&sender)
        };
        assert_eq!(
            full.encode(),
            "Return-Path: <\"a b\"@example.org>\r\n\
             Received: from mta.example.org ([IPv6:2001:db8::1])\r\n\
             \tby mail.example.org with UTF8LMTPS id abababababababababab\r\n\
             \tfor <ünï@example.org>;\r\n\
             \tTue, 14 Nov 2023 22:13:20 +0000\r\n"
        );
        let plain = Trace {
            client: Some(IpAddr::from([192, 0, 2, 1])),
            encrypted: true,
            ..trace(&ReversePath::Null)
        };
        assert!(plain.encode().contains("([192.0.2.1])"));
        assert!(plain.encode().contains("with LMTPS id"));
    }

    #[test]
    fn the_longest_names_stay_within_the_bound() {
        let label = "x".repeat(61);
        let domain = [label.as_str(); 4].join(".");
        let longest = format!("\"{}\"@{domain}", "\\\"".repeat(256));
        let mailbox = Mailbox::parse(&longest).expect("an address");
        let (sender, recipient) = (ReversePath::Mailbox(mailbox.clone()), ForwardPath(mailbox));
        let longest = Trace {
            client_name: &domain,
            host_name: &domain,
            recipient: Some(&recipient),
            client: Some(IpAddr::from([0xffff; 8])),
            ..trace(&sender)
        };
        let encoded = longest.encode();
        assert!(encoded.len() as u64 <= TRACE_BYTES_MAX);
        assert!(encoded.lines().all(|line| line.len() <= 998));
    }
}
