//! What a watcher gets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use observability::{GroupHealth, Health, Metrics, State, router};
use tower::ServiceExt;

fn health(ready: Arc<AtomicBool>) -> Health {
    let readiness = move || match ready.load(Ordering::Relaxed) {
        true => State::Good,
        false => State::Bad("tables are being rebuilt".to_owned()),
    };
    let group = |group, leader: Option<u64>| GroupHealth {
        group,
        role: "follower",
        leader,
        writable: leader.is_some(),
    };
    Health::new(
        || State::Good,
        readiness,
        move || vec![group(1, Some(2)), group(2, None)],
    )
}

async fn get(metrics: Option<Metrics>, ready: bool, path: &str) -> (StatusCode, String) {
    let router = router(metrics, health(Arc::new(AtomicBool::new(ready))));
    let request = Request::get(path).body(Body::empty()).expect("a request");
    let response = router.oneshot(request).await.expect("infallible");
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 20).await.expect("a body");
    (status, String::from_utf8(body.to_vec()).expect("UTF-8"))
}

#[tokio::test]
async fn living_and_being_ready_are_different_answers() {
    assert_eq!(
        get(None, false, "/livez").await,
        (StatusCode::OK, "ok\n".to_owned())
    );
    assert_eq!(
        get(None, true, "/readyz").await,
        (StatusCode::OK, "ok\n".to_owned())
    );
    let refused = (
        StatusCode::SERVICE_UNAVAILABLE,
        "tables are being rebuilt\n".to_owned(),
    );
    assert_eq!(get(None, false, "/readyz").await, refused);
}

#[tokio::test]
async fn groups_are_told_one_by_one_without_failing() {
    let (status, body) = get(None, true, "/groupz").await;
    assert_eq!(status, StatusCode::OK);
    let groups: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(groups[0]["leader"], 2);
    assert_eq!(groups[1]["leader"], serde_json::Value::Null);
    assert_eq!(groups[1]["writable"], false);
}

#[tokio::test]
async fn metrics_are_served_when_collected() {
    let metrics = Metrics::new().expect("made");
    metrics
        .meter("lmtp")
        .u64_counter("facteur_imap_leniencies")
        .build()
        .add(1, &[]);
    let (status, body) = get(Some(metrics), true, "/metrics").await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        body.contains("# TYPE facteur_imap_leniencies_total counter"),
        "{body}"
    );
    assert_eq!(get(None, true, "/metrics").await.0, StatusCode::NOT_FOUND);
    assert_eq!(get(None, true, "/").await.0, StatusCode::NOT_FOUND);
}
