//! The IMAP role.

use proxy::{BeforeLoginLimits, CommandLimits, ConnectionLimits, ProxyOptions, Times};
use settings::Settings;

/// Returns the options of the IMAP role in a process of this name.
pub fn proxy(settings: &Settings, name: &str) -> ProxyOptions {
    let (limits, auth) = (&settings.limits, &settings.auth);
    ProxyOptions {
        name: name.into(),
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
            ..CommandLimits::default()
        },
        connections: ConnectionLimits {
            total_max: count(limits.connections_max),
            before_login_per_peer_max: count(limits.preauth_connections_per_ip_max),
            per_account_and_peer_max: count(limits.connections_per_user_and_ip_max),
        },
        times: times(settings),
        output_bytes_max: limits.output_bytes_max.as_usize(),
        ..ProxyOptions::default()
    }
}

fn times(settings: &Settings) -> Times {
    Times {
        autologout: settings.imap.inactivity_timeout,
        idle_keepalive: settings.imap.idle_keepalive,
        write_max: settings.limits.output_stall_timeout,
        storage_patience: settings.cluster.leaderless_timeout,
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
    fn a_limit_beyond_the_protocol_is_the_largest_there_is() {
        let mut settings = Settings::default();
        settings.limits.append_bytes_max = "4GiB".parse().expect("a size");
        assert_eq!(proxy(&settings, "x").command.append_bytes_max, u32::MAX);
    }
}
