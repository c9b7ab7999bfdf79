//! A receiver of traces over OTLP, in the process of the test.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cluster_tests::ServerOptions;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

/// Receives traces until it is dropped.
pub struct Receiver {
    address: SocketAddr,
    received: Requests,
    runtime: Option<Runtime>,
}

#[derive(Clone, Default)]
struct Requests(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

#[tonic::async_trait]
impl TraceService for Requests {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut received = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        received.push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Receiver {
    /// Starts on a port that the kernel chooses.
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let received = Requests::default();
        let service = TraceServiceServer::new(received.clone());
        let serving = Server::builder()
            .add_service(service)
            .serve_with_incoming(TcpListenerStream::new(listener));
        // The runtime owns the task and ends it with itself.
        drop(runtime.spawn(serving));
        Self {
            address,
            received,
            runtime: Some(runtime),
        }
    }

    /// Lets a process export every span to here.
    pub fn wanted_by(&self, options: ServerOptions) -> ServerOptions {
        options
            .set(
                "telemetry",
                "otlp_endpoint",
                &format!("\"http://{}\"", self.address),
            )
            .set("telemetry", "trace_ratio", "1.0")
            .set("telemetry", "trace_queue_max", "1000000")
    }

    /// Returns the spans that came, once the processes have ended and sent the last ones.
    pub fn spans(&self) -> Spans {
        let received = self.received.0.lock().unwrap_or_else(PoisonError::into_inner);
        let resources = received.iter().flat_map(|request| &request.resource_spans);
        let mut spans = Vec::new();
        for resource in resources {
            let attributes = resource.resource.iter().flat_map(|resource| &resource.attributes);
            let process = value(attributes, "service.instance.id").unwrap_or_default();
            for span in resource.scope_spans.iter().flat_map(|scope| &scope.spans) {
                spans.push(Span {
                    process: process.clone(),
                    name: span.name.clone(),
                    trace: span.trace_id.clone(),
                    id: span.span_id.clone(),
                    parent: span.parent_span_id.clone(),
                    attributes: span.attributes.clone(),
                });
            }
        }
        let all = format!("{received:?}");
        Spans { spans, all }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
    }
}

/// A span, with the process that it came from.
pub struct Span {
    pub process: String,
    pub name: String,
    pub trace: Vec<u8>,
    pub id: Vec<u8>,
    pub parent: Vec<u8>,
    pub attributes: Vec<KeyValue>,
}

impl Span {
    /// Returns an attribute that is text.
    pub fn attribute(&self, key: &str) -> Option<String> {
        value(&self.attributes, key)
    }
}

/// All spans that came.
pub struct Spans {
    pub spans: Vec<Span>,
    /// Everything that came, as text.
    pub all: String,
}

impl Spans {
    /// Returns the span and those above it, innermost first.
    pub fn ancestry<'a>(&'a self, span: &'a Span) -> Vec<&'a Span> {
        let known: HashMap<_, _> = self.spans.iter().map(|span| (span.id.as_slice(), span)).collect();
        let mut ancestry = vec![span];
        while let Some(parent) = ancestry.last().and_then(|span| known.get(span.parent.as_slice())) {
            ancestry.push(parent);
        }
        ancestry
    }

    /// Returns how many spans of each name there are, for the message of a test that fails.
    pub fn names(&self) -> String {
        let mut counts: HashMap<&str, u32> = HashMap::new();
        for span in &self.spans {
            *counts.entry(&span.name).or_default() += 1;
        }
        let mut shown: Vec<_> = counts.into_iter().collect();
        shown.sort_unstable();
        format!("{shown:?}")
    }
}

fn value<'a>(attributes: impl IntoIterator<Item = &'a KeyValue>, key: &str) -> Option<String> {
    let found = attributes.into_iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        any_value::Value::StringValue(text) => Some(text.clone()),
        _ => None,
    }
}
