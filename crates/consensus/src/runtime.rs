//! The asynchronous runtime under openraft: tokio's, without what would make two simulated runs differ.
//!
//! openraft draws election timeouts and the phase of its ticks from its runtime, and tokio's watch channel
//! wakes its receivers in a random order. Here the first can be made to follow from a seed, and receivers are
//! woken in the order in which they began to wait.

mod watch;

use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

use futures::FutureExt;
use openraft::rt::deterministic_rng::DeterministicRng;
use openraft::rt::{AsyncRuntime, OptionalSend};
use rand::RngCore;

use self::watch::OrderedWatch;

type Tokio = openraft::impls::TokioRuntime;
type Seeded = DeterministicRng<Tokio>;

thread_local! {
    /// Where the next seed on this thread comes from, in simulation.
    static NEXT_SEED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Lets all that is random in groups follow from a seed, for those that run on the calling thread: a
/// simulation runs everything on one.
pub fn seed_elections_of_this_thread(seed: u64) {
    NEXT_SEED.set(Some(seed));
}

/// Returns a seed of its own for each call.
fn seed() -> u64 {
    match NEXT_SEED.get() {
        Some(seed) => {
            // Knuth's linear congruential generator. Each value only seeds a generator that mixes it.
            let next = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            NEXT_SEED.set(Some(next));
            seed
        }
        None => rand::rng().next_u64(),
    }
}

/// Tokio's runtime, see the module.
#[derive(Debug)]
pub(crate) struct Runtime(Tokio);

impl AsyncRuntime for Runtime {
    type JoinError = <Tokio as AsyncRuntime>::JoinError;
    type JoinHandle<T: OptionalSend + 'static> = <Tokio as AsyncRuntime>::JoinHandle<T>;
    type Sleep = <Tokio as AsyncRuntime>::Sleep;
    type Instant = <Tokio as AsyncRuntime>::Instant;
    type TimeoutError = <Tokio as AsyncRuntime>::TimeoutError;
    type Timeout<R, T: Future<Output = R> + OptionalSend> = <Tokio as AsyncRuntime>::Timeout<R, T>;
    type ThreadLocalRng = <Seeded as AsyncRuntime>::ThreadLocalRng;
    type Mpsc = <Tokio as AsyncRuntime>::Mpsc;
    type Watch = OrderedWatch;
    type Oneshot = <Tokio as AsyncRuntime>::Oneshot;
    type Mutex<T: OptionalSend + 'static> = <Tokio as AsyncRuntime>::Mutex<T>;

    fn spawn<T>(future: T) -> Self::JoinHandle<T::Output>
    where
        T: Future + OptionalSend + 'static,
        T::Output: OptionalSend + 'static,
    {
        Tokio::spawn(future)
    }

    fn sleep(duration: Duration) -> Self::Sleep {
        Tokio::sleep(duration)
    }

    fn sleep_until(deadline: Self::Instant) -> Self::Sleep {
        Tokio::sleep_until(deadline)
    }

    fn timeout<R, F>(duration: Duration, future: F) -> Self::Timeout<R, F>
    where
        F: Future<Output = R> + OptionalSend,
    {
        Tokio::timeout(duration, future)
    }

    fn timeout_at<R, F>(deadline: Self::Instant, future: F) -> Self::Timeout<R, F>
    where
        F: Future<Output = R> + OptionalSend,
    {
        Tokio::timeout_at(deadline, future)
    }

    fn is_panic(join_error: &Self::JoinError) -> bool {
        Tokio::is_panic(join_error)
    }

    fn thread_rng() -> Self::ThreadLocalRng {
        // A generator can be had inside the scope of a seed only.
        let made = Seeded::scope(seed(), async { Seeded::thread_rng() });
        made.now_or_never()
            .expect("invariant: making a generator waits for nothing")
    }

    fn new(threads: usize) -> Self {
        Self(Tokio::new(threads))
    }

    fn block_on<F, T>(&mut self, future: F) -> T
    where
        F: Future<Output = T>,
    {
        self.0.block_on(future)
    }
}
