use super::{Upload, UploadId};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use time::OffsetDateTime;

/// A moment by the catalog's clock, in the microseconds that it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(i64);

/// What became of the list since some moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Up to when this holds: the moment to ask from the next time.
    pub upto: Moment,
    /// `None` where it is more than can be told, or no longer known: the list is to be fetched anew.
    pub news: Option<News>,
}

/// The changes themselves. One may be told several times, and telling it again changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// What the list shows now and did not before.
    pub completed: Vec<Upload>,
    /// What it may have shown and does not any more.
    pub removed: Vec<UploadId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a moment is its microseconds since 1970, at most 16 digits")]
pub struct InvalidMoment;

impl Moment {
    /// In the year 2286: every moment up to it is a time.
    const LAST: i64 = 9_999_999_999_999_999;

    pub fn of(time: OffsetDateTime) -> Self {
        let micros = time.unix_timestamp_nanos() / 1000;
        Self::from_micros(i64::try_from(micros).unwrap_or(Self::LAST))
    }

    /// Before 1970 and past its end time stands still.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(0, Self::LAST))
    }

    pub fn micros(self) -> i64 {
        self.0
    }

    pub fn time(self) -> OffsetDateTime {
        let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1000);
        time.unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    pub fn earlier_by(self, duration: Duration) -> Self {
        Self::from_micros(self.0.saturating_sub(micros(duration)))
    }

    pub fn later_by(self, duration: Duration) -> Self {
        Self::from_micros(self.0.saturating_add(micros(duration)))
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Moment {
    type Err = InvalidMoment;

    fn from_str(text: &str) -> Result<Self, InvalidMoment> {
        let digits = (1..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten().map(Self).ok_or(InvalidMoment)
    }
}

impl News {
    pub fn is_empty(&self) -> bool {
        self.completed.is_empty() && self.removed.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_printed_and_parsed_back() {
        for micros in [0, 1, 1_700_000_000_123_456, Moment::LAST] {
            let moment = Moment::from_micros(micros);
            assert_eq!(moment.to_string().parse(), Ok(moment));
            assert_eq!(Moment::of(moment.time()), moment);
        }
        for bad in ["", "-1", "+1", " 1", "1.0", "0x1", "12345678901234567", "٣"] {
            assert_eq!(bad.parse::<Moment>(), Err(InvalidMoment), "{bad:?}");
        }
    }

    #[test]
    fn moments_stop_at_both_ends_of_time() {
        let (first, last) = (Moment::from_micros(0), Moment::from_micros(i64::MAX));
        assert_eq!(first.earlier_by(Duration::from_secs(1)), first);
        assert_eq!(last.later_by(Duration::MAX), last);
        assert_eq!(first.later_by(Duration::from_millis(1)).micros(), 1000);
    }
}
