//! Log, tables, blobs, and the other nodes.

use std::time::Duration;

use crate::choices::{ReadPolicy, TableEngine};
use crate::node::NodeAddress;
use crate::section::section;
use crate::size::ByteSize;

section! {
    /// The log, the tables and the bodies of messages.
    Storage = "storage" {
        /// Engine of the tables; they are rebuilt from log and snapshots, so changing it loses nothing.
        engine: TableEngine = "sled";
        /// Replication groups of a new cluster; fixed once it has started.
        groups: u32 = "16" in "1" to "1024";
        /// Instances of the table engine.
        shelves: u32 = "8" in "1" to "64";
        /// Memory for pages of all tables together.
        cache_bytes: ByteSize = "256MiB" in "8MiB" to "1TiB";
        /// A segment of the log.
        wal_segment_bytes: ByteSize = "64MiB" in "1MiB" to "4GiB";
        /// Records that one flush of the log takes in.
        wal_batch_bytes_max: ByteSize = "4MiB" in "64KiB" to "256MiB";
        /// A segment of message bodies.
        blob_segment_bytes: ByteSize = "128MiB" in "1MiB" to "4GiB";
        /// Log of one group after which a snapshot is written and the log cut.
        snapshot_log_bytes: ByteSize = "64MiB" in "64KiB" to "64GiB";
        /// Disk space kept free for reads, deletions and votes; below it, new mail is refused.
        reserve_bytes: ByteSize = "1GiB" in "0" to "1TiB";
        /// Share of the disk kept free, in percent; the larger of the two holds.
        reserve_percent: u32 = "5" in "0" to "50";
        /// Time from the end of one check of all bodies of messages to the beginning of the next; 0 for never.
        scrub_interval: Duration = "14d" in "0" to "3650d";
        /// Speed of that check.
        scrub_bytes_per_second_max: ByteSize = "16MiB" in "64KiB" to "16GiB";
        /// Time that a body without any message is kept, so that one just arriving is not lost.
        blob_retention: Duration = "24h" in "1h" to "365d";
    }
}

section! {
    /// The other nodes. A process alone needs nothing here.
    Cluster = "cluster" {
        /// Number of this storage node, from 1.
        node_id: u64 = "1" in "1" to "1000000";
        /// The storage nodes with which a cluster starts; empty for a process alone.
        nodes: Vec<NodeAddress> = "";
        /// Storage nodes of a cluster to join or to find mail in, as host:port; a name may stand for several.
        seeds: Vec<String> = "";
        /// Where other processes reach this storage node, as host:port; else as in cluster.nodes, else listen.rpc.
        advertise: Option<String> = "";
        /// What fails together with this storage node, as a rack or a building. Replicas of a group are kept apart.
        zone: Option<String> = "";
        /// Voters of each group that a new cluster is to have, where there are so many nodes: 1, 3 or 5.
        voters: u32 = "3" in "1" to "5";
        /// Time after which a storage node that does not answer has its replicas made anew elsewhere.
        node_gone_after: Duration = "10m" in "5s" to "30d";
        /// Time between two signs of life of a group's leader.
        heartbeat_interval: Duration = "250ms" in "10ms" to "1m";
        /// Least time without a leader after which a replica stands for election.
        election_timeout_min: Duration = "900ms" in "50ms" to "5m";
        /// Greatest such time; also how long a leader's lease runs.
        election_timeout_max: Duration = "1200ms" in "100ms" to "10m";
        /// How a leader makes sure that it still leads before it answers a read.
        read_policy: ReadPolicy = "lease";
        /// Time that a command waits for a group without a leader; then `NO [UNAVAILABLE]`.
        leaderless_timeout: Duration = "30s" in "1s" to "10m";
    }
}
