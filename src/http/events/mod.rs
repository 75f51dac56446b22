//! `GET /api/events`: what happens, as it happens, as server-sent events.
//!
//! | event | data |
//! |---|---|
//! | `replicas` | the live replicas, as `GET /api/replicas` shows them: at once, on each change, and each second |
//! | `traffic` | each second how fast the counters of replicas go, and what frontends ask of which backend |
//! | `uploads` | what the list shows now (`completed`) and what it does not show any more (`removed`) |
//! | `reload` | `{}`: more has happened to the list than is told; fetch it anew |
//! | `unavailable` | `{}`: nobody can be asked now: at once, and each second until the next `replicas` |
//!
//! The first `uploads` (or `reload`) comes at once and says by its id from when on the stream is complete: a list that is
//! fetched after it misses nothing. A client that was cut off says the id of its last one (`Last-Event-ID`, or `?since=`) to
//! any replica and gets what has happened since, then goes on. Events are idempotent: one may come twice, or late, and to
//! apply it again changes nothing, as long as what was removed stays so. None is lost without a `reload`.
//!
//! Once in a process, beside the workers, a [`hub`] asks what happens, as long as anybody listens, and publishes it as text
//! ([`Events`]); a [`listener`] in some worker passes it on to one client. Nothing of this counts as traffic.

mod channels;
mod hub;
mod listener;
mod replicas;
mod uploads;

pub use channels::Events;
pub use hub::hub;
pub use listener::listen;
