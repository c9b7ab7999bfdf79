//! The LMTP role.

use lmtp::{LmtpOptions, OverQuota, Times};
use settings::Settings;

/// Returns the options of the LMTP role on a machine of this name.
pub fn lmtp(settings: &Settings, host: &str) -> LmtpOptions {
    let lmtp = &settings.lmtp;
    LmtpOptions {
        host_name: host.to_owned(),
        over_quota: match lmtp.over_quota {
            settings::OverQuota::Defer => OverQuota::Defer,
            settings::OverQuota::Refuse => OverQuota::Refuse,
        },
        subaddress: lmtp.subaddress,
        bad_commands_max: settings.limits.bad_commands_max,
        message_bytes_max: lmtp.message_bytes_max.bytes(),
        recipients_max: usize::try_from(lmtp.recipients_max).unwrap_or(usize::MAX),
        connections_max: usize::try_from(settings.limits.connections_max).unwrap_or(usize::MAX),
        times: Times {
            command_pause_max: lmtp.command_timeout,
            data_pause_max: lmtp.data_timeout,
            data_max: lmtp.message_timeout,
            write_max: settings.limits.output_stall_timeout,
            handshake_max: settings.tls.handshake_timeout,
            drain_max: settings.server.shutdown_timeout,
            ..Times::default()
        },
        ..LmtpOptions::default()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn settings_reach_the_role() {
        let mut settings = Settings::default();
        settings.lmtp.recipients_max = 7;
        settings.lmtp.message_bytes_max = "1MiB".parse().expect("a size");
        settings.lmtp.data_timeout = Duration::from_secs(9);
        let options = lmtp(&settings, "mx.example.org");
        assert_eq!(options.over_quota, OverQuota::Defer);
        assert_eq!(options.host_name, "mx.example.org");
        assert_eq!(
            (options.recipients_max, options.message_bytes_max),
            (7, 1024 * 1024)
        );
        assert_eq!(options.times.data_pause_max, Duration::from_secs(9));
    }
}
