//! Each event of a plan, made to happen.

use std::time::Duration;

use rpc::GroupControl;
use storage_node::Replication;
use tokio::time::Instant;

use crate::cluster::ClusterRun;
use crate::nemesis::Event;
use crate::network::Cut;
use crate::run::Stuck;

/// How long a leader may take to hand over.
const TRANSFER_MAX: Duration = Duration::from_secs(5);
/// Longer than any lease.
const LEASE_END: Duration = Duration::from_millis(1400);

impl ClusterRun {
    pub(crate) async fn happen(&mut self, event: Event) -> Result<(), Stuck> {
        let world = &mut self.stage.world;
        match event {
            Event::Kill(name) => world.kill(&name).await,
            Event::PowerLoss(name) => world.cut_power(&name).await,
            Event::PowerLossOfAll => self.lose_all_power().await?,
            Event::CrashInStart(name, steps) => self.crash_in_start(&name, steps).await?,
            Event::Isolate(name, cut) => self.cut_off(&name, (true, true), cut),
            Event::Mute(name, cut) => self.cut_off(&name, (true, false), cut),
            Event::Deafen(name, cut) => self.cut_off(&name, (false, true), cut),
            Event::Part(one, other, cut) => {
                world.network.cut_so(&one, &other, cut);
                world.network.cut_so(&other, &one, cut);
            }
            Event::SlowLinks(name, time) => world.network.slow_down(&name, time),
            Event::SlowDisk(name, time) => world.machine(&name).slow_disk.set(time),
            Event::FailSync(name, nth) => {
                world.machine(&name).disk.fail_sync_after(nth);
                self.ailing.insert(name);
            }
            Event::JumpClock(name, seconds) => jump(&world.machine(&name).environment, seconds),
            Event::Pause(name) => world.network.hold(&name),
            Event::RaceForLease(name) => self.race_for_lease(&name).await?,
            Event::Mend(name) => self.mend(&name).await?,
            Event::Transfer => self.transfer(),
            Event::KillProxy(name) => world.proxies.kill(&name),
            Event::StartProxy(name) => world.start_proxy(&name),
            Event::CutProxy(proxy, node, cut) => {
                world.network.cut_so(&proxy, &node, cut);
                world.network.cut_so(&node, &proxy, cut);
            }
            Event::MendProxy(name) => world.network.mend(&name),
        }
        Ok(())
    }

    /// Cuts what goes out to the other machines, and what comes in.
    fn cut_off(&self, name: &str, (out, back): (bool, bool), cut: Cut) {
        let world = &self.stage.world;
        for other in world.names().iter().filter(|other| *other != name) {
            if out {
                world.network.cut_so(name, other, cut);
            }
            if back {
                world.network.cut_so(other, name, cut);
            }
        }
    }

    async fn crash_in_start(&mut self, name: &str, steps: u64) -> Result<(), Stuck> {
        self.stage.world.cut_power(name).await;
        self.ailing.insert(name.to_owned());
        self.stage.world.machine(name).disk.cut_power_after(steps);
        self.boot(name).await?;
        self.stage.world.cut_power(name).await;
        self.boot(name).await
    }

    async fn mend(&mut self, name: &str) -> Result<(), Stuck> {
        let world = &self.stage.world;
        world.network.mend(name);
        world.machine(name).slow_disk.set(Duration::ZERO);
        world.machine(name).environment.set_clock_right();
        world.machine(name).disk.fail_sync_after(u64::MAX);
        if world.running(name).is_none() {
            self.boot(name).await?;
        }
        self.ailing.remove(name);
        self.stage.history.lock().note(format!("{name} is well again"));
        Ok(())
    }

    /// Asks the leader of each group to let another replica lead.
    fn transfer(&mut self) {
        let names = self.stage.world.names().to_vec();
        for name in names {
            let Some(running) = self.stage.world.running(&name) else {
                continue;
            };
            let led = running.replicas.groups();
            let led: Vec<_> = led
                .into_iter()
                .filter(|group| running.replicas.leads(*group))
                .collect();
            for group in led {
                let (replicas, draw) = (running.replicas.clone(), self.stage.random.draw());
                let history = self.stage.history.clone();
                self.errands.spawn(async move {
                    let Ok(view) = replicas.group_status(group).await else {
                        return;
                    };
                    let others = view.members.iter().filter(|member| member.votes);
                    let others: Vec<u64> = others
                        .map(|member| member.replica)
                        .filter(|replica| *replica != view.replica)
                        .collect();
                    let place = usize::try_from(draw % others.len().max(1) as u64).unwrap_or(0);
                    let Some(to) = others.get(place) else { return };
                    let asked = replicas.transfer_leader(group, *to);
                    let told = tokio::time::timeout(TRANSFER_MAX, asked).await;
                    let text = format!("{group:?} is to be led by {to}: {told:?}");
                    history.lock().note(text);
                });
            }
        }
    }

    /// Lets the lease of one voter run out, starts the other one again, and cuts the leader off from both: if the one
    /// that was started forgets what it granted, there are two leaders for a while.
    async fn race_for_lease(&mut self, name: &str) -> Result<(), Stuck> {
        let world = &self.stage.world;
        let Some(running) = world.running(name) else {
            return Ok(());
        };
        let led = running.replicas.groups().into_iter();
        let Some(group) = led.into_iter().find(|group| running.replicas.leads(*group)) else {
            return Ok(());
        };
        let replicas = world.layout().replicas(group).to_vec();
        let others: Vec<String> = replicas.into_iter().filter(|other| other != name).collect();
        let [forgotten, promised] = others.as_slice() else {
            return Ok(());
        };
        for (from, to) in [(name, forgotten.as_str()), (forgotten.as_str(), name)] {
            world.network.cut_so(from, to, Cut::Refused);
        }
        // One proxy still asks the old leader, the other cannot.
        world.network.cut_so("proxy-2", name, Cut::Refused);
        self.pass(Instant::now() + LEASE_END).await?;
        self.cut_off(name, (true, true), Cut::Refused);
        self.stage.world.kill(promised).await;
        self.boot(promised).await?;
        self.pass(Instant::now() + LEASE_END).await?;
        self.stage.world.network.mend("proxy-2");
        Ok(())
    }
}

fn jump(clock: &crate::SimEnvironment, seconds: i64) {
    let by = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 {
        clock.set_clock_back(by);
    } else {
        clock.set_clock_forward(by);
    }
}
