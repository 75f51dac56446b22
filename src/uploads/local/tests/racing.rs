use super::*;
use futures_util::future::join_all;
use std::cell::{Cell, RefCell};

on_both_stores!(racing_writers_never_take_the_offset_back, of_racing_writers_at_one_offset_one_is_stored);

const WRITERS: u64 = 16;

/// What every writer sees and is told.
#[derive(Default)]
struct Witness {
    /// No record may be behind this from now on.
    offset: Cell<u64>,
    /// Each chunk that was acknowledged, and where.
    stored: RefCell<Vec<(u64, Vec<u8>)>>,
}

impl Witness {
    async fn look(&self, rig: &Rig, id: UploadId) -> Upload {
        let acknowledged = self.offset.get();
        let upload = rig.stat(id).await.unwrap();
        assert!(upload.offset >= acknowledged, "{} after {acknowledged}", upload.offset);
        self.offset.set(self.offset.get().max(upload.offset));
        upload
    }

    fn acknowledged(&self, at: u64, bytes: Vec<u8>, upload: &Upload) {
        assert!(upload.offset >= at + bytes.len() as u64);
        self.offset.set(self.offset.get().max(upload.offset));
        self.stored.borrow_mut().push((at, bytes));
    }

    /// What the upload must be: every acknowledged chunk once, without a gap.
    fn content(&self) -> Vec<u8> {
        let mut stored = self.stored.borrow().clone();
        stored.sort_by_key(|(at, _)| *at);
        stored.iter().fold(Vec::new(), |mut content, (at, bytes)| {
            assert_eq!(content.len() as u64, *at);
            content.extend_from_slice(bytes);
            content
        })
    }
}

/// Each writes where it thinks the end is, as a client or as a relay that takes an epoch and then sends a chunk in it. They
/// fence one another, so hardly anything is stored while all are at it; the fewer are left, the more.
async fn racing_writers_never_take_the_offset_back(rig: &Rig) {
    let (id, witness) = (rig.create(None, First::Nothing).await.unwrap().id, Witness::default());
    let write = async |writer| {
        let mut random = fastrand::Rng::with_seed(writer);
        for _ in 0..=writer % 8 {
            let upload = witness.look(rig, id).await;
            let bytes = sample(random.u64(..), random.usize(1..5000));
            let appended = match random.bool() {
                true => rig.append(&upload, &bytes).await,
                false => match rig.append(&upload, b"").await {
                    Ok(claimed) => rig.relayed(&claimed, &bytes).await,
                    refused => refused,
                },
            };
            match appended {
                Ok(now) => witness.acknowledged(upload.offset, bytes, &now),
                Err(UploadError::WrongOffset { .. } | UploadError::Superseded { .. }) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    };
    join_all((0..WRITERS).map(write)).await;
    // Whoever claimed last was fenced by nobody.
    assert!(!witness.stored.borrow().is_empty());
    rig.check_holds_just(id, &witness.content()).await;
}

/// Where all begin at one offset, the bytes of one are stored, whole.
async fn of_racing_writers_at_one_offset_one_is_stored(rig: &Rig) {
    let upload = rig.begun(b"").await;
    let chunks: Vec<Vec<u8>> = (0..WRITERS).map(|n| sample(n, 1000 + n as usize)).collect();
    let outcomes = join_all(chunks.iter().map(|bytes| rig.append(&upload, bytes))).await;
    let stored: Vec<_> = outcomes.iter().zip(&chunks).filter(|(outcome, _)| outcome.is_ok()).collect();
    let [(_, bytes)] = stored[..] else { panic!("{outcomes:?}") };
    rig.check_holds_just(upload.id, bytes).await;
}
