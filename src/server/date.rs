//! The `date` of a response, made of the seconds since 1970 and nothing else.
//!
//! Layer: server. uvicorn too formats the date once a second, and not for each response.

use std::time::{SystemTime, UNIX_EPOCH};

const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The date as text, formatted at most once a second. Each thread has a clock of its own.
#[derive(Debug, Default)]
pub(super) struct Clock {
    second: usize,
    date: String,
}

impl Clock {
    /// The value of a `date` field now. A system clock before 1970 reads as 1970.
    pub(super) fn date(&mut self) -> &str {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let second = usize::try_from(since_1970.as_secs()).unwrap_or_default();
        if second != self.second || self.date.is_empty() {
            *self = Self { second, date: http_date(second) };
        }
        &self.date
    }
}

/// A moment, in seconds since 1970, as an IMF-fixdate (RFC 9110 §5.6.7):
/// `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(seconds: usize) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil_from_days(days);
    let weekday = WEEKDAYS[days % 7]; // 1970 began on a Thursday
    let month = MONTHS[month - 1];
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// The year, month and day of a day that is counted from 1970-01-01: the algorithm that Howard
/// Hinnant published under this name.
///
/// A year begins in March here, so that the leap day is its last day, and 400 years are always
/// 146,097 days. From March on, months have 31, 30, 31, 30, 31 days and again: 153 days in five
/// months.
fn civil_from_days(days: usize) -> (usize, usize, usize) {
    let days = days + 719_468; // from 0000-03-01 to 1970-01-01
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + usize::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::http_date;

    #[test]
    fn a_moment_prints_as_an_imf_fixdate() {
        for (seconds, date) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
            (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
            (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        ] {
            assert_eq!(http_date(seconds), date);
        }
    }
}
