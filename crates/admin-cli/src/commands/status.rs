//! `facteur status`.

use mailstore::ports::Administration;

use crate::arguments::Format;
use crate::console::Console;
use crate::error::CliError;
use crate::json::ArrayWriter;
use crate::size::human;
use crate::table::{Align, Column, TableWriter};
use crate::views::{GroupView, NodeView};

const NODE_COLUMNS: [Column; 6] = [
    ("NODE", Align::Left),
    ("VERSION", Align::Left),
    ("STARTED", Align::Left),
    ("SESSIONS", Align::Right),
    ("MAIL", Align::Right),
    ("DISK FREE", Align::Right),
];

const GROUP_COLUMNS: [Column; 8] = [
    ("NODE", Align::Left),
    ("GROUP", Align::Right),
    ("LEADER", Align::Left),
    ("TERM", Align::Right),
    ("LOGGED", Align::Right),
    ("APPLIED", Align::Right),
    ("SNAPSHOT", Align::Right),
    ("VOTERS", Align::Left),
];

pub(crate) async fn run(
    format: Format,
    service: &dyn Administration,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let nodes = service.status().await?;
    let views: Vec<NodeView> = nodes.iter().map(NodeView::from).collect();
    match format {
        Format::Table => tables(&views, console),
        Format::Json => {
            let mut array = ArrayWriter::begin(console.output);
            for view in &views {
                array.push(view)?;
            }
            Ok(array.finish()?)
        }
    }
}

fn tables(nodes: &[NodeView], console: &mut Console<'_>) -> Result<(), CliError> {
    let mut table = TableWriter::begin(console.output, NODE_COLUMNS);
    for node in nodes {
        table.push([
            node.node.clone(),
            node.version.clone(),
            node.started.clone(),
            node.sessions.to_string(),
            human(node.blob_bytes),
            human(node.disk_free_bytes),
        ])?;
    }
    table.finish()?;
    writeln!(console.output)?;
    let mut table = TableWriter::begin(console.output, GROUP_COLUMNS);
    for node in nodes {
        for group in &node.groups {
            table.push(group_row(node, group))?;
        }
    }
    Ok(table.finish()?)
}

fn group_row(node: &NodeView, group: &GroupView) -> [String; 8] {
    [
        node.node.clone(),
        group.group.to_string(),
        group.leader.clone().unwrap_or_else(|| "none".to_owned()),
        group.term.to_string(),
        group.last_log_index.to_string(),
        group.applied_index.to_string(),
        group.snapshot_index.to_string(),
        group.voters.join(", "),
    ]
}
