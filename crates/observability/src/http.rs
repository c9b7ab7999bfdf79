//! `/metrics`, `/livez`, `/readyz` and `/groupz` over HTTP, for machines that watch.

use axum::Router;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::health::{Health, State};
use crate::metrics::Metrics;

#[derive(Clone)]
struct Sources {
    metrics: Option<Metrics>,
    health: Health,
}

/// Returns the routes; without metrics, `/metrics` is not found.
pub fn router(metrics: Option<Metrics>, health: Health) -> Router {
    Router::new()
        .route("/metrics", get(metrics_text))
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/groupz", get(groups))
        .with_state(Sources { metrics, health })
}

/// Serves the routes on a listener until `stop` is cancelled.
///
/// # Errors
///
/// Fails if the listener does.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) -> Result<(), Error> {
    let serving = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
    serving.await.map_err(Error::Listener)
}

async fn metrics_text(Shared(sources): Shared<Sources>) -> Response {
    let Some(metrics) = sources.metrics else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn live(Shared(sources): Shared<Sources>) -> Response {
    answer(sources.health.live())
}

async fn ready(Shared(sources): Shared<Sources>) -> Response {
    answer(sources.health.ready())
}

fn answer(state: State) -> Response {
    match state {
        State::Good => (StatusCode::OK, "ok\n").into_response(),
        State::Bad(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

/// Answers 200 even when a group cannot be written to: whoever watches reads the body, and nothing restarts us for it.
async fn groups(Shared(sources): Shared<Sources>) -> Response {
    let groups = sources.health.groups().into_iter().map(|group| {
        serde_json::json!({
            "group": group.group,
            "role": group.role,
            "leader": group.leader,
            "writable": group.writable,
        })
    });
    let body = serde_json::Value::from_iter(groups);
    ([(CONTENT_TYPE, "application/json")], format!("{body}\n")).into_response()
}
