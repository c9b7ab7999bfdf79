//! The account and the mail of the demo, brought in through the cluster.

use std::collections::BTreeMap;
use std::time::Duration;

use cluster::Router;
use mailstore::GroupId;
use mailstore::ports::{Administration, LeaderStatus, NodeStatus};
use rpc::NodeClient;
use settings::Settings;
use tls::Role;

use super::super::mail::Destination;
use super::super::{DELIVERED_FILE, account, mail};
use super::place::Place;
use crate::compose::certificates::Certificates;
use crate::compose::topology::Topology;
use crate::compose::{Site, links};
use crate::durable_file;
use crate::exit::{Exit, Failure, OrExit};

/// The name of this process in the cluster.
const NAME: &str = "demo";
/// Time until every group has a leader: processes start, tables are rebuilt, votes are cast.
const START_TIME_MAX: Duration = Duration::from_secs(120);
const START_INTERVAL: Duration = Duration::from_millis(100);
/// The leader may change while mail comes in.
const DELIVERY_ATTEMPTS_MAX: usize = 5;

/// Returns this process as an administrator of the cluster.
///
/// # Errors
/// When settings or certificates cannot be used.
pub fn site(place: &Place, of_proxy: Settings) -> Result<Site, Failure> {
    let mut settings = of_proxy;
    settings.server.data_dir = place.data.path().to_owned();
    settings.server.host_name = Some(NAME.to_owned());
    let topology = Topology::of(&settings)?;
    Ok(Site {
        certificates: Certificates::open(&settings, &place.data, &topology)?,
        topology,
        data: place.data.clone(),
        name: NAME.parse().expect("invariant: letters"),
        host: NAME.to_owned(),
        settings,
    })
}

/// Waits until every group has a leader, and makes account and mail if they are not there. Returns the password.
///
/// # Errors
/// When the cluster does not come up, or refuses.
pub async fn furnish(site: &Site) -> Result<String, Failure> {
    let router = links::router(site, Role::Admin, None)?;
    leaders(site, &router).await?;
    let password = account::password(&site.data)?;
    let account = account::ensure(&router, &password).await?;
    let marker = site.data.join(DELIVERED_FILE);
    if !marker.exists() {
        deliver(site, &router, account).await?;
        durable_file::replace(&marker, b"").or_exit(Exit::CannotCreate, marker.display())?;
    }
    Ok(password)
}

/// Brings the mail in at the leader of the account's group.
async fn deliver(site: &Site, router: &Router, account: mailstore::AccountId) -> Result<(), Failure> {
    let group = site.topology.layout.slots().group_of(account.slot());
    let (admin, delivery) = (clients(site, Role::Admin)?, clients(site, Role::Lmtp)?);
    let mut delivered = Ok(());
    for _ in 0..DELIVERY_ATTEMPTS_MAX {
        let leaders = leaders(site, router).await?;
        let leader = leaders.get(&group);
        let parts = leader.and_then(|name| admin.get(name).zip(delivery.get(name)));
        let (admin, delivery) =
            parts.ok_or_else(|| Failure::new(Exit::Software, "a leader that is no node"))?;
        let destination = Destination {
            admin,
            delivery,
            group,
            account,
        };
        delivered = mail::deliver(&destination).await;
        if delivered.is_ok() {
            break;
        }
    }
    delivered
}

fn clients(site: &Site, role: Role) -> Result<BTreeMap<String, NodeClient>, Failure> {
    let dialers = links::dialers(site, role)?;
    let client = |(name, dialer)| (name, NodeClient::new(&dialer));
    Ok(dialers.into_iter().map(client).collect())
}

/// Returns the leader of each group, once every node answers and every group has one.
async fn leaders(site: &Site, router: &Router) -> Result<BTreeMap<GroupId, String>, Failure> {
    let elected = async {
        loop {
            if let Ok(nodes) = router.status().await
                && let Some(leaders) = complete(site, &nodes)
            {
                return leaders;
            }
            tokio::time::sleep(START_INTERVAL).await;
        }
    };
    tokio::time::timeout(START_TIME_MAX, elected).await.map_err(|_| {
        let seconds = START_TIME_MAX.as_secs();
        Failure::new(
            Exit::Unavailable,
            format!("some group has no leader after {seconds} s"),
        )
        .advise(format!("see the logs in {}/*/", site.data.path().display()))
    })
}

fn complete(site: &Site, nodes: &[NodeStatus]) -> Option<BTreeMap<GroupId, String>> {
    let leaders = leaders_in(nodes);
    let groups = site.topology.layout.slots().groups();
    let all = nodes.len() == site.topology.nodes.len();
    (all && groups.iter().all(|group| leaders.contains_key(group))).then_some(leaders)
}

fn leaders_in(nodes: &[NodeStatus]) -> BTreeMap<GroupId, String> {
    let led = |node: &NodeStatus| {
        let name = node.node.clone();
        let led = node
            .groups
            .iter()
            .filter(|group| group.leader == LeaderStatus::Local);
        led.map(|group| (group.group, name.clone())).collect::<Vec<_>>()
    };
    nodes.iter().flat_map(led).collect()
}
