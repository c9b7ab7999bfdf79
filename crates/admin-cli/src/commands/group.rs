//! `facteur group`.

use directory::{ChangeReason, Command, Group};
use mailstore::GroupId;
use mailstore::ids::{NodeId, ReplicaId};
use serde_json::{Value, json};

use super::confirm;
use crate::arguments::Format;
use crate::cluster_arguments::GroupCommand;
use crate::cluster_service::ClusterService;
use crate::console::Console;
use crate::error::CliError;
use crate::json::{self, ArrayWriter};
use crate::size::human;
use crate::snapshot::{Snapshot, known, named};
use crate::table::{Align, Column, TableWriter, write_fields};

const COLUMNS: [Column; 7] = [
    ("GROUP", Align::Right),
    ("LEADER", Align::Left),
    ("TERM", Align::Right),
    ("VOTERS", Align::Left),
    ("SLOTS", Align::Right),
    ("MAIL", Align::Right),
    ("CHANGE", Align::Left),
];

const REPLICA_COLUMNS: [Column; 9] = [
    ("REPLICA", Align::Right),
    ("NODE", Align::Left),
    ("ROLE", Align::Left),
    ("TERM", Align::Right),
    ("LOGGED", Align::Right),
    ("COMMITTED", Align::Right),
    ("APPLIED", Align::Right),
    ("MISSING", Align::Right),
    ("MAIL", Align::Right),
];

pub(crate) async fn run(
    command: &GroupCommand,
    format: Format,
    service: &dyn ClusterService,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    match command {
        GroupCommand::List => list(&Snapshot::take(service).await?, format, console),
        GroupCommand::Show { group } => show(&Snapshot::take(service).await?, *group, format, console),
        GroupCommand::TransferLeader { group, to } => {
            transfer((*group, to), service).await?;
            let sentence = format!("Asked {to} to lead group {}.", group.0);
            confirm(format, console, &sentence)
        }
        GroupCommand::Move { group, from, to } => {
            begin_move(*group, (from, to), service).await?;
            let sentence = format!(
                "Group {} moves from {from} to {to}; `facteur group show {0}` shows how far it is.",
                group.0
            );
            confirm(format, console, &sentence)
        }
    }
}

fn voters(snapshot: &Snapshot, group: &Group) -> Vec<String> {
    let voters = group.voters();
    voters.values().map(|node| snapshot.name(*node)).collect()
}

fn change(snapshot: &Snapshot, group: &Group) -> Option<String> {
    let change = group.change?;
    let name = |replica: Option<ReplicaId>| Some(snapshot.name(*group.replicas.get(&replica?)?));
    let mut words = vec![change.reason.word().to_owned()];
    words.extend(name(change.remove).map(|node| format!("from {node}")));
    words.extend(name(change.add).map(|node| format!("to {node}")));
    words.extend(change.abandoned.then(|| "(being undone)".to_owned()));
    Some(words.join(" "))
}

fn group_value(snapshot: &Snapshot, id: GroupId, group: &Group) -> Value {
    let leader = snapshot.leader(id);
    json!({
        "group": id.0,
        "leader": leader.map(|(node, _)| snapshot.name(node)),
        "term": leader.map(|(_, replica)| replica.term),
        "voters": voters(snapshot, group),
        "slots": snapshot.directory.slots.count(id),
        "content_bytes": leader.and_then(|(_, replica)| replica.content_bytes),
        "change": change(snapshot, group),
    })
}

fn list(snapshot: &Snapshot, format: Format, console: &mut Console<'_>) -> Result<(), CliError> {
    if format == Format::Json {
        let mut array = ArrayWriter::begin(console.output);
        for (id, group) in &snapshot.directory.groups {
            array.push(&group_value(snapshot, *id, group))?;
        }
        return Ok(array.finish()?);
    }
    let mut table = TableWriter::begin(console.output, COLUMNS);
    for (id, group) in &snapshot.directory.groups {
        let leader = snapshot.leader(*id);
        table.push([
            id.0.to_string(),
            leader.map_or_else(|| "none".to_owned(), |(node, _)| snapshot.name(node)),
            leader.map_or_else(String::new, |(_, replica)| replica.term.to_string()),
            voters(snapshot, group).join(", "),
            snapshot.directory.slots.count(*id).to_string(),
            human(snapshot.size(*id)),
            change(snapshot, group).unwrap_or_default(),
        ])?;
    }
    Ok(table.finish()?)
}

fn role(snapshot: &Snapshot, (node, replica): (NodeId, ReplicaId)) -> &'static str {
    match snapshot.replica(node, replica) {
        Some(report) if report.leads => "leader",
        Some(report) if report.votes => "follower",
        Some(_) => "learner",
        None => "silent",
    }
}

fn replica_value(snapshot: &Snapshot, at: (NodeId, ReplicaId)) -> Value {
    let report = snapshot.replica(at.0, at.1);
    json!({
        "replica": at.1.0,
        "node": snapshot.name(at.0),
        "role": role(snapshot, at),
        "term": report.map(|report| report.term),
        "last_index": report.and_then(|report| report.last_index),
        "committed_index": report.and_then(|report| report.committed_index),
        "applied_index": report.and_then(|report| report.applied_index),
        "missing_blobs": report.and_then(|report| report.missing_blobs),
        "content_bytes": report.and_then(|report| report.content_bytes),
    })
}

fn show(snapshot: &Snapshot, id: GroupId, format: Format, console: &mut Console<'_>) -> Result<(), CliError> {
    let group = snapshot.group(id)?;
    let replicas = group.replicas.iter().map(|(replica, node)| (*node, *replica));
    if format == Format::Json {
        let mut value = group_value(snapshot, id, group);
        let replicas: Vec<Value> = replicas.map(|at| replica_value(snapshot, at)).collect();
        if let Some(members) = value.as_object_mut() {
            members.insert("replicas".to_owned(), Value::Array(replicas));
        }
        return Ok(json::write_value(console.output, &value)?);
    }
    let leader = snapshot.leader(id).map(|(node, _)| snapshot.name(node));
    let fields = [
        ("Group", id.0.to_string()),
        ("Leader", leader.unwrap_or_else(|| "none".to_owned())),
        ("Slots", snapshot.directory.slots.count(id).to_string()),
        ("Mail", human(snapshot.size(id))),
        (
            "Change",
            change(snapshot, group).unwrap_or_else(|| "none".to_owned()),
        ),
    ];
    write_fields(console.output, &fields)?;
    writeln!(console.output)?;
    let mut table = TableWriter::begin(console.output, REPLICA_COLUMNS);
    for at in replicas {
        table.push(replica_row(snapshot, at))?;
    }
    Ok(table.finish()?)
}

fn replica_row(snapshot: &Snapshot, at: (NodeId, ReplicaId)) -> [String; 9] {
    let report = snapshot.replica(at.0, at.1);
    let number = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    [
        at.1.0.to_string(),
        snapshot.name(at.0),
        role(snapshot, at).to_owned(),
        number(report.map(|report| report.term)),
        number(report.and_then(|report| report.last_index)),
        number(report.and_then(|report| report.committed_index)),
        number(report.and_then(|report| report.applied_index)),
        number(report.and_then(|report| report.missing_blobs)),
        report
            .and_then(|report| report.content_bytes)
            .map_or_else(|| "-".to_owned(), human),
    ]
}

async fn transfer((group, to): (GroupId, &str), service: &dyn ClusterService) -> Result<(), CliError> {
    let snapshot = Snapshot::take(service).await?;
    let node = named(&snapshot.directory, to)?;
    let replica = snapshot.group(group)?.on(node);
    let replica = replica.and_then(|replica| snapshot.replica(node, replica));
    if !replica.is_some_and(|replica| replica.votes) {
        return Err(CliError::NotNow(
            "that node has no replica of this group that votes and answers",
        ));
    }
    if snapshot.leader(group).is_none() {
        return Err(CliError::NotNow("the group has no leader that can be reached"));
    }
    Ok(service.transfer_leader(group, node).await?)
}

async fn begin_move(
    group: GroupId,
    (from, to): (&str, &str),
    service: &dyn ClusterService,
) -> Result<(), CliError> {
    let directory = known(service).await?;
    let (from, to) = (named(&directory, from)?, named(&directory, to)?);
    let known = directory
        .groups
        .get(&group)
        .ok_or(CliError::NoSuchGroup(group.0))?;
    let remove = known
        .on(from)
        .ok_or(CliError::Refused(directory::Rejection::NoSuchReplica))?;
    let command = Command::BeginChange {
        group,
        add_on: Some(to),
        remove: Some(remove),
        reason: ChangeReason::Order,
    };
    service.submit(command).await??;
    Ok(())
}
