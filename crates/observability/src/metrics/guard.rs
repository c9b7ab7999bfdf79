//! Holds what is served against the catalog, so that a mistake in one role cannot publish a name.

use std::collections::BTreeMap;
use std::fmt;

use prometheus::proto::{Metric as Series, MetricFamily};

use crate::catalog::{METRICS, Metric};

/// Something recorded that the catalog does not allow. The offending label value itself is not repeated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The metric.
    pub metric: String,
    /// The label whose value is not in its set; none when the metric itself is unknown.
    pub label: Option<String>,
}

impl Violation {
    pub(super) fn unknown_metric(name: &str) -> Self {
        Self {
            metric: name.to_owned(),
            label: None,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.label {
            Some(label) => write!(
                f,
                "{}: a value of the label {label} is not in the catalog",
                self.metric
            ),
            None => write!(f, "{}: the metric is not in the catalog", self.metric),
        }
    }
}

/// Returns the families without the series that break the catalog, and what was left out.
pub fn keep_within_catalog(families: Vec<MetricFamily>) -> (Vec<MetricFamily>, Vec<Violation>) {
    let known: BTreeMap<String, &Metric> = METRICS
        .iter()
        .map(|metric| (metric.exported_name(), metric))
        .collect();
    let mut kept = Vec::with_capacity(families.len());
    let mut violations = Vec::new();
    for mut family in families {
        let Some(metric) = known.get(family.name()) else {
            violations.push(Violation::unknown_metric(family.name()));
            continue;
        };
        let (good, bad): (Vec<Series>, Vec<Series>) = family
            .take_metric()
            .into_iter()
            .partition(|series| broken_label(series, metric).is_none());
        let labels = bad.iter().filter_map(|series| broken_label(series, metric));
        violations.extend(labels.map(|label| Violation {
            metric: metric.name.to_owned(),
            label: Some(label),
        }));
        if !good.is_empty() {
            family.set_metric(good);
            kept.push(family);
        }
    }
    violations.sort();
    violations.dedup();
    (kept, violations)
}

/// Returns the first label of a series whose value is not in its set.
fn broken_label(series: &Series, metric: &Metric) -> Option<String> {
    let labels = series.get_label().iter();
    let broken = |name: &str, value: &str| {
        let known = metric.labels.iter().find(|label| label.name == name);
        known.is_none_or(|label| !label.values.contains(&value))
    };
    labels
        .filter(|label| broken(label.name(), label.value()))
        .map(|label| label.name().to_owned())
        .next()
}
