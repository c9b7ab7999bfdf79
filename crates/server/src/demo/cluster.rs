//! `facteur serve --demo --nodes 3 --proxies 2`: a whole cluster on this machine, to be watched while parts of it die.
//!
//! Each storage node and each proxy is a process with a directory and a loopback address of its own, started as on a
//! machine of its own: with settings that list the nodes, and with certificates that another process has issued. This
//! process makes them, starts them, brings account and mail in, and ends them in order. It restarts none; it says how.
//! Whatever way it ends, they end with it, since each watches the lock that it holds (`owner.rs`).

mod certificates;
mod furnish;
mod launch;
mod lines;
mod member;
mod place;
mod processes;

use crate::arguments::SettingsArguments;
use crate::compose::Site;
use crate::data_dir::DataDir;
use crate::exit::{Exit, Failure, OrExit};
use crate::notify::{State, notify};
use crate::signals::Signals;
use crate::{commands, output};

use super::shape::Shape;
use launch::Launch;
use member::Member;
use place::Place;
use processes::{Ended, Processes};

pub use place::is_cluster;

/// Serves a demo of several processes until a signal ends it.
///
/// # Errors
/// Why it did not start.
pub fn run(arguments: &SettingsArguments, shape: Shape) -> Result<(), Failure> {
    if let Some(warning) = shape.warning() {
        output::complain(warning);
    }
    let data = DataDir::open(&commands::load(arguments, None)?)?;
    let place = Place::prepare(data, shape, arguments)?;
    certificates::issue(&place)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.or_exit(Exit::Software, "runtime")?;
    let demo = Demo::new(place, arguments)?;
    runtime.block_on(Box::pin(demo.run()))
}

struct Demo {
    place: Place,
    launch: Launch,
    /// This process as one of the cluster.
    site: Site,
    lines: lines::Lines,
}

impl Demo {
    fn new(place: Place, arguments: &SettingsArguments) -> Result<Self, Failure> {
        let lines = lines::Lines::new(&place, arguments)?;
        Ok(Self {
            launch: Launch::new(&place, arguments)?,
            site: furnish::site(&place, lines.first_proxy.clone())?,
            lines,
            place,
        })
    }

    async fn run(self) -> Result<(), Failure> {
        let mut signals = Signals::listen()?;
        let mut processes = Processes::start(&self.place, &self.launch)?;
        let outcome = self.attend(&mut processes, &mut signals).await;
        notify(State::Stopping);
        tokio::select! {
            () = Box::pin(self.stop(processes)) => outcome,
            () = signals.stop() => Err(Failure::new(Exit::TemporaryFailure, "stopped at once by a second signal")),
        }
    }

    /// Ends the processes that were started here, then those that were started again by hand: they watch the lock.
    async fn stop(self, mut processes: Processes) {
        processes.stop().await;
        let members: Vec<Member> = self.place.members().cloned().collect();
        drop(self);
        processes::wait_for_others(&members).await;
    }

    /// Brings the cluster up, and says what happens to it until a signal comes.
    async fn attend(&self, processes: &mut Processes, signals: &mut Signals) -> Result<(), Failure> {
        // A cluster that is not up yet is simply ended.
        let password = tokio::select! {
            password = Box::pin(furnish::furnish(&self.site)) => password?,
            ended = processes.next_end() => return Err(lines::failed_start(&ended)),
            () = signals.stop() => return Ok(()),
        };
        output::say(&self.lines.banner(&password, &processes.started))?;
        notify(State::Ready);
        loop {
            let ended: Ended = tokio::select! {
                ended = processes.next_end() => ended,
                () = signals.stop() => return Ok(()),
            };
            output::say(&lines::ended(&ended))?;
        }
    }
}
