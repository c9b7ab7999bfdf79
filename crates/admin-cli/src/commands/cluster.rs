//! `facteur cluster`.

use std::collections::BTreeSet;

use directory::{Command, FeatureLevel, NodeState};
use mailstore::GroupId;
use mailstore::ids::NodeId;
use serde_json::json;

use super::confirm;
use crate::arguments::Format;
use crate::cluster_arguments::ClusterCommand;
use crate::cluster_service::ClusterService;
use crate::console::Console;
use crate::error::CliError;
use crate::json::{self, ArrayWriter};
use crate::snapshot::{Snapshot, known};
use crate::table::{Align, Column, TableWriter, write_fields};

const MEMBER_COLUMNS: [Column; 9] = [
    ("NODE", Align::Left),
    ("ID", Align::Right),
    ("ZONE", Align::Left),
    ("ADDRESS", Align::Left),
    ("STATE", Align::Left),
    ("VERSION", Align::Left),
    ("ANSWERS", Align::Left),
    ("REPLICAS", Align::Right),
    ("LEADS", Align::Right),
];

pub(crate) async fn run(
    command: &ClusterCommand,
    format: Format,
    service: &dyn ClusterService,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    match command {
        ClusterCommand::Status => status(&Snapshot::take(service).await?, format, console),
        ClusterCommand::Members => members(&Snapshot::take(service).await?, format, console),
        ClusterCommand::FinalizeUpgrade => finalize(format, service, console).await,
    }
}

/// Returns what is wrong, in words, the worst first.
fn problems(snapshot: &Snapshot) -> Vec<String> {
    let mut problems = Vec::new();
    let groups = &snapshot.directory.groups;
    let without = groups.keys().filter(|id| snapshot.leader(**id).is_none());
    let without: Vec<GroupId> = without.copied().collect();
    if let Some(which) = listed(&without) {
        let have = if without.len() == 1 { "has" } else { "have" };
        problems.push(format!("{which} {have} no leader that can be reached"));
    }
    for (node, silent) in snapshot.silent() {
        let silent = humantime::format_duration(silent);
        problems.push(format!(
            "{} does not answer, for {silent} at least",
            snapshot.name(node)
        ));
    }
    for node in snapshot.directory.nodes.values() {
        if node.state == NodeState::Lost {
            problems.push(format!("{} is lost and not replaced yet", node.name));
        }
    }
    let wanted = usize::try_from(snapshot.directory.voters).unwrap_or(usize::MAX);
    let fewer = groups.iter().filter(|(_, group)| group.voters().len() < wanted);
    let fewer: Vec<GroupId> = fewer.map(|(id, _)| *id).collect();
    if let Some(which) = listed(&fewer) {
        let nodes = snapshot.directory.nodes.keys();
        let usable = nodes.filter(|node| snapshot.is_usable(**node)).count();
        let advice = match usable < wanted {
            true => format!("; the cluster has nodes for {usable}"),
            false => String::new(),
        };
        problems.push(format!("{which}: fewer voters than {wanted}{advice}"));
    }
    problems
}

/// Returns groups in words, neighbours together.
fn listed(groups: &[GroupId]) -> Option<String> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for group in groups {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == group.0 => *last = group.0,
            _ => runs.push((group.0, group.0)),
        }
    }
    let texts = runs.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    let texts = texts.collect::<Vec<_>>().join(", ");
    match groups.len() {
        0 => None,
        1 => Some(format!("group {texts}")),
        _ => Some(format!("groups {texts}")),
    }
}

fn status(snapshot: &Snapshot, format: Format, console: &mut Console<'_>) -> Result<(), CliError> {
    let (directory, problems) = (&snapshot.directory, problems(snapshot));
    let changes = directory
        .groups
        .values()
        .filter(|group| group.change.is_some())
        .count();
    let id: String = directory
        .cluster
        .0
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect();
    let possible = directory.feature_level_possible();
    if format == Format::Json {
        let value = json!({
            "problems": problems,
            "cluster": id,
            "epoch": directory.epoch.0,
            "nodes": directory.nodes.len(),
            "groups": directory.groups.len(),
            "voters": directory.voters,
            "feature_level": directory.feature_level.0,
            "feature_level_possible": possible.0,
            "changes": changes,
            "balancing": directory.balancing,
        });
        return Ok(json::write_value(console.output, &value)?);
    }
    match problems.is_empty() {
        true => writeln!(console.output, "All is well.")?,
        false => {
            for problem in &problems {
                writeln!(console.output, "PROBLEM: {problem}")?;
            }
        }
    }
    writeln!(console.output)?;
    let fields = [
        ("Cluster", id),
        ("Epoch", directory.epoch.0.to_string()),
        ("Nodes", directory.nodes.len().to_string()),
        (
            "Groups",
            format!("{}, wanted voters {}", directory.groups.len(), directory.voters),
        ),
        ("Feature level", level_words(directory.feature_level, possible)),
        ("Changes under way", changes.to_string()),
        ("Balancing", on_or_off(directory.balancing).to_owned()),
    ];
    Ok(write_fields(console.output, &fields)?)
}

fn level_words(level: FeatureLevel, possible: FeatureLevel) -> String {
    match possible > level {
        true => format!(
            "{}; all nodes understand {} (cluster finalize-upgrade)",
            level.0, possible.0
        ),
        false => level.0.to_string(),
    }
}

fn on_or_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn members(snapshot: &Snapshot, format: Format, console: &mut Console<'_>) -> Result<(), CliError> {
    if format == Format::Json {
        let mut array = ArrayWriter::begin(console.output);
        for id in snapshot.directory.nodes.keys() {
            array.push(&member_value(snapshot, *id))?;
        }
        return Ok(array.finish()?);
    }
    let mut table = TableWriter::begin(console.output, MEMBER_COLUMNS);
    let silent = snapshot.silent();
    for (id, node) in &snapshot.directory.nodes {
        table.push([
            node.name.clone(),
            id.to_string(),
            node.zone.clone(),
            node.address.clone(),
            node.state.word().to_owned(),
            node.version.clone(),
            match silent.get(id) {
                Some(silent) => format!("not for {}", humantime::format_duration(*silent)),
                None => "yes".to_owned(),
            },
            snapshot.directory.replicas_on(*id).count().to_string(),
            snapshot.leads(*id).to_string(),
        ])?;
    }
    Ok(table.finish()?)
}

fn member_value(snapshot: &Snapshot, id: NodeId) -> serde_json::Value {
    let Some(node) = snapshot.directory.nodes.get(&id) else {
        return serde_json::Value::Null;
    };
    json!({
        "node": node.name,
        "id": id.0,
        "zone": node.zone,
        "address": node.address,
        "state": node.state.word(),
        "version": node.version,
        "silent_seconds": snapshot.silent().get(&id).map(std::time::Duration::as_secs),
        "replicas": snapshot.directory.replicas_on(id).count(),
        "leads": snapshot.leads(id),
    })
}

async fn finalize(
    format: Format,
    service: &dyn ClusterService,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let directory = known(service).await?;
    let (level, possible) = (directory.feature_level, directory.feature_level_possible());
    let present = directory
        .nodes
        .values()
        .filter(|node| node.state != NodeState::Lost);
    let highest = present
        .clone()
        .map(|node| node.feature_level_max)
        .max()
        .unwrap_or(level);
    let behind = present.filter(|node| node.feature_level_max < highest);
    let behind: BTreeSet<String> = behind
        .map(|node| format!("{} ({})", node.name, node.version))
        .collect();
    if !behind.is_empty() {
        let behind = behind.into_iter().collect::<Vec<_>>().join(", ");
        writeln!(
            console.errors,
            "facteur: level {} is held back by {behind}",
            highest.0
        )?;
    }
    if possible > level {
        service.submit(Command::RaiseFeatureLevel(possible)).await??;
        let sentence = format!("Raised the feature level from {} to {}.", level.0, possible.0);
        return confirm(format, console, &sentence);
    }
    if highest > level {
        return Err(CliError::NotNow("not every node understands a higher level"));
    }
    let sentence = format!("The feature level is {}, the highest there is.", level.0);
    confirm(format, console, &sentence)
}
