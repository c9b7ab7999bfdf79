//! The command line of what concerns the cluster.

use clap::{Args, Subcommand};
use mailstore::GroupId;

/// Commands about the cluster.
#[derive(Clone, Debug, Subcommand)]
pub enum ClusterCommand {
    /// Says what is wrong, then how the cluster is.
    Status,
    /// Lists the storage nodes.
    Members,
    /// Raises the feature level to the highest that every node understands; it never falls again.
    FinalizeUpgrade,
}

/// Commands about storage nodes.
#[derive(Clone, Debug, Subcommand)]
pub enum NodeCommand {
    /// Says what to do on a new machine, or waits until its node is there.
    Add {
        /// Waits for the node of this name instead.
        #[arg(long, value_name = "NAME")]
        wait: Option<String>,
    },
    /// Lets the node take no more replicas.
    Cordon(NodeArgument),
    /// Uses the node again, after `cordon`, `drain` or `decommission`.
    Uncordon(NodeArgument),
    /// Lets the node lead nothing, for work on its machine, and waits until it does not.
    Drain {
        #[command(flatten)]
        node: NodeArgument,
        #[command(flatten)]
        wait: WaitArguments,
    },
    /// Moves the node's replicas elsewhere, waits, and takes the node out.
    Decommission {
        #[command(flatten)]
        node: NodeArgument,
        #[command(flatten)]
        wait: WaitArguments,
    },
    /// Gives a node up whose disk is gone, so that its replicas are made anew elsewhere.
    Replace {
        #[command(flatten)]
        node: NodeArgument,
        #[command(flatten)]
        consent: ConsentArguments,
    },
}

/// Commands about groups.
#[derive(Clone, Debug, Subcommand)]
pub enum GroupCommand {
    /// Lists the groups.
    List,
    /// Shows a group and each of its replicas.
    Show {
        /// Its number.
        #[arg(value_parser = group)]
        group: GroupId,
    },
    /// Lets the replica on another node lead.
    TransferLeader {
        /// Number of the group.
        #[arg(value_parser = group)]
        group: GroupId,
        /// The node that is to lead.
        #[arg(long, value_name = "NODE")]
        to: String,
    },
    /// Begins to move a replica to another node.
    Move {
        /// Number of the group.
        #[arg(value_parser = group)]
        group: GroupId,
        /// The node that has the replica.
        #[arg(long, value_name = "NODE")]
        from: String,
        /// The node that is to have it.
        #[arg(long, value_name = "NODE")]
        to: String,
    },
}

/// Commands about where replicas are.
#[derive(Clone, Debug, Subcommand)]
pub enum LayoutCommand {
    /// Shows what `apply` would do, and changes nothing.
    Plan,
    /// Spreads the replicas evenly, and waits until they are.
    Apply {
        #[command(flatten)]
        consent: ConsentArguments,
        #[command(flatten)]
        wait: WaitArguments,
    },
}

/// The node that a command is about.
#[derive(Clone, Debug, Args)]
pub struct NodeArgument {
    /// Name of the node.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

/// Whether to wait.
#[derive(Clone, Copy, Debug, Args)]
pub struct WaitArguments {
    /// Begins it and does not wait for its end.
    #[arg(long)]
    pub(crate) no_wait: bool,
}

/// Whether to ask.
#[derive(Clone, Copy, Debug, Args)]
pub struct ConsentArguments {
    /// Does not ask whether it is meant.
    #[arg(long)]
    pub(crate) yes: bool,
}

fn group(text: &str) -> Result<GroupId, &'static str> {
    text.parse().map(GroupId).map_err(|_| "not the number of a group")
}
