//! Certificates that are replaced while sessions go on.

use std::fs;

use cluster_tests::certificates::Certificates;
use cluster_tests::cluster::{Cluster, plan};
use cluster_tests::{Imap, Scratch, Server, mail, wait};
use rustix::process::Signal;

use super::{cluster, cluster_with};

/// Gives a process of the cluster another key and certificate, as before the old one runs out.
fn renew(cluster: &Cluster, role: &str, name: &str) {
    let authority = cluster.authority();
    for end in ["pem", "key"] {
        fs::remove_file(authority.join(format!("{role}-{name}.{end}"))).expect("the old one");
    }
    plan::pki(&["issue", role, name], &authority);
}

fn has_replaced(server: &Server) -> bool {
    server.output().contains("outcome=Replaced")
}

#[test]
fn processes_take_new_certificates_without_a_restart() {
    let mut cluster = cluster();
    let mut client = Imap::login(cluster.access());
    client.ok("SELECT INBOX");
    renew(&cluster, "storage", "node-1");
    renew(&cluster, "proxy", "proxy-1");
    for process in cluster.nodes.iter_mut().chain(cluster.proxies.iter_mut().take(1)) {
        process.signal(Signal::HUP);
        wait::until("the new certificate", || has_replaced(process).then_some(()));
    }
    client.deposit(&mail::message("Before", "over the old connections"));
    // Connections between them are made again, with the new certificates on both sides.
    let node = cluster.nodes.first_mut().expect("invariant: one node");
    node.kill();
    node.restart();
    client.deposit(&mail::message("After", "over new ones"));
    assert_eq!(Imap::login(cluster.access()).count("INBOX"), 2);
}

/// The file is looked at from time to time; no signal is sent.
#[test]
fn mail_programs_see_the_new_certificate_and_sessions_go_on() {
    let (cluster, scratch) = (cluster_with("\"1s\""), Scratch::new());
    let access = cluster.access().clone();
    let mut client = Imap::login(&access);
    let new = Certificates::make(&scratch);
    let old = &access.certificates;
    for (from, to) in [(&new.key, &old.key), (&new.certificate, &old.certificate)] {
        fs::copy(from, to).expect("another certificate in its place");
    }
    let mut trusting = access.clone();
    trusting.certificates = new;
    wait::until("the new certificate", || Imap::connect(&trusting).ok());
    assert!(Imap::connect(&access).is_err(), "the old one is still shown");
    client.deposit(&mail::message("Still", "in the old session"));
}
