//! `facteur node`.

use std::time::Duration;

use directory::{Command, Directory, Group, NodeState, Rejection};
use mailstore::GroupId;
use mailstore::ids::NodeId;

use super::confirm;
use crate::arguments::Format;
use crate::cluster_arguments::{ConsentArguments, NodeCommand, WaitArguments};
use crate::cluster_service::ClusterService;
use crate::console::Console;
use crate::error::CliError;
use crate::progress::{Part, Progress};
use crate::snapshot::{Snapshot, known, named};

/// How often is looked how far it is.
pub(super) const LOOK_INTERVAL: Duration = Duration::from_secs(1);

const ADVICE: &str = "\
A storage node joins the cluster when it starts with an empty data directory and knows a node that is in it.

1. Where the authority of the cluster is kept (`facteur pki init` made it), issue the certificate of the node. N is
   a number that no node has had:
     facteur pki issue storage node-N
   Bring the files that it names to the new machine, with the authority's certificate and the secret of the cluster.
2. Settings of the new machine:
     [server]
     roles = [\"storage\"]
     [cluster]
     node_id = N
     seeds = [SEEDS]
     advertise = \"HOST:7700\"    # where the others reach it
     zone = \"RACK\"              # what fails together with it, if you keep track of that
     [listen]
     rpc = [\"0.0.0.0:7700\"]
3. Start it there: facteur serve
4. Here: facteur node add --wait node-N, and then facteur layout apply, which gives it its share of the replicas.
";

pub(crate) async fn run(
    command: &NodeCommand,
    format: Format,
    service: &dyn ClusterService,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    match command {
        NodeCommand::Add { wait: None } => advise(service, console).await,
        NodeCommand::Add { wait: Some(name) } => await_node(name, format, service, console).await,
        NodeCommand::Cordon(node) => {
            set_state(&node.name, NodeState::Cordoned, service).await?;
            confirm(format, console, &format!("{} takes no more replicas.", node.name))
        }
        NodeCommand::Uncordon(node) => {
            set_state(&node.name, NodeState::Active, service).await?;
            confirm(format, console, &format!("{} is used again.", node.name))
        }
        NodeCommand::Drain { node, wait } => {
            let id = set_state(&node.name, NodeState::Drained, service).await?;
            drain((id, &node.name), *wait, format, (service, console)).await
        }
        NodeCommand::Decommission { node, wait } => {
            decommission(&node.name, *wait, format, (service, console)).await
        }
        NodeCommand::Replace { node, consent } => {
            replace(&node.name, *consent, format, (service, console)).await
        }
    }
}

/// A service and where to tell what it answers.
type Way<'a, 'b, 'c> = (&'a dyn ClusterService, &'b mut Console<'c>);

async fn advise(service: &dyn ClusterService, console: &mut Console<'_>) -> Result<(), CliError> {
    let directory = known(service).await?;
    let nodes = directory.nodes.values();
    let seeds = nodes.filter(|node| node.state == NodeState::Active && !node.address.is_empty());
    let seeds: Vec<String> = seeds.map(|node| format!("{:?}", node.address)).collect();
    if seeds.is_empty() {
        return Err(CliError::NotNow(
            "no node here can be reached by others: `cluster.advertise` and `listen.rpc` say where",
        ));
    }
    write!(console.output, "{}", ADVICE.replace("SEEDS", &seeds.join(", ")))?;
    Ok(())
}

async fn await_node(
    name: &str,
    format: Format,
    service: &dyn ClusterService,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let mut told = false;
    loop {
        let snapshot = Snapshot::take(service).await?;
        if let Some((id, _)) = snapshot.directory.node_named(name)
            && snapshot.reports.get(&id).is_some_and(|report| report.reachable)
        {
            return confirm(format, console, &format!("{name} is there, as node {id}."));
        }
        if !told {
            writeln!(console.errors, "waiting for {name}; Ctrl-C ends only this")?;
            told = true;
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

async fn set_state(name: &str, state: NodeState, service: &dyn ClusterService) -> Result<NodeId, CliError> {
    let id = named(&known(service).await?, name)?;
    service.submit(Command::SetNodeState(id, state)).await??;
    Ok(id)
}

async fn drain(
    (id, name): (NodeId, &str),
    wait: WaitArguments,
    format: Format,
    (service, console): Way<'_, '_, '_>,
) -> Result<(), CliError> {
    if wait.no_wait {
        return confirm(format, console, &format!("{name} is to lead nothing."));
    }
    let mut progress = Progress::begin("groups led elsewhere", console);
    loop {
        let snapshot = Snapshot::take(service).await?;
        let groups = snapshot.directory.groups.iter();
        // Where no other replica votes, it must go on.
        let others = groups.filter(|(_, group)| group.voters().len() > 1);
        let led =
            others.filter(|(group, _)| snapshot.leader(**group).is_some_and(|(leader, _)| leader == id));
        let led: Vec<_> = led.collect();
        for (group, known) in &led {
            // Whoever votes may lead; a leader that could not be moved now is asked again in the next round.
            if let Some(to) = successor(&snapshot, **group, (known, id)) {
                drop(service.transfer_leader(**group, to).await);
            }
        }
        let remaining: Vec<Part> = led
            .iter()
            .map(|(group, _)| Part {
                name: format!("group {}", group.0),
                bytes: 0,
                copied: 0,
                begun: false,
            })
            .collect();
        progress.show(&remaining, console)?;
        if remaining.is_empty() {
            progress.end();
            return confirm(
                format,
                console,
                &format!("{name} leads nothing that another node can lead."),
            );
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

/// Returns the node that is to lead a group in place of another.
fn successor(snapshot: &Snapshot, id: GroupId, (group, from): (&Group, NodeId)) -> Option<NodeId> {
    let directory = &snapshot.directory;
    let preferred = directory
        .preferred_leaders()
        .get(&id)
        .and_then(|replica| group.replicas.get(replica).copied());
    let voters = group.voters().into_values();
    let mut candidates = preferred.into_iter().chain(voters);
    candidates.find(|node| *node != from && snapshot.reports.get(node).is_some_and(|report| report.reachable))
}

async fn decommission(
    name: &str,
    wait: WaitArguments,
    format: Format,
    (service, console): Way<'_, '_, '_>,
) -> Result<(), CliError> {
    let snapshot = Snapshot::take(service).await?;
    let id = named(&snapshot.directory, name)?;
    let nodes = snapshot.directory.nodes.keys();
    let others = nodes
        .filter(|node| **node != id && snapshot.is_usable(**node))
        .count();
    if others == 0 {
        return Err(CliError::NotNow("no other node could take what it has"));
    }
    let wanted = usize::try_from(snapshot.directory.voters).unwrap_or(usize::MAX);
    if others < wanted {
        writeln!(
            console.errors,
            "facteur: nodes for {others} of {wanted} voters of each group remain"
        )?;
    }
    service
        .submit(Command::SetNodeState(id, NodeState::Leaving))
        .await??;
    if wait.no_wait {
        let sentence = format!("{name} leaves; the same command without --no-wait takes it out at the end.");
        return confirm(format, console, &sentence);
    }
    writeln!(
        console.errors,
        "Ctrl-C ends only this display; the same command shows it again and takes {name} out at the end"
    )?;
    await_empty(id, (service, console)).await?;
    match service.submit(Command::ForgetNode(id)).await? {
        // Somebody else waited as well.
        Ok(_) | Err(Rejection::NoSuchNode) => {}
        Err(rejection) => return Err(rejection.into()),
    }
    confirm(
        format,
        console,
        &format!("{name} is no longer part of the cluster; it can be stopped and its disk wiped."),
    )
}

async fn await_empty(id: NodeId, (service, console): Way<'_, '_, '_>) -> Result<(), CliError> {
    let mut progress = Progress::begin("replicas moved", console);
    loop {
        let snapshot = Snapshot::take(service).await?;
        let remaining = replicas_left(&snapshot, id);
        progress.show(&remaining, console)?;
        if remaining.is_empty() {
            progress.end();
            return Ok(());
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

fn replicas_left(snapshot: &Snapshot, id: NodeId) -> Vec<Part> {
    let replicas = snapshot.directory.replicas_on(id);
    let part = |(group, replica)| {
        let known = snapshot.directory.groups.get(&group);
        let change = known.and_then(|known| known.change);
        let begun = change.is_some_and(|change| change.leaving() == Some(replica));
        Part {
            name: format!("group {}", group.0),
            bytes: snapshot.size(group),
            copied: if begun { snapshot.copied(group) } else { 0 },
            begun,
        }
    };
    replicas.map(part).collect()
}

async fn replace(
    name: &str,
    consent: ConsentArguments,
    format: Format,
    (service, console): Way<'_, '_, '_>,
) -> Result<(), CliError> {
    let directory = known(service).await?;
    let id = named(&directory, name)?;
    let count = directory.replicas_on(id).count();
    if !consent.yes {
        let question = format!(
            "{name} is given up for good, with {count} replicas; its data directory can never be used again.\n\
             Type its name if its disk is really gone: "
        );
        let typed = console.prompt.ask_openly(&question);
        if typed.map_err(CliError::Confirmation)? != name {
            return Err(CliError::NotConfirmed);
        }
    }
    service
        .submit(Command::SetNodeState(id, NodeState::Lost))
        .await??;
    confirm(format, console, &given_up(&directory, id, name, count))
}

fn given_up(directory: &Directory, id: NodeId, name: &str, count: usize) -> String {
    let nodes = directory.nodes.iter();
    let takes = nodes.filter(|(node, known)| **node != id && known.state == NodeState::Active);
    let next = match takes.count() + 1 > usize::try_from(directory.voters).unwrap_or(usize::MAX) {
        true => "They are made anew on the other nodes now",
        false => {
            "They are made anew once another node is there: start one with an empty data directory, under the same name if you like"
        }
    };
    format!(
        "{name} is given up; {count} replicas are gone. {next}, and then it is forgotten (cluster status, cluster members)."
    )
}
