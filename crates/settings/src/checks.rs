//! Values that are each valid but must also go together.

use std::collections::BTreeSet;

use crate::choices::Role;
use crate::problem::{Fault, Origin, Problem};
use crate::settings::Settings;

/// Returns what does not go together.
pub fn check(settings: &Settings) -> Vec<Problem> {
    let mut found = Vec::new();
    check_limits(settings, &mut found);
    check_tls(settings, &mut found);
    check_roles(settings, &mut found);
    check_cluster(settings, &mut found);
    check_auth(settings, &mut found);
    found
        .into_iter()
        .map(|message| Problem::new(Origin::Together, Fault::Conflict { message }))
        .collect()
}

/// Adds the message unless the condition holds.
fn require(condition: bool, message: &str, found: &mut Vec<String>) {
    if !condition {
        found.push(message.to_owned());
    }
}

fn check_limits(settings: &Settings, found: &mut Vec<String>) {
    let limits = &settings.limits;
    let ordered = [
        (
            limits.preauth_literal_bytes_max <= limits.preauth_command_bytes_max,
            "limits.preauth_literal_bytes_max exceeds limits.preauth_command_bytes_max",
        ),
        (
            limits.line_bytes_max <= limits.command_bytes_max,
            "limits.line_bytes_max exceeds limits.command_bytes_max",
        ),
        (
            limits.append_bytes_max <= limits.spool_bytes_max,
            "limits.append_bytes_max exceeds limits.spool_bytes_max, so the largest message could never be taken",
        ),
        (
            // A message that was delivered is a little longer than it came in, by its trace fields.
            settings.lmtp.message_bytes_max < limits.spool_bytes_max,
            "lmtp.message_bytes_max is not below limits.spool_bytes_max, so the largest message could never be taken",
        ),
    ];
    for (holds, message) in ordered {
        require(holds, message, found);
    }
}

fn check_tls(settings: &Settings, found: &mut Vec<String>) {
    let both = settings.tls.cert_file.is_some() == settings.tls.key_file.is_some();
    require(
        both,
        "tls.cert_file and tls.key_file are set together or not at all",
        found,
    );
}

fn check_roles(settings: &Settings, found: &mut Vec<String>) {
    let roles = &settings.server.roles;
    require(
        !roles.is_empty(),
        "server.roles is empty: the process would do nothing",
        found,
    );
    let distinct: BTreeSet<Role> = roles.iter().copied().collect();
    require(
        distinct.len() == roles.len(),
        "server.roles names a role twice",
        found,
    );
    let listens = !settings.listen.imap.is_empty() || !settings.listen.imaps.is_empty();
    require(
        !roles.contains(&Role::Proxy) || listens,
        "the role proxy needs an address in listen.imap or listen.imaps",
        found,
    );
    require(
        !roles.contains(&Role::Lmtp)
            || !settings.listen.lmtp.is_empty()
            || settings.listen.lmtp_socket.is_some(),
        "the role lmtp needs an address in listen.lmtp or a path in listen.lmtp_socket",
        found,
    );
}

fn check_cluster(settings: &Settings, found: &mut Vec<String>) {
    let cluster = &settings.cluster;
    let ids: BTreeSet<u64> = cluster.nodes.iter().map(|node| node.id).collect();
    require(
        ids.len() == cluster.nodes.len(),
        "cluster.nodes names a number twice",
        found,
    );
    require(cluster.voters % 2 == 1, "cluster.voters must be odd", found);
    let stores = settings.server.roles.is_empty() || settings.server.roles.contains(&Role::Storage);
    if cluster.nodes.is_empty() && cluster.seeds.is_empty() {
        require(
            stores,
            "without the role storage, cluster.nodes or cluster.seeds must say where mail is",
            found,
        );
        return;
    }
    if stores {
        require(
            cluster.nodes.is_empty() || ids.contains(&cluster.node_id) || !cluster.seeds.is_empty(),
            "cluster.node_id is not among cluster.nodes",
            found,
        );
        require(
            cluster.nodes.len() == 1 || !settings.listen.rpc.is_empty(),
            "a node of several needs an address in listen.rpc",
            found,
        );
    }
}

fn check_auth(settings: &Settings, found: &mut Vec<String>) {
    // RFC 9106 §3.1: memory is at least eight times the parallelism, in KiB.
    let least = u64::from(settings.auth.argon2_parallelism).saturating_mul(8 * 1024);
    require(
        settings.auth.argon2_memory.bytes() >= least,
        "auth.argon2_memory must be at least 8KiB times auth.argon2_parallelism (RFC 9106)",
        found,
    );
}
