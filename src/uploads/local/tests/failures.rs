use super::*;
use crate::blobs::faulty::{At, Fault};

on_both_stores!(
    a_chunk_that_could_not_be_written_does_not_move_the_offset,
    a_chunk_whose_answer_was_lost_can_be_sent_again,
    a_store_that_is_full_in_the_middle_of_a_chunk_counts_nothing_of_it,
    an_upload_that_could_not_be_written_is_not_created,
    the_chunks_before_a_failing_one_stay,
    a_read_that_fails_ends_with_an_error,
);

async fn a_chunk_that_could_not_be_written_does_not_move_the_offset(rig: &Rig) {
    let (before, bytes) = (sample(1, 100_000), sample(2, 100_000));
    let mut upload = rig.begun(&before).await;
    for at in [At::Write, At::Finish] {
        for relayed in [true, false] {
            for full in [true, false] {
                rig.blobs.script(at, [if full { Fault::Full } else { Fault::Unavailable }]);
                let failed = match relayed {
                    true => rig.relayed(&upload, &bytes).await,
                    false => rig.append(&upload, &bytes).await,
                };
                match full {
                    true => assert!(matches!(failed, Err(UploadError::Full)), "{failed:?}"),
                    false => assert!(matches!(failed, Err(UploadError::Unavailable { .. })), "{failed:?}"),
                }
                upload = rig.stat(upload.id).await.unwrap();
                assert_eq!(upload.offset, before.len() as u64);
            }
        }
    }
    rig.relayed(&upload, &bytes).await.unwrap();
    rig.check_holds_just(upload.id, &[before, bytes].concat()).await;
}

async fn a_store_that_is_full_in_the_middle_of_a_chunk_counts_nothing_of_it(rig: &Rig) {
    let bytes = sample(1, 3 * MIB);
    let upload = rig.begun(b"before ").await;
    rig.blobs.script(At::Write, [Fault::Pass, Fault::Pass, Fault::Full]);
    let refused = rig.relayed(&upload, &bytes).await;
    assert!(matches!(refused, Err(UploadError::Full)), "{refused:?}");
    rig.check_budget();
    assert_eq!(rig.stat(upload.id).await.unwrap(), upload);
    rig.relayed(&upload, &bytes).await.unwrap();
    rig.check_holds_just(upload.id, &[b"before ", &bytes[..]].concat()).await;
}

/// What a relay does: the same chunk in the same epoch, to another backend. Where the bytes are already makes no difference.
async fn a_chunk_whose_answer_was_lost_can_be_sent_again(rig: &Rig) {
    let bytes = sample(1, 100_000);
    let upload = rig.create(None, First::Nothing).await.unwrap();
    rig.blobs.script(At::Finish, [Fault::AnswerLost]);
    let lost = rig.relayed(&upload, &bytes).await;
    assert!(matches!(lost, Err(UploadError::Unavailable { .. })), "{lost:?}");
    rig.relayed(&upload, &bytes).await.unwrap();
    let again = rig.relayed(&upload, &bytes).await;
    let (end, mine) = (bytes.len() as u64, upload.epoch);
    assert!(
        matches!(again, Err(UploadError::WrongOffset { offset, epoch }) if (offset, epoch) == (end, mine)),
        "{again:?}"
    );
    rig.check_holds_just(upload.id, &bytes).await;
}

async fn an_upload_that_could_not_be_written_is_not_created(rig: &Rig) {
    let bytes = sample(1, 100_000);
    let new = described(Some(bytes.len() as u64));
    let create = || rig.uploads.create(&rig.call, new.clone(), First::Whole(body(&bytes)));
    for at in [At::Write, At::Finish] {
        for fault in [Fault::Full, Fault::AnswerLost] {
            let full = matches!(fault, Fault::Full);
            rig.blobs.script(at, [fault]);
            let failed = create().await;
            match full {
                true => assert!(matches!(failed, Err(UploadError::Full)), "{failed:?}"),
                false => assert!(matches!(failed, Err(UploadError::Unavailable { .. })), "{failed:?}"),
            }
            assert!(matches!(rig.stat(new.id).await, Err(UploadError::NotFound)));
            assert_eq!(rig.listed().await, []);
        }
    }
    rig.check_content(&create().await.unwrap(), &bytes).await;
}

async fn the_chunks_before_a_failing_one_stay(rig: &Rig) {
    let bytes = sample(1, 4 * MIB);
    let upload = rig.create(Some(bytes.len() as u64), First::Nothing).await.unwrap();
    rig.blobs.script(At::Finish, [Fault::Pass, Fault::Full]);
    let failed = rig.append(&upload, &bytes).await;
    assert!(matches!(failed, Err(UploadError::Full)), "{failed:?}");
    let stored = rig.stat(upload.id).await.unwrap();
    assert_eq!(stored.offset, MIB as u64);
    let complete = rig.append(&stored, &bytes[MIB..]).await.unwrap();
    rig.check_content(&complete, &bytes).await;
}

/// Never with fewer bytes, as if that were all.
async fn a_read_that_fails_ends_with_an_error(rig: &Rig) {
    let upload = rig.begun(b"12345").await;
    let upload = rig.append(&upload, b"6789").await.unwrap();
    let upload = rig.finish(&upload).await.unwrap();
    rig.blobs.script(At::Read, [Fault::Pass, Fault::Unavailable, Fault::Pass, Fault::Missing]);
    let cut = rig.read(&upload, 0..9).await;
    assert!(matches!(cut, Err(UploadError::Unavailable { .. })), "{cut:?}");
    let lost = rig.read(&upload, 0..9).await;
    assert!(matches!(lost, Err(UploadError::Internal)), "{lost:?}");
    rig.check_content(&upload, b"123456789").await;
}
