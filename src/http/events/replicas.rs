use super::Events;
use super::hub::{EVERY, REQUEST_ID};
use crate::domain::ContainerId;
use crate::http::Service;
use crate::protocol::events::{self, Nothing, REPLICAS, TRAFFIC, UNAVAILABLE};
use crate::replica::{Census, Meter, Phase, Report};
use std::time::Duration;
use tokio::time::Instant;

/// How often the replicas are told of at least, and their traffic.
const AT_LEAST_EACH: Duration = Duration::from_secs(1);
/// Asked just when a replica is silent, it is.
const A_LITTLE_LATER: Duration = Duration::from_millis(5);

/// Publishes who lives, and how fast the counters go. Never ends.
pub(super) async fn watch(service: &Service) {
    let mut teller = Teller::new(&service.events);
    let own = service.replica.identity.container_id;
    loop {
        let pause = match service.registry.live(REQUEST_ID).await {
            Ok(live) => {
                // A database that has just come back knows nobody, and not even who asks. Nor does one that takes no reports.
                match live.census.replicas.iter().any(|report| report.identity.container_id == own) {
                    true => teller.tell(&live.census),
                    false => teller.tell_that_nobody_answers(),
                }
                until_next_look(&live.census)
            }
            Err(_) => {
                teller.tell_that_nobody_answers();
                EVERY
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// Tells what is due.
struct Teller<'a> {
    events: &'a Events,
    told: Told,
    /// When the traffic was told last.
    metered: Option<Instant>,
    meter: Meter,
}

/// What was told last of the replicas.
enum Told {
    Nothing,
    NobodyAnswers { at: Instant },
    These { states: Vec<State>, at: Instant },
}

impl<'a> Teller<'a> {
    fn new(events: &'a Events) -> Self {
        Self { events, told: Told::Nothing, metered: None, meter: Meter::default() }
    }

    fn tell(&mut self, census: &Census) {
        let now = states(census);
        let known = match &self.told {
            Told::These { states, at } => *states == now && !is_due(*at),
            Told::Nothing | Told::NobodyAnswers { .. } => false,
        };
        if !known {
            self.events.replicas(Some(events::print(REPLICAS, None, census)));
            self.told = Told::These { states: now, at: Instant::now() };
        }
        if self.metered.is_none_or(is_due) {
            let rates = self.meter.measure(&census.replicas);
            self.events.traffic(Some(events::print(TRAFFIC, None, &rates)));
            self.metered = Some(Instant::now());
        }
    }

    fn tell_that_nobody_answers(&mut self) {
        if !matches!(self.told, Told::NobodyAnswers { at } if !is_due(at)) {
            self.events.replicas(Some(events::print(UNAVAILABLE, None, &Nothing {})));
            self.told = Told::NobodyAnswers { at: Instant::now() };
        }
    }
}

/// Of a replica, what is published as soon as it changes.
type State = (ContainerId, Phase, bool);

fn states(census: &Census) -> Vec<State> {
    let state = |report: &Report| (report.identity.container_id, report.state, report.silent);
    census.replicas.iter().map(state).collect()
}

/// Looks come at about twice the pace: the one that is nearest to the time counts.
fn is_due(last: Instant) -> bool {
    last.elapsed() + EVERY / 2 > AT_LEAST_EACH
}

/// Those that live speak so often that none is silent before the next look. One that does not is looked at just then.
fn until_next_look(census: &Census) -> Duration {
    census.next_silence().map_or(EVERY, |silence| EVERY.min(silence + A_LITTLE_LATER))
}
