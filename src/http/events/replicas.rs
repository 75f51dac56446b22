use super::hub::{EVERY, REQUEST_ID};
use crate::domain::ContainerId;
use crate::http::Service;
use crate::protocol::events::{self, Nothing, REPLICAS, TRAFFIC, UNAVAILABLE};
use crate::replica::{Census, Meter, Phase};
use std::time::Duration;
use tokio::time::Instant;

/// How often the replicas are published at least, and their traffic.
const AT_LEAST_EACH: Duration = Duration::from_secs(1);
/// Asked just when a replica is silent, it is.
const A_LITTLE_LATER: Duration = Duration::from_millis(5);

/// Publishes who lives, and how fast the counters go. Never ends.
pub(super) async fn watch(service: &Service) {
    let events = &service.events;
    let mut published: Option<Published> = None;
    let (mut meter, mut metered) = (Meter::default(), None);
    let mut reached = true;
    loop {
        let pause = match service.registry.live(REQUEST_ID).await {
            Ok(live) => {
                let census = live.census;
                let state = states(&census);
                if published.as_ref().is_none_or(|before| before.is_due(&state)) {
                    events.replicas(Some(events::print(REPLICAS, None, &census)));
                    published = Some(Published { state, at: Instant::now() });
                }
                if metered.is_none_or(elapsed) {
                    let rates = meter.measure(&census.replicas);
                    events.traffic(Some(events::print(TRAFFIC, None, &rates)));
                    metered = Some(Instant::now());
                }
                reached = true;
                until_next_look(&census)
            }
            Err(_) => {
                if std::mem::replace(&mut reached, false) {
                    events.replicas(Some(events::print(UNAVAILABLE, None, &Nothing {})));
                    published = None;
                }
                EVERY
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// What was published last, and when.
struct Published {
    state: Vec<State>,
    at: Instant,
}

/// Of a replica, what is published as soon as it changes.
type State = (ContainerId, Phase, bool);

fn states(census: &Census) -> Vec<State> {
    let state = |report: &crate::replica::Report| (report.identity.container_id, report.state, report.silent);
    census.replicas.iter().map(state).collect()
}

impl Published {
    fn is_due(&self, now: &[State]) -> bool {
        self.state != now || elapsed(self.at)
    }
}

/// Looks come at about twice the pace: the one that is nearest to the time counts.
fn elapsed(since: Instant) -> bool {
    since.elapsed() + EVERY / 2 > AT_LEAST_EACH
}

/// Those that live speak so often that none is silent before the next look. One that does not is looked at just then.
fn until_next_look(census: &Census) -> Duration {
    census.next_silence().map_or(EVERY, |silence| EVERY.min(silence + A_LITTLE_LATER))
}
