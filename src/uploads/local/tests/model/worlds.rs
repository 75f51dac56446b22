use crate::uploads::UploadError;
use std::fmt::Debug;

/// What is true, as far as a model knows.
pub(super) trait World: Clone + Debug + PartialEq {
    /// What a request does at once or not at all.
    type Op: Clone + Debug + PartialEq;

    /// Every way in which it may be after the operation, each with what the request does next because of it, or is told
    /// instead of all that is left.
    fn outcomes(&self, op: &Self::Op) -> Vec<(Self, Outcome<Self::Op>)>;
}

/// What a request does next, or is told.
pub(super) type Outcome<Op> = Result<Vec<Op>, UploadError>;

/// What a request was told: all of it, word for word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Done,
    Refused(String),
    /// It may have been done, in part or in whole, or not.
    Unclear,
}

impl From<Result<(), UploadError>> for Told {
    fn from(outcome: Result<(), UploadError>) -> Self {
        match outcome {
            Ok(()) => Self::Done,
            Err(UploadError::Unavailable { .. }) => Self::Unclear,
            Err(error) => Self::Refused(format!("{error:?}")),
        }
    }
}

/// What a request may do, one operation after the other, in one of several ways.
pub(super) type Ways<Op> = Vec<Vec<Op>>;

/// How things may be by now, for all that was told and seen. Hardly ever more than one way.
#[derive(Clone, Debug)]
pub(super) struct Worlds<W>(pub Vec<W>);

/// The same in the midst of a request, each with what that has yet to do.
#[derive(Clone, Debug)]
pub(super) struct Midway<W: World>(Vec<(W, Progress<W::Op>)>);

/// How far a request is, and what it will be told if that is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Progress<Op> {
    rest: Vec<Op>,
    told: Told,
}

impl<Op: Clone> Progress<Op> {
    fn all(ways: &Ways<Op>) -> impl Iterator<Item = Self> {
        ways.iter().map(|ops| Self { rest: ops.clone(), told: Told::Done })
    }

    /// One operation further; nowhere if there is none.
    fn advance<W: World<Op = Op>>(&self, world: &W) -> Vec<(W, Self)> {
        let Some((op, rest)) = self.rest.split_first() else { return Vec::new() };
        let further = |(world, outcome): (W, Outcome<Op>)| {
            let progress = match outcome {
                Ok(next) => Self { rest: [&next, rest].concat(), told: Told::Done },
                Err(error) => Self { rest: Vec::new(), told: Err(error).into() },
            };
            (world, progress)
        };
        world.outcomes(op).into_iter().map(further).collect()
    }

    fn is_at_its_end(&self, told: &Told) -> bool {
        self.rest.is_empty() && self.told == *told
    }
}

impl<W: World> Worlds<W> {
    /// A whole request.
    pub(super) fn run(self, ways: &Ways<W::Op>, told: &Told) -> Self {
        self.begin(ways).end(told)
    }

    /// A request begins.
    pub(super) fn begin(self, ways: &Ways<W::Op>) -> Midway<W> {
        let started =
            self.0.into_iter().flat_map(|world| Progress::all(ways).map(move |way| (world.clone(), way)));
        Midway(started.collect())
    }

    /// Keeps those that are as things were seen.
    pub(super) fn seen(mut self, fits: impl Fn(&W) -> bool) -> Self {
        self.0.retain(fits);
        self
    }
}

impl<W: World> Midway<W> {
    /// The request may have done any number of its operations since.
    fn later(self) -> Self {
        Self(reachable(self.0, |(world, request)| request.advance(world)))
    }

    /// A whole other request in the midst of this one. What this one waits for may happen before, after and in between.
    pub(super) fn meanwhile(self, ways: &Ways<W::Op>, told: &Told) -> Self {
        let both = self.0.into_iter().flat_map(|(world, request)| {
            Progress::all(ways).map(move |other| (world.clone(), request.clone(), other))
        });
        let during = reachable(both.collect(), |(world, request, other)| {
            let first =
                request.advance(world).into_iter().map(|(world, request)| (world, request, other.clone()));
            let second =
                other.advance(world).into_iter().map(|(world, other)| (world, request.clone(), other));
            first.chain(second).collect()
        });
        let mut after = Vec::new();
        for (world, request, other) in during {
            if *told == Told::Unclear || other.is_at_its_end(told) {
                keep(&mut after, (world, request));
            }
        }
        Self(after)
    }

    /// Nothing that can happen is what was told.
    pub(super) fn is_impossible(&self) -> bool {
        self.0.is_empty()
    }

    /// The request goes on to its end.
    pub(super) fn end(self, told: &Told) -> Worlds<W> {
        let mut ends = self.later();
        if *told != Told::Unclear {
            ends.0.retain(|(_, request)| request.is_at_its_end(told));
        }
        ends.die()
    }

    /// The request goes no further than it may have come.
    pub(super) fn die(self) -> Worlds<W> {
        let mut worlds = Vec::new();
        self.later().0.into_iter().for_each(|(world, _)| keep(&mut worlds, world));
        Worlds(worlds)
    }
}

/// These, and all that come of them.
fn reachable<T: PartialEq>(mut open: Vec<T>, next: impl Fn(&T) -> Vec<T>) -> Vec<T> {
    let mut all = Vec::new();
    while let Some(one) = open.pop() {
        if !all.contains(&one) {
            open.extend(next(&one));
            all.push(one);
        }
    }
    all
}

fn keep<T: PartialEq>(all: &mut Vec<T>, one: T) {
    if !all.contains(&one) {
        all.push(one);
    }
}
