//! Who may call a storage node, and what a session's token opens (RELIABILITY.md §3, cluster mTLS).

mod renewal;
mod strangers;
mod tokens;

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use cluster_tests::cluster::{Cluster, Plan};
use cluster_tests::server::PASSWORD;
use mailstore::address::Address;
use mailstore::ports::{Caller, ChannelBinding, LoginRequest, NodeLogin, SaslOutcome};
use mailstore::{AccountId, StoreError};
use rpc::{ClusterFiles, Dialer, NodeClient};
use tls::Clock;
use tokio::runtime::Runtime;

/// A storage node and two proxies, which look at their certificates when they are told to.
fn cluster() -> Cluster {
    cluster_with("\"1h\"")
}

/// The same, which look at their certificates so often.
fn cluster_with(reload_interval: &str) -> Cluster {
    tls::init();
    let plan = Plan {
        nodes: 1,
        proxies: 2,
        apart: false,
    };
    Cluster::build(plan, |_, options| {
        options
            .set("storage", "groups", "1")
            .set("tls", "reload_interval", reload_interval)
    })
}

fn runtime() -> Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime")
}

/// Returns the files of a certificate of an authority, and whom its holder believes.
fn files(directory: &Path, name: &str, authority: &Path) -> ClusterFiles {
    ClusterFiles {
        authorities: authority.join("ca.pem"),
        chain: directory.join(format!("{name}.pem")),
        key: directory.join(format!("{name}.key")),
    }
}

/// Returns a way to the storage node for whoever holds these files.
fn dialer(cluster: &Cluster, files: ClusterFiles) -> Dialer {
    let identity = tls::Cluster::load(files, Clock::system()).expect("a certificate and its key");
    let address = cluster.addresses.first().expect("invariant: one node");
    Dialer::any_storage(address.to_string(), Arc::new(identity))
}

/// Returns the storage node as a process of the cluster sees it.
fn as_process(cluster: &Cluster, name: &str) -> NodeClient {
    let authority = cluster.authority();
    NodeClient::new(&dialer(cluster, files(&authority, name, &authority)))
}

fn login_request(proxy: &str, user: &str) -> LoginRequest {
    LoginRequest {
        user: user.to_owned(),
        mechanism: "PLAIN".to_owned(),
        protocol: "imap",
        peer: IpAddr::from([127, 0, 0, 1]),
        secure: true,
        binding: ChannelBinding::default(),
        proxy: proxy.into(),
    }
}

/// Tries to log in, which a node may refuse at the first message only.
async fn attempt(
    node: &NodeClient,
    account: Option<AccountId>,
    request: LoginRequest,
    password: &str,
) -> Result<SaslOutcome, StoreError> {
    let message = format!("\0{}\0{password}", request.user);
    let mut exchange = node.begin_login_at(account, request).await?;
    exchange.respond(message.into()).await
}

/// Logs in through a proxy and returns what its token says.
async fn log_in(node: &NodeClient, proxy: &str, user: &str) -> Caller {
    let address = Address::parse(user).expect("an address");
    let record = node.address_record(&address).await.expect("an answer");
    let account = record.map(|record| record.account);
    match attempt(node, account, login_request(proxy, user), PASSWORD).await {
        Ok(SaslOutcome::Success { login, .. }) => login.caller(),
        other => cluster_tests::log::fail(&format!("refused: {other:?}")),
    }
}
