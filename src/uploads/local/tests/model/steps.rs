use super::playing::{self, Step};
use crate::blobs::faulty as blobs;
use crate::catalog::faulty as catalog;
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;

/// Everything that happens to one upload.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub length: Option<u64>,
    /// Bytes that come with the creation.
    pub first: u64,
    pub steps: Vec<Step<Request>>,
}

#[derive(Clone, Debug)]
pub(super) enum Request {
    Create {
        expires: bool,
    },
    Append {
        by: By,
        off_by: i64,
        length: Option<u64>,
        count: u64,
        expires: bool,
        checked: Checked,
        /// A relay says that more may come.
        more: bool,
    },
    Terminate,
    Sweep,
}

/// Whether the bytes count at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checked {
    No,
    /// The checksum is right (for a relay: not known yet).
    Right,
    /// It is wrong (for a relay: no word of it).
    Wrong,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum By {
    Client,
    /// A relay that took the epoch so many epochs ago.
    Relay {
        ago: usize,
    },
}

pub(super) fn cases() -> impl Strategy<Value = Case> {
    // In any other order hardly anything would come of it.
    let creation = (any::<bool>(), stopped(), fault());
    let creation = creation.prop_map(|(expires, stopped, fault)| {
        let request = Request::Create { expires };
        Step::Request { request, stopped, fault }
    });
    let length = prop_oneof![2 => Just(None), 1 => (0u64..60).prop_map(Some)];
    (length, count(), creation, vec(step(), 1..9)).prop_map(|(length, first, creation, mut steps)| {
        steps.insert(0, creation);
        Case { length, first, steps }
    })
}

fn step() -> impl Strategy<Value = Step<Request>> {
    let request = (request(), stopped(), fault()).prop_map(|(request, stopped, fault)| Step::Request {
        request,
        stopped,
        fault,
    });
    prop_oneof![20 => request, 1 => Just(Step::Restart)]
}

fn request() -> impl Strategy<Value = Request> {
    let by = prop_oneof![
        2 => Just(By::Client),
        4 => Just(By::Relay { ago: 0 }),
        1 => (1usize..3).prop_map(|ago| By::Relay { ago }),
    ];
    let off_by = prop_oneof![9 => Just(0i64), 1 => -3i64..4];
    let length = weighted(0.15, 0u64..60);
    let checked = prop_oneof![3 => Just(Checked::No), 2 => Just(Checked::Right), 1 => Just(Checked::Wrong)];
    let append = (by, off_by, length, count(), expires(), checked, any::<bool>());
    let append = append.prop_map(|(by, off_by, length, count, expires, checked, more)| Request::Append {
        by,
        off_by,
        length,
        count,
        expires,
        checked,
        more,
    });
    prop_oneof![
        14 => append,
        2 => expires().prop_map(|expires| Request::Create { expires }),
        1 => Just(Request::Terminate),
        3 => Just(Request::Sweep),
    ]
}

/// Some are so many that they are hashed apart.
fn count() -> impl Strategy<Value = u64> {
    prop_oneof![30 => 0u64..20, 1 => 70_000u64..80_000]
}

fn expires() -> impl Strategy<Value = bool> {
    proptest::bool::weighted(0.2)
}

fn stopped() -> impl Strategy<Value = Option<playing::Stopped<Request>>> {
    playing::stopped(7, request())
}

fn fault() -> impl Strategy<Value = Option<(playing::At, playing::Lost)>> {
    let blobs = [blobs::At::Write, blobs::At::Finish, blobs::At::Delete];
    let catalog = [
        catalog::At::Create,
        catalog::At::Claim,
        catalog::At::Append,
        catalog::At::Terminate,
        catalog::At::Forget,
        catalog::At::Expire,
        catalog::At::Condemn,
    ];
    playing::fault(&blobs, &catalog)
}
