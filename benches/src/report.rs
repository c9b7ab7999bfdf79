//! What was measured, as a table for people and as JSON for programs.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use crate::statistics::Summary;

/// The unit of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Unit {
    #[serde(rename = "ms")]
    Milliseconds,
    #[serde(rename = "/s")]
    PerSecond,
    #[serde(rename = "KiB")]
    Kibibytes,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::PerSecond => "/s",
            Self::Kibibytes => "KiB",
        }
    }
}

/// One run of a row.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    pub value: f64,
    /// Operations in the run, which its processor time is divided by.
    pub operations: usize,
    /// The time below which half and 99 % of the operations stayed, in ms, where there were many.
    pub latency: Option<(f64, f64)>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    pub row: String,
    pub unit: Unit,
    #[serde(flatten)]
    pub summary: Summary,
    pub values: Vec<f64>,
    /// Processor time of the server for one operation, in ms; there with --pid.
    pub processor_ms: Option<f64>,
    /// Medians over the runs of the time of one operation, in ms.
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
}

#[derive(Debug, Serialize)]
pub struct Report {
    pub label: String,
    /// Load averages of the machine at the start and at the end, for who wonders about noise.
    pub load_before: String,
    pub load_after: String,
    pub figures: Vec<Figure>,
}

impl Report {
    pub fn print(&self) -> anyhow::Result<()> {
        let mut table = Table::new();
        table.load_preset(presets::ASCII_MARKDOWN);
        table.set_header([
            "row",
            "median",
            "min",
            "max",
            "unit",
            "p50 ms",
            "p99 ms",
            "server CPU ms",
        ]);
        for figure in &self.figures {
            let Summary { median, min, max } = figure.summary;
            let optional = |value: Option<f64>| value.map(shown).unwrap_or_default();
            table.add_row([
                figure.row.clone(),
                shown(median),
                shown(min),
                shown(max),
                figure.unit.name().to_owned(),
                optional(figure.p50_ms),
                optional(figure.p99_ms),
                optional(figure.processor_ms),
            ]);
        }
        for column in [1, 2, 3, 5, 6, 7] {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let (label, before, after) = (&self.label, &self.load_before, &self.load_after);
        writeln!(
            std::io::stdout(),
            "{label}: load average {before} before, {after} after\n{table}"
        )?;
        Ok(())
    }

    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(path, text + "\n").with_context(|| format!("writing {}", path.display()))
    }
}

/// Three digits that matter.
fn shown(value: f64) -> String {
    let decimals = match value.abs() {
        0.0 | 100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

pub fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}
