//! What log lines look like, and what never is in them.

use std::io::Write;
use std::sync::{Arc, Mutex};

use observability::{AUTH_TARGET, AuthLogOptions, LogFormat, LogOptions, Observability, Options, Sink};
use tracing::Level;

/// A writer whose content the test can read.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Memory {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("not poisoned").clone()).expect("UTF-8")
    }
}

struct Setting {
    log: Memory,
    auth: Memory,
    observability: Observability,
}

fn set_up(format: LogFormat, filter: Option<&str>, auth_log: bool) -> Setting {
    let (log, auth) = (Memory::default(), Memory::default());
    let options = Options {
        log: LogOptions {
            format,
            level: Level::INFO,
            filter: filter.map(str::to_owned),
            file: None,
        },
        auth_log: AuthLogOptions {
            enabled: auth_log,
            file: None,
        },
        ..Options::default()
    };
    let sinks = (Sink::new(log.clone()), Sink::new(auth.clone()));
    let observability = Observability::with_sinks(&options, sinks.0, sinks.1, None).expect("valid");
    Setting {
        log,
        auth,
        observability,
    }
}

/// Runs `emit` under the setting and returns the general log.
fn logged(setting: &Setting, emit: impl FnOnce()) -> String {
    tracing::dispatcher::with_default(setting.observability.dispatch(), emit);
    setting.log.text()
}

/// Returns the last word of each line.
fn messages(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.rsplit(' ').next()).collect()
}

fn emit_attempt() {
    let address = std::net::IpAddr::from([192, 0, 2, 7]);
    tracing::info!(
        target: AUTH_TARGET,
        result = "failed",
        protocol = "imap",
        mechanism = "PLAIN",
        reason = "credentials",
        %address,
        tls = true,
        user = "alice@example.org",
    );
}

#[test]
fn a_line_says_when_how_grave_where_and_what() {
    let setting = set_up(LogFormat::Text, None, true);
    let text = logged(&setting, || {
        let _outer = tracing::info_span!("command", name = "fetch", uid = 7).entered();
        tracing::warn!(bytes = 12, cause = "disk is full", "append refused");
    });
    let (time, rest) = text.split_once(' ').expect("a time");
    assert!(time.ends_with('Z') && time.contains('T'), "{text}");
    let expected =
        " WARN  logging: append refused bytes=12 cause=\"disk is full\" in command{name=fetch uid=7}\n";
    assert_eq!(format!(" {rest}"), expected);
}

#[test]
fn json_lines_hold_the_same_as_fields() {
    let setting = set_up(LogFormat::Json, None, true);
    let text = logged(&setting, || {
        let _outer = tracing::info_span!("command", uid = 7).entered();
        tracing::info!(bytes = 12, durable = true, cause = "a\nb", "append\nrefused");
    });
    assert_eq!(text.lines().count(), 1, "{text}");
    let line: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(line["level"], "info");
    assert_eq!(line["message"], "append\nrefused");
    assert_eq!(line["bytes"], 12);
    assert_eq!(line["durable"], true);
    assert_eq!(line["cause"], "a\nb");
    assert_eq!(line["spans"][0]["fields"], "uid=7");
}

#[test]
fn an_event_is_one_line_whatever_it_says() {
    let setting = set_up(LogFormat::Text, None, true);
    let text = logged(&setting, || {
        tracing::info!(cause = "x\r\ny", "a\n2026 ERROR forged")
    });
    assert_eq!(text.matches('\n').count(), 1, "{text}");
}

#[test]
fn private_fields_are_withheld_in_events_and_spans() {
    for format in [LogFormat::Text, LogFormat::Json] {
        let setting = set_up(format, None, true);
        let text = logged(&setting, || {
            let _outer = tracing::info_span!("login", user = "canary-1", group = 3).entered();
            tracing::info!(password = "canary-2", body = "canary-3", mailbox = ?"canary-4", "checked");
        });
        assert!(!text.contains("canary"), "{text}");
        assert!(text.contains("[withheld]") && text.contains("group=3"), "{text}");
    }
}

#[test]
fn the_level_changes_while_running() {
    let setting = set_up(LogFormat::Text, Some("quiet=error"), true);
    let text = logged(&setting, || {
        tracing::debug!("one");
        tracing::warn!(target: "quiet", "two");
        setting
            .observability
            .level()
            .set(Level::DEBUG, None)
            .expect("valid");
        tracing::debug!("three");
        tracing::warn!(target: "quiet", "four");
        assert!(
            setting
                .observability
                .level()
                .set(Level::INFO, Some("a=loud"))
                .is_err()
        );
        tracing::debug!("five");
    });
    assert_eq!(messages(&text), ["three", "four", "five"]);
}

#[test]
fn exceptions_leave_the_level_for_everything_else() {
    let setting = set_up(LogFormat::Text, Some("quiet=error,chatty=debug"), true);
    let emit = || {
        tracing::info!("one");
        tracing::debug!("two");
        tracing::info!(target: "quiet", "three");
        tracing::debug!(target: "chatty", "four");
    };
    let text = logged(&setting, || {
        emit();
        let level = setting.observability.level();
        level.set(Level::WARN, Some("chatty=debug")).expect("valid");
        emit();
    });
    assert_eq!(messages(&text), ["one", "four", "four"]);
}

#[test]
fn attempts_to_log_in_go_to_the_authentication_log_only() {
    let setting = set_up(LogFormat::Text, None, true);
    let general = logged(&setting, emit_attempt);
    assert_eq!(general, "");
    let line = setting.auth.text();
    let (_, rest) = line.split_once(' ').expect("a time");
    // The failregex of docs/authentication-log.md matches this prefix.
    let prefix = "facteur auth: result=failed protocol=imap mechanism=PLAIN address=192.0.2.7 ";
    assert!(rest.starts_with(prefix), "{line}");
    assert!(rest.ends_with("user=\"alice@example.org\"\n"), "{line}");
}

#[test]
fn switched_off_no_name_is_written_anywhere() {
    let setting = set_up(LogFormat::Text, Some("trace"), false);
    assert_eq!(logged(&setting, emit_attempt), "");
    assert_eq!(setting.auth.text(), "");
}

#[test]
fn files_are_appended_to_and_closed_to_others() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("facteur.log");
    let options = Options {
        log: LogOptions {
            file: Some(path.clone()),
            ..LogOptions::default()
        },
        ..Options::default()
    };
    for message in ["one", "two"] {
        let observability = Observability::start(&options).expect("started");
        tracing::dispatcher::with_default(observability.dispatch(), || tracing::info!("{message}"));
    }
    let text = std::fs::read_to_string(&path).expect("readable");
    assert_eq!(text.lines().count(), 2, "{text}");
    let mode = std::fs::metadata(&path).expect("there").permissions().mode();
    assert_eq!(mode & 0o007, 0);
}

#[test]
fn a_file_that_cannot_be_opened_is_an_error_that_names_it() {
    let options = Options {
        log: LogOptions {
            file: Some("/nonexistent/facteur.log".into()),
            ..LogOptions::default()
        },
        ..Options::default()
    };
    let error = Observability::start(&options).err().expect("refused");
    assert!(error.to_string().contains("/nonexistent/facteur.log"), "{error}");
    assert!(error.is_retryable());
}
