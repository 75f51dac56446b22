use super::*;
use crate::blobs::faulty::At;
use crate::domain::State;

on_both_stores!(
    a_claim_fences_who_held_the_epoch_before,
    a_fenced_writer_that_goes_on_changes_nothing,
    a_fenced_client_that_goes_on_changes_nothing,
    a_late_duplicate_in_the_same_epoch_changes_nothing,
);

async fn a_claim_fences_who_held_the_epoch_before(rig: &Rig) {
    let held = rig.begun(b"12345").await;
    let claimed = rig.append(&held, b"").await.unwrap();
    assert_eq!((claimed.offset, claimed.epoch), (5, held.epoch.next()));
    let fenced = rig.relayed(&held, b"6").await;
    assert!(
        matches!(fenced, Err(UploadError::Superseded { offset: 5, epoch }) if epoch == claimed.epoch),
        "{fenced:?}"
    );
    rig.relayed(&claimed, b"7").await.unwrap();
    rig.check_holds_just(held.id, b"123457").await;
}

/// A relay's chunk is held up between its bytes and the catalog, while another epoch stores other bytes over, short of and
/// past its range.
async fn a_fenced_writer_that_goes_on_changes_nothing(rig: &Rig) {
    let late = sample(1, 2 * MIB);
    for taken in [MIB, 2 * MIB, 3 * MIB] {
        for goes_on_after_the_end in [false, true] {
            let taken = sample(2, taken);
            let upload = rig.begun(b"first ").await;
            let mut held = rig.blobs.hold(At::Finish);
            let taking = async {
                held.reached().await;
                let claimed = rig.append(&upload, b"").await.unwrap();
                let stored = rig.relayed(&claimed, &taken).await.unwrap();
                match goes_on_after_the_end {
                    true => rig.finish(&stored).await.unwrap(),
                    false => stored,
                };
                drop(held);
            };
            let (fenced, ()) = tokio::join!(rig.relayed(&upload, &late), taking);
            assert!(matches!(fenced, Err(UploadError::Superseded { .. })), "{fenced:?}");
            let all = [b"first ", &taken[..]].concat();
            let now = rig.stat(upload.id).await.unwrap();
            match now.state() {
                State::Complete => rig.check_content(&now, &all).await,
                State::Receiving => rig.check_holds_just(upload.id, &all).await,
            }
        }
    }
}

/// The same for a client's own request, which is in the midst of its body.
async fn a_fenced_client_that_goes_on_changes_nothing(rig: &Rig) {
    let (late, taken) = (sample(1, 4 * MIB), sample(2, 3 * MIB));
    let upload = rig.create(None, First::Nothing).await.unwrap();
    let mut held = rig.blobs.hold(At::Finish);
    let taking = async {
        held.reached().await;
        rig.append(&upload, &taken).await.unwrap();
        drop(held);
    };
    let (fenced, ()) = tokio::join!(rig.append(&upload, &late), taking);
    let end = taken.len() as u64;
    assert!(matches!(fenced, Err(UploadError::Superseded { offset, .. }) if offset == end), "{fenced:?}");
    rig.check_holds_just(upload.id, &taken).await;
}

/// The chunk was sent to another backend when this one did not answer, and the relay has gone on since.
async fn a_late_duplicate_in_the_same_epoch_changes_nothing(rig: &Rig) {
    let (first, second) = (sample(1, 2 * MIB), sample(2, MIB));
    let upload = rig.create(None, First::Nothing).await.unwrap();
    let mut held = rig.blobs.hold(At::Finish);
    let going_on = async {
        held.reached().await;
        let stored = rig.relayed(&upload, &first).await.unwrap();
        rig.relayed(&stored, &second).await.unwrap();
        drop(held);
    };
    let (late, ()) = tokio::join!(rig.relayed(&upload, &first), going_on);
    let (end, mine) = ((first.len() + second.len()) as u64, upload.epoch);
    assert!(
        matches!(late, Err(UploadError::WrongOffset { offset, epoch }) if (offset, epoch) == (end, mine)),
        "{late:?}"
    );
    rig.check_holds_just(upload.id, &[first, second].concat()).await;
}
