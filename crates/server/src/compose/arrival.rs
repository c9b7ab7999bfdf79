//! How a storage node comes into its cluster: it goes on with what it has, begins a cluster with others that have
//! nothing either, or joins one that is there.
//!
//! A node whose data directory is empty may be one that has lost its disk. It must not go on under its old replicas, whose
//! promises it has forgotten. So it asks whoever can be reached whether there is a cluster already, and begins one only
//! together with a majority of the nodes of its settings that have none.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cluster::{DirectoryAccess, DirectoryDoors};
use directory::{Announcement, ClusterId, Command, Directory, DiskId, FeatureLevel, codec};
use futures::StreamExt;
use futures::future::join_all;
use mailstore::StoreError;
use mailstore::ids::NodeId;
use mailstore::ports::BoxStream;
use rpc::{Described, DirectoryHandler, Offer, Services};
use settings::Settings;
use storage_node::Placement;
use tokio_util::sync::CancellationToken;

use super::{Site, identity, topology};
use crate::exit::{Exit, Failure, OrExit};
use crate::surroundings::Machine;

/// The pause between two looks around.
const LOOK_INTERVAL: Duration = Duration::from_millis(300);
/// How long somebody who is asked may take.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(3);

/// What a storage node starts with.
pub struct Arrival {
    /// Its replicas, and the other nodes.
    pub placement: Placement,
    /// What the cluster begins with, where it may not have begun.
    pub founding: Option<Box<Directory>>,
    /// What the node says of itself.
    pub announcement: Announcement,
}

/// Finds out what this node is to start with. While a node without anything looks around, it
/// answers others that do the same.
///
/// # Errors
/// When settings and data directory do not go together.
pub async fn arrive(
    site: &Site,
    access: &DirectoryAccess,
    ways: &dyn DirectoryDoors,
    offer: &Offer,
) -> Result<Arrival, Failure> {
    let kept = storage_node::kept_placement(&*site.data.disk());
    let kept = kept.or_exit(Exit::Software, "cannot start")?;
    let disk = identity::read(&site.data)?;
    let listed = site.topology.placement()?;
    let (placement, disk) = match (disk, kept.or(listed.clone())) {
        (Some(disk), Some(placement)) => (placement, disk),
        (disk, _) if site.topology.is_networked() => {
            offer.replace(blank(site));
            let newcomer = Newcomer {
                site,
                access,
                ways,
                listed,
                disk,
            };
            newcomer.look_around().await?
        }
        (disk, Some(placement)) => (placement, disk.map_or_else(|| identity::make(&site.data), Ok)?),
        (_, None) => return Err(nowhere()),
    };
    let begins = placement.epoch.0 == 0;
    if begins {
        identity::keep_group_count(&site.settings, &site.data)?;
    }
    let founding = begins.then(|| Box::new(founding(site, &placement)));
    Ok(Arrival {
        announcement: announcement(site, disk)?,
        placement,
        founding,
    })
}

fn nowhere() -> Failure {
    Failure::new(Exit::Config, "settings: `cluster.nodes` does not name this node")
}

fn founding(site: &Site, placement: &Placement) -> Directory {
    let voters = u32::try_from(topology::voters(&site.settings)).unwrap_or(1);
    placement.founding(
        ClusterId(Machine::random()),
        site.topology.layout.slots().clone(),
        voters,
    )
}

/// Returns what this node says of itself.
fn announcement(site: &Site, disk: DiskId) -> Result<Announcement, Failure> {
    Ok(Announcement {
        name: site.name.as_str().to_owned(),
        address: reached_at(&site.settings)?,
        zone: site.settings.cluster.zone.clone().unwrap_or_default(),
        disk,
        feature_level_max: FeatureLevel::NEWEST,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// Returns where others reach this node; nowhere, for a process alone.
fn reached_at(settings: &Settings) -> Result<String, Failure> {
    let cluster = &settings.cluster;
    let listed = cluster.nodes.iter().find(|node| node.id == cluster.node_id);
    let named = cluster
        .advertise
        .clone()
        .or_else(|| listed.map(|node| node.address.clone()));
    let bound = settings.listen.rpc.first();
    match (named, bound) {
        (Some(named), _) => Ok(named),
        (None, Some(bound)) if !bound.ip().is_unspecified() => Ok(bound.to_string()),
        (None, Some(_)) => Err(Failure::new(
            Exit::Config,
            "settings: `cluster.advertise` must say where others reach this node, since `listen.rpc` is every address",
        )),
        (None, None) => Ok(String::new()),
    }
}

/// A node that has nothing yet.
struct Newcomer<'a> {
    site: &'a Site,
    access: &'a DirectoryAccess,
    ways: &'a dyn DirectoryDoors,
    /// What it begins with together with others.
    listed: Option<Placement>,
    disk: Option<DiskId>,
}

impl Newcomer<'_> {
    async fn look_around(&self) -> Result<(Placement, DiskId), Failure> {
        tracing::info!("the data directory is empty; asking the other nodes whether there is a cluster");
        loop {
            let answers = self.ask_everybody().await;
            let known = answers.iter().filter_map(|answer| answer.directory.clone());
            let known: Vec<Directory> = known
                .filter_map(|bytes| codec::decode_directory(bytes).ok())
                .collect();
            if !known.is_empty() {
                known
                    .into_iter()
                    .for_each(|directory| self.access.learn(directory));
                let disk = self.disk.map_or_else(|| identity::make(&self.site.data), Ok)?;
                return Ok((self.join(disk).await?, disk));
            }
            if let Some(listed) = &self.listed
                && 2 * (answers.len() + 1) > listed.nodes.len()
            {
                let disk = self.disk.map_or_else(|| identity::make(&self.site.data), Ok)?;
                return Ok((listed.clone(), disk));
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// Returns what those say who can be reached, each once.
    async fn ask_everybody(&self) -> Vec<Described> {
        let nodes = self.ways.seeds();
        let asked = nodes
            .iter()
            .map(|node| tokio::time::timeout(ANSWER_TIME_MAX, node.describe()));
        let answers = join_all(asked).await.into_iter();
        let mut answers: Vec<Described> = answers.filter_map(|answer| answer.ok()?.ok()).collect();
        answers.retain(|answer| answer.name != self.site.name.as_str());
        answers.sort_by(|one, other| one.name.cmp(&other.name));
        answers.dedup_by(|one, other| one.name == other.name);
        answers
    }

    /// Asks the cluster to take this node until it has.
    async fn join(&self, disk: DiskId) -> Result<Placement, Failure> {
        let command = Command::Announce(announcement(self.site, disk)?);
        let mut told = None;
        loop {
            match self.access.submit(&command).await {
                Ok(Ok(done)) => {
                    let node = done
                        .node
                        .ok_or_else(|| Failure::new(Exit::Software, "the cluster gave no number"))?;
                    return self.placement(node, done.epoch).await;
                }
                Ok(Err(rejection)) if told != Some(rejection) => {
                    tracing::warn!(%rejection, "the cluster does not take this node yet");
                    told = Some(rejection);
                }
                Ok(Err(_)) => {}
                Err(error) => tracing::debug!(%error, "the directory cannot be reached"),
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// Waits for the directory that knows this node.
    async fn placement(&self, node: NodeId, epoch: directory::Epoch) -> Result<Placement, Failure> {
        let stop = CancellationToken::new();
        let ended = stop.clone().drop_guard();
        let mut known = self.access.known();
        let newest = async {
            let awaited = known.wait_for(|known| known.as_ref().is_some_and(|known| known.epoch >= epoch));
            awaited.await.ok().and_then(|known| known.clone())
        };
        // Following ends only when it is stopped.
        let newest = tokio::select! {
            newest = newest => newest,
            () = self.access.follow(stop) => None,
        };
        drop(ended);
        let newest = newest.ok_or_else(|| Failure::new(Exit::Unavailable, "the directory was not given"))?;
        Ok(Placement::of(&newest, node))
    }
}

/// Returns what a node offers that has nothing yet.
fn blank(site: &Site) -> Services {
    let mut services = Services::starting();
    let name = site.name.as_str().to_owned();
    services.add_directory(Arc::new(Blank { name }));
    services
}

/// A node that has nothing yet, as others see it.
struct Blank {
    name: String,
}

#[async_trait::async_trait]
impl DirectoryHandler for Blank {
    fn describe(&self) -> Described {
        Described {
            name: self.name.clone(),
            blank: true,
            directory: None,
        }
    }

    async fn submit(&self, _command: Bytes) -> Result<Bytes, StoreError> {
        Err(StoreError::NotLeader { hint: None })
    }

    fn watch(&self, _epoch: u64) -> BoxStream<Bytes> {
        futures::stream::empty().boxed()
    }
}

#[cfg(test)]
mod tests {
    use settings::{Override, Sources};

    use super::*;

    fn settings(assignments: &[(&str, &str)]) -> Settings {
        let overrides = assignments
            .iter()
            .map(|(key, value)| Override::new(*key, *value, "--set"));
        let sources = Sources {
            overrides: overrides.collect(),
            ..Sources::default()
        };
        Settings::from_sources(&sources).expect("valid")
    }

    #[test]
    fn a_node_is_reached_where_it_says_or_where_it_listens() {
        let check = |assignments: &[(&str, &str)], address: Option<&str>| {
            let found = reached_at(&settings(assignments)).ok();
            assert_eq!(found.as_deref(), address, "{assignments:?}");
        };
        let seeds = ("cluster.seeds", "seed:7700");
        check(&[], Some(""));
        check(&[seeds, ("listen.rpc", "10.0.0.7:7700")], Some("10.0.0.7:7700"));
        check(&[seeds, ("listen.rpc", "0.0.0.0:7700")], None);
        let advertise = ("cluster.advertise", "node-4.mail:7700");
        check(
            &[seeds, ("listen.rpc", "0.0.0.0:7700"), advertise],
            Some("node-4.mail:7700"),
        );
        check(
            &[("cluster.nodes", "1=a:7700"), ("listen.rpc", "0.0.0.0:7700")],
            Some("a:7700"),
        );
    }
}
