//! Faults: crashes, power cuts, damage and full disks under load, checked against all that was acknowledged.

mod checker;
mod cluster;
mod crash;
mod damage;
mod full_disk;
mod power;
