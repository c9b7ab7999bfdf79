//! The processes of the demo while they run, and the order in which they end.

use std::fs::{File, TryLockError};
use std::future::pending;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::launch::Launch;
use super::member::{Member, Part};
use super::place::Place;
use crate::data_dir::LOCK_FILE;
use crate::exit::Failure;

/// Time that a process has to end in order, a few seconds more than it takes at the most; then it is killed.
const STOP_TIME_MAX: Duration = Duration::from_secs(15);
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// A process that has ended.
pub struct Ended {
    pub name: String,
    /// How, in the words of the operating system.
    pub how: String,
    pub log: PathBuf,
    /// The line that starts it again.
    pub line: String,
}

/// A process that was started.
pub struct Started {
    pub member: Member,
    pub pid: u32,
}

/// All processes of the demo. They are killed when the value is dropped.
pub struct Processes {
    nodes: Stage,
    proxies: Stage,
    /// Those that were started, in that order.
    pub started: Vec<Started>,
}

/// Processes that are asked to end at the same time.
#[derive(Default)]
struct Stage {
    tasks: JoinSet<Ended>,
    stop: CancellationToken,
}

impl Processes {
    /// Starts every process.
    ///
    /// # Errors
    /// When one cannot be started.
    pub fn start(place: &Place, launch: &Launch) -> Result<Self, Failure> {
        let mut processes = Self {
            nodes: Stage::default(),
            proxies: Stage::default(),
            started: Vec::new(),
        };
        for member in place.members() {
            let child = launch.start(member)?;
            processes.started.push(Started {
                member: member.clone(),
                pid: child.id().unwrap_or_default(),
            });
            let stage = match member.part {
                Part::Storage => &mut processes.nodes,
                Part::Proxy => &mut processes.proxies,
            };
            stage.attend(child, member, launch.line(member));
        }
        Ok(processes)
    }

    /// Waits for a process that ends without having been asked to. Cancel safe.
    pub async fn next_end(&mut self) -> Ended {
        tokio::select! {
            ended = self.proxies.next_end() => ended,
            ended = self.nodes.next_end() => ended,
        }
    }

    /// Ends all in order: what stands in front, so that no client sees the storage go, then the storage nodes.
    pub async fn stop(&mut self) {
        self.proxies.stop().await;
        self.nodes.stop().await;
    }
}

impl Stage {
    fn attend(&mut self, mut child: Child, member: &Member, line: String) {
        let stop = self.stop.clone();
        let (name, log) = (member.name(), member.log_file());
        self.tasks.spawn(async move {
            let how = match end_of(&mut child, &stop).await {
                Ok(status) => status.to_string(),
                Err(error) => error.to_string(),
            };
            Ended { name, how, log, line }
        });
    }

    async fn next_end(&mut self) -> Ended {
        while let Some(ended) = self.tasks.join_next().await {
            if let Ok(ended) = ended {
                return ended;
            }
        }
        pending().await
    }

    async fn stop(&mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Waits until no process holds the directory of a member, at most as long as one may take to end.
pub async fn wait_for_others(members: &[Member]) {
    let free = async {
        for member in members {
            while is_held(member) {
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        }
    };
    // Whoever is still there is nobody's child, and not ours to kill.
    let _ = tokio::time::timeout(STOP_TIME_MAX, free).await;
}

fn is_held(member: &Member) -> bool {
    let lock = File::open(member.directory.join(LOCK_FILE));
    lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Waits until a process ends, by itself or because it was told to.
async fn end_of(child: &mut Child, stop: &CancellationToken) -> io::Result<ExitStatus> {
    // Both are cancel safe.
    tokio::select! {
        status = child.wait() => return status,
        () = stop.cancelled() => {}
    }
    terminate(child);
    if let Ok(status) = tokio::time::timeout(STOP_TIME_MAX, child.wait()).await {
        return status;
    }
    child.start_kill()?;
    child.wait().await
}

/// Asks a process to end in order.
fn terminate(child: &Child) {
    let pid = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw);
    // One that has just ended needs no signal.
    if let Some(pid) = pid {
        let _ = kill_process(pid, Signal::TERM);
    }
}
