use super::*;
use crate::domain::{Epoch, Segment, State};
use futures_util::future::join_all;

on_both_stores!(
    without_bytes_an_upload_is_at_its_beginning,
    a_body_of_one_chunk_is_complete_at_once,
    an_empty_upload_is_complete_at_once,
    a_whole_body_of_unknown_length_is_as_long_as_it_was,
    a_part_leaves_the_length_open,
    a_whole_body_short_of_its_length_is_told_so,
    nothing_past_the_length_is_stored,
    racing_creations_of_one_id_are_one_upload,
    a_replay_that_comes_too_late_changes_nothing,
    a_relays_first_chunk_that_is_cut_short_creates_nothing,
    who_brought_the_bytes_is_recorded,
);

async fn without_bytes_an_upload_is_at_its_beginning(rig: &Rig) {
    for length in [None, Some(5)] {
        let upload = rig.create(length, First::Nothing).await.unwrap();
        assert_eq!((upload.offset, upload.length, upload.epoch), (0, length, Epoch::FIRST));
        assert_eq!(rig.stat(upload.id).await.unwrap(), upload);
    }
}

async fn a_body_of_one_chunk_is_complete_at_once(rig: &Rig) {
    let bytes = sample(1, 200_000);
    let length = Some(bytes.len() as u64);
    for (length, first) in [
        (None, First::Whole(body(&bytes))),
        (length, First::Whole(body(&bytes))),
        (length, First::Part(body(&bytes))),
        (length, first_chunk(&bytes)),
    ] {
        let upload = rig.create(length, first).await.unwrap();
        assert_eq!((upload.state(), upload.epoch), (State::Complete, Epoch::FIRST));
        rig.check_content(&upload, &bytes).await;
    }
}

async fn an_empty_upload_is_complete_at_once(rig: &Rig) {
    for (length, first) in [
        (Some(0), First::Nothing),
        (Some(0), First::Part(body(b""))),
        (Some(0), first_chunk(b"")),
        (None, First::Whole(body(b""))),
    ] {
        let upload = rig.create(length, first).await.unwrap();
        assert_eq!(upload.state(), State::Complete);
        rig.check_content(&upload, b"").await;
    }
}

/// The length may be known only after the last byte was stored: then an empty chunk declares it.
async fn a_whole_body_of_unknown_length_is_as_long_as_it_was(rig: &Rig) {
    for length in [1, MIB - 1, MIB, MIB + 1, 3 * MIB, 3 * MIB + 5] {
        let bytes = sample(length as u64, length);
        let upload = rig.create(None, First::Whole(body(&bytes))).await.unwrap();
        rig.check_content(&upload, &bytes).await;
    }
}

async fn a_part_leaves_the_length_open(rig: &Rig) {
    let upload = rig.begun(b"one ").await;
    assert_eq!((upload.offset, upload.length, upload.state()), (4, None, State::Receiving));
    let upload = rig.append(&upload, b"two").await.unwrap();
    rig.check_holds_just(upload.id, b"one two").await;
}

async fn a_whole_body_short_of_its_length_is_told_so(rig: &Rig) {
    for received in [0, 10, MIB + 10] {
        let length = received as u64 + 1;
        let short = rig.create(Some(length), First::Whole(body(&sample(1, received)))).await;
        let received = received as u64;
        assert!(
            matches!(short, Err(UploadError::ShortOfLength { received: r, length: l }) if (r, l) == (received, length)),
            "{short:?}"
        );
    }
}

async fn nothing_past_the_length_is_stored(rig: &Rig) {
    for first in [First::Part(body(b"123456")), First::Whole(body(b"123456")), first_chunk(b"123456")] {
        let past = rig.create(Some(5), first).await;
        assert!(matches!(past, Err(UploadError::PastTheEnd { length: 5 })), "{past:?}");
    }
    assert_eq!(rig.listed().await, []);

    // What came in chunks before stays, and can be gone on from.
    let (bytes, length) = (sample(1, 3 * MIB), MIB as u64 + 10);
    let past = rig.create(Some(length), First::Part(body(&bytes))).await;
    assert!(matches!(past, Err(UploadError::PastTheEnd { length: l }) if l == length), "{past:?}");
    let stored = rig.stat(rig.listed().await[0]).await.unwrap();
    assert_eq!(stored.offset, MIB as u64);
    let complete = rig.append(&stored, &bytes[MIB..length as usize]).await.unwrap();
    rig.check_content(&complete, &bytes[..length as usize]).await;
}

async fn racing_creations_of_one_id_are_one_upload(rig: &Rig) {
    let bytes = sample(1, 300_000);
    for length in [Some(bytes.len() as u64), Some(bytes.len() as u64 + 1), None] {
        let (new, call, other) = (described(length), Call::default(), rig.another_backend());
        let creations = (0..8).map(|n| {
            let uploads = if n % 2 == 0 { &rig.uploads } else { &other };
            uploads.create(&call, new.clone(), first_chunk(&bytes))
        });
        let created: Vec<Upload> = join_all(creations).await.into_iter().map(Result::unwrap).collect();
        let stored = rig.stat(new.id).await.unwrap();
        assert_eq!(created, vec![stored.clone(); 8]);
        assert!(rig.listed().await.contains(&new.id));
        match stored.state() {
            State::Complete => rig.check_content(&stored, &bytes).await,
            State::Receiving if length.is_none() => rig.check_holds_just(new.id, &bytes).await,
            State::Receiving => {
                let whole = [&bytes[..], b"!"].concat();
                rig.check_content(&rig.relayed(&stored, b"!").await.unwrap(), &whole).await;
            }
        }
    }
    assert_eq!(rig.listed().await.len(), 3);
}

async fn a_replay_that_comes_too_late_changes_nothing(rig: &Rig) {
    let new = described(None);
    let replay = || rig.uploads.create(&rig.call, new.clone(), first_chunk(b"first "));
    let upload = replay().await.unwrap();
    rig.relayed(&upload, b"second").await.unwrap();
    let late = replay().await;
    assert!(matches!(late, Err(UploadError::WrongOffset { offset: 12, epoch: Epoch::FIRST })), "{late:?}");
    rig.check_holds_just(upload.id, b"first second").await;
    rig.terminate(upload.id).await.unwrap();
    assert!(matches!(replay().await, Err(UploadError::Gone)));
}

async fn a_relays_first_chunk_that_is_cut_short_creates_nothing(rig: &Rig) {
    let new = described(Some(9));
    for body in [body(b"12345678"), cut_short(b"12345678"), cut_short(b"123456789")] {
        let cut =
            rig.uploads.create(&rig.call, new.clone(), First::Chunk { body, count: 9, more: false }).await;
        assert!(matches!(cut, Err(UploadError::Body(BodyError::CutShort))), "{cut:?}");
        assert!(matches!(rig.stat(new.id).await, Err(UploadError::NotFound)));
    }
    let created = rig.uploads.create(&rig.call, new, first_chunk(b"123456789")).await.unwrap();
    rig.check_content(&created, b"123456789").await;
}

async fn who_brought_the_bytes_is_recorded(rig: &Rig) {
    let frontend = ContainerId::from_bits(7);
    let call = Call { frontend: Some(frontend), ..Call::default() };
    let upload = rig.uploads.create(&call, described(None), first_chunk(b"1234")).await.unwrap();
    let upload = rig.uploads.append(&call, upload.id, holds(&upload, 2), body(b"56")).await.unwrap();
    let other = rig.another_backend();
    other.append(&call, upload.id, holds(&upload, 1), body(b"7")).await.unwrap();
    let (now, segments) = rig.uploads.inspect(&call, upload.id).await.unwrap();
    assert_eq!(now.offset, 7);
    let segment = |offset, length, backend| Segment {
        offset,
        length,
        backend_container_id: ContainerId::from_bits(backend),
        frontend_container_id: Some(frontend),
    };
    assert_eq!(segments, [segment(0, 6, 1), segment(6, 1, 2)]);
}
