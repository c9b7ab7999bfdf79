//! Dates and times.

use crate::command::Leniency;
use crate::error::WireError;
use crate::parse::context::{Context, Parsed, expected, fail};
use crate::parse::strings::exact;
use crate::types::{Date, DateTime, month_of};
use nom::bytes::complete::{take, take_while_m_n};

/// `date = date-text / DQUOTE date-text DQUOTE` (RFC 3501 §9)
pub(crate) fn date(input: &[u8]) -> Parsed<'_, Date> {
    match input.strip_prefix(b"\"") {
        Some(rest) => {
            let (rest, date) = date_text(rest)?;
            let (rest, ()) = exact("\"", rest)?;
            Ok((rest, date))
        }
        None => date_text(input),
    }
}

/// `date-text = date-day "-" date-month "-" date-year`, `date-day = 1*2DIGIT` (RFC 3501 §9)
fn date_text(input: &[u8]) -> Parsed<'_, Date> {
    let (rest, day) = digits(1, 2, input)?;
    let (rest, (month, year)) = month_and_year(rest)?;
    calendar(input, year, month, day).map(|date| (rest, date))
}

/// `"-" date-month "-" date-year` (RFC 3501 §9)
fn month_and_year(input: &[u8]) -> Parsed<'_, (u8, u16)> {
    let (rest, ()) = exact("-", input)?;
    let (rest, name) = take(3_usize)(rest)?;
    let month = month_of(name).ok_or_else(|| expected(input, "a month"))?;
    let (rest, ()) = exact("-", rest)?;
    let (rest, year) = digits(4, 4, rest)?;
    Ok((rest, (month, year)))
}

/// `date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE`,
/// `date-day-fixed = (SP DIGIT) / 2DIGIT` (RFC 3501 §9)
pub(crate) fn date_time<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, DateTime> {
    let (start, ()) = exact("\"", input)?;
    let padded = start.strip_prefix(b" ");
    let (rest, day) = match padded {
        Some(rest) => digits(1, 1, rest)?,
        None => digits(1, 2, start)?,
    };
    if padded.is_none() && start.len() - rest.len() == 1 {
        context.tolerate(Leniency::UnpaddedDay, input)?;
    }
    let (rest, (month, year)) = month_and_year(rest)?;
    let (rest, ()) = exact(" ", rest)?;
    let (rest, time) = time(rest)?;
    let (rest, ()) = exact(" ", rest)?;
    let (rest, zone) = zone(rest)?;
    let (rest, ()) = exact("\"", rest)?;
    let date = calendar(input, year, month, day)?;
    match DateTime::new(date, time, zone) {
        Some(value) => Ok((rest, value)),
        None => Err(fail(input, WireError::syntax("a valid time"))),
    }
}

/// `time = 2DIGIT ":" 2DIGIT ":" 2DIGIT` (RFC 3501 §9)
fn time(input: &[u8]) -> Parsed<'_, (u8, u8, u8)> {
    let (rest, hour) = digits(2, 2, input)?;
    let (rest, ()) = exact(":", rest)?;
    let (rest, minute) = digits(2, 2, rest)?;
    let (rest, ()) = exact(":", rest)?;
    let (rest, second) = digits(2, 2, rest)?;
    Ok((rest, (small(hour), small(minute), small(second))))
}

/// `zone = ("+" / "-") 4DIGIT` (RFC 3501 §9), in minutes east of Greenwich.
fn zone(input: &[u8]) -> Parsed<'_, i16> {
    let (rest, sign) = take(1_usize)(input)?;
    let sign = match sign {
        b"+" => 1,
        b"-" => -1,
        _ => return Err(expected(input, "a time zone")),
    };
    let (rest, hours) = digits(2, 2, rest)?;
    let (rest, minutes) = digits(2, 2, rest)?;
    if minutes > 59 {
        return Err(fail(input, WireError::syntax("a valid time zone")));
    }
    Ok((
        rest,
        sign * (i16::from(small(hours)) * 60 + i16::from(small(minutes))),
    ))
}

fn calendar(
    input: &[u8],
    year: u16,
    month: u8,
    day: u16,
) -> Result<Date, nom::Err<super::context::Failure<'_>>> {
    Date::new(year, month, small(day)).ok_or_else(|| fail(input, WireError::syntax("a valid date")))
}

fn digits(least: usize, most: usize, input: &[u8]) -> Parsed<'_, u16> {
    let (rest, digits) = take_while_m_n(least, most, |byte: u8| byte.is_ascii_digit())(input)?;
    Ok((
        rest,
        digits
            .iter()
            .fold(0, |value, digit| value * 10 + u16::from(digit - b'0')),
    ))
}

/// Narrows a number of two digits.
fn small(value: u16) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}
