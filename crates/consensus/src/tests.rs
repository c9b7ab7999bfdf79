//! Groups as a whole: one node, several nodes, restarts, crashes and damage.

mod cluster;
mod crashes;
mod lease;
mod mail;
mod nemesis;
mod single;
mod snapshots;
mod tasks;
