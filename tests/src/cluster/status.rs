//! What storage nodes say of their groups.

use std::collections::BTreeMap;

use serde_json::Value;

/// What one node says of one group.
#[derive(Clone, Debug)]
struct View {
    leader: Option<String>,
    term: u64,
    applied: u64,
}

/// What all nodes that answered say, by group.
#[derive(Clone, Debug)]
pub struct Seen {
    groups: BTreeMap<u64, Vec<View>>,
}

impl Seen {
    /// Reads the output of `facteur status --output json`.
    pub fn read(text: &str) -> Option<Self> {
        let nodes: Value = serde_json::from_str(text).ok()?;
        let mut groups: BTreeMap<u64, Vec<View>> = BTreeMap::new();
        for node in nodes.as_array()? {
            for group in node.get("groups")?.as_array()? {
                let number = |name: &str| group.get(name).and_then(Value::as_u64);
                let leader = group.get("leader").and_then(Value::as_str);
                groups.entry(number("group")?).or_default().push(View {
                    leader: leader.map(str::to_owned),
                    term: number("term")?,
                    applied: number("applied_index")?,
                });
            }
        }
        Some(Self { groups })
    }

    /// Says whether so many nodes follow one leader in each group and have applied the same.
    pub fn is_level(&self, nodes: usize) -> bool {
        let level = |views: &Vec<View>| {
            let Some(first) = views.first() else { return false };
            let alike = |view: &View| {
                (&view.leader, view.term, view.applied) == (&first.leader, first.term, first.applied)
            };
            views.len() == nodes && first.leader.is_some() && views.iter().all(alike)
        };
        !self.groups.is_empty() && self.groups.values().all(level)
    }

    /// Returns the leader of the only group as those of the highest term know it, counted from 0.
    pub fn only_leader(&self) -> Option<usize> {
        assert!(
            self.groups.len() <= 1,
            "each of several groups has a leader of its own"
        );
        let views = self.groups.values().next()?;
        let last = views
            .iter()
            .max_by_key(|view| (view.term, view.leader.is_some()))?;
        let number = last.leader.as_deref()?.strip_prefix("node-")?;
        number.parse::<usize>().ok()?.checked_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(leaders: [&str; 2]) -> Option<Seen> {
        let node = |leader: &str, term: u64| {
            format!(
                r#"{{"node":"n","groups":[{{"group":1,"leader":{leader},"term":{term},"applied_index":9}}]}}"#
            )
        };
        let [first, second] = leaders;
        Seen::read(&format!("[{},{}]", node(first, 4), node(second, 5)))
    }

    #[test]
    fn the_highest_term_knows_who_leads() {
        let seen = seen(["\"node-1\"", "\"node-3\""]).expect("read");
        assert_eq!(seen.only_leader(), Some(2));
        assert!(!seen.is_level(2), "they follow two leaders");
    }

    #[test]
    fn a_group_without_a_leader_has_none() {
        let seen = seen(["\"node-1\"", "null"]).expect("read");
        assert_eq!(seen.only_leader(), None);
        assert!(Seen::read("nothing").is_none());
    }
}
