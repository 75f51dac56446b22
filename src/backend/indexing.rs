//! The elected backend makes the indexes of the catalog, beside its sweeping.

use super::Storage;
use super::sweeping::Trouble;
use std::future::pending;
use std::time::Duration;

/// How soon what failed is tried again. Until then searches are slow, no more.
const AGAIN: Duration = Duration::from_secs(30);

/// Never returns: what is made stays, and what cannot be had is left to whoever is elected next.
pub async fn index_once(storage: &Storage) {
    let mut trouble = Trouble::default();
    loop {
        match storage.index().await {
            Ok(true) => pending().await,
            Ok(false) => trouble.over(),
            Err(error) => trouble.of("the indexes for searches cannot be made yet", &error),
        }
        tokio::time::sleep(AGAIN).await;
    }
}
