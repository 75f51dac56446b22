//! What a backend does besides answering: it finds out each second whether it can serve.

use super::Storage;
use crate::db::Chain;
use crate::http::Observed;
use crate::replica::Replica;
use std::sync::Arc;
use std::time::Duration;

/// How often the database is asked.
const EVERY: Duration = Duration::from_secs(1);
/// How often it is tried again while the replica is not ready yet.
const IMPATIENT: Duration = Duration::from_millis(200);

/// Prepares the storage, then looks after readiness until the replica closes. Never gives up: the database may come later than
/// the backend, and may come back.
pub async fn live(storage: Storage, replica: Arc<Replica>, readiness: Observed) {
    tokio::select! {
        () = replica.closes() => {}
        () = look_after(&storage, &replica, &readiness) => {}
    }
}

async fn look_after(storage: &Storage, replica: &Replica, readiness: &Observed) {
    let mut trouble = Trouble::default();
    // What is said of readiness anybody may read, so the causes are for the log alone.
    while let Err(error) = storage.prepare().await {
        readiness.set(Err("the database is not prepared yet"));
        trouble.seen(format!("the database cannot be prepared yet: {}", Chain(&error)));
        tokio::time::sleep(EVERY).await;
    }
    loop {
        let ready = match storage.catalog.check().await {
            Ok(()) => true,
            Err(error) => {
                trouble.seen(format!("the database cannot be used: {}", Chain(&error)));
                false
            }
        };
        if ready {
            trouble.over();
        }
        if ready && replica.became_ready() {
            log::info!("ready");
        }
        readiness.set(if ready { Ok(()) } else { Err("the database cannot be used now") });
        tokio::time::sleep(if ready { EVERY } else { IMPATIENT }).await;
    }
}

/// What is wrong with the database, logged when it changes and not each time it is seen.
#[derive(Default)]
struct Trouble(Option<String>);

impl Trouble {
    fn seen(&mut self, what: String) {
        if self.0.as_ref() != Some(&what) {
            log::warn!("{what}");
            self.0 = Some(what);
        }
    }

    fn over(&mut self) {
        if self.0.take().is_some() {
            log::info!("the database can be used again");
        }
    }
}
