//! Small scenes against one process: each brings a defect to light that stands between a client and the server.

use history::{Bounds, Checker, Command, Report};

use super::client::{Distortion, Door};
use super::dump::dump;
use super::journal::Journal;
use super::worker::{HOT, Place, Worker};
use crate::Server;
use crate::server::ACCOUNTS;

/// How often a scene is played.
const TIMES: usize = 8;
/// Messages that it begins with.
const MESSAGES: usize = 6;

/// A server without faults of its own.
#[derive(Debug)]
pub struct Trial {
    server: Server,
    scenes: u64,
}

impl Trial {
    /// Starts a server.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start() -> Self {
        Self {
            server: Server::start(),
            scenes: 0,
        }
    }

    /// Plays the scene of a defect, with the defect or without it, and returns what was found.
    ///
    /// # Panics
    /// When a connection is lost.
    pub fn play(&mut self, scene: Distortion, with_defect: bool) -> Report {
        self.scenes += 1;
        let journal = Journal::begin();
        let door = Door {
            name: "proxy-1".to_owned(),
            access: self.server.access().clone(),
        };
        let (doors, accounts) = ([door], [ACCOUNTS[0].to_owned()]);
        let place = Place {
            accounts: &accounts,
            doors: &doors,
            journal: &journal,
        };
        let [mut first, mut second] = [0, 1].map(|number| Worker::new(number, self.scenes, &place));
        // Names of this scene alone, so that tokens are.
        first.client.name = format!("first{}", self.scenes);
        second.client.name = format!("second{}", self.scenes);
        let mut checker = Checker::new(patient());
        let mailbox = format!("Scene-{}", self.scenes);
        let made = prepare(&mut first, &mut second, &mailbox);
        assert!(made.is_some(), "a connection is lost though no fault is on");
        dump(&accounts, &doors, &journal);
        let mut report = checker.round(&journal.take());
        second.client.distortion = Some(scene).filter(|_| with_defect);
        // Whether a removal was told to the others must be known from somebody who hears.
        first.client.distortion = second
            .client
            .distortion
            .filter(|_| scene != Distortion::DropRemoval);
        let played = (0..TIMES).try_for_each(|_| play(scene, &mut first, &mut second, &mailbox));
        assert!(played.is_some(), "a connection is lost though no fault is on");
        dump(&accounts, &doors, &journal);
        report.add(checker.round(&journal.take()));
        report
    }
}

/// Bounds that a slow machine keeps; a scene is not about time.
fn patient() -> Bounds {
    Bounds {
        push: u64::MAX,
        push_after_heal: u64::MAX,
        stall: u64::MAX,
        ..Bounds::default()
    }
}

fn prepare(first: &mut Worker, second: &mut Worker, mailbox: &str) -> Option<()> {
    for worker in [&mut *first, &mut *second] {
        worker.client.resyncs = true;
        worker.client.connect(0).then_some(())?;
    }
    for name in [HOT[1], mailbox] {
        // The first may exist already.
        let command = Command::Create {
            name: name.to_owned(),
        };
        first.client.run(command, format!("CREATE {name}"))?;
    }
    Some(())
}

/// Plays a scene once.
fn play(scene: Distortion, first: &mut Worker, second: &mut Worker, mailbox: &str) -> Option<()> {
    match scene {
        Distortion::BlindRetry | Distortion::ReuseUid => {
            first.append_to(mailbox, false)?;
            first.select(mailbox, false)
        }
        Distortion::MoveInSteps => {
            first.append_to(HOT[0], true)?;
            first.select(HOT[0], false)?;
            std::thread::scope(|scope| {
                let moving = scope.spawn(|| first.swing());
                while !moving.is_finished() {
                    second.select(HOT[1], false)?;
                    second.select(HOT[0], false)?;
                }
                moving.join().ok().flatten()
            })
        }
        Distortion::LastWriteWins => {
            if first.view().is_none() {
                first.append_to(mailbox, false)?;
            }
            first.select(mailbox, false)?;
            second.select(mailbox, false)?;
            for _ in 0..3 {
                first.store()?;
                second.store()?;
            }
            first.look()
        }
        Distortion::DropRemoval | Distortion::RemovalDuringFetch | Distortion::HighestAhead => {
            for _ in 0..MESSAGES {
                first.append_to(mailbox, false)?;
            }
            first.select(mailbox, false)?;
            if !second.client.is_connected() {
                second.client.connect(0).then_some(())?;
            }
            second.select(mailbox, true)?;
            second.noop()?;
            first.remove()?;
            if scene == Distortion::HighestAhead {
                second.store()?;
                second.client.connect(0).then_some(())?;
                return second.select(mailbox, true);
            }
            for _ in 0..3 {
                second.fetch()?;
            }
            second.noop()
        }
    }
}
