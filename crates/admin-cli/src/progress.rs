//! How far something is that takes long.

use std::io;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::Instant;

use crate::console::Console;
use crate::size::human;

/// Lines are written no more often than this while nothing but octets changes.
const LINE_INTERVAL: Duration = Duration::from_secs(15);
const TEMPLATE: &str = "{bar:30} {msg}";

/// One part of what is still to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Part {
    /// What it is, for people.
    pub(crate) name: String,
    /// The octets of all of it.
    pub(crate) bytes: u64,
    /// Those that have been done.
    pub(crate) copied: u64,
    /// It has been begun.
    pub(crate) begun: bool,
}

/// Measures and shows the way to the end.
pub(crate) struct Progress {
    noun: &'static str,
    began: Instant,
    parts: usize,
    bytes: u64,
    screen: Screen,
}

enum Screen {
    Bars(MultiProgress, Vec<ProgressBar>),
    Lines { told: Option<(usize, Instant)> },
}

/// How far it is.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Measure {
    done: usize,
    parts: usize,
    bytes_done: u64,
    bytes: u64,
    left: Option<Duration>,
}

impl Progress {
    /// Begins to measure; parts are called by `noun`.
    pub(crate) fn begin(noun: &'static str, console: &Console<'_>) -> Self {
        let screen = match console.bars {
            true => {
                let target = ProgressDrawTarget::stderr();
                Screen::Bars(MultiProgress::with_draw_target(target), Vec::new())
            }
            false => Screen::Lines { told: None },
        };
        Self::on(noun, screen)
    }

    fn on(noun: &'static str, screen: Screen) -> Self {
        Self {
            noun,
            began: Instant::now(),
            parts: 0,
            bytes: 0,
            screen,
        }
    }

    /// Shows what is still to be done.
    pub(crate) fn show(&mut self, remaining: &[Part], console: &mut Console<'_>) -> io::Result<()> {
        let measure = self.measure(remaining);
        let line = measure.line(self.noun);
        match &mut self.screen {
            Screen::Bars(screen, bars) => draw(screen, bars, (&measure, line), remaining),
            Screen::Lines { told } => {
                let now = Instant::now();
                let due = told.is_none_or(|(done, at)| done != measure.done || now - at >= LINE_INTERVAL);
                if due {
                    *told = Some((measure.done, now));
                    writeln!(console.errors, "{line}")?;
                    console.errors.flush()?;
                }
            }
        }
        Ok(())
    }

    /// Takes bars away.
    pub(crate) fn end(self) {
        if let Screen::Bars(screen, _) = self.screen {
            // A terminal that is gone shows nothing anyway.
            let _ = screen.clear();
        }
    }

    fn measure(&mut self, remaining: &[Part]) -> Measure {
        // What turns out to be more makes the whole larger, never what has been done smaller than nothing.
        self.parts = self.parts.max(remaining.len());
        let missing: u64 = remaining
            .iter()
            .map(|part| part.bytes.saturating_sub(part.copied))
            .sum();
        self.bytes = self
            .bytes
            .max(missing)
            .max(remaining.iter().map(|part| part.bytes).sum());
        let (done, bytes_done) = (self.parts - remaining.len(), self.bytes - missing);
        let took = self.began.elapsed();
        let left = match (bytes_done, done) {
            (0, 0) => None,
            (0, _) => share(took, remaining.len() as u64, done as u64),
            _ => share(took, missing, bytes_done),
        };
        Measure {
            done,
            parts: self.parts,
            bytes_done,
            bytes: self.bytes,
            left,
        }
    }
}

fn share(took: Duration, missing: u64, done: u64) -> Option<Duration> {
    let seconds = u128::from(took.as_secs()) * u128::from(missing) / u128::from(done.max(1));
    Some(Duration::from_secs(u64::try_from(seconds).ok()?))
}

impl Measure {
    fn line(&self, noun: &str) -> String {
        let mut line = format!("{} of {} {noun}", self.done, self.parts);
        if self.bytes > 0 {
            line = format!("{line}, {} of {}", human(self.bytes_done), human(self.bytes));
        }
        if let Some(left) = self.left.filter(|left| !left.is_zero()) {
            line = format!("{line}, about {} left", humantime::format_duration(left));
        }
        line
    }

    /// Returns the place and the length of the bar.
    fn bar(&self) -> (u64, u64) {
        if self.bytes > 0 {
            return (self.bytes_done, self.bytes);
        }
        (self.done as u64, self.parts.max(1) as u64)
    }
}

fn draw(
    screen: &MultiProgress,
    bars: &mut Vec<ProgressBar>,
    (measure, line): (&Measure, String),
    remaining: &[Part],
) {
    let begun: Vec<&Part> = remaining.iter().filter(|part| part.begun).collect();
    while bars.len() <= begun.len() {
        let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
        bars.push(screen.add(ProgressBar::new(1).with_style(style)));
    }
    for spare in bars.split_off(begun.len() + 1) {
        screen.remove(&spare);
    }
    let whole = (measure.bar(), line);
    let parts = begun.iter().map(|part| {
        let size = human(part.bytes);
        let line = format!("{}, {} of {size}", part.name, human(part.copied.min(part.bytes)));
        ((part.copied.min(part.bytes), part.bytes.max(1)), line)
    });
    for (bar, ((place, length), line)) in bars.iter().zip(std::iter::once(whole).chain(parts)) {
        bar.set_length(length);
        bar.set_position(place);
        bar.set_message(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(bytes: u64, copied: u64) -> Part {
        Part {
            name: String::new(),
            bytes,
            copied,
            begun: true,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_left_is_told_by_what_has_been_done() {
        let mut progress = Progress::on("replicas", Screen::Lines { told: None });
        let mut check = |remaining: &[Part], expected: &str| {
            assert_eq!(progress.measure(remaining).line("replicas"), expected);
        };
        check(&[part(2048, 0), part(2048, 0)], "0 of 2 replicas, 0 B of 4.0 KiB");
        tokio::time::advance(Duration::from_secs(10)).await;
        check(
            &[part(2048, 1024), part(2048, 0)],
            "0 of 2 replicas, 1.0 KiB of 4.0 KiB, about 30s left",
        );
        tokio::time::advance(Duration::from_secs(10)).await;
        check(
            &[part(2048, 0)],
            "1 of 2 replicas, 2.0 KiB of 4.0 KiB, about 20s left",
        );
        check(&[], "2 of 2 replicas, 4.0 KiB of 4.0 KiB");
    }
}
