use crate::blobs::{BlobError, BlobStore, Place};
use crate::catalog::{Catalog, CatalogError};
use crate::domain::{Extent, State, UploadId};
use crate::uploads::{Content, Sought, UploadError};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use std::ops::Range;
use std::sync::Arc;

/// The bytes of `range`. The first have been read when this returns: what cannot be read at all is refused, and not begun and cut short.
pub(super) async fn open(
    catalog: Arc<dyn Catalog>,
    blobs: Arc<dyn BlobStore>,
    sought: &Sought,
    range: Range<u64>,
) -> Result<Content, UploadError> {
    let upload = &sought.upload;
    if upload.state() == State::Receiving {
        return Err(UploadError::Incomplete { offset: upload.offset });
    }
    if range.is_empty() {
        return Ok(stream::empty().boxed_local());
    }
    let mut extents: Vec<Extent> = sought.extents.iter().filter_map(|extent| extent.within(&range)).collect();
    if check_gapless(&extents, &range).is_err() {
        extents = ask_for_extents(&*catalog, upload.id, &range).await?;
    }
    let id = upload.id;
    let told = move |error| {
        let catalog = catalog.clone();
        async move { Err(why(&*catalog, id, error).await) }
    };
    let mut pieces = read(blobs, extents).or_else(told).boxed_local();
    let first = pieces.try_next().await?;
    Ok(stream::iter(first.map(Ok)).chain(pieces).boxed_local())
}

async fn ask_for_extents(
    catalog: &dyn Catalog,
    id: UploadId,
    range: &Range<u64>,
) -> Result<Vec<Extent>, UploadError> {
    let extents = catalog.extents(id, range.clone()).await?;
    if extents.is_empty() {
        return Err(why_empty(catalog, id).await);
    }
    check_gapless(&extents, range).map_err(|gap| {
        log::error!("{gap}");
        UploadError::Internal
    })?;
    Ok(extents)
}

/// The bytes of these extents, one after the other. The next is opened when the one before it has been read.
pub(super) fn read(
    blobs: Arc<dyn BlobStore>,
    extents: Vec<Extent>,
) -> impl Stream<Item = Result<Bytes, BlobError>> {
    let pieces = stream::iter(extents).then(move |extent| {
        let blobs = blobs.clone();
        async move {
            let place = Place { blob: extent.blob, epoch: extent.epoch, start: extent.start };
            blobs.read(place, extent.length).await
        }
    });
    pieces.try_flatten()
}

/// Bytes that are missing are a defect, unless the upload was removed while it was read: then they are to be.
async fn why(catalog: &dyn Catalog, id: UploadId, error: BlobError) -> UploadError {
    match error {
        BlobError::Missing => match catalog.find(id).await {
            Err(CatalogError::Gone | CatalogError::NotFound) => UploadError::Gone,
            _ => error.into(),
        },
        error => error.into(),
    }
}

/// No extent where there are bytes: they went with the record, which was removed while it was asked for, or it is a defect.
async fn why_empty(catalog: &dyn Catalog, id: UploadId) -> UploadError {
    match catalog.find(id).await {
        Err(CatalogError::Gone | CatalogError::NotFound) => UploadError::Gone,
        Err(error) => error.into(),
        Ok(_) => {
            log::error!("upload {id} has bytes and no extents");
            UploadError::Internal
        }
    }
}

/// The record has an offset past bytes that no extent names: a defect.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the extents do not cover {range:?}: they end at {end}")]
pub(super) struct Gap {
    range: Range<u64>,
    end: u64,
}

/// What the extents promise is exactly the range, or the reader would be given other bytes than were stored.
pub(super) fn check_gapless(extents: &[Extent], range: &Range<u64>) -> Result<(), Gap> {
    let mut at = range.start;
    for extent in extents {
        if extent.offset != at {
            break;
        }
        at = extent.end();
    }
    match at == range.end {
        true => Ok(()),
        false => Err(Gap { range: range.clone(), end: at }),
    }
}
