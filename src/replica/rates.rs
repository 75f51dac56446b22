use super::{Report, Role};
use crate::domain::ContainerId;
use serde::Serialize;
use std::collections::HashMap;

/// How fast the counters of replicas go.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Rates {
    pub replicas: Vec<ReplicaRate>,
    pub links: Vec<LinkRate>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReplicaRate {
    pub container_id: ContainerId,
    pub role: Role,
    pub requests_per_second: f64,
    pub bytes_in_per_second: f64,
    pub bytes_out_per_second: f64,
    pub in_flight: u64,
}

/// What a frontend asks of a backend.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LinkRate {
    pub frontend: ContainerId,
    pub backend: ContainerId,
    pub requests_per_second: f64,
}

/// Compares what replicas say now with what they said when it was last used.
#[derive(Debug, Default)]
pub struct Meter {
    known: HashMap<ContainerId, Known>,
}

/// The last report of a replica, and how fast it was going by then.
#[derive(Debug)]
struct Known {
    report: Report,
    rates: Option<(ReplicaRate, Vec<LinkRate>)>,
}

impl Meter {
    /// The rates of those replicas that were heard of at least twice and are not silent. One that was not heard of since the
    /// last time goes as fast as it did.
    pub fn measure(&mut self, replicas: &[Report]) -> Rates {
        self.known.retain(|id, _| replicas.iter().any(|report| report.identity.container_id == *id));
        let mut rates = Rates::default();
        for report in replicas {
            let known = self.known.remove(&report.identity.container_id);
            let known = Known::next(known, report);
            if let (false, Some((replica, links))) = (report.silent, &known.rates) {
                rates.replicas.push(replica.clone());
                rates.links.extend_from_slice(links);
            }
            self.known.insert(report.identity.container_id, known);
        }
        rates
    }
}

impl Known {
    fn next(before: Option<Self>, report: &Report) -> Self {
        let rates = match before {
            Some(known) if known.report.last_seen == report.last_seen => return known,
            Some(known) => rates(&known.report, report),
            None => None,
        };
        Self { report: report.clone(), rates }
    }
}

/// `None` where no time went by between them.
fn rates(before: &Report, after: &Report) -> Option<(ReplicaRate, Vec<LinkRate>)> {
    let seconds = (after.last_seen - before.last_seen).as_seconds_f64();
    // A counter that went back has begun anew, with its process.
    let rate = |before: u64, after: u64| after.saturating_sub(before) as f64 / seconds;
    let replica = ReplicaRate {
        container_id: after.identity.container_id,
        role: after.role,
        requests_per_second: rate(before.requests_served, after.requests_served),
        bytes_in_per_second: rate(before.bytes_in, after.bytes_in),
        bytes_out_per_second: rate(before.bytes_out, after.bytes_out),
        in_flight: after.in_flight,
    };
    // One that was not told of before may have been left out, by a backend of an earlier release that passed the report on.
    let links = after.backends.iter().filter_map(|now| {
        let then = before.backends.iter().find(|then| then.container_id == now.container_id)?;
        Some(LinkRate {
            frontend: after.identity.container_id,
            backend: now.container_id,
            requests_per_second: rate(then.requests, now.requests),
        })
    });
    (seconds > 0.0).then(|| (replica, links.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replica::{Asked, Identity, Replica};
    use std::time::Duration;

    fn frontend() -> Report {
        Replica::new(Role::Frontend, Identity::invented()).report()
    }

    fn asked(backend: u64, requests: u64) -> Asked {
        Asked { container_id: ContainerId::from_bits(backend), requests }
    }

    fn later(report: &Report, millis: u64) -> Report {
        Report { last_seen: report.last_seen + Duration::from_millis(millis), ..report.clone() }
    }

    #[test]
    fn a_rate_is_the_difference_of_two_reports_over_the_time_between_them() {
        let mut meter = Meter::default();
        let first = Report { requests_served: 10, bytes_in: 100, bytes_out: 7, ..frontend() };
        let first = Report { backends: vec![asked(1, 5)], ..first };
        assert_eq!(meter.measure(std::slice::from_ref(&first)), Rates::default(), "seen once only");
        let second = Report {
            requests_served: 15,
            bytes_in: 300,
            in_flight: 2,
            backends: vec![asked(1, 8), asked(2, 1)],
            ..later(&first, 500)
        };
        let rates = meter.measure(std::slice::from_ref(&second));
        let expected = ReplicaRate {
            container_id: first.identity.container_id,
            role: Role::Frontend,
            requests_per_second: 10.0,
            bytes_in_per_second: 400.0,
            bytes_out_per_second: 0.0,
            in_flight: 2,
        };
        assert_eq!(rates.replicas, [expected]);
        let links: Vec<_> = rates.links.iter().map(|link| (link.backend, link.requests_per_second)).collect();
        assert_eq!(links, [(ContainerId::from_bits(1), 6.0)], "the other one is told of for the first time");
    }

    #[test]
    fn a_counter_that_went_back_is_zero() {
        let mut meter = Meter::default();
        let first = Report { requests_served: 10, backends: vec![asked(1, 5)], ..frontend() };
        meter.measure(std::slice::from_ref(&first));
        let again = Report { requests_served: 3, backends: vec![asked(1, 0)], ..later(&first, 1000) };
        let rates = meter.measure(&[again]);
        assert_eq!((rates.replicas[0].requests_per_second, rates.links[0].requests_per_second), (0.0, 0.0));
    }

    #[test]
    fn who_was_not_heard_of_again_goes_as_fast_as_before_until_it_is_silent() {
        let mut meter = Meter::default();
        let first = frontend();
        let second = Report { requests_served: 4, ..later(&first, 1000) };
        meter.measure(std::slice::from_ref(&first));
        let rates = meter.measure(std::slice::from_ref(&second));
        assert_eq!(meter.measure(std::slice::from_ref(&second)), rates);
        let silent = Report { silent: true, ..second.clone() };
        assert_eq!(meter.measure(&[silent]), Rates::default());
        let back = Report { requests_served: 8, ..later(&second, 4000) };
        assert_eq!(meter.measure(&[back]).replicas[0].requests_per_second, 1.0);
    }

    #[test]
    fn who_left_is_forgotten_and_a_clock_that_was_set_back_gives_no_rate() {
        let mut meter = Meter::default();
        let first = frontend();
        meter.measure(std::slice::from_ref(&first));
        let earlier = Report { last_seen: first.last_seen - Duration::from_secs(60), ..first.clone() };
        assert_eq!(meter.measure(&[earlier]), Rates::default());
        meter.measure(&[]);
        assert!(meter.known.is_empty());
    }
}
