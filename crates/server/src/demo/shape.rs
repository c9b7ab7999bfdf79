//! How many processes a demo is.

use crate::arguments::ServeArguments;
use crate::exit::{Exit, Failure};

/// More of a kind would be no demo any more, and each has an address of its own among ten.
const COUNT_MAX: u32 = 9;
/// What one option means without the other.
const DEFAULT: Shape = Shape { nodes: 3, proxies: 2 };

/// The processes of a demo that is a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Storage nodes.
    pub nodes: u32,
    /// Proxies.
    pub proxies: u32,
}

impl Shape {
    /// Returns the shape that was asked for; nothing for a server that is one process.
    ///
    /// # Errors
    /// When there cannot be so many, or it is no demo.
    pub fn of(arguments: &ServeArguments) -> Result<Option<Self>, Failure> {
        if arguments.nodes.is_none() && arguments.proxies.is_none() {
            return Ok(None);
        }
        let refused = |line: String| Err(Failure::new(Exit::Usage, line));
        if !arguments.demo {
            return refused("`--nodes` and `--proxies` start a demo: add `--demo`".to_owned());
        }
        let shape = Self {
            nodes: arguments.nodes.unwrap_or(DEFAULT.nodes),
            proxies: arguments.proxies.unwrap_or(DEFAULT.proxies),
        };
        for (option, count) in [("--nodes", shape.nodes), ("--proxies", shape.proxies)] {
            if !(1..=COUNT_MAX).contains(&count) {
                return refused(format!("`{option} {count}`: a demo has 1 to {COUNT_MAX} of them"));
            }
        }
        Ok(Some(shape))
    }

    /// Returns what is to be known of the shape before it is tried.
    pub fn warning(self) -> Option<&'static str> {
        let lonely =
            "warning: two storage nodes do not survive the loss of one, since one is no majority; three do";
        (self.nodes == 2).then_some(lonely)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(demo: bool, nodes: Option<u32>, proxies: Option<u32>) -> Result<Option<Shape>, Failure> {
        Shape::of(&ServeArguments {
            demo,
            nodes,
            proxies,
            ..ServeArguments::default()
        })
    }

    #[test]
    fn a_server_is_one_process_unless_told_otherwise() {
        assert_eq!(shape(true, None, None), Ok(None));
        assert_eq!(shape(false, None, None), Ok(None));
    }

    #[test]
    fn one_option_is_enough() {
        let check = |nodes, proxies, expected: (u32, u32)| {
            let shape = shape(true, nodes, proxies).expect("possible").expect("a cluster");
            assert_eq!((shape.nodes, shape.proxies), expected);
        };
        check(Some(5), None, (5, 2));
        check(None, Some(1), (3, 1));
        check(Some(9), Some(9), (9, 9));
    }

    #[test]
    fn what_cannot_be_is_refused_in_one_line() {
        let check = |demo, nodes, proxies, words: &str| {
            let failure = shape(demo, nodes, proxies).expect_err(words);
            assert_eq!(failure.exit(), Exit::Usage);
            assert_eq!(failure.lines().len(), 1);
            assert!(failure.lines()[0].contains(words), "{:?}", failure.lines());
        };
        check(false, Some(3), None, "add `--demo`");
        check(false, None, Some(2), "add `--demo`");
        check(true, Some(0), None, "`--nodes 0`: a demo has 1 to 9");
        check(true, Some(10), Some(2), "`--nodes 10`");
        check(true, Some(3), Some(0), "`--proxies 0`");
        check(true, Some(3), Some(10), "`--proxies 10`");
    }

    #[test]
    fn two_nodes_are_warned_of() {
        let of = |nodes| Shape { nodes, proxies: 1 }.warning();
        assert!(of(2).is_some_and(|warning| warning.contains("do not survive")));
        assert_eq!((of(1), of(3)), (None, None));
    }
}
