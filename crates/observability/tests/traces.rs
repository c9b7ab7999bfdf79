//! Spans arrive at an OTLP receiver that runs in this process, over a pipe in memory.

use std::sync::{Arc, Mutex};

use hyper_util::rt::TokioIo;
use observability::{Observability, Options, Sink, SpanExporter, TraceOptions, Traces};
use opentelemetry_otlp::WithTonicConfig;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use tonic::transport::{Channel, Endpoint, Server};

/// Keeps what it receives.
#[derive(Clone, Default)]
struct Receiver(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        self.0.lock().expect("not poisoned").push(request.into_inner());
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Receiver {
    fn spans(&self) -> Vec<Span> {
        let requests = self.0.lock().expect("not poisoned");
        let resources = requests.iter().flat_map(|request| &request.resource_spans);
        resources
            .flat_map(|resource| &resource.scope_spans)
            .flat_map(|scope| scope.spans.clone())
            .collect()
    }
}

/// Starts a receiver and returns a channel to it.
async fn connect(receiver: Receiver, tasks: &mut tokio::task::JoinSet<()>) -> Channel {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    tasks.spawn(async move {
        let incoming = tokio_stream::once(Ok::<_, std::io::Error>(theirs));
        let served = Server::builder()
            .add_service(TraceServiceServer::new(receiver))
            .serve_with_incoming(incoming);
        served.await.expect("served");
    });
    let mut ours = Some(ours);
    let connector = tower::service_fn(move |_: tonic::codegen::http::Uri| {
        let stream = ours
            .take()
            .ok_or_else(|| std::io::Error::other("connected twice"));
        async move { stream.map(TokioIo::new) }
    });
    Endpoint::from_static("http://in-memory")
        .connect_with_connector(connector)
        .await
        .expect("connected")
}

/// Runs `emit` with traces to a receiver and returns what arrived.
async fn received(ratio: f64, emit: impl FnOnce()) -> Receiver {
    let receiver = Receiver::default();
    let mut tasks = tokio::task::JoinSet::new();
    let channel = connect(receiver.clone(), &mut tasks).await;
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_channel(channel)
        .build()
        .expect("an exporter");
    let options = TraceOptions {
        ratio,
        instance: "node-1".to_owned(),
        ..TraceOptions::default()
    };
    let traces = Traces::to_exporter(exporter, &options);
    let sink = Sink::new(std::io::sink());
    let all = Options {
        traces: options,
        ..Options::default()
    };
    let observability = Observability::with_sinks(&all, sink.clone(), sink, Some(traces)).expect("valid");
    tracing::dispatcher::with_default(observability.dispatch(), emit);
    tokio::task::spawn_blocking(move || observability.shutdown().expect("exported"))
        .await
        .expect("joined");
    receiver
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    spans
        .iter()
        .find(|span| span.name == name)
        .expect("a span of this name")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_and_what_it_caused_arrive_as_one_trace() {
    let receiver = received(1.0, || {
        let _command = tracing::info_span!("append", uid = 7).entered();
        let _propose = tracing::debug_span!("propose", group = 3).entered();
        let _flush = tracing::debug_span!("flush").entered();
    })
    .await;
    let spans = receiver.spans();
    let (command, propose, flush) = (
        named(&spans, "append"),
        named(&spans, "propose"),
        named(&spans, "flush"),
    );
    assert_eq!(propose.parent_span_id, command.span_id);
    assert_eq!(flush.parent_span_id, propose.span_id);
    assert!(command.trace_id == propose.trace_id && propose.trace_id == flush.trace_id);
    assert!(command.attributes.iter().any(|attribute| attribute.key == "uid"));
    let requests = receiver.0.lock().expect("not poisoned");
    let resource = requests[0].resource_spans[0]
        .resource
        .clone()
        .expect("a resource");
    assert!(
        resource
            .attributes
            .iter()
            .any(|attribute| attribute.key == "service.instance.id")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_content_and_names_stay_here() {
    let receiver = received(1.0, || {
        let _login =
            tracing::info_span!("login", user = "canary-1", password = "canary-2", group = 1).entered();
        tracing::info!(body = "canary-3", mailbox = "canary-4", "inside");
        tracing::info!(target: observability::AUTH_TARGET, user = "canary-5", "attempt");
    })
    .await;
    let shown = format!("{:?}", receiver.spans());
    assert!(!shown.contains("canary"), "{shown}");
    assert!(shown.contains("group") && shown.contains("inside"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_of_the_exporters_own_connection_are_not_traced() {
    let receiver = received(1.0, || {
        let _own = tracing::info_span!(target: "h2::client", "connection").entered();
        let _ours = tracing::info_span!("fetch").entered();
    })
    .await;
    let names: Vec<String> = receiver.spans().into_iter().map(|span| span.name).collect();
    assert_eq!(names, ["fetch"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ratio_of_zero_exports_nothing() {
    let receiver = received(0.0, || drop(tracing::info_span!("fetch").entered())).await;
    assert!(receiver.spans().is_empty());
}
