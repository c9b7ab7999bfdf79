//! A network namespace for each process of a cluster, with cables that can be cut (RELIABILITY.md §2, faults 9 and 10).
//!
//! Every place has an address of its own in `10.77.0.0/24` and a cable to a bridge that lies in one more namespace;
//! nothing of it touches the machine's own network. A namespace lasts as long as somebody is in it: its holder reads
//! from a pipe of this process and ends with it, so that nothing is left behind, however a test ends. Needs root.
//!
//! Faults are rules at the one who hears, as in real networks: the sender learns nothing of what is lost.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::{Program, log, wait};

/// Where mail programs are: the test itself.
const CLIENTS: u8 = 100;
/// What the addresses of proxies and storage nodes begin behind.
const PROXIES: u8 = 10;
const NODES: u8 = 0;

/// One of those that a network connects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Party {
    /// A storage node, counted from 0.
    Node(usize),
    /// A proxy, counted from 0.
    Proxy(usize),
    /// The mail programs of the test.
    Clients,
}

impl Party {
    fn number(self) -> u8 {
        let counted = |base: u8, index: usize| {
            let index = u8::try_from(index).expect("invariant: few processes");
            base + index + 1
        };
        match self {
            Self::Node(index) => counted(NODES, index),
            Self::Proxy(index) => counted(PROXIES, index),
            Self::Clients => CLIENTS,
        }
    }

    /// Returns its address.
    #[must_use]
    pub fn address(self) -> IpAddr {
        Ipv4Addr::new(10, 77, 0, self.number()).into()
    }
}

/// A namespace and the address in it.
#[derive(Clone, Debug)]
pub struct Place {
    party: Party,
    namespace: Namespace,
}

impl Place {
    /// Returns its address.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.party.address()
    }

    /// Does something there, as starting a process that stays.
    ///
    /// # Panics
    /// When that panics.
    pub fn within<R: Send>(&self, act: impl FnOnce() -> R + Send) -> R {
        self.namespace.within(act)
    }
}

/// The places and what connects them.
#[derive(Debug)]
pub struct Network {
    places: Vec<Place>,
    // The cables end with it.
    _bridge: Namespace,
}

impl Network {
    /// Lays cables between so many storage nodes, so many proxies, and mail programs.
    ///
    /// # Panics
    /// When no namespace can be made, as without root.
    #[must_use]
    pub fn lay(nodes: usize, proxies: usize) -> Self {
        let bridge = Namespace::make();
        bridge.ip("link set lo up\nlink add bridge type bridge forward_delay 0\nlink set bridge up\n");
        let parties = (0..nodes).map(Party::Node);
        let parties = parties.chain((0..proxies).map(Party::Proxy));
        let places = parties.chain([Party::Clients]).map(|party| place(&bridge, party));
        Self {
            places: places.collect(),
            _bridge: bridge,
        }
    }

    /// Returns the place of one of them.
    ///
    /// # Panics
    /// When the network was laid without it.
    #[must_use]
    pub fn place(&self, party: Party) -> &Place {
        let place = self.places.iter().find(|place| place.party == party);
        place.expect("one that the network was laid for")
    }

    /// Moves the thread that calls to the mail programs, for good: what it starts and connects to from now on is seen
    /// from there.
    pub fn enter(&self) {
        self.place(Party::Clients).namespace.enter();
    }

    /// Loses all that goes from one to the other, in that direction only.
    pub fn deafen(&self, from: Party, to: Party) {
        let rule = format!("add rule ip faults arrivals ip saddr {} drop\n", from.address());
        self.place(to).namespace.nft(&rule);
    }

    /// Loses all that goes between the two sides.
    pub fn part(&self, one: &[Party], other: &[Party]) {
        for (&left, &right) in one
            .iter()
            .flat_map(|left| other.iter().map(move |right| (left, right)))
        {
            self.deafen(left, right);
            self.deafen(right, left);
        }
    }

    /// Loses this share of all that arrives at a storage node or a proxy.
    pub fn lose(&self, percent: u8) {
        let rule = format!("add rule ip faults arrivals numgen random mod 100 < {percent} drop\n");
        for place in self.places.iter().filter(|place| place.party != Party::Clients) {
            place.namespace.nft(&rule);
        }
    }

    /// Ends all faults.
    pub fn heal(&self) {
        for place in &self.places {
            place.namespace.nft("flush chain ip faults arrivals\n");
        }
    }
}

/// Makes a place and its cable.
fn place(bridge: &Namespace, party: Party) -> Place {
    let namespace = Namespace::make();
    let (number, holder) = (party.number(), namespace.pid());
    bridge.ip(&format!(
        "link add port{number} type veth peer name cable netns {holder}\n\
         link set port{number} master bridge\nlink set port{number} up\n"
    ));
    let address = party.address();
    namespace.ip(&format!(
        "link set lo up\naddress add {address}/24 dev cable\nlink set cable up\n"
    ));
    namespace.nft(
        "add table ip faults\n\
         add chain ip faults arrivals { type filter hook prerouting priority -300; }\n",
    );
    Place { party, namespace }
}

/// A network namespace. It lasts as long as the value, and as processes that were started in it.
#[derive(Clone, Debug)]
struct Namespace {
    holder: Arc<Holder>,
}

impl Namespace {
    fn make() -> Self {
        Self {
            holder: Arc::new(Holder::start()),
        }
    }

    fn pid(&self) -> u32 {
        self.holder.child.id()
    }

    /// Moves the thread that calls there, for good.
    fn enter(&self) {
        let namespace = File::open(namespace_of(self.pid())).expect("the namespace of a process that runs");
        let moved = move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network));
        assert!(moved.is_ok(), "cannot enter a network namespace: {moved:?}");
    }

    fn within<R: Send>(&self, act: impl FnOnce() -> R + Send) -> R {
        let inside = || {
            self.enter();
            act()
        };
        let ended = std::thread::scope(|scope| scope.spawn(inside).join());
        match ended {
            Ok(value) => value,
            Err(reason) => std::panic::resume_unwind(reason),
        }
    }

    fn ip(&self, lines: &str) {
        self.within(|| {
            Program::new("ip")
                .arguments(["-batch", "-"])
                .input(lines)
                .succeed()
        });
    }

    fn nft(&self, lines: &str) {
        self.within(|| Program::new("nft").arguments(["-f", "-"]).input(lines).succeed());
    }
}

/// The process that keeps a namespace. It waits for the end of its input, which comes at the latest with the end of
/// this process.
#[derive(Debug)]
struct Holder {
    child: Child,
}

impl Holder {
    fn start() -> Self {
        let child = Command::new("unshare")
            .args(["--net", "cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn();
        let mut child = child.expect("`unshare` of util-linux; `bash .ci/install` brings it");
        let own = std::fs::read_link(namespace_of(std::process::id())).expect("a network namespace");
        wait::until("a network namespace", || {
            let ended = child.try_wait().expect("the state of a child");
            if let Some(status) = ended {
                log::fail(&format!(
                    "no network namespace can be made, which needs root: {status}"
                ));
            }
            let made = std::fs::read_link(namespace_of(child.id())).ok()?;
            (made != own).then_some(())
        });
        Self { child }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn namespace_of(process: u32) -> PathBuf {
    format!("/proc/{process}/ns/net").into()
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::time::Duration;

    use super::*;

    const SOON: Duration = Duration::from_millis(200);

    fn hears(network: &Network, from: Party, to: Party) -> bool {
        let socket = |party: Party| {
            let bind = || UdpSocket::bind((party.address(), 7)).expect("an address of the place");
            network.place(party).within(bind)
        };
        let (sender, receiver) = (socket(from), socket(to));
        receiver.set_read_timeout(Some(SOON)).expect("a timeout");
        sender.send_to(b"x", (to.address(), 7)).expect("sent");
        receiver.recv(&mut [0]).is_ok()
    }

    #[test]
    fn cables_connect_and_faults_are_what_they_say() {
        let network = Network::lay(2, 1);
        let (one, other, proxy) = (Party::Node(0), Party::Node(1), Party::Proxy(0));
        assert!(hears(&network, one, other) && hears(&network, proxy, one));
        network.deafen(one, other);
        assert!(!hears(&network, one, other), "heard what was cut off");
        assert!(hears(&network, other, one), "only one direction was cut off");
        network.part(&[one], &[proxy, other]);
        assert!(!hears(&network, proxy, one) && !hears(&network, other, one));
        assert!(hears(&network, proxy, other));
        network.heal();
        assert!(hears(&network, one, other) && hears(&network, proxy, one));
        network.lose(60);
        let heard = (0..20).filter(|_| hears(&network, one, other)).count();
        assert!((1..20).contains(&heard), "{heard} of 20 were heard");
    }

    #[test]
    fn a_thread_that_enters_sees_the_network_and_others_do_not() {
        let network = Network::lay(1, 0);
        let address = (Party::Node(0).address(), 7700);
        let listener = network
            .place(Party::Node(0))
            .within(|| TcpListener::bind(address).expect("an address of the place"));
        // A machine may have a gateway that answers for any address, so that a connection says nothing.
        assert!(
            TcpListener::bind((Party::Clients.address(), 0)).is_err(),
            "not the machine's own"
        );
        let inside = std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                network.enter();
                let own = TcpListener::bind((Party::Clients.address(), 0)).is_ok();
                own && TcpStream::connect_timeout(&address.into(), SOON).is_ok()
            });
            thread.join().expect("a thread")
        });
        assert!(inside);
        drop(listener);
    }
}
