//! The IMAP role.

use proxy::{BeforeLoginLimits, CommandLimits, ConnectionLimits, ProxyOptions, Times, can_be_hidden};
use settings::{NamedValue, Settings};

/// Returns the options of the IMAP role in a process of this name.
pub fn proxy(settings: &Settings, name: &str) -> ProxyOptions {
    let (limits, auth) = (&settings.limits, &settings.auth);
    ProxyOptions {
        name: name.into(),
        hidden_capabilities: settings.imap.hide_capabilities.clone(),
        id_fields: id_fields(settings),
        compress: settings.imap.compress,
        before_login: BeforeLoginLimits {
            literal_bytes_max: limits.preauth_literal_bytes_max.as_usize(),
            command_bytes_max: limits.preauth_command_bytes_max.as_usize(),
            bad_commands_max: limits.preauth_bad_commands_max,
            failed_logins_max: auth.failures_per_connection_max,
            time_max: limits.preauth_timeout,
        },
        command: CommandLimits {
            line_bytes_max: limits.line_bytes_max.as_usize(),
            command_bytes_max: limits.command_bytes_max.as_usize(),
            append_bytes_max: u32::try_from(limits.append_bytes_max.bytes()).unwrap_or(u32::MAX),
            bad_commands_max: limits.bad_commands_max,
        },
        connections: ConnectionLimits {
            total_max: count(limits.connections_max),
            before_login_per_peer_max: count(limits.preauth_connections_per_ip_max),
            per_account_and_peer_max: count(limits.connections_per_user_and_ip_max),
        },
        times: times(settings),
        output_bytes_max: limits.output_bytes_max.as_usize(),
        buffered_bytes_max: limits.buffered_bytes_max.as_usize(),
        view_messages_max: count(limits.view_messages_max),
        ..ProxyOptions::default()
    }
}

/// The program says which version it is; a setting could only be wrong about it, or say nothing.
fn id_fields(settings: &Settings) -> Vec<(String, String)> {
    let field = |field: &NamedValue| {
        let own = field.name.eq_ignore_ascii_case("version") && field.value.is_empty();
        let value = if own {
            env!("CARGO_PKG_VERSION")
        } else {
            &field.value
        };
        (field.name.clone(), value.to_owned())
    };
    settings.imap.id_fields.iter().map(field).collect()
}

/// Returns what is wrong with the settings beyond what they can tell by themselves, one line each.
pub fn problems(settings: &Settings) -> Vec<String> {
    let mut problems = Vec::new();
    let imap = &settings.imap;
    for name in imap.hide_capabilities.iter().filter(|name| !can_be_hidden(name)) {
        problems.push(format!(
            "settings: `imap.hide_capabilities`: `{name}` is no capability that can be hidden"
        ));
    }
    // RFC 2971 §3.3.
    if imap.id_fields.len() > 30 {
        problems.push("settings: `imap.id_fields`: more than 30 fields (RFC 2971)".to_owned());
    }
    for field in &imap.id_fields {
        if field.name.len() > 30 || field.value.len() > 1024 {
            let name = &field.name;
            problems.push(format!(
                "settings: `imap.id_fields`: `{name}` is too long (RFC 2971)"
            ));
        }
    }
    problems
}

fn times(settings: &Settings) -> Times {
    Times {
        autologout: settings.imap.inactivity_timeout,
        idle_keepalive: settings.imap.idle_keepalive,
        write_max: settings.limits.output_stall_timeout,
        view_idle: settings.imap.idle_view_ttl,
        failed_login_delay: settings.auth.failure_delay,
        handshake_max: settings.tls.handshake_timeout,
        drain_max: settings.server.shutdown_timeout,
        ..Times::default()
    }
}

fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn settings_reach_the_role() {
        let mut settings = Settings::default();
        settings.limits.append_bytes_max = "1MiB".parse().expect("a size");
        settings.imap.inactivity_timeout = Duration::from_secs(3600);
        settings.limits.connections_per_user_and_ip_max = 3;
        let options = proxy(&settings, "node-1");
        assert_eq!(&*options.name, "node-1");
        assert_eq!(options.command.append_bytes_max, 1024 * 1024);
        assert_eq!(options.times.autologout, Duration::from_secs(3600));
        assert_eq!(options.connections.per_account_and_peer_max, 3);
        assert!(!options.plaintext_on_loopback, "no password without TLS");
    }

    #[test]
    fn the_server_says_of_itself_what_it_is_told_to() {
        let mut settings = Settings::default();
        let version = ("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        assert_eq!(
            proxy(&settings, "x").id_fields,
            [("name".to_owned(), "Facteur".to_owned()), version]
        );
        settings.imap.id_fields.clear();
        assert!(proxy(&settings, "x").id_fields.is_empty());
    }

    #[test]
    fn what_cannot_be_hidden_or_said_is_named() {
        let mut settings = Settings::default();
        assert!(problems(&settings).is_empty());
        settings.imap.hide_capabilities = vec!["QRESYNC".to_owned(), "STARTTLS".to_owned()];
        settings.imap.id_fields[0].value = "x".repeat(1025);
        let problems = problems(&settings);
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(
            problems[0].contains("`STARTTLS`") && problems[1].contains("`name`"),
            "{problems:?}"
        );
    }

    #[test]
    fn a_limit_beyond_the_protocol_is_the_largest_there_is() {
        let mut settings = Settings::default();
        settings.limits.append_bytes_max = "4GiB".parse().expect("a size");
        assert_eq!(proxy(&settings, "x").command.append_bytes_max, u32::MAX);
    }
}
