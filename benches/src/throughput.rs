//! Operations in a second: workers that repeat one operation, side by side, for a given time.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::ensure;
use tokio::task::JoinSet;

use crate::report::Sample;
use crate::statistics::quantile;

/// Something that repeats one operation over a connection of its own.
pub trait Worker: Send + 'static {
    fn step(&mut self) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// Lets all workers run at once for `duration` and counts what they finish in it; hands them back.
pub async fn measure<W: Worker>(workers: Vec<W>, duration: Duration) -> anyhow::Result<(Sample, Vec<W>)> {
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    let end = start + duration;
    for mut worker in workers {
        tasks.spawn(async move {
            let mut times = Vec::new();
            loop {
                let begun = Instant::now();
                if begun >= end {
                    return anyhow::Ok((times, worker));
                }
                worker.step().await?;
                times.push(begun.elapsed().as_secs_f64() * 1e3);
            }
        });
    }
    let (mut times, mut workers) = (Vec::new(), Vec::new());
    while let Some(done) = tasks.join_next().await {
        let (mut some, worker) = done??;
        times.append(&mut some);
        workers.push(worker);
    }
    // The last operations end behind the deadline, and so does the time that the count is divided by.
    let elapsed = start.elapsed().as_secs_f64();
    ensure!(!times.is_empty(), "nothing was finished in {duration:?}");
    times.sort_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, reason = "a count of operations fits a double")]
    let value = times.len() as f64 / elapsed;
    let sample = Sample {
        value,
        operations: times.len(),
        latency: quantile(&times, 0.5).zip(quantile(&times, 0.99)),
    };
    Ok((sample, workers))
}
