//! Sets of numbers as they stand on the wire.

/// UIDs or sequence numbers: `2,4:7`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Numbers(Vec<(u32, u32)>);

impl Numbers {
    /// Reads a set; `*` is the largest number there is.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| match text {
            "*" => Some(u32::MAX),
            digits => digits.parse().ok(),
        };
        let range = |part: &str| {
            let (from, to) = part.split_once(':').unwrap_or((part, part));
            let (from, to) = (number(from)?, number(to)?);
            Some((from.min(to), from.max(to)))
        };
        text.split(',').map(range).collect::<Option<Vec<_>>>().map(Self)
    }

    /// Says whether a number is in it.
    #[must_use]
    pub fn contains(&self, number: u32) -> bool {
        self.0.iter().any(|(from, to)| (*from..=*to).contains(&number))
    }

    /// Returns the numbers in the order of the wire.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().flat_map(|(from, to)| *from..=*to)
    }

    /// Counts them.
    #[must_use]
    pub fn count(&self) -> u64 {
        let lengths = self.0.iter().map(|(from, to)| u64::from(to - from) + 1);
        lengths.sum()
    }

    /// Writes numbers as they go on the wire, runs as ranges.
    #[must_use]
    pub fn text(numbers: &[u32]) -> String {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for number in numbers {
            match ranges.last_mut() {
                Some((_, end)) if end.checked_add(1) == Some(*number) => *end = *number,
                _ => ranges.push((*number, *number)),
            }
        }
        let text = |(from, to): &(u32, u32)| match from == to {
            true => from.to_string(),
            false => format!("{from}:{to}"),
        };
        ranges.iter().map(text).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_read_and_written() {
        let set = Numbers::parse("2,4:6").unwrap();
        assert_eq!(set.iter().collect::<Vec<_>>(), [2, 4, 5, 6]);
        assert!(set.contains(5) && !set.contains(3));
        assert_eq!(set.count(), 4);
        assert_eq!(Numbers::text(&[2, 4, 5, 6]), "2,4:6");
        assert_eq!(Numbers::parse("a"), None);
    }
}
