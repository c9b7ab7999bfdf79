//! `facteur layout`. What moves slots between groups will stand beside `plan` and `apply`.

use directory::{Command, Directory};
use mailstore::ids::NodeId;
use serde_json::{Value, json};

use super::confirm;
use super::node::LOOK_INTERVAL;
use crate::arguments::Format;
use crate::cluster_arguments::{ConsentArguments, LayoutCommand, WaitArguments};
use crate::cluster_service::ClusterService;
use crate::console::Console;
use crate::error::CliError;
use crate::json;
use crate::progress::{Part, Progress};
use crate::size::human;
use crate::snapshot::{Outlook, Snapshot, Step};
use crate::table::{Align, Column, TableWriter};

const STEP_COLUMNS: [Column; 6] = [
    ("GROUP", Align::Right),
    ("FROM", Align::Left),
    ("TO", Align::Left),
    ("WHY", Align::Left),
    ("MAIL", Align::Right),
    ("BEGUN", Align::Left),
];

const NODE_COLUMNS: [Column; 6] = [
    ("NODE", Align::Left),
    ("STATE", Align::Left),
    ("REPLICAS", Align::Right),
    ("THEN", Align::Right),
    ("LEADS", Align::Right),
    ("THEN", Align::Right),
];

pub(crate) async fn run(
    command: &LayoutCommand,
    format: Format,
    service: &dyn ClusterService,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    match command {
        LayoutCommand::Plan => {
            let snapshot = Snapshot::take(service).await?;
            show(&snapshot, &snapshot.outlook(), format, console)
        }
        LayoutCommand::Apply { consent, wait } => apply((*consent, *wait), format, service, console).await,
    }
}

fn name(snapshot: &Snapshot, node: Option<NodeId>) -> String {
    node.map_or_else(|| "-".to_owned(), |node| snapshot.name(node))
}

/// Returns how many groups the node is to lead.
fn leads_then(end: &Directory, node: NodeId) -> usize {
    let preferred = end.preferred_leaders();
    let leads = |(group, replica)| {
        let group = end.groups.get(group)?;
        group.replicas.get(replica)
    };
    preferred.iter().filter(|led| leads(*led) == Some(&node)).count()
}

fn show(
    snapshot: &Snapshot,
    outlook: &Outlook,
    format: Format,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    if format == Format::Json {
        return Ok(json::write_value(console.output, &value(snapshot, outlook))?);
    }
    if outlook.steps.is_empty() {
        writeln!(console.output, "Nothing is to be moved.\n")?;
    } else {
        let mut table = TableWriter::begin(console.output, STEP_COLUMNS);
        for step in &outlook.steps {
            table.push([
                step.group.0.to_string(),
                name(snapshot, step.from),
                name(snapshot, step.to),
                step.reason.to_owned(),
                human(snapshot.size(step.group)),
                if step.begun { "yes" } else { "" }.to_owned(),
            ])?;
        }
        table.finish()?;
        writeln!(console.output)?;
    }
    let mut table = TableWriter::begin(console.output, NODE_COLUMNS);
    for (id, node) in &snapshot.directory.nodes {
        table.push([
            node.name.clone(),
            node.state.word().to_owned(),
            snapshot.directory.replicas_on(*id).count().to_string(),
            outlook.end.replicas_on(*id).count().to_string(),
            snapshot.leads(*id).to_string(),
            leads_then(&outlook.end, *id).to_string(),
        ])?;
    }
    Ok(table.finish()?)
}

fn value(snapshot: &Snapshot, outlook: &Outlook) -> Value {
    let step = |step: &Step| {
        json!({
            "group": step.group.0,
            "from": step.from.map(|node| snapshot.name(node)),
            "to": step.to.map(|node| snapshot.name(node)),
            "why": step.reason,
            "content_bytes": snapshot.size(step.group),
            "begun": step.begun,
        })
    };
    let node = |id: &NodeId| {
        json!({
            "node": snapshot.name(*id),
            "replicas": snapshot.directory.replicas_on(*id).count(),
            "replicas_then": outlook.end.replicas_on(*id).count(),
            "leads": snapshot.leads(*id),
            "leads_then": leads_then(&outlook.end, *id),
        })
    };
    json!({
        "changes": outlook.steps.iter().map(step).collect::<Vec<_>>(),
        "nodes": snapshot.directory.nodes.keys().map(node).collect::<Vec<_>>(),
    })
}

async fn apply(
    (consent, wait): (ConsentArguments, WaitArguments),
    format: Format,
    service: &dyn ClusterService,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let snapshot = Snapshot::take(service).await?;
    let outlook = snapshot.outlook();
    if outlook.steps.is_empty() {
        service.submit(Command::SetBalancing(false)).await??;
        return confirm(format, console, "Nothing is to be moved.");
    }
    if !consent.yes {
        show(&snapshot, &outlook, Format::Table, console)?;
        console.output.flush()?;
        let typed = console.prompt.ask_openly("Do this? Type yes: ");
        if typed.map_err(CliError::Confirmation)? != "yes" {
            return Err(CliError::NotConfirmed);
        }
    }
    service.submit(Command::SetBalancing(true)).await??;
    if wait.no_wait {
        let sentence = "Replicas are being spread; `facteur layout apply` shows how far it is.";
        return confirm(format, console, sentence);
    }
    writeln!(
        console.errors,
        "Ctrl-C ends only this display; the same command shows it again"
    )?;
    let mut progress = Progress::begin("changes", console);
    loop {
        let snapshot = Snapshot::take(service).await?;
        let remaining = parts(&snapshot);
        progress.show(&remaining, console)?;
        if remaining.is_empty() {
            break;
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    progress.end();
    service.submit(Command::SetBalancing(false)).await??;
    confirm(format, console, "The replicas are spread evenly.")
}

fn parts(snapshot: &Snapshot) -> Vec<Part> {
    let outlook = snapshot.outlook();
    let part = |step: &Step| {
        let moved = step.to.is_some();
        Part {
            name: format!(
                "group {}, {} to {}",
                step.group.0,
                name(snapshot, step.from),
                name(snapshot, step.to)
            ),
            bytes: if moved { snapshot.size(step.group) } else { 0 },
            copied: if step.begun {
                snapshot.copied(step.group)
            } else {
                0
            },
            begun: step.begun,
        }
    };
    outlook.steps.iter().map(part).collect()
}
