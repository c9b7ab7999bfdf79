//! Services that are offered before a process is ready, and others once it is.

use std::sync::Arc;

use tokio::sync::watch;
use tonic::Status;
use tonic::body::Body;
use tonic::service::Routes;
use tower::{ServiceExt, service_fn};

use super::Services;

/// What a process offers now. Connections stay when it changes: the next call on them sees what is offered then.
#[derive(Clone)]
pub struct Offer {
    current: Arc<watch::Sender<axum::Router>>,
}

impl Default for Offer {
    fn default() -> Self {
        let nothing = Services::starting().routes.into_axum_router();
        Self {
            current: Arc::new(watch::Sender::new(nothing)),
        }
    }
}

impl Offer {
    /// Offers these services from now on.
    pub fn replace(&self, services: Services) {
        drop(self.current.send_replace(services.routes.into_axum_router()));
    }

    /// Returns services that are, at each call, those that are offered then.
    #[must_use]
    pub fn services(&self) -> Services {
        let current = Arc::clone(&self.current);
        let router = axum::Router::new().fallback_service(service_fn(move |request| {
            let router = current.borrow().clone();
            router.oneshot(request)
        }));
        Services {
            routes: Routes::from(router),
        }
    }
}

impl Services {
    /// Returns the services of a process that starts: to all that it does not offer it says that it is not there yet,
    /// and not that there is no such thing.
    #[must_use]
    pub fn starting() -> Self {
        let router = axum::Router::new().fallback(unavailable);
        Self {
            routes: Routes::from(router),
        }
    }
}

async fn unavailable() -> http::Response<Body> {
    Status::unavailable("the process is starting").into_http()
}
