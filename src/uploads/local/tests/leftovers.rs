//! What there is in the stores, counted from outside.

use super::Rig;
use crate::db::testing::TestDatabase;
use std::fs;
use std::path::Path;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Leftovers {
    pub uploads: i64,
    pub extents: i64,
    pub segments: i64,
    pub pending: i64,
    pub blobs: i64,
    pub tombstones: i64,
    /// Rows that say of what final uploads are to be made.
    pub parts: i64,
    /// Files of the folder's store, or rows.
    pub bytes: i64,
}

const COUNT: &str = "SELECT (SELECT count(*) FROM uploads), (SELECT count(*) FROM extents),
     (SELECT count(*) FROM segments), (SELECT count(*) FROM pending), (SELECT count(*) FROM blobs),
     (SELECT count(*) FROM tombstones), (SELECT count(*) FROM parts)";

/// Blobs that are referred to by another number of uploads than is said, and extents in blobs that are doomed or unknown.
const WRONG: &str = "SELECT (SELECT count(*) FROM blobs WHERE refs <> (SELECT count(*) FROM uploads
       WHERE uploads.blob_id = blobs.id
       OR EXISTS (SELECT 1 FROM extents WHERE upload_id = uploads.id AND extents.blob_id = blobs.id))),
     (SELECT count(*) FROM extents
       WHERE NOT EXISTS (SELECT 1 FROM blobs WHERE blobs.id = extents.blob_id AND refs > 0))";

/// Over the whole database: references are what they are said to be, and none dangles.
pub(super) async fn check_references(rig: &Rig) {
    let wrong: [i64; 2] = match &rig.database {
        Some(database) => database.numbers(WRONG).await,
        None => ask(&rig.folder.path().join("catalog.db"), WRONG),
    };
    assert_eq!(wrong, [0, 0], "wrong counts, dangling extents");
}

impl Leftovers {
    /// Of a data folder, or of a database.
    pub(super) async fn of(folder: &Path, database: Option<&TestDatabase>) -> Self {
        let ([uploads, extents, segments, pending, blobs, tombstones, parts], bytes) = match database {
            Some(database) => {
                let [bytes] = database.numbers("SELECT count(*) FROM blob_rows").await;
                (database.numbers(COUNT).await, bytes)
            }
            None => (ask(&folder.join("catalog.db"), COUNT), files(&folder.join("blobs"))),
        };
        Self { uploads, extents, segments, pending, blobs, tombstones, parts, bytes }
    }
}

fn ask<const N: usize>(path: &Path, sql: &str) -> [i64; N] {
    let connection = rusqlite::Connection::open(path).unwrap();
    let row = connection.query_row(sql, [], |row| Ok(std::array::from_fn(|column| row.get(column).unwrap())));
    row.unwrap()
}

fn files(folder: &Path) -> i64 {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|entry| entry.is_dir()).map(|folder| fs::read_dir(folder).unwrap().count() as i64).sum()
}
