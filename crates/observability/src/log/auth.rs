//! The authentication log: who tried to log in from where, one line each, made for fail2ban.
//!
//! A role reports an attempt as an event with the target [`AUTH_TARGET`] and these fields, all but the first two
//! optional: `result` (`ok` or `failed`), `protocol`, `mechanism`, `reason`, `address`, `tls`, `user`. Such events
//! go nowhere but into this log. What a client chose freely, the name, comes last and is quoted, so that no name can
//! pass for another field.

use std::fmt;
use std::net::IpAddr;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use super::LogFormat;
use super::line::timestamp;
use super::sink::Sink;

/// The target of events that report an attempt to log in.
pub const AUTH_TARGET: &str = "facteur::auth";

/// Characters of a name that are written; a longer one is cut.
const NAME_CHARS_MAX: usize = 256;

/// Writes the authentication log.
pub struct AuthLog {
    sink: Sink,
    format: LogFormat,
}

impl AuthLog {
    pub fn new(sink: Sink, format: LogFormat) -> Self {
        Self { sink, format }
    }
}

impl<S: Subscriber> Layer<S> for AuthLog {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        if event.metadata().target() != AUTH_TARGET {
            return;
        }
        let mut attempt = Attempt::default();
        event.record(&mut attempt);
        let line = match self.format {
            LogFormat::Text => attempt.text(&timestamp()),
            LogFormat::Json => attempt.json(&timestamp()),
        };
        self.sink.write_line(&line);
    }
}

/// One attempt, as an event tells it.
#[derive(Debug, Default)]
struct Attempt {
    result: String,
    protocol: String,
    mechanism: String,
    reason: String,
    address: Option<IpAddr>,
    tls: bool,
    user: String,
}

impl Attempt {
    fn text(&self, time: &str) -> String {
        let address = self
            .address
            .map_or_else(|| "-".to_owned(), |address| address.to_string());
        format!(
            "{time} facteur auth: result={} protocol={} mechanism={} address={address} tls={} reason={} user={:?}\n",
            word(&self.result),
            word(&self.protocol),
            word(&self.mechanism),
            self.tls,
            word(&self.reason),
            self.user
        )
    }

    fn json(&self, time: &str) -> String {
        let object = serde_json::json!({
            "time": time,
            "log": "auth",
            "result": word(&self.result),
            "protocol": word(&self.protocol),
            "mechanism": word(&self.mechanism),
            "address": self.address,
            "tls": self.tls,
            "reason": word(&self.reason),
            "user": self.user,
        });
        format!("{object}\n")
    }

    fn text_field(&mut self, name: &str) -> Option<&mut String> {
        match name {
            "result" => Some(&mut self.result),
            "protocol" => Some(&mut self.protocol),
            "mechanism" => Some(&mut self.mechanism),
            "reason" => Some(&mut self.reason),
            "user" => Some(&mut self.user),
            _ => None,
        }
    }
}

/// Our own words hold letters, digits and hyphens; anything else in their place is not ours and is replaced.
fn word(text: &str) -> String {
    if text.is_empty() {
        return "-".to_owned();
    }
    text.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '?'
            }
        })
        .collect()
}

impl Visit for Attempt {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "address" {
            self.address = value.parse().ok();
        } else if let Some(text) = self.text_field(field.name()) {
            *text = value.chars().take(NAME_CHARS_MAX).collect();
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "tls" {
            self.tls = value;
        }
    }

    /// Values given with `%` arrive here too; their `Debug` is their `Display`.
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(user: &str) -> Attempt {
        Attempt {
            result: "failed".to_owned(),
            protocol: "imap".to_owned(),
            mechanism: "PLAIN".to_owned(),
            reason: "credentials".to_owned(),
            address: "192.0.2.7".parse().ok(),
            tls: true,
            user: user.to_owned(),
        }
    }

    #[test]
    fn a_line_has_the_documented_form() {
        let expected = "T facteur auth: result=failed protocol=imap mechanism=PLAIN address=192.0.2.7 tls=true \
                        reason=credentials user=\"alice@example.org\"\n";
        assert_eq!(attempt("alice@example.org").text("T"), expected);
    }

    #[test]
    fn no_name_passes_for_a_field_or_a_second_line() {
        let line = attempt("x\" address=198.51.100.1\nT facteur auth: result=failed").text("T");
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        assert!(
            line.ends_with("user=\"x\\\" address=198.51.100.1\\nT facteur auth: result=failed\"\n"),
            "{line}"
        );
        assert!(line.find("address=192.0.2.7") < line.find("user="), "{line}");
    }

    #[test]
    fn words_that_are_not_ours_are_replaced() {
        assert_eq!(word(""), "-");
        assert_eq!(word("scram-SHA-256"), "scram-SHA-256");
        assert_eq!(word("a b=c\n"), "a?b?c?");
    }

    #[test]
    fn json_holds_the_same() {
        let object: serde_json::Value = serde_json::from_str(&attempt("a\"b").json("T")).expect("JSON");
        assert_eq!(object["user"], "a\"b");
        assert_eq!(object["address"], "192.0.2.7");
        assert_eq!(object["result"], "failed");
    }
}
