//! How any request is made, whatever it is about.

use super::program::{Act, Program};
use super::worlds::{Told, Ways, World, Worlds};
use crate::blobs::faulty as blobs;
use crate::catalog::faulty as catalog;
use crate::db::PATIENCE;
use crate::db::faults::Fault;
use crate::domain::UploadId;
use proptest::option::weighted;
use proptest::prelude::*;
use std::fmt::Debug;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Instant;

#[derive(Clone, Debug)]
pub(super) enum Step<R> {
    Request { request: R, stopped: Option<Stopped<R>>, fault: Option<(At, Lost)> },
    Restart,
}

/// A request does not come to its end at once.
#[derive(Clone, Debug)]
pub(super) struct Stopped<R> {
    /// At which of the moments at which it waits for something.
    pub at: u32,
    pub meanwhile: Vec<R>,
    pub then: Then,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    GoesOn,
    /// Nobody wants its answer any more.
    IsDropped,
    /// And the whole program with it.
    Crashes,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum At {
    Blobs(blobs::At),
    Catalog(catalog::At),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Lost {
    Call,
    Answer,
}

/// What a request meets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around {
    /// No other request.
    pub alone: bool,
    /// No fault.
    pub sound: bool,
}

/// What is asked for, and what that may do.
pub(super) struct Plan<Op> {
    pub id: UploadId,
    pub act: Act,
    pub ways: Ways<Op>,
}

/// What is played, and all that may be true of it.
pub(super) trait Game {
    type World: World;
    type Request: Clone + Debug;

    fn program(&mut self) -> &mut Program;
    fn worlds(&mut self) -> &mut Worlds<Self::World>;
    fn plan(&self, request: &Self::Request, around: Around) -> Plan<<Self::World as World>::Op>;
    /// Rules out what is not as it is seen.
    async fn look(&mut self);
}

/// No two are the same, whatever the case.
pub(super) fn new_owner() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A request, and nothing that disturbs it.
pub(super) fn plain<R>(request: R) -> Step<R> {
    Step::Request { request, stopped: None, fault: None }
}

pub(super) async fn play<G: Game>(game: &mut G, step: Step<G::Request>) {
    let settled = match step {
        Step::Restart => {
            game.program().restart().await;
            true
        }
        Step::Request { request, stopped, fault } => perform(game, &request, stopped, fault).await,
    };
    if !settled {
        game.program().settle().await;
    }
    game.look().await;
}

/// Says whether nothing of it is still being done.
async fn perform<G: Game>(
    game: &mut G,
    request: &G::Request,
    stopped: Option<Stopped<G::Request>>,
    fault: Option<(At, Lost)>,
) -> bool {
    if let Some((at, lost)) = fault {
        script(game.program(), at, lost);
    }
    let may_be_unclear = fault.is_some() || game.program().is_on_postgres() && stopped.is_some();
    let begun = Instant::now();
    let around = Around { alone: stopped.is_none(), sound: fault.is_none() };
    let (worlds, unclear) = match &stopped {
        None => whole(game, request, around).await,
        Some(stopped) => interrupted(game, request, stopped, around).await,
    };
    // On a busy machine the database may really take longer than it is waited for.
    let late = begun.elapsed() >= PATIENCE;
    assert!(!unclear || may_be_unclear || late, "out of the blue");
    *game.worlds() = worlds;
    game.program().open().heal();
    match stopped.map(|stopped| stopped.then) {
        Some(Then::Crashes) => {
            game.program().restart().await;
            true
        }
        Some(Then::IsDropped) => false,
        Some(Then::GoesOn) | None => !unclear,
    }
}

fn script(program: &Program, at: At, lost: Lost) {
    let fault = match lost {
        Lost::Call => Fault::Unavailable,
        Lost::Answer => Fault::AnswerLost,
    };
    match at {
        At::Blobs(at) => program.open().blobs.script(at, [fault]),
        At::Catalog(at) => program.open().catalog.script(at, [fault]),
    }
}

/// What may be true after it, and whether it was told so little.
async fn whole<G: Game>(game: &mut G, request: &G::Request, around: Around) -> (Worlds<G::World>, bool) {
    let Plan { id, act, ways } = game.plan(request, around);
    let told = game.program().open().perform(0, id, act).await;
    (end(game.worlds(), &ways, &told), told == Told::Unclear)
}

fn end<W: World>(before: &Worlds<W>, ways: &Ways<W::Op>, told: &Told) -> Worlds<W> {
    let worlds = before.clone().run(ways, told);
    assert!(!worlds.0.is_empty(), "{told:?} after {ways:?} with {before:?}");
    worlds
}

async fn interrupted<G: Game>(
    game: &mut G,
    request: &G::Request,
    stopped: &Stopped<G::Request>,
    around: Around,
) -> (Worlds<G::World>, bool) {
    let Plan { id, act, ways } = game.plan(request, around);
    let meanwhile: Vec<_> = stopped.meanwhile.iter().map(|request| game.plan(request, around)).collect();
    let before = game.worlds().clone();
    let open = game.program().open();
    let mut performing = pin!(open.perform(0, id, act));
    let mut waits = 0;
    let early = poll_fn(|context| match performing.as_mut().poll(context) {
        Poll::Ready(told) => Poll::Ready(Some(told)),
        Poll::Pending if waits == stopped.at => Poll::Ready(None),
        Poll::Pending => {
            waits += 1;
            Poll::Pending
        }
    });
    if let Some(told) = early.await {
        return (end(&before, &ways, &told), told == Told::Unclear);
    }
    let (mut midway, mut unclear) = (before.begin(&ways), false);
    for Plan { id, act, ways } in meanwhile {
        // It would wait for the one that is stopped.
        if open.follows_what_is_under_way(id, &act) {
            continue;
        }
        let (told, before) = (open.perform(1, id, act).await, midway.clone());
        midway = midway.meanwhile(&ways, &told);
        assert!(!midway.is_impossible(), "{told:?} after {ways:?} with {before:?}");
        unclear |= told == Told::Unclear;
    }
    match stopped.then {
        Then::IsDropped | Then::Crashes => (midway.die(), unclear),
        Then::GoesOn => {
            let (told, before) = (performing.await, midway.clone());
            let worlds = midway.end(&told);
            assert!(!worlds.0.is_empty(), "{told:?} at last with {before:?}");
            (worlds, unclear || told == Told::Unclear)
        }
    }
}

pub(super) fn stopped<R: Clone + Debug + 'static>(
    waits: u32,
    request: impl Strategy<Value = R>,
) -> impl Strategy<Value = Option<Stopped<R>>> {
    let then = prop_oneof![3 => Just(Then::GoesOn), 1 => Just(Then::IsDropped), 1 => Just(Then::Crashes)];
    let stopped = (0..waits, proptest::collection::vec(request, 0..4), then);
    weighted(0.4, stopped.prop_map(|(at, meanwhile, then)| Stopped { at, meanwhile, then }))
}

pub(super) fn fault(
    blobs: &[blobs::At],
    catalog: &[catalog::At],
) -> impl Strategy<Value = Option<(At, Lost)>> + use<> {
    let blobs: Vec<_> = blobs.iter().copied().map(At::Blobs).collect();
    let catalog: Vec<_> = catalog.iter().copied().map(At::Catalog).collect();
    let at = prop_oneof![proptest::sample::select(blobs), proptest::sample::select(catalog)];
    let lost = prop_oneof![Just(Lost::Call), Just(Lost::Answer)];
    weighted(0.15, (at, lost))
}
