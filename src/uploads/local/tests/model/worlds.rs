use super::upload::{Model, Op};
use crate::domain::Upload;
use crate::uploads::UploadError;

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
pub(super) type Ways = Vec<Vec<Op>>;

/// How the upload may be by now, for all that was told and seen. Hardly ever more than one way.
#[derive(Clone, Debug)]
pub(super) struct Worlds(pub Vec<Model>);

/// The same in the midst of a request, each with what that has yet to do.
#[derive(Clone, Debug)]
pub(super) struct Midway(Vec<(Model, Progress)>);

/// How far a request is, and what it will be told if that is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Progress {
    rest: Vec<Op>,
    told: Told,
}

impl Progress {
    fn all(ways: &Ways) -> impl Iterator<Item = Self> {
        ways.iter().map(|ops| Self { rest: ops.clone(), told: Told::Done })
    }

    /// One operation further; false if there is none.
    fn advance(&mut self, model: &mut Model) -> bool {
        if self.rest.is_empty() {
            return false;
        }
        let outcome = Told::from(model.apply(self.rest.remove(0)));
        if outcome != Told::Done {
            self.rest.clear();
            self.told = outcome;
        }
        true
    }
}

impl Worlds {
    /// A whole request.
    pub(super) fn run(self, ways: &Ways, told: &Told) -> Self {
        self.begin(ways).end(told)
    }

    /// A request begins.
    pub(super) fn begin(self, ways: &Ways) -> Midway {
        let started =
            self.0.into_iter().flat_map(|model| Progress::all(ways).map(move |way| (model.clone(), way)));
        Midway(started.collect())
    }

    /// Keeps those that are as the upload was seen.
    pub(super) fn seen(mut self, upload: &Result<Upload, UploadError>) -> Self {
        self.0.retain(|model| looks_like(model, upload));
        self
    }
}

impl Midway {
    /// The request may have done any number of its operations since.
    fn later(self) -> Self {
        let mut later = Vec::new();
        for (mut model, mut request) in self.0 {
            keep(&mut later, (model.clone(), request.clone()));
            while request.advance(&mut model) {
                keep(&mut later, (model.clone(), request.clone()));
            }
        }
        Self(later)
    }

    /// A whole other request in the midst of this one. What this one waits for may happen before, after and in between.
    pub(super) fn meanwhile(self, ways: &Ways, told: &Told) -> Self {
        let mut after = Vec::new();
        for way in Progress::all(ways) {
            let mut during: Vec<_> =
                self.clone().later().0.into_iter().map(|world| (world, way.clone())).collect();
            while let Some(((model, request), other)) = during.pop() {
                if *told == Told::Unclear || (other.rest.is_empty() && other.told == *told) {
                    keep(&mut after, (model.clone(), request.clone()));
                }
                let (mut model, mut other) = (model, other);
                if other.advance(&mut model) {
                    let later = Self(vec![(model, request)]).later().0;
                    during.extend(later.into_iter().map(|world| (world, other.clone())));
                }
            }
        }
        Self(after)
    }

    /// Nothing that can happen is what was told.
    pub(super) fn is_impossible(&self) -> bool {
        self.0.is_empty()
    }

    /// The request goes on to its end.
    pub(super) fn end(self, told: &Told) -> Worlds {
        let mut ends = self.later();
        if *told != Told::Unclear {
            ends.0.retain(|(_, request)| request.rest.is_empty() && request.told == *told);
        }
        ends.die()
    }

    /// The request goes no further than it may have come.
    pub(super) fn die(self) -> Worlds {
        let mut models = Vec::new();
        self.later().0.into_iter().for_each(|(model, _)| keep(&mut models, model));
        Worlds(models)
    }
}

fn keep<T: PartialEq>(all: &mut Vec<T>, one: T) {
    if !all.contains(&one) {
        all.push(one);
    }
}

fn looks_like(model: &Model, seen: &Result<Upload, UploadError>) -> bool {
    match seen {
        Err(UploadError::Gone) => model.removed,
        _ if model.removed => false,
        Err(UploadError::NotFound) => model.owners.is_empty(),
        Err(error) => panic!("{error:?}"),
        Ok(upload) => {
            let complete = model.is_complete();
            let sum = complete.then(|| super::sum(&model.content));
            let position = (upload.offset, upload.epoch.0, upload.length);
            position == (model.end(false), model.owners.len() as i64, model.length)
                && (upload.completed_at.is_some(), upload.sha256) == (complete, sum)
        }
    }
}
