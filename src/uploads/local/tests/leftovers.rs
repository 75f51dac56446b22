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
    check_references_in(rig.folder.path(), rig.database.as_ref()).await;
}

/// As [`check_references`], of a data folder, or of a database.
pub(super) async fn check_references_in(folder: &Path, database: Option<&TestDatabase>) {
    let wrong: [i64; 2] = numbers(folder, database, WRONG).await;
    assert_eq!(wrong, [0, 0], "wrong counts, dangling extents");
}

impl Leftovers {
    /// Of a data folder, or of a database.
    pub(super) async fn of(folder: &Path, database: Option<&TestDatabase>) -> Self {
        let [uploads, extents, segments, pending, blobs, tombstones, parts] =
            numbers(folder, database, COUNT).await;
        let rows = match database {
            Some(database) => database.numbers::<1>("SELECT count(*) FROM blob_rows").await[0],
            None => 0,
        };
        let bytes = rows + files(&folder.join("blobs"));
        Self { uploads, extents, segments, pending, blobs, tombstones, parts, bytes }
    }
}

/// What a data folder's catalog, or a database, answers to a question for numbers.
pub(super) async fn numbers<const N: usize>(
    folder: &Path,
    database: Option<&TestDatabase>,
    sql: &str,
) -> [i64; N] {
    match database {
        Some(database) => database.numbers(sql).await,
        None => {
            let connection = rusqlite::Connection::open(folder.join("catalog.db")).unwrap();
            let ask = |row: &rusqlite::Row<'_>| Ok(std::array::from_fn(|column| row.get(column).unwrap()));
            connection.query_row(sql, [], ask).unwrap()
        }
    }
}

/// None where the bytes are rows.
fn files(folder: &Path) -> i64 {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.filter(|entry| entry.is_dir()).map(|folder| fs::read_dir(folder).unwrap().count() as i64).sum()
}
