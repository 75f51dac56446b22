//! What a search finds, by whichever way, and the indexes that it is fast with.

use super::catalog;
use crate::catalog::Catalog;
use crate::catalog::conformance::{TTL, last_bytes, new_upload};
use crate::catalog::postgres::{PostgresCatalog, indexing, queries};
use crate::db::postgres::{PgConfig, Pool};
use crate::db::testing::TestDatabase;
use crate::db::{Staged, migrate};
use crate::domain::{Listing, SortKey, Upload};
use std::time::Duration;
use tokio_postgres::types::Type;

/// Without a look at the tables themselves: each row costs next to nothing here.
const BY_BITMAPS: &str =
    "options=-c%20enable_seqscan%3Doff%20-c%20enable_indexscan%3Doff%20-c%20enable_indexonlyscan%3Doff";
/// One who owns tables and may create no extension.
const UNPRIVILEGED: &str = "options=-c%20role%3Dpg_monitor";

async fn pool(url: String) -> Pool {
    Pool::open(&PgConfig { url, password: None, pool_size: 4 }).await.unwrap()
}

/// More records than a search looks at first, in every order. Those whose names have the rarer terms are at one end of it.
async fn fill(database: &TestDatabase) {
    let fill = "INSERT INTO uploads (id, filename, filename_key, metadata, length_bytes, offset_bytes, epoch, digest_state,
          created_at, completed_at, concat)
        SELECT ('00000000-0000-7000-a000-' || lpad(n::text, 12, '0'))::uuid, name, replace(lower(name), 'Ü', 'ü'), '', n / 3, n / 3, 1, '', now(),
          CASE WHEN n % 50 > 0 THEN now() END, CASE WHEN n % 70 = 0 THEN 'partial' END
        FROM (SELECT n, lpad((n / 2)::text, 5, '0') || CASE WHEN n % 2 = 0 THEN ' Report' ELSE '-photo' END
            || CASE WHEN n < 120 THEN ' early' WHEN n > 2900 THEN '_Ünicorn 50%' ELSE '' END
            || CASE WHEN n IN (3, 1500, 2998) THEN '.qx' ELSE '.txt' END AS name
          FROM generate_series(1, 3000) AS n) AS named;
        ANALYZE uploads";
    database.execute(fill).await;
}

async fn pages(catalog: &PostgresCatalog, mut listing: Listing) -> Vec<Upload> {
    let mut all = Vec::new();
    loop {
        let page = catalog.list(&listing).await.unwrap();
        all.extend(page.uploads);
        listing.after = page.next;
        if listing.after.is_none() {
            return all;
        }
    }
}

/// A search finds what the list has, in its order.
async fn search_is_the_list_without_the_others(catalog: &PostgresCatalog) {
    for sort in [SortKey::Created, SortKey::Name, SortKey::Size] {
        for (descending, incomplete_too) in [(false, false), (true, false), (true, true)] {
            let list =
                Listing { limit: 1000, after: None, search: String::new(), sort, descending, incomplete_too };
            let all = pages(catalog, list.clone()).await;
            for term in [
                "report", "early", "ünicorn", "X", "qx", "50%", "_ü", "5_%", r"\", "unicorn", "文件",
                "ort ear",
            ] {
                let has =
                    |upload: &&Upload| upload.filename.as_str().to_lowercase().contains(&term.to_lowercase());
                let wanted: Vec<_> = all.iter().filter(has).map(|upload| upload.id).collect();
                let limit = if wanted.len() > 50 { 100 } else { 3 };
                let found = pages(catalog, Listing { limit, search: term.into(), ..list.clone() }).await;
                let found: Vec<_> = found.iter().map(|upload| upload.id).collect();
                assert_eq!(
                    found, wanted,
                    "{term} by {sort:?}, descending {descending}, all {incomplete_too}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_search_finds_the_same_with_indexes_and_without() {
    let (database, catalog) = catalog().await;
    fill(&database).await;
    search_is_the_list_without_the_others(&catalog).await;
    assert!(indexing::make(&catalog.pool).await.unwrap());
    search_is_the_list_without_the_others(&catalog).await;

    let by_trigrams = pool(database.url_with(BY_BITMAPS)).await;
    let listing = Listing {
        limit: 50,
        after: None,
        search: "early".into(),
        sort: SortKey::Name,
        descending: false,
        incomplete_too: false,
    };
    let explain = format!("EXPLAIN {}", queries::listing::everywhere(&listing));
    let lease = by_trigrams.lease().await.unwrap();
    let plan = lease.query_typed(&explain, &[(&51_i64, Type::INT8), (&"%early%", Type::TEXT)]).await.unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    assert!(plan.concat().contains("uploads_named_by_trigrams"), "{plan:#?}");
    lease.release();
    search_is_the_list_without_the_others(&PostgresCatalog::new(by_trigrams)).await;
}

#[tokio::test]
async fn without_the_extension_a_search_finds_the_same() {
    let database = TestDatabase::empty().await;
    database.execute("GRANT ALL ON SCHEMA public TO pg_monitor").await;
    let pool = pool(database.url_with(UNPRIVILEGED)).await;
    migrate::postgres(&pool).await.unwrap();
    assert!(indexing::make(&pool).await.unwrap());
    assert_eq!(valid_indexes(&database).await, [2, 0]);
    fill(&database).await;
    search_is_the_list_without_the_others(&PostgresCatalog::new(pool)).await;
}

/// One who may only read and write records leaves the indexes to others.
#[tokio::test]
async fn who_may_make_no_index_does_without() {
    let (database, _catalog) = catalog().await;
    database.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO pg_monitor").await;
    let unprivileged = pool(database.url_with(UNPRIVILEGED)).await;
    assert!(indexing::make(&unprivileged).await.unwrap());
    assert_eq!(valid_indexes(&database).await, [0, 0]);
    let by_size = "SELECT count(*) FROM pg_class WHERE relname = 'uploads_by_size'";
    assert_eq!(database.numbers(by_size).await, [1], "nothing took its place");
}

/// Of those that keep names in order, and of trigrams.
async fn valid_indexes(database: &TestDatabase) -> [i64; 2] {
    database
        .numbers(
            "SELECT count(*) FILTER (WHERE relname IN ('uploads_named_by_id', 'uploads_named_by_size')),
               count(*) FILTER (WHERE relname = 'uploads_named_by_trigrams')
             FROM pg_index JOIN pg_class ON oid = indexrelid WHERE indisvalid",
        )
        .await
}

#[tokio::test]
async fn an_index_for_searches_that_came_to_no_end_is_made_anew() {
    let (database, catalog) = catalog().await;
    assert!(indexing::make(&catalog.pool).await.unwrap());
    database
        .execute(
            "UPDATE pg_index SET indisvalid = false
             WHERE indexrelid IN ('uploads_named_by_id'::regclass, 'uploads_named_by_trigrams'::regclass)",
        )
        .await;
    assert_eq!(valid_indexes(&database).await, [1, 0]);
    assert!(indexing::make(&catalog.pool).await.unwrap());
    assert_eq!(valid_indexes(&database).await, [2, 1]);
}

/// Indexes wait for the transactions that there are. Nobody waits for them, and no other replica makes them as well.
#[tokio::test]
async fn who_writes_is_not_held_up_by_the_indexes() {
    let (database, catalog) = catalog().await;
    let writer = catalog.pool.dedicated().await.unwrap();
    writer.batch_execute("BEGIN; LOCK TABLE uploads IN ROW EXCLUSIVE MODE").await.unwrap();
    let pool = catalog.pool.clone();
    let making = tokio::spawn(async move { indexing::make(&pool).await });
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
                   AND query LIKE 'CREATE INDEX CONCURRENTLY%'";
    while database.numbers(waiting).await == [0] {
        assert!(!making.is_finished());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    catalog.create(&new_upload(None), Some(&last_bytes(0, 5)), Staged::Durable, TTL).await.unwrap();
    assert!(!indexing::make(&catalog.pool).await.unwrap());
    writer.batch_execute("COMMIT").await.unwrap();
    assert!(making.await.unwrap().unwrap());
    assert_eq!(valid_indexes(&database).await, [2, 1]);
}
