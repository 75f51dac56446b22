use super::Report;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use time::OffsetDateTime;

/// A replica that was not heard of for this long is no longer listed: it missed many beats.
pub const HEARD_WITHIN: Duration = Duration::from_secs(5);

/// A replica that was not heard of for this long is silent: it missed two beats, and the third is due.
pub const SILENT_AFTER: Duration = Duration::from_millis(1500);

/// Who lives is heard of within this. Where nobody was, the registry is slow, and nobody is silent for that.
const SOMEBODY_WITHIN: Duration = Duration::from_millis(700);

/// The live replicas at one moment: what `GET /api/replicas` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Census {
    /// When they were counted, by the registry's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub now: OffsetDateTime,
    pub replicas: Vec<Report>,
}

impl Census {
    /// Of what was heard up to `now`, both by the registry's clock.
    pub fn taken(now: OffsetDateTime, mut replicas: Vec<Report>) -> Self {
        let by = heard_by(now, &replicas);
        for report in &mut replicas {
            report.silent = by - report.last_seen > SILENT_AFTER;
        }
        Self { now, replicas }
    }

    /// In how long the next replica would be silent, if it were not heard of again.
    pub fn next_silence(&self) -> Option<Duration> {
        if heard_by(self.now, &self.replicas) < self.now {
            return None;
        }
        let due = |report: &Report| report.last_seen + SILENT_AFTER - self.now;
        let heard = self.replicas.iter().filter(|report| !report.silent);
        heard.map(due).min().map(|due| due.try_into().unwrap_or_default())
    }
}

/// Up to when the registry has heard what there was to hear.
fn heard_by(now: OffsetDateTime, replicas: &[Report]) -> OffsetDateTime {
    let last = replicas.iter().map(|report| report.last_seen).max();
    last.map_or(now, |last| now.min(last + SOMEBODY_WITHIN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replica::{Identity, Replica, Role};

    fn seen_ago(now: OffsetDateTime, millis: u64) -> Report {
        let report = Replica::new(Role::Backend, Identity::invented()).report();
        Report { last_seen: now - Duration::from_millis(millis), silent: false, ..report }
    }

    #[test]
    fn who_missed_three_beats_is_silent() {
        let now = OffsetDateTime::now_utc();
        let census = Census::taken(now, [0, 1500, 1501, 4000].map(|ago| seen_ago(now, ago)).into());
        let silent: Vec<_> = census.replicas.iter().map(|report| report.silent).collect();
        assert_eq!(silent, [false, false, true, true]);
    }

    /// A database that takes two seconds for each beat kills nobody.
    #[test]
    fn nobody_is_silent_where_nobody_was_heard_of() {
        let now = OffsetDateTime::now_utc();
        let census = Census::taken(now, [2000, 2400, 4500].map(|ago| seen_ago(now, ago)).into());
        let silent: Vec<_> = census.replicas.iter().map(|report| report.silent).collect();
        assert_eq!(silent, [false, false, true]);
        assert_eq!(census.next_silence(), None);
    }

    #[test]
    fn who_speaks_again_is_not_silent_any_more() {
        let now = OffsetDateTime::now_utc();
        let census = Census::taken(now, vec![Report { silent: true, ..seen_ago(now, 10) }]);
        assert!(!census.replicas[0].silent);
    }

    #[test]
    fn the_next_silence_is_that_of_who_was_not_heard_of_for_longest() {
        let now = OffsetDateTime::now_utc();
        let next = |ages: &[u64]| {
            Census::taken(now, ages.iter().map(|ago| seen_ago(now, *ago)).collect()).next_silence()
        };
        assert_eq!(next(&[100, 400, 4000]), Some(Duration::from_millis(1100)));
        assert_eq!(next(&[0, 1500]), Some(Duration::ZERO));
        assert_eq!(next(&[2000]), None);
        assert_eq!(next(&[]), None);
    }
}
