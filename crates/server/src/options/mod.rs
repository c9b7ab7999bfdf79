//! From settings to the options of the parts. Nothing is decided here: names, units and defaults are those of
//! `settings`, bounds and behaviour those of the part.

pub mod accounts;
pub mod lmtp;
pub mod proxy;
pub mod storage;
pub mod telemetry;

use settings::Settings;

use crate::exit::{Exit, Failure};

/// Checks what only the parts know, beyond what the settings check by themselves.
///
/// # Errors
/// What cannot be, one line each.
pub fn check(settings: &Settings) -> Result<(), Failure> {
    let mut problems = proxy::problems(settings);
    if let Err(error) = accounts::mailboxes(settings) {
        problems.push(format!("settings: `account.mailboxes`: {error}"));
    }
    if storage::message_bytes_max(settings) > settings.limits.spool_bytes_max.bytes() {
        problems.push("settings: `limits.spool_bytes_max` has no room for the largest message".to_owned());
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Failure::of_lines(Exit::Config, problems))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use settings::{Override, Sources};

    use super::*;

    fn settings(assignments: &[(&str, &str)]) -> Settings {
        let overrides = assignments
            .iter()
            .map(|(key, value)| Override::new(*key, *value, "--set"));
        let sources = Sources {
            overrides: overrides.collect(),
            ..Sources::default()
        };
        Settings::from_sources(&sources).expect("valid")
    }

    #[test]
    fn the_defaults_can_be_had() {
        assert_eq!(check(&Settings::default()), Ok(()));
    }

    #[test]
    fn what_cannot_be_had_is_refused_all_at_once() {
        let settings = settings(&[
            ("account.mailboxes", r"Sent=\Outbox"),
            ("imap.hide_capabilities", "LOGINDISABLED"),
            ("limits.spool_bytes_max", "150MiB"),
            ("lmtp.message_bytes_max", "153599KiB"),
        ]);
        let failure = check(&settings).expect_err("refused");
        assert_eq!(failure.exit(), Exit::Config);
        assert_eq!(failure.lines().len(), 3, "{:?}", failure.lines());
    }

    /// What the reference says of bounds that no setting changes is what the parts do.
    #[test]
    fn the_fixed_limits_are_those_of_the_parts() {
        use mail_message::limits as message;
        use mailstore::{address, flags, limits, name};
        let parts: &[(&str, u64)] = &[
            ("Mailboxes of an account", limits::MAILBOXES_MAX as u64),
            ("Subscriptions of an account", limits::SUBSCRIPTIONS_MAX as u64),
            ("Mailbox name", name::NAME_BYTES_MAX as u64),
            ("Levels of a mailbox name", name::NAME_DEPTH_MAX as u64),
            ("Keywords of a mailbox", flags::KEYWORDS_MAX as u64),
            ("Keyword", flags::KEYWORD_BYTES_MAX as u64),
            ("Address of an account", address::ADDRESS_BYTES_MAX as u64),
            ("Messages of one APPEND", limits::APPEND_MESSAGES_MAX as u64),
            (
                "Messages of one STORE, COPY or MOVE",
                limits::COMMAND_MESSAGES_MAX as u64,
            ),
            (
                "Changes remembered for QRESYNC, a mailbox",
                limits::EXPUNGE_LOG_ROWS_MAX as u64,
            ),
            (
                "UID ranges remembered for QRESYNC, a mailbox",
                limits::EXPUNGE_LOG_RANGES_MAX as u64,
            ),
            ("Life of a session's token", auth::TOKEN_LIFETIME.as_secs()),
            ("Tag of a command", imap_wire::types::TAG_BYTES_MAX as u64),
            (
                "NOT, OR and parentheses of SEARCH",
                imap_wire::types::SEARCH_DEPTH_MAX as u64,
            ),
            (
                "Wildcards in a pattern of LIST",
                imap_wire::list_match::WILDCARDS_MAX as u64,
            ),
            ("Message with a summary", message::MESSAGE_BYTES_MAX as u64),
            ("Levels of MIME", message::DEPTH_MAX as u64),
            ("MIME parts of a message", message::PARTS_MAX as u64),
            ("Header bytes of a part", message::HEADER_PARSE_BYTES_MAX as u64),
            ("Addresses of a field of ENVELOPE", message::ADDRESSES_MAX as u64),
            (
                "Parameters of a MIME header field",
                message::PARAMETERS_MAX as u64,
            ),
        ];
        assert_eq!(parts.len(), settings::FIXED_LIMITS.len());
        for (limit, (name, value)) in settings::FIXED_LIMITS.iter().zip(parts) {
            assert!(limit.name.starts_with(name), "{} is not {name}", limit.name);
            assert_eq!(limit.value, *value, "{name}");
        }
    }

    /// An option that nothing reads would be one that does nothing.
    #[test]
    fn every_option_is_read() {
        let source = product_source(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
        let unread: Vec<_> = Settings::default()
            .effective()
            .iter()
            .filter(|option| {
                let (section, name) = option.key.split_once('.').expect("a section and a name");
                !source.contains(&format!("{section}.{name}")) && !source.contains(&format!(".{name}"))
            })
            .map(|option| option.key)
            .collect();
        assert!(unread.is_empty(), "{unread:?}");
    }

    /// Returns the text of all files below a directory, without their tests.
    fn product_source(directory: &Path) -> String {
        let mut source = String::new();
        for entry in std::fs::read_dir(directory).expect("a list") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                source.push_str(&product_source(&path));
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("text");
            source.push_str(text.split("#[cfg(test)]").next().unwrap_or_default());
        }
        source
    }
}
