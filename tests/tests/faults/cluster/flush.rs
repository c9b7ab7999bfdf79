//! A disk that says once that it could not keep what it was given, and then goes on as if nothing had been (fault 5).
//! Linux forgets the pages that it could not write, so that a second attempt that succeeds proves nothing.

use std::path::PathBuf;
use std::time::Duration;

use cluster_tests::network::Party;
use cluster_tests::{Program, Scratch, ServerOptions};

use super::Trial;

/// Takes the place of the functions of the C library. The next flush of a file below a directory of that name fails
/// when the file that asks for it is there, which is taken away.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fails(int file) {
    const char *trigger = getenv("TEST_FLUSH_TRIGGER");
    const char *asked[] = {"log", "blobs"};
    char link[64], path[4096], wanted[4096], part[16];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (!trigger || length < 0) return 0;
    path[length] = 0;
    for (int at = 0; at < 2; at++) {
        snprintf(part, sizeof part, "/%s/", asked[at]);
        snprintf(wanted, sizeof wanted, "%s-%s", trigger, asked[at]);
        if (strstr(path, part) && unlink(wanted) == 0) return 1;
    }
    return 0;
}

int fsync(int file) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    if (fails(file)) { errno = EIO; return -1; }
    return real(file);
}

int fdatasync(int file) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    if (fails(file)) { errno = EIO; return -1; }
    return real(file);
}
"#;

/// The shim, and where its triggers lie.
struct Flush {
    scratch: Scratch,
    library: PathBuf,
}

impl Flush {
    fn build() -> Self {
        let scratch = Scratch::new();
        let source = scratch.file("flush.c", SHIM);
        let library = scratch.join("flush.so");
        Program::new("cc")
            .arguments(["-shared", "-fPIC", "-o"])
            .arguments([&library, &source])
            .arguments(["-ldl"])
            .succeed();
        Self { scratch, library }
    }

    /// Returns what the names of a node's triggers begin with.
    fn triggers(&self, node: usize) -> PathBuf {
        self.scratch.join(&format!("node-{node}"))
    }

    fn trigger(&self, node: usize, part: &str) -> PathBuf {
        self.scratch.join(&format!("node-{node}-{part}"))
    }

    fn beneath(&self, party: Party, options: ServerOptions) -> ServerOptions {
        match party {
            Party::Node(index) => options
                .variable("LD_PRELOAD", &self.library)
                .variable("TEST_FLUSH_TRIGGER", self.triggers(index)),
            Party::Proxy(_) | Party::Clients => options,
        }
    }

    /// Lets the next flush of a node fail, of the log or of bodies.
    fn fail_next(&self, node: usize, part: &str) {
        std::fs::write(self.trigger(node, part), "").expect("a file that asks for it");
    }

    /// Says whether the flush has failed that was asked to.
    fn has_failed(&self, node: usize, part: &str) -> bool {
        !self.trigger(node, part).exists()
    }
}

#[test]
fn a_node_whose_flush_fails_ends_and_others_take_over() {
    let flush = Flush::build();
    let mut trial = Trial::begin_with("fsync fails once", |party, options| flush.beneath(party, options));
    for part in ["log", "blobs"] {
        trial.suffer(|cluster, probe| {
            let leader = cluster.leader();
            let node = cluster.nodes.get_mut(leader).expect("invariant: one of three");
            flush.fail_next(leader, part);
            let ended = node.ended();
            assert!(flush.has_failed(leader, part), "it ended before");
            assert!(ended.is_some_and(|status| !status.success()), "{ended:?}");
            probe.wait_for_writes(5);
            node.restart();
            probe.wait_for_writes(3);
        });
    }
    trial.conclude(Duration::from_secs(20));
}
