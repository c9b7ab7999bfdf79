//! Processes that are none of the cluster, and processes that have another part in it.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use cluster_tests::cluster::{Cluster, plan};
use cluster_tests::server::PASSWORD;
use cluster_tests::{Program, Scratch};
use mailstore::address::Address;
use mailstore::ports::{NodeAdmin, NodeDelivery, NodeLogin};
use mailstore::{AccountId, GroupId, StoreError};
use rpc::{ClusterFiles, NodeClient, RaftCall, RaftClient, RaftFailure, RaftKind};
use tls::CertificatePem;
use tls::pki::{Authority, Validity};

use super::{as_process, attempt, cluster, dialer, files, login_request, runtime};

/// Asks what any process of the cluster may.
async fn ask(node: &NodeClient, cluster: &Cluster) -> Result<bool, StoreError> {
    let address = Address::parse(&cluster.access().user).expect("an address");
    node.address_record(&address).await.map(|record| record.is_some())
}

/// A certificate of the cluster's own authority that ran out long ago.
fn expired(cluster: &Cluster, scratch: &Scratch) -> ClusterFiles {
    let directory = cluster.authority();
    let read = |name: &str| std::fs::read_to_string(directory.join(name)).expect("the authority's files");
    let authority = Authority::from_pem(&CertificatePem {
        chain: read("ca.pem"),
        key: read("ca.key").into(),
    });
    let validity = Validity {
        issued: UNIX_EPOCH + Duration::from_secs(1_500_000_000),
        lasts: Duration::from_secs(86_400),
    };
    let identity = "facteur://proxy/proxy-1".parse().expect("an identity");
    let issued = authority.and_then(|authority| authority.issue_role(&identity, validity));
    let issued = issued.expect("a certificate");
    let _chain = scratch.file("old.pem", &issued.chain);
    let _key = scratch.file("old.key", issued.key.as_bytes());
    files(scratch.path(), "old", &directory)
}

#[test]
fn strangers_are_not_let_in() {
    let (cluster, scratch) = (cluster(), Scratch::new());
    let other = scratch.folder("other");
    plan::pki(&["init"], &other);
    plan::pki(&["issue", "proxy", "proxy-1"], &other);
    let of_another_authority = files(&other, "proxy-proxy-1", &cluster.authority());
    runtime().block_on(async {
        let known = as_process(&cluster, "proxy-proxy-1");
        assert_eq!(ask(&known, &cluster).await, Ok(true), "nobody is let in");
        for files in [of_another_authority, expired(&cluster, &scratch)] {
            let shown = files.chain.display().to_string();
            let stranger = NodeClient::new(&dialer(&cluster, files));
            let asked = ask(&stranger, &cluster).await;
            assert_eq!(asked, Err(StoreError::OutcomeUnknown), "{shown}");
        }
    });
    let seen = cluster.nodes.first().expect("invariant: one node").output();
    assert!(seen.matches("cluster handshake failed").count() >= 2, "{seen}");
}

#[test]
fn nobody_is_let_in_without_a_certificate() {
    let cluster = cluster();
    let address = cluster.addresses.first().expect("invariant: one node");
    let asked = Program::new("openssl")
        .arguments(["s_client", "-quiet", "-alpn", "h2", "-connect"])
        .arguments([address.to_string()])
        .arguments(["-CAfile".as_ref(), cluster.authority().join("ca.pem").as_os_str()])
        .run();
    assert!(asked.errors.contains("certificate required"), "{asked}");
    assert!(!asked.status.success(), "{asked}");
}

/// Every service and every role that has no business with it.
#[test]
fn each_role_may_call_its_own_services_only() {
    let cluster = cluster();
    plan::pki(&["issue", "admin", "operator"], &cluster.authority());
    let refused = Err(StoreError::Unauthorized);
    let nobody = AccountId([0; 16]);
    runtime().block_on(async {
        let [proxy, lmtp, admin, storage] = [
            "proxy-proxy-1",
            "lmtp-proxy-1",
            "admin-operator",
            "storage-node-1",
        ]
        .map(|name| as_process(&cluster, name));
        for node in [&proxy, &admin, &storage] {
            assert_eq!(node.check_delivery(nobody, 1).await, refused);
        }
        assert_ne!(lmtp.check_delivery(nobody, 1).await, refused);
        let request = || login_request("proxy-1", &cluster.access().user);
        for node in [&lmtp, &admin, &storage] {
            let begun = attempt(node, None, request(), PASSWORD).await.map(drop);
            assert_eq!(begun, refused);
        }
        for node in [&proxy, &lmtp] {
            assert_eq!(node.node_status().await.map(drop), refused);
            assert_eq!(node.kick(nobody, None).await.map(drop), refused);
        }
        assert!(admin.node_status().await.is_ok() && storage.node_status().await.is_ok());
        raft_is_for_storage_nodes(&cluster).await;
    });
}

async fn raft_is_for_storage_nodes(cluster: &Cluster) {
    let authority = cluster.authority();
    let call = || RaftCall {
        group: GroupId(1),
        target: 1,
        kind: RaftKind::Vote,
        payload: Bytes::new(),
    };
    for name in ["proxy-proxy-1", "lmtp-proxy-1", "admin-operator"] {
        let peer = RaftClient::new(&dialer(cluster, files(&authority, name, &authority)));
        let answer = peer.call(call(), Duration::from_secs(5)).await;
        let said = match answer {
            Err(RaftFailure::Refused(said)) => said,
            other => format!("{other:?}"),
        };
        assert!(said.contains("not for the role"), "{name}: {said}");
    }
}
