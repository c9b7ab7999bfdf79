//! The demo server of the README: one command, and its lines can be used as they stand.

use std::path::Path;
use std::process::Command;

use cluster_tests::process::Process;
use cluster_tests::{Program, Scratch, binary, wait};
use rustix::process::Signal;

struct Demo {
    process: Process,
}

impl Demo {
    fn start(scratch: &Scratch, data: &Path, log: &str) -> Self {
        let mut command = Command::new(binary::path());
        command.args(["serve", "--demo", "--data-dir"]).arg(data);
        let process = Process::start(&mut command, &scratch.join(log));
        wait::until("the lines of the demo", || {
            let output = process.output();
            ["password: ", "curl ", "mutt "]
                .iter()
                .all(|word| output.contains(word))
                .then_some(())
        });
        Self { process }
    }

    fn line(&self, start: &str) -> String {
        let output = self.process.output();
        let line = output.lines().map(str::trim).find(|line| line.starts_with(start));
        line.map(str::to_owned).unwrap_or_default()
    }

    /// Returns all that a person copies from its output.
    fn lines(&self) -> Vec<String> {
        let starts = [
            "imap://127.0.0.1:",
            "imaps://",
            "lmtp://",
            "admin://",
            "user: ",
            "password: ",
            "curl ",
            "mutt ",
        ];
        starts.iter().map(|start| self.line(start)).collect()
    }

    fn stop(mut self) {
        self.process.signal(Signal::TERM);
        let status = self.process.wait();
        assert!(status.success(), "{status}");
    }
}

#[test]
fn the_lines_of_the_demo_work_and_stay_the_same() {
    let scratch = Scratch::new();
    let data = scratch.join("data");
    let demo = Demo::start(&scratch, &data, "first.log");
    let first = demo.lines();
    assert!(first.iter().all(|line| !line.is_empty()), "{first:#?}");
    assert!(
        demo.process.output().contains(&*data.to_string_lossy()),
        "it does not say where the data lies"
    );
    let mail = shell(&scratch, &demo.line("curl "));
    assert!(!mail.trim().is_empty(), "curl shows nothing");
    demo.stop();
    let demo = Demo::start(&scratch, &data, "second.log");
    assert_eq!(demo.lines(), first);
    assert_eq!(shell(&scratch, &demo.line("curl ")), mail);
    demo.stop();
}

fn shell(scratch: &Scratch, line: &str) -> String {
    Program::new("sh")
        .home(scratch.path())
        .arguments(["-c", line])
        .succeed()
}
