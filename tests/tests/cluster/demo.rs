//! The demo that is a whole cluster: one command, and its lines can be used as they stand.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use cluster_tests::certificates::Certificates;
use cluster_tests::process::Process;
use cluster_tests::{Access, Imap, Program, Scratch, binary, mail, wait};
use rustix::process::{Pid, Signal, kill_process};

struct Demo {
    process: Process,
    data: PathBuf,
}

impl Demo {
    fn start(scratch: &Scratch, data: &Path, log: &str) -> Self {
        let mut command = Command::new(binary::path());
        command.args(["serve", "--demo", "--nodes", "3", "--proxies", "2"]);
        command.arg("--data-dir").arg(data);
        let mut process = Process::start(&mut command, &scratch.join(log));
        wait::until("the lines of the demo", || {
            let output = process.output();
            assert!(process.exited().is_none(), "the demo does not start: {output}");
            output.contains("\ntry: ").then_some(())
        });
        Self {
            process,
            data: data.to_owned(),
        }
    }

    /// Returns what follows these words in a line of its output, once it is there.
    fn told(&self, words: &str) -> String {
        wait::until(words, || {
            let output = self.process.output();
            let rest = output.lines().find_map(|line| Some(line.split_once(words)?.1));
            rest.map(str::to_owned)
        })
    }

    fn pid(&self, name: &str) -> Pid {
        let rest = self.told(&format!("{name} pid: "));
        let number = rest.split(' ').next().and_then(|number| number.parse().ok());
        number.and_then(Pid::from_raw).expect("the number of a process")
    }

    fn pids(&self) -> Vec<Pid> {
        let names = ["storage-1", "storage-2", "storage-3", "proxy-1", "proxy-2"];
        names.map(|name| self.pid(name)).to_vec()
    }

    /// Returns its output without the numbers of processes.
    fn lines(&self) -> Vec<String> {
        let output = self.process.output();
        let without_pid = |line: &str| match line.split_once(" pid: ") {
            Some((name, rest)) => format!("{name} {}", rest.trim_start_matches(|c: char| c.is_ascii_digit())),
            None => line.to_owned(),
        };
        output.lines().map(without_pid).collect()
    }

    /// Logs in at a proxy as a person does who read its line.
    fn log_in(&self, proxy: &str) -> Imap {
        let (_, address) = self
            .told(&format!("{proxy} pid: "))
            .split_once("imap://")
            .map(|(pid, address)| (pid.to_owned(), address.to_owned()))
            .expect("an address");
        let access = self.access(address.parse().expect("an address"));
        let mut client = Imap::connect_plain(&access).expect("a greeting");
        client.starttls(&access);
        client.ok(format!("LOGIN {} {}", access.user, access.password));
        client
    }

    fn access(&self, imap: SocketAddr) -> Access {
        let authority = self.data.join("tls/ca.pem");
        Access {
            imap,
            imaps: imap,
            lmtp: imap,
            user: self.told("user: "),
            other_user: String::new(),
            password: self.told("password: "),
            certificates: Certificates {
                certificate: authority.clone(),
                key: authority.clone(),
                authority,
            },
        }
    }

    /// Asks it to end, and looks whether its processes went with it.
    fn stop(&mut self) {
        let pids = self.pids();
        self.process.signal(Signal::TERM);
        let status = self.process.wait();
        assert!(status.success(), "{status}: {}", self.process.output());
        let left: Vec<_> = pids.into_iter().filter(|pid| runs(*pid)).collect();
        assert!(left.is_empty(), "{left:?} still run");
    }
}

/// Says whether a process runs. One that has ended and that nobody has asked about yet does not.
fn runs(pid: Pid) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    // The name in parentheses may hold anything (proc_pid_stat(5)).
    status.is_ok_and(|status| !status.rsplit(')').next().unwrap_or_default().starts_with(" Z"))
}

/// Returns the bodies of all messages; flags differ by what was read.
fn bodies(client: &mut Imap) -> Vec<Vec<u8>> {
    client
        .dump("INBOX")
        .into_iter()
        .map(|stored| stored.body)
        .collect()
}

#[test]
fn the_demo_goes_on_without_a_node_and_comes_back_as_it_was() {
    let scratch = Scratch::new();
    let data = scratch.join("data");
    let mut demo = Demo::start(&scratch, &data, "first.log");
    let lines = demo.lines();
    let mut watcher = demo.log_in("proxy-1");
    let mut writer = demo.log_in("proxy-2");
    let mut expected = bodies(&mut writer);
    assert!(expected.len() > 10, "{} samples", expected.len());
    watcher.ok("SELECT INBOX");
    let mut idle = watcher.idle();
    let mut restarted = Vec::new();
    // One of the three leads the group of the account.
    for node in ["storage-1", "storage-2", "storage-3"] {
        kill_process(demo.pid(node), Signal::KILL).expect("killed");
        let line = demo.told(&format!(
            "{node} ended (signal: 9 (SIGKILL)); this starts it again: "
        ));
        let message = mail::message(&format!("Without {node}"), "with two of three");
        writer.deposit(&message);
        expected.push(message);
        idle.told(&format!(" {} EXISTS", expected.len()));
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]);
        let process = Process::start(&mut shell, &scratch.join(&format!("{node}.log")));
        wait::until("the node that was started again", || {
            process.output().contains("admin://").then_some(())
        });
        restarted.push(process);
    }
    idle.done();
    assert!(bodies(&mut watcher) == expected, "the mail is not what was sent");
    demo.stop();
    for mut process in restarted {
        assert!(process.wait().success(), "{}", process.output());
    }
    let mut demo = Demo::start(&scratch, &data, "second.log");
    assert_eq!(demo.lines(), lines);
    assert!(
        bodies(&mut demo.log_in("proxy-1")) == expected,
        "the mail is not what it was"
    );
    demo.stop();
}

#[test]
fn no_process_outlives_a_demo_that_is_killed() {
    let scratch = Scratch::new();
    let mut demo = Demo::start(&scratch, &scratch.join("data"), "demo.log");
    let pids = demo.pids();
    let distinct: BTreeSet<i32> = pids.iter().map(|pid| pid.as_raw_nonzero().get()).collect();
    assert_eq!(distinct.len(), 5);
    assert!(pids.iter().all(|pid| runs(*pid)));
    demo.process.kill();
    wait::until("the end of every process", || {
        (!pids.iter().any(|pid| runs(*pid))).then_some(())
    });
}

#[test]
fn what_is_no_cluster_is_refused_in_one_line() {
    let scratch = Scratch::new();
    let refused = |arguments: &[&str], words: &str| {
        let ended = Program::new(binary::path())
            .arguments(["serve", "--data-dir"])
            .arguments([scratch.join("data")])
            .arguments(arguments)
            .run();
        assert_eq!(ended.status.code(), Some(64), "{ended}");
        assert_eq!(ended.errors.lines().count(), 1, "{ended}");
        assert!(ended.errors.contains(words), "{ended}");
    };
    refused(&["--nodes", "3"], "add `--demo`");
    refused(&["--demo", "--nodes", "0"], "1 to 9");
    refused(&["--demo", "--nodes", "10", "--proxies", "2"], "1 to 9");
    assert!(!scratch.join("data").exists(), "something was made all the same");
}
