use super::*;

on_both_stores!(
    any_range_is_the_slice_of_the_content,
    an_incomplete_upload_cannot_be_read,
    an_upload_that_is_removed_while_it_is_read_is_gone,
    lost_extents_are_a_defect_and_not_a_removal,
    who_was_told_of_a_removal_finds_nothing_at_a_backend_that_has_just_read,
);

/// Over several epochs, and so over several extents, with bytes of fenced writers beside them.
async fn any_range_is_the_slice_of_the_content(rig: &Rig) {
    let parts = [1, 70_000, MIB + 200_000, 5].map(|length| sample(length as u64, length));
    let mut upload = rig.create(None, First::Nothing).await.unwrap();
    for part in &parts {
        upload = rig.append(&upload, part).await.unwrap();
    }
    let upload = rig.finish(&upload).await.unwrap();
    let content = parts.concat();
    rig.check_content(&upload, &content).await;

    let end = content.len() as u64;
    let mut random = fastrand::Rng::with_seed(1);
    let at_random = std::iter::repeat_with(|| {
        let start = random.u64(0..=end);
        start..random.u64(start..=end)
    });
    let joint = 1 + 70_000;
    let at_edges =
        [0..0, end..end, 0..1, 1..2, 0..2, joint - 1..joint + 1, joint..end, end - 5..end, end - 6..end];
    for range in at_edges.into_iter().chain(at_random.take(30)) {
        let read = rig.read(&upload, range.clone()).await.unwrap();
        assert!(read == content[range.start as usize..range.end as usize], "{range:?}");
    }
}

async fn an_incomplete_upload_cannot_be_read(rig: &Rig) {
    let upload = rig.create(Some(9), First::Part(body(b"12345"))).await.unwrap();
    for range in [0..5, 0..0] {
        let refused = rig.read(&upload, range).await;
        assert!(matches!(refused, Err(UploadError::Incomplete { offset: 5 })), "{refused:?}");
    }
}

async fn an_upload_that_is_removed_while_it_is_read_is_gone(rig: &Rig) {
    let begun = rig.begun(b"12345").await;
    let appended = rig.append(&begun, b"678").await.unwrap();
    let upload = rig.finish(&appended).await.unwrap();
    // The first bytes have been read by now; those of the other epoch are still to come.
    let reading = rig.uploads.open(&rig.call, &upload.clone().into(), 0..8).await.unwrap();
    rig.terminate(upload.id).await.unwrap();
    let read: Result<Vec<Bytes>, _> = reading.try_collect().await;
    assert!(matches!(read, Err(UploadError::Gone)), "{read:?}");
}

async fn lost_extents_are_a_defect_and_not_a_removal(rig: &Rig) {
    let upload = rig.create(None, First::Whole(body(b"12345"))).await.unwrap();
    match &rig.database {
        Some(database) => database.execute("DELETE FROM extents").await,
        None => {
            let connection = rusqlite::Connection::open(rig.folder.path().join("catalog.db")).unwrap();
            connection.execute("DELETE FROM extents", []).unwrap();
        }
    }
    let read = rig.read(&upload, 0..5).await;
    assert!(matches!(read, Err(UploadError::Internal)), "{read:?}");
    rig.terminate(upload.id).await.unwrap();
    let read = rig.read(&upload, 0..5).await;
    assert!(matches!(read, Err(UploadError::Gone)), "{read:?}");
}

/// Also where the bytes stay, since another upload has the same.
async fn who_was_told_of_a_removal_finds_nothing_at_a_backend_that_has_just_read(rig: &Rig) {
    let _twin = rig.create(None, First::Whole(body(b"12345"))).await.unwrap();
    let another = rig.another_backend();
    for round in 0..10 {
        let upload = rig.create(None, First::Whole(body(b"12345"))).await.unwrap();
        let sought = rig.uploads.seek(&rig.call, upload.id, 0..5).await.unwrap();
        let content = rig.uploads.open(&rig.call, &sought, 0..5).await.unwrap();
        assert_eq!(content.try_collect::<Vec<Bytes>>().await.unwrap().concat(), b"12345");
        // One that removes and dies before it can say so has removed it, too; who asks again is told.
        match round % 2 {
            0 => another.terminate(&rig.call, upload.id).await.unwrap(),
            _ => {
                rig.catalog.terminate(upload.id).await.unwrap();
                let again = another.terminate(&rig.call, upload.id).await;
                assert!(matches!(again, Err(UploadError::Gone)), "{again:?}");
            }
        }
        let sought = rig.uploads.seek(&rig.call, upload.id, 0..5).await;
        assert!(matches!(sought, Err(UploadError::Gone)), "{sought:?}");
    }
}
