//! Memory and processor time of the server, from `/proc`.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

/// Ticks of `/proc/PID/stat` in a second; Linux shows 100 to user space on every platform.
const TICKS_PER_SECOND: u64 = 100;

/// Processes with all their children.
#[derive(Debug, Clone)]
pub struct Processes {
    roots: Vec<u32>,
}

/// One line of `/proc/PID/stat`.
struct Stat {
    parent: u32,
    ticks: u64,
}

impl Processes {
    pub fn new(roots: Vec<u32>) -> Self {
        Self { roots }
    }

    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// Returns the processor time used so far, also by children that have ended and been waited for.
    pub fn processor_time(&self) -> Duration {
        let ticks: u64 = self.members().values().map(|stat| stat.ticks).sum();
        Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
    }

    /// Returns the proportional set size in bytes: shared pages are divided among those who share them.
    pub fn proportional_bytes(&self) -> u64 {
        let kibibytes = |pid: &u32| {
            let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
            line.and_then(|rest| rest.trim().trim_end_matches(" kB").trim().parse::<u64>().ok())
        };
        self.members().keys().filter_map(kibibytes).sum::<u64>() * 1024
    }

    fn members(&self) -> HashMap<u32, Stat> {
        let mut all = all();
        let mut members = HashMap::new();
        let mut waiting = self.roots.clone();
        while let Some(pid) = waiting.pop() {
            if let Some(stat) = all.remove(&pid) {
                members.insert(pid, stat);
                waiting.extend(
                    all.iter()
                        .filter(|(_, stat)| stat.parent == pid)
                        .map(|(child, _)| *child),
                );
            }
        }
        members
    }
}

fn all() -> HashMap<u32, Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some((pid, parse(&text)?))
    })
    .collect()
}

/// Reads parent and utime, stime, cutime and cstime (proc(5)); the name before them may contain anything.
fn parse(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.get(text.rfind(')')? + 1..)?.split_whitespace().collect();
    let parent = fields.get(1)?.parse().ok()?;
    let ticks = fields
        .get(11..15)?
        .iter()
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Some(Stat { parent, ticks })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_and_brackets_is_no_obstacle() {
        let stat = parse("17 (a ) b) S 4 17 17 0 -1 4194304 1 2 3 4 50 60 7 8 20 0 1 0").expect("parsed");
        assert_eq!((stat.parent, stat.ticks), (4, 125));
    }
}
