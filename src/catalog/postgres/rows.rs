use crate::catalog::Record;
use crate::catalog::stored::{read_concat, unsigned};
use crate::db::Error;
use crate::domain::{
    BlobEpoch, BlobId, ContainerId, Digest, Epoch, Extent, FileName, Segment, Sha256Sum, Upload, UploadId,
};
use tokio_postgres::Row;

type Result<T> = std::result::Result<T, Error>;

/// A row of the columns `record!` names.
pub(super) fn upload(row: &Row) -> Result<Upload> {
    let sha256: Option<&[u8]> = row.try_get(7)?;
    let sha256 = sha256.map(<[u8; 32]>::try_from).transpose().map_err(Error::broken)?;
    let concat: Option<&str> = row.try_get(11)?;
    Ok(Upload {
        id: UploadId::from_stored(row.try_get(0)?),
        filename: FileName::clean(row.try_get(1)?),
        content_type: row.try_get(2)?,
        metadata: row.try_get(3)?,
        length: row.try_get::<_, Option<i64>>(4)?.map(unsigned),
        offset: unsigned(row.try_get(5)?),
        pending: None,
        epoch: Epoch(row.try_get(6)?),
        concat: concat.map(read_concat).transpose()?,
        sha256: sha256.map(Sha256Sum),
        created_at: row.try_get(8)?,
        completed_at: row.try_get(9)?,
        expires_at: row.try_get(10)?,
    })
}

/// A row of the columns that a writer needs.
pub(super) fn record(row: &Row) -> Result<Record> {
    let pending: Option<i64> = row.try_get(13)?;
    let upload = Upload { pending: pending.map(unsigned), ..upload(row)? };
    let digest = Digest::resume(row.try_get(12)?).map_err(Error::broken)?;
    Ok(Record { upload, digest, written: row.try_get(14)? })
}

pub(super) fn extent(row: &Row) -> Result<Extent> {
    Ok(Extent {
        offset: unsigned(row.try_get(0)?),
        length: unsigned(row.try_get(1)?),
        blob: BlobId(row.try_get(2)?),
        epoch: Epoch(row.try_get(3)?),
        start: unsigned(row.try_get(4)?),
    })
}

pub(super) fn blob_epoch(row: &Row) -> Result<BlobEpoch> {
    Ok(BlobEpoch { blob: BlobId(row.try_get(0)?), epoch: Epoch(row.try_get(1)?) })
}

pub(super) fn segment(row: &Row) -> Result<Segment> {
    Ok(Segment {
        offset: unsigned(row.try_get(0)?),
        length: unsigned(row.try_get(1)?),
        backend_container_id: container(row.try_get(2)?)?,
        frontend_container_id: row.try_get::<_, Option<&str>>(3)?.map(container).transpose()?,
    })
}

fn container(text: &str) -> Result<ContainerId> {
    text.parse().map_err(|error: crate::domain::InvalidContainerId| Error::broken(error))
}
