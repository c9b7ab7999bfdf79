//! The trace of a call, carried from process to process (W3C Trace Context, by the global propagator).

use opentelemetry::propagation::{Extractor, Injector};
use tonic::metadata::{MetadataKey, MetadataMap, MetadataValue};
use tonic::service::Interceptor;
use tonic::{Request, Status};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Adds the current span to every call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InjectTrace;

impl Interceptor for InjectTrace {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let context = Span::current().context();
        opentelemetry::global::get_text_map_propagator(|propagator| {
            propagator.inject_context(&context, &mut Outgoing(request.metadata_mut()));
        });
        Ok(request)
    }
}

struct Outgoing<'a>(&'a mut MetadataMap);

impl Injector for Outgoing<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(key), Ok(value)) = (
            MetadataKey::from_bytes(key.as_bytes()),
            MetadataValue::try_from(value),
        ) {
            self.0.insert(key, value);
        }
    }
}

/// Returns the span of a call that came in, below the span of whoever made it.
pub(crate) fn incoming_span(request: &http::Request<()>) -> Span {
    let context = opentelemetry::global::get_text_map_propagator(|propagator| {
        propagator.extract(&Incoming(request.headers()))
    });
    // The path is a method of ours: a closed set.
    let span = tracing::debug_span!("rpc.serve", method = request.uri().path());
    // Fails only without a subscriber for traces, and then there is nothing to join.
    let _ = span.set_parent(context);
    span
}

struct Incoming<'a>(&'a http::HeaderMap);

impl Extractor for Incoming<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}
