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
            filter: log.filter.clone(),
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
