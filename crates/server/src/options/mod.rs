//! From settings to the options of the parts. Nothing is decided here: names, units and defaults are those of
//! `settings`, bounds and behaviour those of the part.

pub mod accounts;
pub mod lmtp;
pub mod proxy;
pub mod storage;
pub mod telemetry;

use settings::{Origin, Settings};

use crate::exit::{Exit, Failure};

/// Options that are read and checked, but that no part looks at yet. Whoever sets one is told.
const WITHOUT_EFFECT: &[&str] = &[
    "auth.token_ttl",
    "cluster.call_timeout",
    "cluster.connections_per_node",
    "cluster.seeds",
    "imap.compress",
    "imap.hide_capabilities",
    "imap.id_fields",
    "imap.strict",
    "limits.command_literals_max",
    "limits.envelope_addresses_max",
    "limits.keyword_bytes_max",
    "limits.keywords_per_mailbox_max",
    "limits.list_wildcards_max",
    "limits.mailbox_depth_max",
    "limits.mailbox_name_bytes_max",
    "limits.mailboxes_per_account_max",
    "limits.mime_depth_max",
    "limits.mime_header_bytes_max",
    "limits.mime_parameters_max",
    "limits.mime_parts_max",
    "limits.nesting_depth_max",
    "limits.preauth_memory_bytes_max",
    "limits.search_depth_max",
    "limits.sequence_ranges_max",
    "limits.subscriptions_per_account_max",
    "lmtp.subaddress",
    "storage.blob_retention",
    "storage.expunge_ranges_max",
    "storage.scrub_bytes_per_second_max",
    "storage.scrub_interval",
];

/// Checks what only the parts know, beyond what the settings check by themselves.
///
/// # Errors
/// What cannot be, one line each.
pub fn check(settings: &Settings) -> Result<(), Failure> {
    let mut problems = Vec::new();
    if let Err(error) = accounts::mailboxes(settings) {
        problems.push(format!("settings: `account.mailboxes`: {error}"));
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Failure::of_lines(Exit::Config, problems))
    }
}

/// Returns the options that somebody has set although they do nothing yet.
pub fn without_effect(settings: &Settings) -> impl Iterator<Item = &'static str> {
    let set = settings
        .effective()
        .iter()
        .filter(|option| option.origin != Origin::Default);
    set.map(|option| option.key)
        .filter(|key| WITHOUT_EFFECT.contains(key))
}

#[cfg(test)]
mod tests {
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
        assert_eq!(without_effect(&Settings::default()).count(), 0);
    }

    #[test]
    fn what_cannot_be_had_is_refused() {
        let settings = settings(&[("account.mailboxes", r"Sent=\Outbox")]);
        let failure = check(&settings).expect_err("refused");
        assert_eq!(failure.exit(), Exit::Config);
        assert_eq!(failure.lines().len(), 1, "{:?}", failure.lines());
    }

    #[test]
    fn whoever_sets_what_does_nothing_is_told() {
        let settings = settings(&[("imap.strict", "true"), ("log.level", "debug")]);
        assert_eq!(without_effect(&settings).collect::<Vec<_>>(), ["imap.strict"]);
    }

    #[test]
    fn every_option_without_effect_exists() {
        let settings = Settings::default();
        for key in WITHOUT_EFFECT {
            assert!(
                settings.effective().iter().any(|option| option.key == *key),
                "{key}"
            );
        }
    }
}
