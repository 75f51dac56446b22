//! The elected backend finishes final uploads, beside its sweeping.

use super::Storage;
use super::sweeping::Trouble;
use crate::catalog::CatalogError;
use crate::uploads::Finisher;
use std::time::Duration;

/// How often it is looked for uploads without a digest.
const EVERY: Duration = Duration::from_secs(1);
/// Those that can be joined are looked for with each so-manieth look, slower or faster: only a death leaves some.
const LOOKS_BETWEEN_JOINS: u32 = 5;

pub async fn finish_on(storage: &Storage, max_upload_size: u64) {
    let mut finisher = Finisher::new(storage.catalog.clone(), storage.blobs.clone(), max_upload_size);
    let mut trouble = Trouble::default();
    for look in (0..LOOKS_BETWEEN_JOINS).cycle() {
        match one_look(&mut finisher, look == 0).await {
            Ok(more) => {
                trouble.over();
                if more {
                    // Straight on, but in turn with the joins.
                    continue;
                }
            }
            Err(error) => trouble.of("not all final uploads could be finished", &error),
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Whether there is more to do right now.
async fn one_look(finisher: &mut Finisher, join: bool) -> Result<bool, CatalogError> {
    let joined = if join { finisher.join().await } else { Ok(()) };
    let more = finisher.digest().await?;
    joined.map(|()| more)
}
