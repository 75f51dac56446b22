use super::catalog;
use crate::catalog::Catalog;
use crate::domain::UploadId;

/// It bears the time at which its transaction began, which had not ended when it was asked for.
#[tokio::test]
async fn what_is_committed_late_is_told_all_the_same() {
    let (_database, catalog) = catalog().await;
    let id = UploadId::mint();
    let mut late = catalog.pool.lease().await.unwrap();
    let transaction = late.transaction().await.unwrap();
    transaction.execute("INSERT INTO tombstones VALUES ($1, now())", &[&id.as_uuid()]).await.unwrap();
    let first = catalog.changes(None, 10).await.unwrap();
    let second = catalog.changes(Some(first.upto), 10).await.unwrap();
    assert!(second.news.unwrap().is_empty());
    transaction.commit().await.unwrap();
    let third = catalog.changes(Some(second.upto), 10).await.unwrap();
    assert_eq!(third.news.unwrap().removed, [id]);
}

/// What it looks for stands at the end of an index, however large the tables are.
#[tokio::test]
async fn changes_are_found_by_an_index() {
    let (database, _catalog) = catalog().await;
    database
        .execute(
            "INSERT INTO tombstones SELECT gen_random_uuid(), now() - n * interval '1 minute' FROM generate_series(1, 5000) AS n;
             INSERT INTO uploads (id, filename, filename_key, metadata, length_bytes, offset_bytes, epoch, digest_state,
               created_at, completed_at)
             SELECT gen_random_uuid(), 'a', 'a', '', 0, 0, 1, '', now() - n * interval '1 minute', now() - n * interval '1 minute'
             FROM generate_series(1, 5000) AS n;
             ANALYZE",
        )
        .await;
    let lease = database.pool().await.lease().await.unwrap();
    for (sql, index) in [
        (super::queries::COMPLETED, "uploads_by_completion"),
        (super::queries::REMOVED, "tombstones_by_removal"),
    ] {
        let sql = sql.replace("$1", "now() - interval '15 seconds'").replace("$2", "1001");
        let plan = lease.query(&format!("EXPLAIN {sql}"), &[]).await.unwrap();
        let plan: String = plan.iter().map(|row| row.get::<_, String>(0)).collect();
        assert!(plan.contains(index), "{plan}");
    }
}
