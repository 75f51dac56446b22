use crate::blobs::{BlobStore, Place};
use crate::catalog::Catalog;
use crate::domain::{Extent, State, Upload};
use crate::uploads::{Content, UploadError};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::ops::Range;
use std::sync::Arc;

/// The bytes of `range`, extent by extent. The next extent is opened when the one before it has been read. The first bytes
/// have been read when this returns: what cannot be read at all is refused, and not begun and cut short.
pub(super) async fn open(
    catalog: &dyn Catalog,
    blobs: Arc<dyn BlobStore>,
    upload: &Upload,
    range: Range<u64>,
) -> Result<Content, UploadError> {
    if upload.state() == State::Receiving {
        return Err(UploadError::Incomplete { offset: upload.offset });
    }
    if range.is_empty() {
        return Ok(stream::empty().boxed_local());
    }
    let extents = catalog.extents(upload.id, range.clone()).await?;
    check_gapless(&extents, &range)?;
    let pieces = stream::iter(extents).then(move |extent| {
        let blobs = blobs.clone();
        async move {
            let place = Place { blob: extent.blob, epoch: extent.epoch, start: extent.start };
            let bytes = blobs.read(place, extent.length).await?;
            Ok::<_, UploadError>(bytes.map_err(UploadError::from))
        }
    });
    let mut pieces = pieces.try_flatten().boxed_local();
    let first = pieces.try_next().await?;
    Ok(stream::iter(first.map(Ok)).chain(pieces).boxed_local())
}

/// What the extents promise is exactly the range, or the reader would be given other bytes than were stored.
fn check_gapless(extents: &[Extent], range: &Range<u64>) -> Result<(), UploadError> {
    let mut at = range.start;
    for extent in extents {
        if extent.offset != at {
            break;
        }
        at = extent.end();
    }
    match at == range.end {
        true => Ok(()),
        // Removed while it was asked for: the extents go with the record.
        false if extents.is_empty() => Err(UploadError::Gone),
        false => {
            log::error!("the extents do not cover {range:?}: they end at {at}");
            Err(UploadError::Internal)
        }
    }
}
