//! `facteur serve`: from settings to a running process, and from a signal to its end.

use std::time::Duration;

use observability::{Metrics, Observability};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use settings::Settings;
use tokio::runtime::Runtime;

use crate::arguments::{ServeArguments, SettingsArguments};
use crate::compose::Site;
use crate::compose::server::Server;
use crate::exit::{Exit, Failure, OrExit, chain};
use crate::notify::{State, notify};
use crate::signals::{Request, Signals};
use crate::{commands, compose, demo, options, output};

/// Time that threads which block have once everything else has ended.
const LAST_PATIENCE: Duration = Duration::from_secs(5);

/// What settings were read from, so that they can be read again.
struct Source<'a> {
    arguments: &'a SettingsArguments,
    serve: &'a ServeArguments,
}

impl Source<'_> {
    fn load(&self) -> Result<Settings, Failure> {
        commands::load(self.arguments, self.serve.overrides())
    }
}

/// Serves until a signal or a failure ends it.
///
/// # Errors
/// Why it did not start, or what ended it.
pub fn run(arguments: &SettingsArguments, serve: &ServeArguments) -> Result<(), Failure> {
    if let Some(shape) = demo::Shape::of(serve)? {
        return demo::cluster::run(arguments, shape);
    }
    let prepared = serve.demo.then(|| demo::prepare(arguments)).transpose()?;
    let arguments = prepared.as_ref().unwrap_or(arguments);
    let source = Source { arguments, serve };
    let settings = source.load()?;
    options::check(&settings)?;
    let runtime = runtime(&settings)?;
    let outcome = runtime.block_on(Box::pin(serve_with(&source, settings)));
    runtime.shutdown_timeout(LAST_PATIENCE);
    outcome
}

fn runtime(settings: &Settings) -> Result<Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let threads = settings.server.worker_threads;
    if let Some(threads) = usize::try_from(threads).ok().filter(|threads| *threads > 0) {
        builder.worker_threads(threads);
    }
    builder.max_blocking_threads(options::storage::blocking_threads(settings));
    builder.thread_name("facteur").enable_all();
    builder.build().or_exit(Exit::Software, "runtime")
}

async fn serve_with(source: &Source<'_>, settings: Settings) -> Result<(), Failure> {
    let instance = compose::name_in_cluster(&settings, &compose::host_name(&settings))?;
    let telemetry = options::telemetry::telemetry(&settings, instance.as_str());
    let telemetry = Observability::start(&telemetry).or_exit(Exit::Config, "telemetry")?;
    telemetry.install().or_exit(Exit::Software, "telemetry")?;
    let metrics = settings.telemetry.metrics.then(Metrics::new).transpose();
    let metrics = metrics.or_exit(Exit::Software, "metrics")?;
    if let Some(metrics) = &metrics {
        telemetry.measure(metrics);
    }
    raise_open_files();
    let mut signals = Signals::listen()?;
    if let Some(lock_file) = &source.serve.while_locked {
        signals.stop_with_owner(lock_file)?;
    }
    // Nothing is served yet, so a start that is not wanted any more is simply dropped.
    let started = tokio::select! {
        started = Box::pin(start(source, settings, metrics)) => started,
        () = signals.stop() => return Ok(()),
    };
    let outcome = attend(source, started?, &mut signals, &telemetry).await;
    tracing::info!("stopped");
    flush(telemetry).await;
    outcome
}

/// Raises the limit on open files to what the process may have: each connection is one, and the usual limit of 1,024
/// is for programs that use select(2).
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "limit on open files stays as it is");
    }
}

async fn start(source: &Source<'_>, settings: Settings, metrics: Option<Metrics>) -> Result<Server, Failure> {
    let server = Server::start(Site::open(settings)?, metrics).await?;
    if source.serve.demo {
        demo::furnish(&server).await?;
    }
    Ok(server)
}

/// Waits for what ends the process. A request to stop ends it in order, a second one at once. A failure ends it at
/// once: what has failed can acknowledge nothing more, and whoever restarts the process brings it back sooner.
async fn attend(
    source: &Source<'_>,
    mut server: Server,
    signals: &mut Signals,
    telemetry: &Observability,
) -> Result<(), Failure> {
    announce(source, &server);
    notify(State::Ready);
    loop {
        // Both are receiving from queues, which is cancel safe.
        let request = tokio::select! {
            failure = server.failed() => {
                tracing::error!(reason = failure.lines().join("; "), "stopping because a part failed");
                notify(State::Stopping);
                return Err(failure);
            }
            request = signals.next() => request,
        };
        match request {
            Request::Stop => break,
            Request::Reload => reload(source, &server, telemetry).await,
        }
    }
    notify(State::Stopping);
    tracing::info!("stopping");
    tokio::select! {
        () = Box::pin(server.stop()) => Ok(()),
        () = signals.stop() => Err(Failure::new(Exit::TemporaryFailure, "stopped at once by a second signal")),
    }
}

/// Says where the process can be reached: in the log, and on standard output for whoever started it. The demo has said
/// so already.
fn announce(source: &Source<'_>, server: &Server) {
    let addresses = server.addresses();
    tracing::info!(?addresses, "serving");
    if source.serve.demo {
        return;
    }
    if let Err(failure) = output::say(&addresses.lines()) {
        tracing::warn!(reason = failure.lines().join("; "), "addresses were not printed");
    }
}

/// Reads certificates and log level again. Other settings need a restart.
async fn reload(source: &Source<'_>, server: &Server, telemetry: &Observability) {
    let check = server.certificate_check();
    match tokio::task::spawn_blocking(check).await {
        Ok(Ok(outcome)) => tracing::info!(?outcome, "certificates looked at"),
        Ok(Err(error)) => tracing::warn!(error = chain(&error), "certificates not reloaded"),
        Err(error) => tracing::error!(%error, "certificate check failed"),
    }
    let settings = match source.load() {
        Ok(settings) => settings,
        Err(failure) => {
            tracing::warn!(problems = failure.lines().join("; "), "settings not reloaded");
            return;
        }
    };
    let level = options::telemetry::level(settings.log.level);
    let exceptions = options::telemetry::filter(&settings);
    match telemetry.level().set(level, Some(&exceptions)) {
        Ok(()) => tracing::info!(%level, "log level set"),
        Err(error) => tracing::warn!(error = chain(&error), "log level not set"),
    }
}

/// Exports the spans that wait. It blocks, so it is not for a thread that runs tasks.
async fn flush(telemetry: Observability) {
    let flushed = tokio::task::spawn_blocking(move || telemetry.shutdown()).await;
    if let Ok(Err(error)) = flushed {
        tracing::warn!(error = chain(&error), "traces were not all exported");
    }
}
