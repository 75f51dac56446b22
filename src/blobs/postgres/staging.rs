//! A chunk on its way into rows, which the transaction that counts it makes.

use crate::blobs::{BlobError, Place, Stage, absorb};
use crate::db::Staged;
use crate::db::postgres::TransactionPart;
use crate::domain::Digest;
use async_trait::async_trait;
use bytes::{BufMut, Bytes, BytesMut};
use deadpool_postgres::Transaction;
use futures_util::stream;
use futures_util::{StreamExt, TryStreamExt};
use std::sync::Arc;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

/// A CHECK of the table says so, too.
const ROW_BYTES: usize = 1 << 20;
/// Rows on their way to the server at once: more would only wait in memory.
const ROWS_IN_FLIGHT: usize = 4;

pub(super) const INSERT: &str =
    "INSERT INTO blob_rows (blob_id, epoch, start_bytes, data) VALUES ($1, $2, $3, $4)";

/// A chunk waiting in memory for the transaction that counts it.
pub(super) struct RowStage {
    place: Place,
    parts: Vec<Bytes>,
}

impl RowStage {
    pub(super) fn new(place: Place) -> Self {
        Self { place, parts: Vec::new() }
    }
}

#[async_trait]
impl Stage for RowStage {
    async fn write(&mut self, parts: &[Bytes], digest: Digest) -> Result<Digest, BlobError> {
        self.parts.extend_from_slice(parts);
        absorb(digest, parts, Digest::update).await
    }

    async fn finish(self: Box<Self>) -> Result<Staged, BlobError> {
        let rows = rows(self.parts);
        match rows.is_empty() {
            true => Ok(Staged::Durable),
            false => Ok(Staged::InTransaction(Arc::new(NewRows { place: self.place, rows }))),
        }
    }
}

/// The bytes of one row, as they arrived: they are copied once, into the message to the server.
#[derive(Debug, Default)]
struct RowBytes {
    parts: Vec<Bytes>,
    length: usize,
}

/// Cuts `parts` into rows, of which all but the last are full.
fn rows(parts: Vec<Bytes>) -> Vec<RowBytes> {
    let mut rows: Vec<RowBytes> = Vec::new();
    for mut part in parts {
        while !part.is_empty() {
            if rows.last().is_none_or(|row| row.length == ROW_BYTES) {
                rows.push(RowBytes::default());
            }
            let Some(row) = rows.last_mut() else { break };
            let piece = part.split_to(part.len().min(ROW_BYTES - row.length));
            row.length += piece.len();
            row.parts.push(piece);
        }
    }
    rows
}

struct NewRows {
    place: Place,
    rows: Vec<RowBytes>,
}

#[async_trait]
impl TransactionPart for NewRows {
    async fn run(&self, transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
        let statement = transaction.prepare_cached(INSERT).await?;
        let (blob, epoch) = (self.place.blob.0, self.place.epoch.0);
        let mut start = self.place.start.cast_signed();
        let mut inserts = Vec::new();
        for row in &self.rows {
            let (statement, at) = (&statement, start);
            inserts.push(async move { transaction.execute(statement, &[&blob, &epoch, &at, row]).await });
            start += row.length as i64;
        }
        stream::iter(inserts).buffered(ROWS_IN_FLIGHT).try_for_each(|_| async { Ok(()) }).await
    }
}

impl ToSql for RowBytes {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        out.reserve(self.length);
        self.parts.iter().for_each(|part| out.put_slice(part));
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::BYTEA
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_full_but_for_the_last() {
        let parts = [ROW_BYTES - 1, 2, 0, 3 * ROW_BYTES].map(|length| Bytes::from(vec![7; length])).to_vec();
        let lengths: Vec<usize> = rows(parts).iter().map(|row| row.length).collect();
        assert_eq!(lengths, [ROW_BYTES, ROW_BYTES, ROW_BYTES, ROW_BYTES, 1]);
        assert!(rows(vec![Bytes::new()]).is_empty());
    }
}
