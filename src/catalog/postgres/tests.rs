use super::*;
use crate::catalog::conformance;
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

#[tokio::test]
async fn every_statement_fits_the_schema() {
    let (_database, catalog) = catalog().await;
    let lease = catalog.pool.lease().await.unwrap();
    for sql in queries::ALL {
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
                let sql = queries::list(&listing);
                assert!(lease.prepare(&sql).await.is_ok(), "{sql}");
            }
        }
    }
}
