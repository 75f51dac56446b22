mod changes;
mod hanging;
mod searching;
mod sharing;

use super::*;
use crate::catalog::conformance;
use crate::catalog::conformance::{TTL, the_first_20_000_are_told};
use crate::catalog::stored::PIECES_SHARED;
use crate::db::testing::TestDatabase;
use crate::domain::{Cursor, SortKey};
use std::sync::Arc;

async fn catalog() -> (TestDatabase, PostgresCatalog) {
    let (database, pool) = TestDatabase::migrated().await;
    (database, PostgresCatalog::new(pool))
}

#[tokio::test]
async fn conforms() {
    let (_database, catalog) = catalog().await;
    conformance::all(Arc::new(catalog)).await;
}

#[test]
fn a_twin_lies_in_no_more_pieces_than_may_be_shared() {
    for sql in [queries::FIND_TWIN, queries::CREATE, queries::ADVANCE] {
        let wanted = format!("LIMIT {}) AS few) <= {PIECES_SHARED}", PIECES_SHARED + 1);
        assert!(sql.contains(&wanted), "{sql}");
    }
}

/// A record with all of them would be larger than what one replica takes from another.
#[tokio::test]
async fn of_more_than_20_000_segments_the_first_are_told() {
    let (database, catalog) = catalog().await;
    let id = conformance::create(&catalog, &conformance::new_upload(None)).await.id;
    let insert = format!(
        "INSERT INTO segments SELECT '{}', 1, n, 1, lpad((n / 2 % 2)::text, 12, '0'), NULL FROM generate_series(40001, 0, -1) AS n",
        id.as_uuid()
    );
    database.execute(&insert).await;
    the_first_20_000_are_told(&catalog.segments(id).await.unwrap());
}

#[tokio::test]
async fn every_statement_fits_the_schema() {
    let (_database, catalog) = catalog().await;
    let lease = catalog.pool.lease().await.unwrap();
    for sql in queries::ALL.iter().chain(queries::joining::ALL) {
        assert!(lease.prepare(sql).await.is_ok(), "{sql}: {:?}", lease.prepare(sql).await.err());
    }
    let cursor = Cursor { name: "a".into(), size: 1, id: UploadId::mint() };
    for sort in [SortKey::Created, SortKey::Name, SortKey::Size] {
        for (search, after) in [("", None), ("a", None), ("", Some(&cursor)), ("a", Some(&cursor))] {
            for (descending, incomplete_too) in [(false, false), (false, true), (true, false), (true, true)] {
                let listing = Listing {
                    limit: 1,
                    after: after.cloned(),
                    search: search.into(),
                    sort,
                    descending,
                    incomplete_too,
                };
                let statements: &[fn(&Listing) -> String] = match search {
                    "" => &[queries::listing::list],
                    _ => &[queries::listing::nearest, queries::listing::everywhere],
                };
                for sql in statements.iter().map(|statement| statement(&listing)) {
                    assert!(lease.prepare(&sql).await.is_ok(), "{sql}");
                }
            }
        }
    }
}

#[tokio::test]
async fn an_older_program_works_on_a_newer_schema() {
    let (database, catalog) = catalog().await;
    database
        .execute(
            "ALTER TABLE uploads ADD COLUMN from_the_future text;
             CREATE TABLE future (id bigint);
             INSERT INTO refinery_schema_history
             SELECT max(version) + 1, 'future', max(applied_on), '1' FROM refinery_schema_history",
        )
        .await;
    conformance::smoke(&catalog).await;
    let pool = database.pool().await;
    migrate::postgres(&pool).await.unwrap();
    PostgresCatalog::new(pool).check().await.unwrap();
}

/// As in a rolling update: the other program migrates while this one is at work, with statements prepared before.
#[tokio::test]
async fn a_migration_under_way_does_not_disturb_who_works() {
    let (database, catalog) = catalog().await;
    conformance::smoke(&catalog).await;
    database.execute("ALTER TABLE uploads ADD COLUMN from_the_future text").await;
    conformance::smoke(&catalog).await;
}

#[tokio::test]
async fn a_tombstone_says_gone_for_seven_days() {
    let (database, catalog) = catalog().await;
    let id = UploadId::mint();
    for (age, gone) in [("6 days 23 hours 59 minutes", true), ("7 days 1 second", false)] {
        let sql = format!(
            "INSERT INTO tombstones VALUES ('{id}', now() - interval '{age}')
             ON CONFLICT (id) DO UPDATE SET removed_at = excluded.removed_at"
        );
        database.execute(&sql).await;
        let found = catalog.find(id).await;
        assert_eq!(matches!(found, Err(CatalogError::Gone)), gone, "{found:?}");
    }
}

#[tokio::test]
async fn what_nobody_asks_for_any_more_is_tidied_away() {
    let (database, catalog) = catalog().await;
    database
        .execute(
            "INSERT INTO tombstones
             SELECT ('00000000-0000-0000-0000-00000000000' || n)::uuid, now() - interval '7 days' + (2 - n) * interval '1 minute'
             FROM generate_series(1, 4) AS n;
             INSERT INTO replicas VALUES ('recent', now() - interval '6 days', '{}'), ('old', now() - interval '8 days', '{}')",
        )
        .await;
    catalog.tidy().await.unwrap();
    let lease = catalog.pool.lease().await.unwrap();
    let ask = async |sql| lease.query_one(sql, &[]).await.unwrap().get::<_, String>(0);
    assert_eq!(ask("SELECT string_agg(right(id::text, 1), ',' ORDER BY id) FROM tombstones").await, "1");
    assert_eq!(ask("SELECT string_agg(container_id, ',') FROM replicas").await, "recent");
}

/// Of statements that were sent together those behind the one that failed are refused, too. Whichever answer is seen first by
/// a worker, on another thread than the connections are, what the first statement was told counts.
#[tokio::test]
async fn of_racing_creations_one_is_and_the_others_are_told_so() {
    let (_database, catalog) = catalog().await;
    let worker = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(race_to_create(&catalog));
    });
    worker.await.unwrap();
}

async fn race_to_create(catalog: &PostgresCatalog) {
    for _ in 0..300 {
        let (new, first) = (conformance::new_upload(None), conformance::last_bytes(0, 5));
        let create = || catalog.create(&new, Some(&first), Staged::Durable, TTL);
        let outcomes = futures_util::future::join_all((0..4).map(|_| create())).await;
        let (created, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!(created.len(), 1);
        for outcome in refused {
            assert!(matches!(outcome, Err(CatalogError::Conflict(_))), "{outcome:?}");
        }
    }
}

#[tokio::test]
async fn a_blob_that_still_has_rows_is_not_forgotten() {
    let (database, catalog) = catalog().await;
    let blob = BlobId(Uuid::now_v7());
    catalog.condemn(&[blob]).await.unwrap();
    database.execute(&format!("INSERT INTO blob_rows VALUES ('{}', 1, 0, 'x')", blob.0)).await;
    catalog.forget(&[blob]).await.unwrap();
    assert_eq!(catalog.doomed(None, 10).await.unwrap().len(), 1);
    database.execute("DELETE FROM blob_rows").await;
    catalog.forget(&[blob]).await.unwrap();
    assert_eq!(catalog.doomed(None, 10).await.unwrap(), []);
}
