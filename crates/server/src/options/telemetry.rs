//! Log, traces and metrics.

use observability::{AuthLogOptions, LogFormat, LogOptions, Options, TraceOptions};
use settings::{LogLevel, Settings};
use tracing::Level;

/// Returns the options of log and traces of the process of this name.
pub fn telemetry(settings: &Settings, instance: &str) -> Options {
    let (log, telemetry) = (&settings.log, &settings.telemetry);
    Options {
        log: LogOptions {
            format: match log.format {
                settings::LogFormat::Text => LogFormat::Text,
                settings::LogFormat::Json => LogFormat::Json,
            },
            level: level(log.level),
            filter: Some(filter(settings)),
            file: log.file.clone(),
        },
        auth_log: AuthLogOptions {
            enabled: log.auth_log,
            file: log.auth_log_file.clone(),
        },
        traces: TraceOptions {
            endpoint: telemetry.otlp_endpoint.clone(),
            ratio: telemetry.trace_ratio,
            queue_max: usize::try_from(telemetry.trace_queue_max).unwrap_or(usize::MAX),
            export_timeout: telemetry.export_timeout,
            service_name: telemetry.service_name.clone(),
            instance: instance.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
    }
}

/// Returns the exceptions from the level: those of the settings, after those for libraries that have much to say about
/// every heartbeat that a stopped node does not answer. What matters of it is in the log of our own crates.
pub fn filter(settings: &Settings) -> String {
    let own = settings.log.filter.as_deref().unwrap_or_default();
    format!("openraft=error,opentelemetry=warn,opentelemetry_sdk=warn,{own}")
}

/// Returns the level as `tracing` names it.
pub fn level(level: LogLevel) -> Level {
    match level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Trace => Level::TRACE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_of_the_settings_come_last_and_win() {
        let mut settings = Settings::default();
        settings.log.filter = Some("openraft=debug".to_owned());
        assert!(filter(&settings).starts_with("openraft=error,"));
        assert!(filter(&settings).ends_with(",openraft=debug"));
    }

    #[test]
    fn settings_reach_log_and_traces() {
        let mut settings = Settings::default();
        settings.log.level = LogLevel::Debug;
        settings.log.auth_log = false;
        settings.telemetry.otlp_endpoint = Some("http://collector:4317".to_owned());
        let options = telemetry(&settings, "node-3");
        assert_eq!(options.log.level, Level::DEBUG);
        assert!(!options.auth_log.enabled);
        assert_eq!(options.traces.endpoint.as_deref(), Some("http://collector:4317"));
        assert_eq!(options.traces.instance, "node-3");
    }
}
