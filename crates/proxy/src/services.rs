//! What all connections of one proxy share.

use std::sync::Arc;

use mailstore::ports::{Authentication, Mail};
use tokio_util::task::TaskTracker;

use crate::cache::recent::RecentClaims;
use crate::cache::view_cache::ViewCache;
use crate::cache::watch_hub::WatchHub;
use crate::connection::admission::Admission;
use crate::drain::Drain;
use crate::environment::Environment;
use crate::load::Load;
use crate::metrics::Metrics;
use crate::options::ProxyOptions;

/// The ports, the limits and the caches. Nothing in here outlives the connections that use it: it can
/// all be had again from the storage.
pub(crate) struct Services {
    pub(crate) options: ProxyOptions,
    pub(crate) mail: Arc<dyn Mail>,
    pub(crate) authentication: Arc<dyn Authentication>,
    pub(crate) environment: Arc<dyn Environment>,
    pub(crate) views: ViewCache,
    pub(crate) watches: WatchHub,
    pub(crate) recent_claims: RecentClaims,
    pub(crate) admission: Admission,
    pub(crate) load: Load,
    pub(crate) drain: Drain,
    pub(crate) metrics: Metrics,
    /// Owns every task of the proxy: connections, commits in flight, watches.
    pub(crate) tasks: TaskTracker,
}
