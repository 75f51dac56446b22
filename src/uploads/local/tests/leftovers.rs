//! What there is in the stores, counted from outside.

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
    /// Files of the folder's store, or rows.
    pub bytes: i64,
}

const COUNT: &str = "SELECT (SELECT count(*) FROM uploads), (SELECT count(*) FROM extents),
     (SELECT count(*) FROM segments), (SELECT count(*) FROM pending), (SELECT count(*) FROM blobs),
     (SELECT count(*) FROM tombstones)";

impl Leftovers {
    /// Of a data folder, or of a database.
    pub(super) async fn of(folder: &Path, database: Option<&TestDatabase>) -> Self {
        let ([uploads, extents, segments, pending, blobs, tombstones], bytes) = match database {
            Some(database) => {
                let [bytes] = database.numbers("SELECT count(*) FROM blob_rows").await;
                (database.numbers(COUNT).await, bytes)
            }
            None => (count(&folder.join("catalog.db")), files(&folder.join("blobs"))),
        };
        Self { uploads, extents, segments, pending, blobs, tombstones, bytes }
    }
}

fn count(path: &Path) -> [i64; 6] {
    let connection = rusqlite::Connection::open(path).unwrap();
    let counted = connection.query_row(COUNT, [], |row| {
        Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?])
    });
    counted.unwrap()
}

fn files(folder: &Path) -> i64 {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|entry| entry.is_dir()).map(|folder| fs::read_dir(folder).unwrap().count() as i64).sum()
}
