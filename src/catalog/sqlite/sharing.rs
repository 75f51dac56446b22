//! Equal content is stored once: an upload that becomes complete takes over the extents of one that has the same digest and
//! length, its twin, and gives its own bytes up. In the transaction that completes it: the extents of a complete upload never
//! change. There is one writer, so the twin stays until then, and no other upload becomes complete meanwhile.

use super::{queries, rows};
use crate::catalog::stored::{PIECES_SHARED, signed};
use crate::catalog::{Advance, CatalogError};
use crate::domain::UploadId;
use rusqlite::{OptionalExtension, Transaction, params};

/// Last in what `advance` does to an upload. Nothing, unless that is complete now, and has bytes, and a twin.
pub(super) fn share(
    transaction: &Transaction<'_>,
    id: UploadId,
    advance: &Advance,
) -> Result<(), CatalogError> {
    let (length, id) = (signed(advance.from + advance.count)?, id.as_uuid().into_bytes());
    let Some(sha256) = advance.sha256.filter(|_| length > 0) else { return Ok(()) };
    let values = params![sha256.0, length, id, PIECES_SHARED];
    let find_twin = &mut transaction.prepare_cached(queries::FIND_TWIN)?;
    let twin = find_twin.query_row(values, |row| rows::uuid(row, 0)).optional()?;
    let Some(twin) = twin.map(|twin| twin.into_bytes()) else { return Ok(()) };

    transaction.prepare_cached(queries::REFER_TO_BLOBS)?.execute([twin])?;
    super::write::release_blobs(transaction, id)?;
    transaction.prepare_cached(queries::DELETE_EXTENTS)?.execute([id])?;
    transaction.prepare_cached(queries::COPY_EXTENTS)?.execute([id, twin])?;
    transaction.prepare_cached(queries::DISOWN_BLOB)?.execute([id])?;
    Ok(())
}
