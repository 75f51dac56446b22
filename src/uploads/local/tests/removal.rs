use super::*;
use crate::blobs::faulty::{At, Fault};
use crate::blobs::{BlobError, Place};
use crate::domain::{BlobId, Epoch};

on_both_stores!(
    a_removed_upload_is_gone_and_its_bytes_with_it,
    bytes_that_cannot_be_deleted_stay_on_the_list,
    a_removal_under_a_reader_gives_it_no_wrong_byte,
    a_chunk_under_way_does_not_survive_the_removal,
);

async fn a_removed_upload_is_gone_and_its_bytes_with_it(rig: &Rig) {
    let upload = rig.begun(&sample(1, 2 * MIB)).await;
    let upload = rig.append(&upload, b"in another epoch").await.unwrap();
    let upload = rig.finish(&upload).await.unwrap();
    let epochs = [Epoch::FIRST, Epoch::FIRST.next()];
    assert_eq!(stored(rig, upload.id, &epochs).await, 2);

    rig.terminate(upload.id).await.unwrap();
    assert_eq!(stored(rig, upload.id, &epochs).await, 0);
    assert_eq!(rig.leftovers().await, Leftovers { tombstones: 1, ..Leftovers::default() });
    assert_eq!(rig.listed().await, []);
    assert!(matches!(rig.stat(upload.id).await, Err(UploadError::Gone)));
    assert!(matches!(rig.read(&upload, 0..1).await, Err(UploadError::Gone)));
    assert!(matches!(rig.terminate(upload.id).await, Err(UploadError::Gone)));
    assert!(matches!(rig.terminate(UploadId::mint()).await, Err(UploadError::NotFound)));
}

async fn bytes_that_cannot_be_deleted_stay_on_the_list(rig: &Rig) {
    let upload = rig.create(None, First::Whole(body(b"12345"))).await.unwrap();
    rig.blobs.script(At::Delete, [Fault::Unavailable]);
    rig.terminate(upload.id).await.unwrap();
    assert!(matches!(rig.stat(upload.id).await, Err(UploadError::Gone)));
    assert_eq!(stored(rig, upload.id, &[Epoch::FIRST]).await, 1);
    let doomed = rig.catalog.doomed(None, 10).await.unwrap();
    assert!(doomed.iter().map(|doomed| doomed.blob).eq([BlobId(upload.id.as_uuid())]));
}

/// It reads on to the end, or is told of an error.
async fn a_removal_under_a_reader_gives_it_no_wrong_byte(rig: &Rig) {
    let content = sample(1, 3 * MIB);
    let upload = rig.begun(&content[..2 * MIB]).await;
    let upload = rig.append(&upload, &content[2 * MIB..]).await.unwrap();
    let upload = rig.finish(&upload).await.unwrap();
    let mut reader = rig.uploads.open(&rig.call, &upload.clone().into(), 0..upload.offset).await.unwrap();
    let mut read = reader.next().await.unwrap().unwrap().to_vec();
    rig.terminate(upload.id).await.unwrap();
    let failed = loop {
        match reader.next().await {
            Some(Ok(piece)) => read.extend_from_slice(&piece),
            Some(Err(_)) => break true,
            None => break false,
        }
    };
    assert!(content.starts_with(&read));
    assert!(failed, "the second epoch's bytes were opened after they were deleted");
}

async fn a_chunk_under_way_does_not_survive_the_removal(rig: &Rig) {
    let upload = rig.begun(b"12345").await;
    let mut held = rig.blobs.hold(At::Finish);
    let removing = async {
        held.reached().await;
        rig.terminate(upload.id).await.unwrap();
        drop(held);
    };
    let (late, ()) = tokio::join!(rig.relayed(&upload, b"678"), removing);
    assert!(matches!(late, Err(UploadError::Gone)), "{late:?}");
    assert!(matches!(rig.stat(upload.id).await, Err(UploadError::Gone)));
}

/// In how many of these epochs the store has bytes of the upload.
async fn stored(rig: &Rig, id: UploadId, epochs: &[Epoch]) -> usize {
    let mut stored = 0;
    for epoch in epochs {
        // The second epoch's bytes begin where those of the first end.
        let start = if *epoch == Epoch::FIRST { 0 } else { 2 * MIB as u64 };
        let place = Place { blob: BlobId(id.as_uuid()), epoch: *epoch, start };
        match read_one(rig, place).await {
            Ok(()) => stored += 1,
            Err(BlobError::Missing) => {}
            Err(error) => panic!("{error}"),
        }
    }
    stored
}

async fn read_one(rig: &Rig, place: Place) -> Result<(), BlobError> {
    rig.blobs.read(place, 1).await?.try_for_each(|_| async { Ok(()) }).await
}
