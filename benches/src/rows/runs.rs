//! The runs of one row: how each is timed, and the figure that they make.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::report::{Figure, Sample, Unit};
use crate::statistics::{Summary, quantile};
use crate::target::Target;
use crate::throughput::{self, Worker};

/// The runs of one row.
pub struct Runs<'a> {
    pub target: &'a Target,
    samples: Vec<Sample>,
    processor: Duration,
}

impl<'a> Runs<'a> {
    pub fn new(target: &'a Target) -> Self {
        Self {
            target,
            samples: Vec::new(),
            processor: Duration::ZERO,
        }
    }

    pub fn count(&self) -> usize {
        self.target.arguments.runs
    }

    /// Times one operation, in ms.
    pub async fn time<T>(&mut self, operation: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        let used = self.target.processes.processor_time();
        let start = Instant::now();
        let done = operation.await?;
        let value = start.elapsed().as_secs_f64() * 1e3;
        self.push(
            Sample {
                value,
                operations: 1,
                latency: None,
            },
            used,
        );
        Ok(done)
    }

    /// Times `operations` that end together, as operations in a second.
    pub async fn rate(
        &mut self,
        operations: usize,
        all: impl Future<Output = anyhow::Result<()>>,
    ) -> anyhow::Result<()> {
        let used = self.target.processes.processor_time();
        let start = Instant::now();
        all.await?;
        #[expect(clippy::cast_precision_loss, reason = "a count of operations fits a double")]
        let value = operations as f64 / start.elapsed().as_secs_f64();
        self.push(
            Sample {
                value,
                operations,
                latency: None,
            },
            used,
        );
        Ok(())
    }

    /// Counts what `workers` finish in the time that a run has; hands them back.
    pub async fn throughput<W: Worker>(&mut self, workers: Vec<W>) -> anyhow::Result<Vec<W>> {
        let used = self.target.processes.processor_time();
        let duration = Duration::from_secs_f64(self.target.arguments.seconds);
        let (sample, workers) = throughput::measure(workers, duration).await?;
        self.push(sample, used);
        Ok(workers)
    }

    /// Takes a value that was measured otherwise.
    pub fn value(&mut self, value: f64) {
        self.samples.push(Sample {
            value,
            operations: 0,
            latency: None,
        });
    }

    fn push(&mut self, sample: Sample, used_before: Duration) {
        self.processor += self.target.processes.processor_time().saturating_sub(used_before);
        self.samples.push(sample);
    }

    pub fn figure(self, row: String, unit: Unit) -> anyhow::Result<Figure> {
        let values: Vec<f64> = self.samples.iter().map(|sample| sample.value).collect();
        let operations: usize = self.samples.iter().map(|sample| sample.operations).sum();
        let processor = (!self.target.processes.is_empty() && operations > 0).then(|| {
            #[expect(clippy::cast_precision_loss, reason = "a count of operations fits a double")]
            let operations = operations as f64;
            self.processor.as_secs_f64() * 1e3 / operations
        });
        Ok(Figure {
            summary: Summary::of(&values).context("no run was measured")?,
            p50_ms: median(self.samples.iter().filter_map(|sample| Some(sample.latency?.0))),
            p99_ms: median(self.samples.iter().filter_map(|sample| Some(sample.latency?.1))),
            processor_ms: processor,
            row,
            unit,
            values,
        })
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    quantile(&values, 0.5)
}
