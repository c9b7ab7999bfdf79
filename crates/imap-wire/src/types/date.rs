//! Dates and times: numbers checked by the calendar, without a clock or a time zone table.

use crate::encode::number;

/// A day of the calendar.
///
/// `date-text = date-day "-" date-month "-" date-year` (RFC 3501 §9)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// A day, a time of that day and the zone it is given in.
///
/// `date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE`
/// (RFC 3501 §9)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DateTime {
    date: Date,
    second_of_day: u32,
    zone_minutes: i16,
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const SECONDS_PER_DAY: i64 = 86_400;

impl Date {
    /// Returns the day, or `None` if the calendar has none such or the year has not four digits.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let valid =
            year <= 9999 && (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
        valid.then_some(Self { year, month, day })
    }

    /// Returns year, month from 1 and day of the month from 1.
    pub fn ymd(self) -> (u16, u8, u8) {
        (self.year, self.month, self.day)
    }

    /// Returns the days since 1970-01-01.
    pub fn days_since_epoch(self) -> i64 {
        let (year, month, day) = (i64::from(self.year), i64::from(self.month), i64::from(self.day));
        // Years begin in March here, so that the leap day is the last of its year.
        let shifted_year = if month <= 2 { year - 1 } else { year };
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let (era, year_of_era) = (shifted_year.div_euclid(400), shifted_year.rem_euclid(400));
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
    }

    /// Returns the day that many days after 1970-01-01, or `None` outside the years 0 to 9999.
    pub fn from_days_since_epoch(days: i64) -> Option<Self> {
        let shifted = days.checked_add(719_468)?;
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = (shifted_month + 2) % 12 + 1;
        let year = era * 400 + year_of_era + i64::from(month <= 2);
        Self::new(
            u16::try_from(year).ok()?,
            u8::try_from(month).ok()?,
            u8::try_from(day).ok()?,
        )
    }

    /// Appends `1-Jan-2026`.
    pub fn encode(self, out: &mut Vec<u8>) {
        number(out, u64::from(self.day));
        self.encode_month_and_year(out);
    }

    fn encode_month_and_year(self, out: &mut Vec<u8>) {
        out.push(b'-');
        let name = MONTHS
            .get(usize::from(self.month) - 1)
            .expect("invariant: a date has a month from 1 to 12");
        out.extend_from_slice(name.as_bytes());
        out.push(b'-');
        digits(out, u32::from(self.year), 4);
    }
}

impl DateTime {
    /// Returns the time, or `None` if the second is not in the day or the zone beyond 24 hours.
    ///
    /// A leap second, 23:59:60, is taken for the second before it.
    pub fn new(date: Date, (hour, minute, second): (u8, u8, u8), zone_minutes: i16) -> Option<Self> {
        let valid = hour <= 23 && minute <= 59 && second <= 60 && zone_minutes.unsigned_abs() < 24 * 60;
        let second_of_day = u32::from(hour) * 3600 + u32::from(minute) * 60 + u32::from(second.min(59));
        valid.then_some(Self {
            date,
            second_of_day,
            zone_minutes,
        })
    }

    /// Returns the time as seconds since 1970-01-01T00:00:00Z.
    pub fn unix_seconds(self) -> i64 {
        self.date.days_since_epoch() * SECONDS_PER_DAY + i64::from(self.second_of_day)
            - i64::from(self.zone_minutes) * 60
    }

    /// Returns the time in that zone, or `None` outside the years 0 to 9999.
    pub fn from_unix_seconds(seconds: i64, zone_minutes: i16) -> Option<Self> {
        if zone_minutes.unsigned_abs() >= 24 * 60 {
            return None;
        }
        let local = seconds.checked_add(i64::from(zone_minutes) * 60)?;
        let date = Date::from_days_since_epoch(local.div_euclid(SECONDS_PER_DAY))?;
        let second_of_day = u32::try_from(local.rem_euclid(SECONDS_PER_DAY)).ok()?;
        Some(Self {
            date,
            second_of_day,
            zone_minutes,
        })
    }

    /// Returns the day in the zone that the time is given in.
    pub fn date(self) -> Date {
        self.date
    }

    /// Returns the zone in minutes east of Greenwich.
    pub fn zone_minutes(self) -> i16 {
        self.zone_minutes
    }

    /// Appends `" 1-Jan-2026 12:00:00 +0000"` with its quotes.
    pub fn encode(self, out: &mut Vec<u8>) {
        out.push(b'"');
        if self.date.day < 10 {
            out.push(b' ');
        }
        self.date.encode(out);
        out.push(b' ');
        digits(out, self.second_of_day / 3600, 2);
        out.push(b':');
        digits(out, self.second_of_day / 60 % 60, 2);
        out.push(b':');
        digits(out, self.second_of_day % 60, 2);
        out.extend_from_slice(if self.zone_minutes < 0 { b" -" } else { b" +" });
        let zone = u32::from(self.zone_minutes.unsigned_abs());
        digits(out, zone / 60 * 100 + zone % 60, 4);
        out.push(b'"');
    }
}

/// Returns the month from 1 of that three-letter name in any case.
pub(crate) fn month_of(name: &[u8]) -> Option<u8> {
    let index = MONTHS
        .iter()
        .position(|month| name.eq_ignore_ascii_case(month.as_bytes()))?;
    u8::try_from(index + 1).ok()
}

fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Appends `value` with leading zeros.
fn digits(out: &mut Vec<u8>, value: u32, width: u32) {
    for position in (0..width).rev() {
        let digit = value / 10_u32.pow(position) % 10;
        out.push(b'0' + u8::try_from(digit).expect("invariant: a remainder of ten is one digit"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_calendar_is_kept() {
        assert!(Date::new(2024, 2, 29).is_some());
        assert!(Date::new(2023, 2, 29).is_none());
        assert!(Date::new(1900, 2, 29).is_none());
        assert!(Date::new(2000, 2, 29).is_some());
        assert!(Date::new(2024, 4, 31).is_none());
        assert!(Date::new(2024, 13, 1).is_none());
        assert!(Date::new(2024, 1, 0).is_none());
    }

    #[test]
    fn known_instants() {
        let date = Date::new(1996, 7, 17).expect("date");
        let time = DateTime::new(date, (2, 44, 25), -7 * 60).expect("time");
        assert_eq!(time.unix_seconds(), 837_596_665); // 1996-07-17T09:44:25Z
        let mut out = Vec::new();
        time.encode(&mut out);
        assert_eq!(out, b"\"17-Jul-1996 02:44:25 -0700\""); // RFC 3501 §8
        assert_eq!(Date::new(1970, 1, 1).map(Date::days_since_epoch), Some(0));
        assert_eq!(Date::new(2000, 3, 1).map(Date::days_since_epoch), Some(11_017));
    }

    #[test]
    fn days_below_ten_are_padded_with_a_space() {
        let mut out = Vec::new();
        DateTime::from_unix_seconds(0, 330)
            .expect("time")
            .encode(&mut out);
        assert_eq!(out, b"\" 1-Jan-1970 05:30:00 +0530\"");
    }

    proptest! {
        #[test]
        fn seconds_round_trip(seconds in -62_000_000_000_i64..253_000_000_000, zone in -1439_i16..=1439) {
            let time = DateTime::from_unix_seconds(seconds, zone).expect("in range");
            prop_assert_eq!(time.unix_seconds(), seconds);
            prop_assert_eq!(time.zone_minutes(), zone);
        }
    }
}
