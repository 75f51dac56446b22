use super::*;
use crate::domain::State;
use std::cell::Cell;
use std::rc::Rc;

on_both_stores!(
    a_relays_chunk_that_is_cut_short_stores_nothing,
    a_relays_chunk_longer_than_it_said_stores_nothing,
    a_relays_chunk_that_is_refused_is_read_to_its_end,
    a_clients_body_that_is_cut_short_keeps_what_came,
    at_another_offset_nothing_is_stored,
    a_length_is_declared_once,
    a_length_can_be_declared_with_the_last_bytes_or_after_them,
    what_cannot_fit_is_refused_before_it_is_read,
    nothing_past_the_length_is_stored,
    a_complete_upload_takes_nothing_more,
    an_upload_that_is_not_there_takes_nothing,
);

async fn a_relays_chunk_that_is_cut_short_stores_nothing(rig: &Rig) {
    let large = sample(1, 3 * MIB);
    let upload = rig.begun(b"before ").await;
    let cut = rig
        .uploads
        .append(&rig.call, upload.id, holds(&upload, large.len()), cut_short(&large[..2 * MIB]))
        .await;
    assert!(matches!(cut, Err(UploadError::Body(BodyError::CutShort))), "{cut:?}");
    assert_eq!(rig.stat(upload.id).await.unwrap(), upload);
    // Sent again, to whom it may concern, and written over what had come of it.
    rig.relayed(&upload, &large).await.unwrap();
    rig.check_holds_just(upload.id, &[b"before ", &large[..]].concat()).await;

    let upload = rig.begun(b"before ").await;
    for body in [body(b"1234"), cut_short(b"1234"), cut_short(b"12345")] {
        let cut = rig.uploads.append(&rig.call, upload.id, holds(&upload, 5), body).await;
        assert!(matches!(cut, Err(UploadError::Body(BodyError::CutShort))), "{cut:?}");
        assert_eq!(rig.stat(upload.id).await.unwrap(), upload);
    }
    rig.relayed(&upload, b"12345").await.unwrap();
    rig.check_holds_just(upload.id, b"before 12345").await;
}

/// Nor is it read on: it has room for what it said.
async fn a_relays_chunk_longer_than_it_said_stores_nothing(rig: &Rig) {
    let upload = rig.begun(b"before ").await;
    for count in [Some(5), Some(0), None] {
        let (long, read) = counted(body(&sample(1, MIB)));
        let append = Append { count, ..holds(&upload, 0) };
        let refused = rig.uploads.append(&rig.call, upload.id, append, long).await;
        assert!(matches!(refused, Err(UploadError::Body(_))), "{refused:?}");
        assert_eq!(read.get(), 1);
        assert_eq!(rig.stat(upload.id).await.unwrap(), upload);
    }
}

/// For its relay looks for the answer when it has sent all.
async fn a_relays_chunk_that_is_refused_is_read_to_its_end(rig: &Rig) {
    let upload = rig.begun(b"before ").await;
    let (chunk, read) = counted(body(&sample(1, MIB)));
    let append = Append { offset: 3, ..holds(&upload, MIB) };
    let refused = rig.uploads.append(&rig.call, upload.id, append, chunk).await;
    assert!(matches!(refused, Err(UploadError::WrongOffset { offset: 7, .. })), "{refused:?}");
    assert_eq!(read.get(), 16);
    rig.check_holds_just(upload.id, b"before ").await;
}

async fn a_clients_body_that_is_cut_short_keeps_what_came(rig: &Rig) {
    let bytes = sample(1, 3 * MIB);
    let upload = rig.create(Some(bytes.len() as u64), First::Nothing).await.unwrap();
    let came = 2 * MIB + 77;
    let cut = rig.uploads.append(&rig.call, upload.id, claims(0), cut_short(&bytes[..came])).await;
    assert!(matches!(cut, Err(UploadError::Body(BodyError::CutShort))), "{cut:?}");
    let stored = rig.stat(upload.id).await.unwrap();
    assert_eq!(stored.offset, came as u64);
    let complete = rig.append(&stored, &bytes[came..]).await.unwrap();
    rig.check_content(&complete, &bytes).await;
}

async fn at_another_offset_nothing_is_stored(rig: &Rig) {
    let upload = rig.begun(b"12345").await;
    for offset in [0, 4, 6, 1 << 40] {
        for append in [claims(offset), Append { offset, ..holds(&upload, 5) }] {
            let wrong = rig.uploads.append(&rig.call, upload.id, append, body(b"wrong")).await;
            assert!(
                matches!(wrong, Err(UploadError::WrongOffset { offset: 5, epoch }) if epoch == upload.epoch),
                "{wrong:?}"
            );
        }
    }
    // Who asked at the wrong offset has not fenced who writes at the right one.
    assert_eq!(rig.stat(upload.id).await.unwrap(), upload);
    rig.relayed(&upload, b"6").await.unwrap();
    rig.check_holds_just(upload.id, b"123456").await;
}

async fn a_length_is_declared_once(rig: &Rig) {
    let upload = rig.begun(b"12345").await;
    let declare = async |length| {
        let append = Append { length: Some(length), ..claims(5) };
        rig.uploads.append(&rig.call, upload.id, append, body(b"")).await
    };
    let below = declare(4).await;
    assert!(matches!(below, Err(UploadError::PastTheEnd { length: 4 })), "{below:?}");
    assert_eq!(declare(8).await.unwrap().length, Some(8));
    assert_eq!(declare(8).await.unwrap().length, Some(8));
    for other in [5, 7, 9] {
        let known = declare(other).await;
        assert!(matches!(known, Err(UploadError::LengthIsKnown { length: 8 })), "{known:?}");
    }
    let complete = rig.append(&rig.stat(upload.id).await.unwrap(), b"678").await.unwrap();
    rig.check_content(&complete, b"12345678").await;
}

async fn a_length_can_be_declared_with_the_last_bytes_or_after_them(rig: &Rig) {
    for bytes in [&b"678"[..], b""] {
        let all = [b"12345", bytes].concat();
        let length = Some(all.len() as u64);
        for claiming in [true, false] {
            let upload = rig.begun(b"12345").await;
            let holding = holds(&upload, bytes.len());
            let append = Append { length, ..if claiming { claims(5) } else { holding } };
            let complete = rig.uploads.append(&rig.call, upload.id, append, body(bytes)).await.unwrap();
            assert_eq!(complete.state(), State::Complete);
            rig.check_content(&complete, &all).await;
        }
    }
}

async fn what_cannot_fit_is_refused_before_it_is_read(rig: &Rig) {
    let upload = rig.create(Some(8), First::Part(body(b"12345"))).await.unwrap();
    let (bytes, read) = counted(body(b"6789"));
    let append = Append { count: Some(4), ..claims(5) };
    let past = rig.uploads.append(&rig.call, upload.id, append, bytes).await;
    assert!(matches!(past, Err(UploadError::PastTheEnd { length: 8 })), "{past:?}");
    assert_eq!(read.get(), 0);
}

async fn nothing_past_the_length_is_stored(rig: &Rig) {
    let upload = rig.create(Some(8), First::Part(body(b"12345"))).await.unwrap();
    for append in [claims(5), holds(&upload, 4)] {
        let now = rig.stat(upload.id).await.unwrap();
        let append = match append.writer {
            Writer::Claims | Writer::ClaimsAfter(_) => append,
            Writer::Holds(_) => Append { writer: Writer::Holds(now.epoch), ..append },
        };
        let past = rig.uploads.append(&rig.call, upload.id, append, body(b"6789")).await;
        assert!(matches!(past, Err(UploadError::PastTheEnd { length: 8 })), "{past:?}");
    }
    let complete = rig.append(&rig.stat(upload.id).await.unwrap(), b"678").await.unwrap();
    rig.check_content(&complete, b"12345678").await;
}

async fn a_complete_upload_takes_nothing_more(rig: &Rig) {
    let upload = rig.create(None, First::Whole(body(b"12345"))).await.unwrap();
    for append in [claims(5), claims(0), holds(&upload, 1), Append { length: Some(6), ..claims(5) }] {
        let refused = rig.uploads.append(&rig.call, upload.id, append, body(b"6")).await;
        assert!(
            matches!(refused, Err(UploadError::Complete { offset: 5, epoch }) if epoch == upload.epoch),
            "{refused:?}"
        );
    }
    rig.check_content(&upload, b"12345").await;
}

async fn an_upload_that_is_not_there_takes_nothing(rig: &Rig) {
    let upload = rig.begun(b"12345").await;
    let unknown = Upload { id: UploadId::mint(), ..upload.clone() };
    assert!(matches!(rig.append(&unknown, b"6").await, Err(UploadError::NotFound)));
    assert!(matches!(rig.relayed(&unknown, b"6").await, Err(UploadError::NotFound)));
    rig.terminate(upload.id).await.unwrap();
    assert!(matches!(rig.append(&upload, b"6").await, Err(UploadError::Gone)));
    assert!(matches!(rig.relayed(&upload, b"6").await, Err(UploadError::Gone)));
}

/// The body, and how many of its pieces were read.
fn counted(body: Body) -> (Body, Rc<Cell<u32>>) {
    let read = Rc::new(Cell::new(0));
    let count = read.clone();
    (body.inspect(move |_| count.set(count.get() + 1)).boxed_local(), read)
}
