//! The Date field (RFC 5322 §3.3, §4.3), read leniently.

use super::lexer::Lexer;

/// A point in time with the zone that the sender wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SentDate {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub unix_seconds: i64,
    /// How many minutes the sender's clock is ahead of UTC.
    pub offset_minutes: i16,
}

impl SentDate {
    /// Returns the day that the sender's own clock showed, in days since 1970-01-01.
    ///
    /// SENTBEFORE, SENTON and SENTSINCE compare it, disregarding time and zone (RFC 3501 §6.4.4).
    pub fn local_day(self) -> i64 {
        (self.unix_seconds + i64::from(self.offset_minutes) * 60).div_euclid(86_400)
    }
}

/// `date-time = [ day-of-week "," ] date time [CFWS]` (RFC 5322 §3.3)
///
/// Also takes two-digit years and named zones (§4.3), a missing time (midnight) or zone (UTC), and the
/// order of `ctime`, which some programs send: `Thu Jan 1 00:00:00 1970`.
pub(crate) fn parse_date(body: &[u8]) -> Option<SentDate> {
    let words = words(body);
    let mut words = words.iter().map(String::as_str).peekable();
    words.next_if(|word| !word.starts_with(|c: char| c.is_ascii_digit()) && month(word).is_none());
    let (day, month, ctime) = match month(words.peek()?) {
        Some(found) => {
            words.next();
            (number(words.next()?, 31)?, found, true)
        }
        None => (number(words.next()?, 31)?, month(words.next()?)?, false),
    };
    let (year, time) = if ctime && words.peek().is_some_and(|word| word.contains(':')) {
        let time = words.next();
        (year(words.next()?)?, time)
    } else {
        (year(words.next()?)?, words.next())
    };
    if day < 1 || day > days_in_month(year, month) {
        return None;
    }
    let seconds = time.map_or(Some(0), time_of_day)?;
    let offset_minutes = words.next().map_or(0, zone);
    let local = days_since_1970(year, month, day) * 86_400 + seconds;
    Some(SentDate {
        unix_seconds: local - i64::from(offset_minutes) * 60,
        offset_minutes,
    })
}

/// Splits at white space, commas and comments; at most the words that a date can have.
fn words(body: &[u8]) -> Vec<String> {
    const WORDS_MAX: usize = 8;
    const WORD_BYTES_MAX: usize = 32;
    let mut lexer = Lexer::new(body);
    let mut words = Vec::new();
    while words.len() < WORDS_MAX && lexer.skip_cfws().is_ok() && !lexer.is_at_end() {
        let word = lexer.run(|byte| !b" \t\r\n,(".contains(&byte));
        if word.is_empty() {
            lexer.bump();
        } else if word.len() <= WORD_BYTES_MAX {
            // `1-Jan-1970` is not in any RFC on mail, but in mail.
            let text = String::from_utf8_lossy(word);
            let dashed = text.starts_with(|c: char| c.is_ascii_digit()) && text.contains('-');
            words.extend(text.split(|c| dashed && c == '-').map(str::to_owned));
        } else {
            return Vec::new();
        }
    }
    words
}

fn month(word: &str) -> Option<i64> {
    const NAMES: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let start = word.get(..3)?;
    let at = NAMES.iter().position(|name| start.eq_ignore_ascii_case(name))?;
    i64::try_from(at).ok().map(|at| at + 1)
}

fn number(word: &str, most: i64) -> Option<i64> {
    let digits = !word.is_empty() && word.len() <= 9 && word.bytes().all(|byte| byte.is_ascii_digit());
    let value = if digits { word.parse().ok()? } else { return None };
    (value <= most).then_some(value)
}

/// Two digits mean 1950 to 2049, three digits 1900 and more (RFC 5322 §4.3).
fn year(word: &str) -> Option<i64> {
    let value = number(word, 9999)?;
    Some(match word.len() {
        1 | 2 if value < 50 => value + 2000,
        1..=3 => value + 1900,
        _ => value,
    })
}

/// `time-of-day = hour ":" minute [ ":" second ]` (RFC 5322 §3.3); a leap second counts as the last one.
fn time_of_day(word: &str) -> Option<i64> {
    let mut fields = word.splitn(3, ':');
    let hour = number(fields.next()?, 23)?;
    let minute = number(fields.next()?, 59)?;
    let second = fields.next().map_or(Some(0), |second| number(second, 60))?;
    Some(hour * 3600 + minute * 60 + second.min(59))
}

/// Returns minutes ahead of UTC; 0 for what is unknown (RFC 5322 §4.3).
fn zone(word: &str) -> i16 {
    let hours = match word.to_ascii_uppercase().as_str() {
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        other => return numeric_zone(other).unwrap_or(0),
    };
    hours * 60
}

/// `zone = ("+" / "-") 4DIGIT` (RFC 5322 §3.3)
fn numeric_zone(word: &str) -> Option<i16> {
    let (sign, digits) = match word.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, word.strip_prefix('+')?),
    };
    let value = i16::try_from(number(digits, 9959)?).ok()?;
    (digits.len() == 4 && value % 100 < 60).then_some(sign * (value / 100 * 60 + value % 100))
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Counts days from 1970-01-01 in the Gregorian calendar, which RFC 5322 §3.3 applies to all years.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let before = year - 1;
    let leaps = before / 4 - before / 100 + before / 400;
    let months: i64 = (1..month).map(|month| days_in_month(year, month)).sum();
    const DAYS_BEFORE_1970: i64 = 719_162;
    before * 365 + leaps + months + day - 1 - DAYS_BEFORE_1970
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: Option<(i64, i16)>) {
        let found = parse_date(body.as_bytes()).map(|date| (date.unix_seconds, date.offset_minutes));
        assert_eq!(found, expected, "{body}");
    }

    #[test]
    fn standard_forms() {
        check("Thu, 1 Jan 1970 00:00:00 +0000", Some((0, 0)));
        check("Fri, 21 Nov 1997 09:55:06 -0600", Some((880_127_706, -360)));
        check("29 Feb 2024 23:59:60 +0530", Some((1_709_231_399, 330)));
        check("Mon, 1 Jan 2001 12:00 GMT", Some((978_350_400, 0)));
    }

    #[test]
    fn obsolete_forms() {
        check(
            "Thu,\r\n      13\r\n Feb\r\n  1969\r\n 23:32 (c) -0330 (Newfoundland Time)",
            Some((-27_723_480, -210)),
        );
        check("21 Nov 97 09:55:06 EST", Some((880_124_106, -300)));
        check("Thu Jan  1 00:00:10 1970", Some((10, 0)));
        check("1-Jan-1970 00:00:00", Some((0, 0)));
    }

    #[test]
    fn what_is_no_date() {
        for body in [
            "",
            "yesterday",
            "31 Feb 2020 00:00:00 +0000",
            "1 Jan",
            "1 Foo 2000",
            "(((((",
            "x".repeat(99).as_str(),
        ] {
            check(body, None);
        }
        check("32 Jan 2000 00:00", None);
    }

    #[test]
    fn the_local_day_disregards_the_zone() {
        let late = parse_date(b"1 Jan 1970 23:30:00 -0800").expect("valid");
        assert_eq!(late.local_day(), 0);
        let early = parse_date(b"2 Jan 1970 00:30:00 +1000").expect("valid");
        assert_eq!(early.local_day(), 1);
    }
}
