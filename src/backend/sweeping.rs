//! When this backend sweeps: while no other one does. The same one finishes final uploads and makes indexes.

use super::{Storage, finishing, indexing};
use crate::catalog::CatalogError;
use crate::db::Chain;
use crate::db::seat::Seat;
use crate::replica::Replica;
use crate::telemetry::metrics::SWEPT;
use crate::uploads::{SweepError, Sweeper, Swept};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// How often a backend that does not sweep asks whether it should.
const STAND: Duration = Duration::from_secs(5);
/// How often the one that sweeps makes sure that it still should.
const BEAT: Duration = Duration::from_secs(2);
/// The whole store is looked through with each so-manieth sweep.
const SWEEPS_BETWEEN_SEARCHES: u32 = 10;
/// How long bytes are without a record at least before they are deleted: longer than a frontend goes on trying to create the
/// upload that they may belong to.
const PATIENCE: Duration = Duration::from_secs(120);

/// Sweeps whenever this replica is the one elected, until it closes. What fails is tried again, for ever.
pub async fn sweep(storage: Storage, upload_ttl: Duration, max_upload_size: u64, replica: Arc<Replica>) {
    tokio::select! {
        () = replica.closes() => {}
        () = stand(&storage, pace(upload_ttl), max_upload_size) => {}
    }
}

/// How often to sweep, so that an upload is gone soon after it has expired.
fn pace(upload_ttl: Duration) -> Duration {
    (upload_ttl / 10).clamp(Duration::from_secs(1), Duration::from_secs(60))
}

fn patience(pace: Duration) -> Duration {
    (pace * SWEEPS_BETWEEN_SEARCHES).max(PATIENCE)
}

async fn stand(storage: &Storage, pace: Duration, max_upload_size: u64) {
    let mut trouble = Trouble::default();
    loop {
        match elect(storage).await {
            Ok(Some(seat)) => {
                log::info!("this replica sweeps");
                tokio::select! {
                    () = loss_of(&*seat) => log::info!("another replica may sweep now"),
                    () = sweep_on(storage, pace, &mut trouble) => {}
                    () = finishing::finish_on(storage, max_upload_size) => {}
                    () = indexing::index_once(storage) => {}
                }
            }
            Ok(None) => trouble.over(),
            Err(error) => trouble.of("no replica can be elected to sweep", &error),
        }
        tokio::time::sleep(STAND).await;
    }
}

async fn elect(storage: &Storage) -> Result<Option<Box<dyn Seat>>, CatalogError> {
    // The schema may not be there yet.
    storage.catalog.check().await?;
    storage.catalog.elect().await
}

async fn loss_of(seat: &dyn Seat) {
    while seat.is_held().await {
        tokio::time::sleep(BEAT).await;
    }
}

async fn sweep_on(storage: &Storage, pace: Duration, trouble: &mut Trouble) {
    let mut sweeper = Sweeper::new(storage.catalog.clone(), storage.blobs.clone(), patience(pace));
    for round in (0..SWEEPS_BETWEEN_SEARCHES).cycle() {
        let mut swept = Swept::default();
        let outcome = one_round(&mut sweeper, round == 0, &mut swept).await;
        count(&swept);
        match outcome {
            Ok(()) => trouble.over(),
            Err(error) => trouble.of("not all could be swept", &error),
        }
        tokio::time::sleep(pace).await;
    }
}

async fn one_round(sweeper: &mut Sweeper, search: bool, swept: &mut Swept) -> Result<(), SweepError> {
    let outcome = sweeper.sweep(swept).await;
    match search {
        true => sweeper.search(swept).await.and(outcome),
        false => outcome,
    }
}

fn count(swept: &Swept) {
    for (what, count) in [("upload", swept.uploads), ("blob", swept.blobs), ("epoch", swept.epochs)] {
        metrics::counter!(SWEPT, "what" => what).increment(count);
    }
}

/// What goes wrong is said once, not each time that it is tried again.
#[derive(Default)]
pub(super) struct Trouble(bool);

impl Trouble {
    pub(super) fn of(&mut self, what: &str, error: &(dyn Error + 'static)) {
        let error = Chain(error);
        match std::mem::replace(&mut self.0, true) {
            false => log::warn!("{what}: {error}"),
            true => log::debug!("{what}: {error}"),
        }
    }

    pub(super) fn over(&mut self) {
        self.0 = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_is_gone_soon_after_it_expired() {
        for (ttl, every) in [(0, 1), (5, 1), (60, 6), (600, 60), (24 * 3600, 60)] {
            assert_eq!(pace(Duration::from_secs(ttl)), Duration::from_secs(every), "{ttl}");
        }
    }

    /// A frontend goes on for 60 s, and its last try may take a while.
    #[test]
    fn a_short_time_to_live_takes_no_creation_from_one_who_goes_on_trying() {
        for (ttl, at_least) in [(0, 120), (5, 120), (60, 120), (600, 600), (24 * 3600, 600)] {
            assert_eq!(patience(pace(Duration::from_secs(ttl))), Duration::from_secs(at_least), "{ttl}");
        }
    }
}
