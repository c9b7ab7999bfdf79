//! Metrics follow the catalog, and nothing else gets out.

use observability::catalog::METRICS;
use observability::{Metrics, Observability, Options, Sink};
use opentelemetry::KeyValue;

fn lines(metrics: &Metrics, name: &str) -> Vec<String> {
    let text = metrics.text().expect("written");
    text.lines()
        .filter(|line| line.starts_with(name))
        .map(str::to_owned)
        .collect()
}

#[test]
fn what_is_recorded_is_served_with_unit_and_ending() {
    let metrics = Metrics::new().expect("made");
    let meter = metrics.meter("proxy");
    meter.u64_counter("facteur_imap_leniencies").build().add(3, &[]);
    let labels = [KeyValue::new("command", "fetch")];
    meter
        .f64_histogram("facteur_imap_command_duration")
        .build()
        .record(0.002, &labels);
    assert_eq!(
        lines(&metrics, "facteur_imap_leniencies"),
        ["facteur_imap_leniencies_total 3"]
    );
    let buckets = lines(&metrics, "facteur_imap_command_duration_seconds_bucket");
    let bucket = "facteur_imap_command_duration_seconds_bucket{command=\"fetch\",le=\"0.0025\"} 1";
    assert!(buckets.iter().any(|line| line == bucket), "{buckets:?}");
    assert_eq!(metrics.violations(), []);
}

#[test]
fn an_unknown_metric_is_dropped_and_named() {
    let metrics = Metrics::new().expect("made");
    metrics
        .meter("proxy")
        .u64_counter("facteur_invented")
        .build()
        .add(1, &[]);
    assert!(lines(&metrics, "facteur_invented").is_empty());
    let shown: Vec<String> = metrics.violations().iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["facteur_invented: the metric is not in the catalog"]);
}

#[test]
fn an_unknown_label_is_cut_off() {
    let metrics = Metrics::new().expect("made");
    let counter = metrics
        .meter("proxy")
        .u64_counter("facteur_limits_reached")
        .build();
    counter.add(
        1,
        &[
            KeyValue::new("limit", "preauth-timeout"),
            KeyValue::new("user", "alice"),
        ],
    );
    assert_eq!(
        lines(&metrics, "facteur_limits_reached"),
        ["facteur_limits_reached_total{limit=\"preauth-timeout\"} 1"]
    );
}

#[test]
fn a_value_outside_its_set_is_not_served() {
    let metrics = Metrics::new().expect("made");
    let counter = metrics
        .meter("proxy")
        .u64_counter("facteur_limits_reached")
        .build();
    counter.add(1, &[KeyValue::new("limit", "preauth-timeout")]);
    counter.add(1, &[KeyValue::new("limit", "alice@example.org")]);
    let text = metrics.text().expect("written");
    assert!(
        text.contains("facteur_limits_reached_total{limit=\"preauth-timeout\"} 1"),
        "{text}"
    );
    assert!(!text.contains("alice"), "{text}");
    let violations = metrics.violations();
    assert_eq!(violations.len(), 1);
    assert!(!violations[0].to_string().contains("alice"));
}

#[test]
fn what_spans_cover_is_measured() {
    let metrics = Metrics::new().expect("made");
    let sink = || Sink::new(std::io::sink());
    let observability = Observability::with_sinks(&Options::default(), sink(), sink(), None).expect("valid");
    let work = || {
        let _propose = tracing::info_span!("consensus.propose").entered();
        drop(tracing::info_span!("wal.sync").entered());
        for path in ["/facteur.node.v1.Mail/Fetch", "/facteur.made.up/Path"] {
            drop(tracing::debug_span!("rpc.serve", method = path).entered());
        }
        drop(tracing::info_span!("something.else").entered());
    };
    tracing::dispatcher::with_default(observability.dispatch(), || {
        work();
        observability.measure(&metrics);
        work();
    });
    let counted = [
        "facteur_commit_duration_seconds_count 1",
        "facteur_wal_sync_duration_seconds_count 1",
        "facteur_rpc_serve_duration_seconds_count{service=\"mail\"} 1",
    ];
    let text = metrics.text().expect("written");
    for line in counted {
        assert!(text.lines().any(|served| served == line), "{line} in {text}");
    }
    assert!(metrics.violations().is_empty());
}

#[test]
fn the_process_is_observed() {
    let metrics = Metrics::new().expect("made");
    for name in ["facteur_process_resident_bytes ", "facteur_process_open_files "] {
        let lines = lines(&metrics, name);
        let value: f64 = lines[0]
            .rsplit(' ')
            .next()
            .and_then(|value| value.parse().ok())
            .expect("a number");
        assert!(value > 0.0, "{lines:?}");
    }
}

#[test]
fn the_catalog_is_well_formed() {
    for (at, metric) in METRICS.iter().enumerate() {
        assert!(
            METRICS.iter().skip(at + 1).all(|other| other.name != metric.name),
            "{} twice",
            metric.name
        );
        assert!(
            metric.name.starts_with("facteur_") && !metric.name.ends_with("_total"),
            "{}",
            metric.name
        );
        assert!(metric.help.ends_with('.'), "{}", metric.name);
        let series: usize = metric.labels.iter().map(|label| label.values.len()).product();
        assert!(series <= 500, "{} may have {series} series", metric.name);
    }
}
