//! Groups as a whole: one node, several nodes, restarts, crashes and damage.

mod cluster;
mod crashes;
mod failover;
mod lease;
mod mail;
mod nemesis;
mod office;
mod parking;
mod single;
mod snapshots;
mod tasks;
