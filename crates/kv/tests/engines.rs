//! Runs the conformance suite on every engine.

mod conformance;

use std::sync::Arc;
use std::time::Duration;

use conformance::Fixture;
use kv::{
    BootId, BufferOptions, BufferedEngine, Engine, FaultScript, FaultyEngine, MemoryEngine, ShelfCount,
    SledEngine, SledOptions,
};
use tempfile::TempDir;

fn shelves() -> ShelfCount {
    ShelfCount::new(3).expect("three shelves are allowed")
}

fn sled_options(directory: &TempDir) -> SledOptions {
    SledOptions {
        directory: directory.path().to_owned(),
        shelves: shelves(),
        cache_bytes_per_shelf: 1 << 20,
        flush_interval: None,
        boot_id: BootId::new("one-boot"),
    }
}

fn memory() -> Fixture {
    Fixture {
        engine: Box::new(MemoryEngine::new(shelves())),
        _directory: None,
    }
}

fn faulty() -> Fixture {
    let engine = FaultyEngine::new(MemoryEngine::new(shelves()), FaultScript::new());
    Fixture {
        engine: Box::new(engine),
        _directory: None,
    }
}

fn sled() -> Fixture {
    let directory = TempDir::new().expect("a temporary directory");
    let engine = SledEngine::open(sled_options(&directory)).expect("an empty directory opens");
    Fixture {
        engine: Box::new(engine),
        _directory: Some(directory),
    }
}

fn buffered(engine: impl Engine) -> Box<dyn Engine> {
    let options = BufferOptions {
        interval: Duration::from_millis(1),
        table_bytes_max: 2_000,
    };
    Box::new(BufferedEngine::new(Arc::new(engine), options).expect("a thread"))
}

fn buffered_memory() -> Fixture {
    Fixture {
        engine: buffered(MemoryEngine::new(shelves())),
        _directory: None,
    }
}

fn buffered_sled() -> Fixture {
    let directory = TempDir::new().expect("a temporary directory");
    let engine = SledEngine::open(sled_options(&directory)).expect("an empty directory opens");
    Fixture {
        engine: buffered(engine),
        _directory: Some(directory),
    }
}

macro_rules! conformance_suite {
    ($($engine:ident)*) => {$(
        mod $engine {
            #[test]
            fn reads_and_writes() {
                crate::conformance::basics::run(crate::$engine);
            }

            #[test]
            fn ranges() {
                crate::conformance::ranges::run(crate::$engine);
            }

            #[test]
            fn views() {
                crate::conformance::views::run(crate::$engine);
            }

            #[test]
            fn agrees_with_a_model() {
                crate::conformance::model::run(crate::$engine);
            }
        }
    )*};
}

conformance_suite!(memory faulty sled buffered_memory buffered_sled);
