//! In which order locks are taken where content is shared, and how long one is waited for.

use super::catalog;
use super::hanging::until_waiting;
use crate::catalog::conformance::{TTL, bytes, create, last_bytes, new_upload};
use crate::catalog::postgres::sharing::Content;
use crate::catalog::postgres::{PostgresCatalog, queries};
use crate::catalog::{Advance, Catalog, CatalogError};
use crate::db::postgres::TransactionPart;
use crate::db::testing::TestDatabase;
use crate::db::{PATIENCE, Staged};
use crate::domain::{BlobId, ContainerId, Upload, UploadId};
use async_trait::async_trait;
use deadpool_postgres::Transaction;
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

async fn whole(catalog: &PostgresCatalog, content: &Advance) -> Result<Upload, CatalogError> {
    catalog.create(&new_upload(None), Some(content), Staged::Durable, TTL).await
}

/// An upload whose bytes are those of two blobs, as if it had been made of two parts.
async fn of_two_blobs(database: &TestDatabase, catalog: &PostgresCatalog, content: &Advance) -> [Uuid; 3] {
    let id = whole(catalog, content).await.unwrap().id.as_uuid();
    let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
    // The second is found first, by whoever takes them as they come.
    let sql = format!(
        "INSERT INTO blobs (id, refs) VALUES ('{second}', 1), ('{first}', 1);
         DELETE FROM extents WHERE upload_id = '{id}';
         INSERT INTO extents (upload_id, epoch, offset_bytes, length_bytes, blob_id, start_bytes)
         VALUES ('{id}', 1, 0, 5, '{second}', 0), ('{id}', 1, 5, 5, '{first}', 0)"
    );
    database.execute(&sql).await;
    [id, first, second]
}

/// `work` has to wait for the blob `held`, and meanwhile does not keep others from the blob `free`.
async fn waits_for_one_and_holds_not_the_other<T: Send + 'static>(
    catalog: &PostgresCatalog,
    [held, free]: [Uuid; 2],
    work: impl Future<Output = Result<T, CatalogError>> + Send + 'static,
) -> T {
    const LOCK_BLOB: &str = "SELECT 1 FROM blobs WHERE id = $1 FOR UPDATE NOWAIT";
    let (mut holder, other) = (catalog.pool.lease().await.unwrap(), catalog.pool.lease().await.unwrap());
    let transaction = holder.transaction().await.unwrap();
    transaction.execute(LOCK_BLOB, &[&held]).await.unwrap();
    let work = tokio::spawn(work);
    until_waiting(&catalog.pool, 1).await;
    other.execute(LOCK_BLOB, &[&free]).await.expect("the other blob is locked already");
    transaction.rollback().await.unwrap();
    work.await.unwrap().unwrap()
}

#[tokio::test]
async fn blobs_are_locked_in_the_order_of_their_ids() {
    let (database, catalog) = catalog().await;
    let content = last_bytes(0, 10);
    let [id, first, second] = of_two_blobs(&database, &catalog, &content).await;
    let both = [first, second];

    let (sharing, removing, expiring) = (catalog.clone(), catalog.clone(), catalog.clone());
    let work = async move { whole(&sharing, &content).await };
    waits_for_one_and_holds_not_the_other(&catalog, both, work).await;
    let work = async move { removing.terminate(UploadId::from_stored(id)).await };
    waits_for_one_and_holds_not_the_other(&catalog, both, work).await;

    // That which expired first has the greater id.
    let (one, other) =
        (create(&catalog, &new_upload(None)).await.id, create(&catalog, &new_upload(None)).await.id);
    let expire = format!(
        "UPDATE uploads SET expires_at = now() - make_interval(mins => CASE id WHEN '{one}' THEN 1 ELSE 2 END)
         WHERE id IN ('{one}', '{other}')"
    );
    database.execute(&expire).await;
    let work = async move { expiring.expire(10).await };
    let both = [one.as_uuid(), other.as_uuid()];
    assert_eq!(waits_for_one_and_holds_not_the_other(&catalog, both, work).await.len(), 2);
}

/// It is no matter which other upload that one belongs to; its session is ended soon.
#[tokio::test]
async fn a_turn_behind_equal_content_that_hangs_is_unavailable_in_time() {
    let (_database, catalog) = catalog().await;
    let content = last_bytes(0, 10);
    let mut lease = catalog.pool.lease().await.unwrap();
    let hung = lease.transaction().await.unwrap();
    let number = Content::of(10, content.sha256).unwrap().turn();
    hung.execute(queries::TAKE_TURN, &[&number]).await.unwrap();

    let asked = Instant::now();
    let refused = whole(&catalog, &content).await;
    assert!(matches!(refused, Err(CatalogError::Unavailable(_))), "{refused:?}");
    assert!(asked.elapsed() < PATIENCE * 2);
    whole(&catalog, &last_bytes(0, 10)).await.unwrap();
    drop(hung);
    drop(lease);
    whole(&catalog, &content).await.unwrap();
}

/// Else it could be committed, and its twin be removed, while another one that is in turn looks for either: that would find the
/// twin locked and this one not yet there.
#[tokio::test]
async fn who_has_found_a_twin_takes_its_turn_too() {
    let (_database, catalog) = catalog().await;
    let content = last_bytes(0, 10);
    let twin = whole(&catalog, &content).await.unwrap().id;
    let mut lease = catalog.pool.lease().await.unwrap();
    let in_turn = lease.transaction().await.unwrap();
    let number = Content::of(10, content.sha256).unwrap().turn();
    in_turn.execute(queries::TAKE_TURN, &[&number]).await.unwrap();
    let (sharing, removing) = (catalog.clone(), catalog.clone());
    let staged = Staged::InTransaction(Arc::new(Superfluous));
    let shared =
        tokio::spawn(async move { sharing.create(&new_upload(None), Some(&content), staged, TTL).await });
    until_waiting(&catalog.pool, 1).await;
    // The twin stays until then.
    let removal = tokio::spawn(async move { removing.terminate(twin).await });
    until_waiting(&catalog.pool, 2).await;
    in_turn.rollback().await.unwrap();
    let shared = shared.await.unwrap().unwrap();
    assert_eq!(removal.await.unwrap().unwrap(), []);
    assert_eq!(catalog.terminate(shared.id).await.unwrap(), [BlobId(twin.as_uuid())]);
}

/// It does not look before it is its turn, for there is nothing that it could spare itself to store.
#[tokio::test]
async fn whose_twin_is_removed_before_its_turn_keeps_its_own_bytes() {
    let (_database, catalog) = catalog().await;
    let content = last_bytes(0, 10);
    let twin = whole(&catalog, &content).await.unwrap().id;
    let mut lease = catalog.pool.lease().await.unwrap();
    let in_turn = lease.transaction().await.unwrap();
    let number = Content::of(10, content.sha256).unwrap().turn();
    in_turn.execute(queries::TAKE_TURN, &[&number]).await.unwrap();
    let storing = catalog.clone();
    let stored = tokio::spawn(async move { whole(&storing, &content).await });
    until_waiting(&catalog.pool, 1).await;
    assert_eq!(catalog.terminate(twin).await.unwrap(), [BlobId(twin.as_uuid())]);
    in_turn.rollback().await.unwrap();
    let id = stored.await.unwrap().unwrap().id;
    assert_eq!(catalog.extents(id, 0..10).await.unwrap()[0].blob, BlobId(id.as_uuid()));
}

/// Both were in time when they began: a relay that lost the answer sends the chunk again while the first is still stored.
#[tokio::test]
async fn of_the_last_chunk_twice_at_once_one_shares_and_the_other_is_late() {
    let (_database, catalog) = catalog().await;
    let content = last_bytes(0, 10);
    let twin = whole(&catalog, &content).await.unwrap().id;
    // What one backend brings goes on in its row, what the other brings has one of its own: no key is there twice.
    let id = create(&catalog, &new_upload(None)).await.id;
    catalog.append(id, &bytes(0, 5), Staged::Durable, TTL).await.unwrap();
    let last = Advance { sha256: content.sha256, ..last_bytes(5, 5) };
    let mut lease = catalog.pool.lease().await.unwrap();
    let in_turn = lease.transaction().await.unwrap();
    let number = Content::of(10, content.sha256).unwrap().turn();
    in_turn.execute(queries::TAKE_TURN, &[&number]).await.unwrap();
    let append = |backend| {
        let (catalog, last) = (catalog.clone(), Advance { backend, ..last.clone() });
        tokio::spawn(async move { catalog.append(id, &last, Staged::Durable, TTL).await })
    };
    let both = [append(last.backend), append(ContainerId::from_bits(2))];
    until_waiting(&catalog.pool, 2).await;
    in_turn.rollback().await.unwrap();
    let [one, other] = both.map(|append| async { append.await.unwrap() });
    let (stored, late) = match tokio::join!(one, other) {
        (Ok(stored), Err(late)) | (Err(late), Ok(stored)) => (stored, late),
        both => panic!("{both:?}"),
    };
    assert!(matches!(late, CatalogError::Conflict(now) if *now == stored));
    assert_eq!(catalog.extents(id, 0..10).await.unwrap(), catalog.extents(twin, 0..10).await.unwrap());
}

#[tokio::test]
async fn a_removal_of_the_twin_that_hangs_is_not_waited_for() {
    let (_database, catalog) = catalog().await;
    let content = last_bytes(0, 10);
    let twin = whole(&catalog, &content).await.unwrap().id;
    let mut lease = catalog.pool.lease().await.unwrap();
    let hung = lease.transaction().await.unwrap();
    hung.execute(queries::LOCK, &[&twin.as_uuid()]).await.unwrap();
    let id = whole(&catalog, &content).await.unwrap().id;
    assert_eq!(catalog.extents(id, 0..10).await.unwrap()[0].blob, BlobId(id.as_uuid()));
}

/// Bytes that must not be stored.
struct Superfluous;

#[async_trait]
impl TransactionPart for Superfluous {
    async fn run(&self, _: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
        panic!("what is there already is stored again");
    }
}

#[tokio::test]
async fn bytes_that_are_there_already_are_not_stored_again() {
    let (_database, catalog) = catalog().await;
    let content = last_bytes(0, 10);
    whole(&catalog, &content).await.unwrap();
    let staged = || Staged::InTransaction(Arc::new(Superfluous));
    catalog.create(&new_upload(None), Some(&content), staged(), TTL).await.unwrap();
    let id = create(&catalog, &new_upload(None)).await.id;
    catalog.append(id, &content, staged(), TTL).await.unwrap();
}
