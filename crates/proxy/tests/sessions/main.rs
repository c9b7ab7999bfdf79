//! Whole sessions: a proxy before storage nodes in memory, reached over streams in memory, on stopped time.

#[cfg(test)]
mod conduct;
#[cfg(test)]
mod failover;
#[cfg(test)]
mod interleaving;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod load;
#[cfg(test)]
mod replicas;
#[cfg(test)]
mod resync;
#[cfg(test)]
mod security;
#[cfg(test)]
mod storage;
#[cfg(test)]
mod support;
#[cfg(test)]
mod transcripts;
