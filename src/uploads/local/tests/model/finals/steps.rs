use super::super::playing::{self, Step};
use crate::blobs::faulty as blobs;
use crate::catalog::faulty as catalog;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Everything that happens to a few uploads and what is made of them.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub parts: Vec<Sent>,
    /// One that stands for itself.
    pub ordinary: Option<Sent>,
    /// Of which uploads each final one is to be made. Numbers count through the parts, the ordinary upload, the final ones,
    /// and one that there never is.
    pub finals: Vec<Vec<usize>>,
    pub steps: Vec<Step<Request>>,
}

/// What a client sends as one upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    /// Decides the bytes.
    pub seed: u64,
    pub length: u64,
    /// The length is not told with the creation.
    pub deferred: bool,
    /// Bytes that come with the creation.
    pub first: u64,
}

/// Each names an upload, or a final upload: those that there are, counted round and round.
#[derive(Clone, Debug)]
pub(super) enum Request {
    Create {
        upload: usize,
        expires: bool,
    },
    /// So many bytes, or all that are missing.
    Append {
        upload: usize,
        count: Option<u64>,
        declares: bool,
        expires: bool,
    },
    Join {
        number: usize,
        expires: bool,
    },
    /// What nobody may do.
    AppendToFinal {
        number: usize,
    },
    Terminate {
        any: usize,
    },
    Stat {
        any: usize,
    },
    Read {
        any: usize,
    },
    Finish {
        slices: usize,
    },
    Sweep,
}

pub(super) fn cases() -> impl Strategy<Value = Case> {
    let finals = vec(vec(prop_oneof![12 => 0usize..4, 1 => 4usize..9], 1..5), 1..4);
    (vec(sent(), 1..5), proptest::option::of(sent()), finals).prop_flat_map(|(parts, ordinary, finals)| {
        let uploads = parts.len() + usize::from(ordinary.is_some());
        // In any other order hardly anything would come of it.
        let creations: Vec<_> = (0..uploads).map(|upload| step(creation(upload)).boxed()).collect();
        (creations, vec(step(request()), 2..12)).prop_map(move |(mut steps, others)| {
            steps.extend(others);
            Case { parts: parts.clone(), ordinary, finals: finals.clone(), steps }
        })
    })
}

/// Equal content comes often enough to be shared.
fn sent() -> impl Strategy<Value = Sent> {
    let content = select(vec![(1, 0), (1, 4), (2, 4), (3, 9), (3, 11)]);
    let first = prop_oneof![2 => Just(u64::MAX), 1 => 0u64..11];
    (content, any::<bool>(), first).prop_map(|((seed, length), deferred, first)| {
        let first = first.min(length);
        Sent { seed, length, deferred, first }
    })
}

fn step(request: impl Strategy<Value = Request>) -> impl Strategy<Value = Step<Request>> {
    let request = (request, playing::stopped(12, self::request()), fault());
    let request = request.prop_map(|(request, stopped, fault)| Step::Request { request, stopped, fault });
    prop_oneof![20 => request, 1 => Just(Step::Restart)]
}

fn creation(upload: usize) -> impl Strategy<Value = Request> {
    expires().prop_map(move |expires| Request::Create { upload, expires })
}

fn request() -> impl Strategy<Value = Request> {
    let (upload, at) = (0usize..5, 0usize..9);
    let count = prop_oneof![3 => Just(None), 1 => (0u64..6).prop_map(Some)];
    let append = (upload.clone(), count, any::<bool>(), expires());
    let append = append.prop_map(|(upload, count, declares, expires)| Request::Append {
        upload,
        count,
        declares,
        expires,
    });
    let join = (0usize..3, expires()).prop_map(|(number, expires)| Request::Join { number, expires });
    prop_oneof![
        2 => upload.prop_flat_map(creation),
        10 => append,
        10 => join,
        1 => (0usize..3).prop_map(|number| Request::AppendToFinal { number }),
        3 => at.clone().prop_map(|any| Request::Terminate { any }),
        2 => at.clone().prop_map(|any| Request::Stat { any }),
        2 => at.prop_map(|any| Request::Read { any }),
        3 => (0usize..4).prop_map(|slices| Request::Finish { slices }),
        3 => Just(Request::Sweep),
    ]
}

fn expires() -> impl Strategy<Value = bool> {
    proptest::bool::weighted(0.2)
}

fn fault() -> impl Strategy<Value = Option<(playing::At, playing::Lost)>> {
    let blobs = [blobs::At::Write, blobs::At::Finish, blobs::At::Read, blobs::At::Delete];
    let catalog = [
        catalog::At::Create,
        catalog::At::Claim,
        catalog::At::Append,
        catalog::At::Terminate,
        catalog::At::Forget,
        catalog::At::Expire,
        catalog::At::Condemn,
        catalog::At::Join,
        catalog::At::FinalsOf,
        catalog::At::Joinable,
        catalog::At::Undigested,
        catalog::At::Digested,
    ];
    playing::fault(&blobs, &catalog)
}
