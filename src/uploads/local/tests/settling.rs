use super::super::{PATIENCES, SETTLING};
use super::*;
use futures_util::future::{Either, join, select};
use std::pin::pin;
use std::time::Instant;

on_both_stores!(
    who_asks_where_to_go_on_is_told_when_no_more_comes,
    who_asks_where_to_go_on_is_told_when_another_writes,
    a_writer_that_may_be_dead_is_waited_for_a_moment_only,
    a_writer_that_was_heard_of_long_ago_is_not_waited_for,
    where_nobody_writes_nobody_is_waited_for,
);

/// Only a test that fails waits so long.
const LONG: Duration = Duration::from_secs(60);

impl Rig {
    async fn settled(&self, id: UploadId) -> Result<Upload, UploadError> {
        self.uploads.settled_within(id, LONG).await
    }

    /// Asks where to go on, and does something else once it is seen that there is no answer yet.
    async fn settled_by<T>(&self, id: UploadId, event: impl Future<Output = T>) -> (Upload, T) {
        let mut asked = pin!(self.settled(id));
        let looking = pin!(async {
            for _ in 0..3 {
                self.stat(id).await.unwrap();
            }
        });
        if let Either::Left((told, _)) = select(asked.as_mut(), looking).await {
            panic!("told too early: {told:?}");
        }
        let (told, happened) = join(asked, event).await;
        (told.unwrap(), happened)
    }

    /// An upload that somebody has begun to write.
    async fn written(&self) -> Upload {
        let upload = self.begun(b"before ").await;
        self.append(&upload, b"").await.unwrap()
    }
}

async fn who_asks_where_to_go_on_is_told_when_no_more_comes(rig: &Rig) {
    let upload = rig.written().await;
    let more = Append { more: true, ..holds(&upload, 5) };
    let upload = rig.uploads.append(&rig.call, upload.id, more, body(b"12345")).await.unwrap();
    let (told, appended) = rig.settled_by(upload.id, rig.relayed(&upload, b"67")).await;
    assert_eq!(told, appended.unwrap());
    rig.check_holds_just(upload.id, b"before 1234567").await;
}

async fn who_asks_where_to_go_on_is_told_when_another_writes(rig: &Rig) {
    let upload = rig.written().await;
    let (told, claimed) = rig.settled_by(upload.id, rig.append(&upload, b"")).await;
    assert_eq!((told.offset, told.epoch), (upload.offset, claimed.unwrap().epoch));
}

async fn a_writer_that_may_be_dead_is_waited_for_a_moment_only(rig: &Rig) {
    let upload = rig.written().await;
    let asked = Instant::now();
    assert_eq!(rig.uploads.settled(&rig.call, upload.id).await.unwrap(), upload);
    let waited = asked.elapsed();
    assert!(waited >= SETTLING && waited < PATIENCES * SETTLING, "{waited:?}");
    // It was alive after all, and nobody has kept it from going on.
    rig.relayed(&upload, b"12345").await.unwrap();
}

async fn a_writer_that_was_heard_of_long_ago_is_not_waited_for(rig: &Rig) {
    let upload = rig.written().await;
    rig.let_its_writer_be_silent(&upload).await;
    assert_eq!(rig.settled(upload.id).await.unwrap(), upload);
}

async fn where_nobody_writes_nobody_is_waited_for(rig: &Rig) {
    let begun = rig.begun(b"before ").await;
    assert_eq!(rig.settled(begun.id).await.unwrap(), begun);
    let more = Append { more: true, length: Some(12), ..holds(&begun, 5) };
    let complete = rig.uploads.append(&rig.call, begun.id, more, body(b"after")).await.unwrap();
    assert_eq!(rig.settled(begun.id).await.unwrap(), complete);
}
