//! Sizes and limits as people write them.

/// The units, largest first.
const UNITS: [(&str, u64); 4] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
];

/// A limit on the command line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Limit(pub(crate) Option<u64>);

/// Reads a limit on octets.
pub(crate) fn storage_limit(text: &str) -> Result<Limit, &'static str> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(Limit(None));
    }
    let size = parse_size(text).ok_or("a size is a number with B, KiB, MiB, GiB or TiB, or `none`")?;
    Ok(Limit(Some(size)))
}

/// Reads a limit on messages.
pub(crate) fn message_limit(text: &str) -> Result<Limit, &'static str> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(Limit(None));
    }
    let count = text.parse().map_err(|_| "a limit is a number or `none`")?;
    Ok(Limit(Some(count)))
}

/// Reads a whole number of octets, or of units of 1024. Both `GiB` and `G` are units of 1024, whose
/// meaning nobody doubts for mailboxes; `GB`, which some read as 1000, is refused.
pub(crate) fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let (number, unit) = (digits.trim_end(), text.strip_prefix(digits)?.trim());
    let number: u64 = number.parse().ok()?;
    if unit.is_empty() || unit.eq_ignore_ascii_case("b") {
        return Some(number);
    }
    let is_unit = |name: &str| {
        unit.eq_ignore_ascii_case(name)
            || name
                .get(..1)
                .is_some_and(|letter| unit.eq_ignore_ascii_case(letter))
    };
    let (_, octets) = UNITS.iter().find(|(name, _)| is_unit(name))?;
    number.checked_mul(*octets)
}

/// Returns a size for people: up to one decimal, never rounded up to what is not there.
pub(crate) fn human(octets: u64) -> String {
    let Some((name, unit)) = UNITS.iter().find(|(_, unit)| octets >= *unit) else {
        return format!("{octets} B");
    };
    let tenths = u128::from(octets) * 10 / u128::from(*unit);
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        let cases = [
            ("0", Some(0)),
            ("17", Some(17)),
            ("17B", Some(17)),
            ("2GiB", Some(2 << 30)),
            ("2 gib", Some(2 << 30)),
            ("5M", Some(5 << 20)),
            ("1TiB", Some(1 << 40)),
            ("2GB", None),
            ("GiB", None),
            ("-1", None),
            ("1.5GiB", None),
            ("", None),
            ("99999999999TiB", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_size(text), expected, "{text:?}");
        }
        assert_eq!(storage_limit("none"), Ok(Limit(None)));
        assert_eq!(message_limit("7"), Ok(Limit(Some(7))));
        assert!(message_limit("7M").is_err());
    }

    #[test]
    fn sizes_are_written_for_people() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_048_575, "1023.9 KiB"),
            (1 << 31, "2.0 GiB"),
            (u64::MAX, "16777215.9 TiB"),
        ];
        for (octets, expected) in cases {
            assert_eq!(human(octets), expected);
        }
    }
}
