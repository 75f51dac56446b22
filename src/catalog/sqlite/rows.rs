use crate::catalog::stored::{read_concat, unsigned};
use crate::catalog::{Doomed, Record};
use crate::domain::{BlobId, Digest, Epoch, Extent, FileName, Segment, Sha256Sum, Upload, UploadId};
use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Result, Row};
use time::OffsetDateTime;
use uuid::Uuid;

/// Now, in the microseconds that are stored.
pub(super) fn now() -> i64 {
    micros(OffsetDateTime::now_utc())
}

pub(super) fn micros(time: OffsetDateTime) -> i64 {
    (time.unix_timestamp_nanos() / 1000) as i64
}

pub(super) fn time(micros: i64) -> Result<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000)
        .map_err(|error| FromSqlError::Other(error.into()).into())
}

/// A row of the columns `record!` names.
pub(super) fn upload(row: &Row<'_>) -> Result<Upload> {
    let sha256: Option<[u8; 32]> = row.get(7)?;
    let length: Option<i64> = row.get(4)?;
    let filename: String = row.get(1)?;
    let concat: Option<String> = row.get(11)?;
    Ok(Upload {
        id: UploadId::from_stored(uuid(row, 0)?),
        filename: FileName::clean(&filename),
        content_type: row.get(2)?,
        metadata: row.get(3)?,
        length: length.map(unsigned),
        offset: unsigned(row.get(5)?),
        pending: None,
        epoch: Epoch(row.get(6)?),
        concat: concat
            .as_deref()
            .map(read_concat)
            .transpose()
            .map_err(|error| FromSqlError::Other(error.into()))?,
        sha256: sha256.map(Sha256Sum),
        created_at: time(row.get(8)?)?,
        completed_at: row.get::<_, Option<i64>>(9)?.map(time).transpose()?,
        expires_at: row.get::<_, Option<i64>>(10)?.map(time).transpose()?,
    })
}

/// A row of the columns that a writer needs.
pub(super) fn record(row: &Row<'_>) -> Result<Record> {
    let (state, pending): (Vec<u8>, Option<i64>) = (row.get(12)?, row.get(13)?);
    let digest = Digest::resume(&state)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(12, Type::Blob, error.into()))?;
    let upload = Upload { pending: pending.map(unsigned), ..upload(row)? };
    Ok(Record { upload, digest, written: row.get(14)? })
}

pub(super) fn extent(row: &Row<'_>) -> Result<Extent> {
    Ok(Extent {
        offset: unsigned(row.get(0)?),
        length: unsigned(row.get(1)?),
        blob: blob(row, 2)?,
        epoch: Epoch(row.get(3)?),
        start: unsigned(row.get(4)?),
    })
}

pub(super) fn segment(row: &Row<'_>) -> Result<Segment> {
    let container = |column: usize, text: String| {
        text.parse().map_err(|error: crate::domain::InvalidContainerId| {
            rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
        })
    };
    Ok(Segment {
        offset: unsigned(row.get(0)?),
        length: unsigned(row.get(1)?),
        backend_container_id: container(2, row.get(2)?)?,
        frontend_container_id: row.get::<_, Option<String>>(3)?.map(|text| container(3, text)).transpose()?,
    })
}

pub(super) fn doomed(row: &Row<'_>) -> Result<Doomed> {
    Ok(Doomed { blob: blob(row, 0)?, since: time(row.get(1)?)? })
}

pub(super) fn blob(row: &Row<'_>, column: usize) -> Result<BlobId> {
    uuid(row, column).map(BlobId)
}

pub(super) fn id(row: &Row<'_>, column: usize) -> Result<UploadId> {
    uuid(row, column).map(UploadId::from_stored)
}

pub(super) fn uuid(row: &Row<'_>, column: usize) -> Result<Uuid> {
    row.get(column).map(Uuid::from_bytes)
}
