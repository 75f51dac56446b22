use super::super::program::{SLICE, TOGETHER};
use super::super::sum;
use super::super::upload::{self, Model};
use super::super::worlds::{self, World};
use crate::domain::{PartFault, Upload, UploadId};
use crate::uploads::UploadError;
use std::rc::Rc;

/// What does not change while a case is played.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cast {
    /// Of the uploads, then of the final ones, then of one that there never is.
    pub ids: Vec<UploadId>,
    /// How many of the uploads are parts: the first so many.
    pub parts: usize,
    /// What each upload, and each final one, has for content once it is complete.
    pub contents: Vec<Vec<u8>>,
    /// Of which of them each final upload is made.
    pub named: Vec<Vec<usize>>,
}

/// What a few uploads and those that are made of them are, to whoever asks from outside, and to the one who digests.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Group {
    pub cast: Rc<Cast>,
    pub uploads: Vec<Model>,
    pub finals: Vec<Final>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Final {
    NotCreated,
    Waits {
        length: Option<u64>,
        expired: bool,
    },
    /// How far its digest has come, until that is known.
    Joined {
        digested: Option<u64>,
    },
    Removed,
}

/// What a request does, at once or not at all. One that is not `certain` may also leave some of it undone: it fails without a
/// word, or passes over what another one has locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Op {
    /// To one that is not final.
    Upload {
        at: usize,
        op: upload::Op,
        certain: bool,
    },
    /// Whoever has completed a part asks what is made of it.
    FinalsOf {
        part: usize,
        certain: bool,
    },
    /// It joins these, one after the other, in any order.
    TryToJoin {
        finals: Vec<usize>,
        certain: bool,
    },
    TryToRemove {
        number: usize,
        certain: bool,
    },
    CreateFinal {
        number: usize,
        expires: bool,
    },
    Find(usize),
    FindUpload(usize),
    Join(usize),
    /// Its parts are too large.
    Refuse(usize),
    AppendTo(usize),
    Terminate(usize),
    /// Of a finisher: what could have been joined, of those from this one on, is joined.
    Joinable {
        from: usize,
        certain: bool,
    },
    /// And the digest goes on by a slice.
    Digest {
        number: usize,
        certain: bool,
    },
    /// Of a sweep, again and again until there is nothing.
    Expire {
        certain: bool,
    },
    /// Of a sweep: what has stored bytes and was not created never will be. Which of them have is not for the model to know.
    Condemn,
}

type Outcome = worlds::Outcome<Op>;

impl World for Group {
    type Op = Op;

    fn outcomes(&self, op: &Op) -> Vec<(Self, Outcome)> {
        match *op {
            Op::TryToJoin { ref finals, certain } => {
                finals.iter().flat_map(|number| self.try_to_join(*number, finals, certain)).collect()
            }
            Op::Expire { certain } => self.expire(certain),
            Op::Condemn => self.condemn(),
            Op::TryToRemove { certain: false, .. }
            | Op::Digest { certain: false, .. }
            | Op::Joinable { certain: false, .. }
            | Op::FinalsOf { certain: false, .. } => vec![(self.clone(), Ok(Vec::new())), self.outcome(op)],
            _ => vec![self.outcome(op)],
        }
    }
}

impl Group {
    pub(super) fn new(cast: Rc<Cast>) -> Self {
        let uploads = vec![Model::default(); cast.contents.len() - cast.named.len()];
        let finals = vec![Final::NotCreated; cast.named.len()];
        Self { cast, uploads, finals }
    }

    pub(super) fn looks_like(&self, seen: &[Result<Upload, UploadError>]) -> bool {
        let (uploads, finals) = seen.split_at(self.uploads.len());
        self.uploads.iter().zip(uploads).all(|(upload, seen)| upload.looks_like(seen))
            && (0..).zip(finals).all(|(number, seen)| self.final_looks_like(number, seen))
    }

    fn final_looks_like(&self, number: usize, seen: &Result<Upload, UploadError>) -> bool {
        let content = &self.cast.contents[self.uploads.len() + number];
        let length = content.len() as u64;
        match (self.finals[number], seen) {
            (Final::NotCreated, Err(UploadError::NotFound)) | (Final::Removed, Err(UploadError::Gone)) => {
                true
            }
            (Final::Waits { length, .. }, Ok(upload)) => {
                let told = (upload.length, upload.offset, upload.completed_at, upload.sha256);
                told == (length, 0, None, None)
            }
            (Final::Joined { digested }, Ok(upload)) => {
                let sum = digested.is_none().then(|| sum(content));
                (upload.length, upload.offset, upload.sha256) == (Some(length), length, sum)
                    && upload.completed_at.is_some()
            }
            (_, Ok(_) | Err(UploadError::Gone | UploadError::NotFound)) => false,
            (_, Err(error)) => panic!("{error:?}"),
        }
    }

    fn outcome(&self, op: &Op) -> (Self, Outcome) {
        let mut after = self.clone();
        let outcome = after.apply(op);
        (after, outcome)
    }

    fn apply(&mut self, op: &Op) -> Outcome {
        match *op {
            Op::Upload { at, op, certain } => return self.apply_to_upload(at, op, certain),
            Op::FinalsOf { part, certain } => {
                let waits_for_it = |number: &usize| self.cast.named[*number].contains(&part);
                let finals: Vec<usize> = self.waiting().filter(waits_for_it).collect();
                if !finals.is_empty() {
                    return Ok(vec![Op::TryToJoin { finals, certain }]);
                }
            }
            Op::TryToRemove { number, .. } => {
                if self.finals[number] != Final::NotCreated {
                    self.finals[number] = Final::Removed;
                }
            }
            Op::CreateFinal { number, expires } => return self.create_final(number, expires),
            Op::Find(number) => return self.find(number),
            Op::FindUpload(at) => match &self.uploads[at] {
                upload if upload.removed => return Err(UploadError::Gone),
                upload if upload.owners.is_empty() => return Err(UploadError::NotFound),
                _ => {}
            },
            Op::Join(number) => {
                self.find(number)?;
                if self.join(number) {
                    return Ok(vec![Op::Refuse(number)]);
                }
            }
            Op::Refuse(number) => {
                self.find(number)?;
                self.finals[number] = Final::Removed;
                return Err(UploadError::TooLarge { limit: TOGETHER });
            }
            Op::AppendTo(number) => {
                self.find(number)?;
                return Err(UploadError::FinalUpload);
            }
            Op::Terminate(number) => {
                self.find(number)?;
                self.finals[number] = Final::Removed;
            }
            Op::Joinable { from, certain } => {
                let joinable: Vec<usize> =
                    self.waiting().filter(|n| *n >= from && self.is_joinable(*n)).collect();
                let Some(last) = joinable.last().copied() else { return Ok(Vec::new()) };
                let each = joinable.iter().map(|number| Op::TryToJoin { finals: vec![*number], certain });
                return Ok(each.chain([Op::Joinable { from: last + 1, certain }]).collect());
            }
            Op::Digest { number, .. } => self.digest(number),
            Op::TryToJoin { .. } | Op::Expire { .. } | Op::Condemn => {
                unreachable!("there are several outcomes")
            }
        }
        Ok(Vec::new())
    }

    fn apply_to_upload(&mut self, at: usize, op: upload::Op, certain: bool) -> Outcome {
        self.uploads[at].apply(op)?;
        let appended = matches!(op, upload::Op::Append { .. });
        let completes_part = appended && at < self.cast.parts && self.uploads[at].is_complete();
        Ok(if completes_part { vec![Op::FinalsOf { part: at, certain }] } else { Vec::new() })
    }

    fn create_final(&mut self, number: usize, expires: bool) -> Outcome {
        match self.finals[number] {
            Final::Removed => return Err(UploadError::Gone),
            Final::NotCreated => {}
            Final::Waits { .. } | Final::Joined { .. } => return self.find(number),
        }
        for &part in &self.cast.named[number] {
            let fault = match part {
                _ if part < self.uploads.len() => {
                    let (there, partial) = (self.is_there(part), part < self.cast.parts);
                    if there { (!partial).then_some(PartFault::NotPartial) } else { Some(PartFault::Missing) }
                }
                _ => match self.finals.get(part - self.uploads.len()) {
                    Some(Final::Waits { .. } | Final::Joined { .. }) => Some(PartFault::NotPartial),
                    // It exists by then.
                    Some(_) if part - self.uploads.len() == number => Some(PartFault::NotPartial),
                    Some(_) | None => Some(PartFault::Missing),
                },
            };
            if let Some(fault) = fault {
                return Err(UploadError::BadPart { part: self.cast.ids[part], fault });
            }
        }
        let before = self.finals[number];
        self.finals[number] = Final::Waits { length: None, expired: expires };
        if self.join(number) {
            self.finals[number] = before;
            return Err(UploadError::TooLarge { limit: TOGETHER });
        }
        self.find(number)
    }

    /// Who finds that it waits tries to join it.
    fn find(&self, number: usize) -> Outcome {
        match self.finals[number] {
            Final::NotCreated => Err(UploadError::NotFound),
            Final::Removed => Err(UploadError::Gone),
            Final::Waits { .. } => Ok(vec![Op::Join(number)]),
            Final::Joined { .. } => Ok(Vec::new()),
        }
    }

    /// As far as can be; says whether it is too large.
    fn join(&mut self, number: usize) -> bool {
        let Final::Waits { ref mut length, .. } = self.finals[number] else { return false };
        let named = &self.cast.named[number];
        let (mut sum, mut known, mut complete) = (0, true, true);
        for &part in named {
            let upload = &self.uploads[part];
            let there = !upload.owners.is_empty() && !upload.removed;
            let its_length = if there { upload.length } else { None };
            (sum, known) = (sum + its_length.unwrap_or(0), known && its_length.is_some());
            complete &= there && upload.is_complete();
        }
        if sum > TOGETHER {
            return true;
        }
        if complete {
            let lengths = named.iter().map(|part| self.cast.contents[*part].len() as u64);
            let first = lengths.into_iter().find(|length| *length > 0).unwrap_or(0);
            self.finals[number] = Final::Joined { digested: (first < sum).then_some(first) };
        } else if known {
            *length = Some(sum);
        }
        false
    }

    /// The next of these.
    fn try_to_join(&self, number: usize, of: &[usize], certain: bool) -> Vec<(Self, Outcome)> {
        let finals: Vec<usize> = of.iter().copied().filter(|other| *other != number).collect();
        let rest = if finals.is_empty() { None } else { Some(Op::TryToJoin { finals, certain }) };
        let mut after = self.clone();
        let too_large = after.join(number);
        let removal = too_large.then_some(Op::TryToRemove { number, certain });
        let joined = (after, Ok(removal.into_iter().chain(rest.clone()).collect()));
        match certain {
            true => vec![joined],
            false => vec![joined, (self.clone(), Ok(rest.into_iter().collect()))],
        }
    }

    fn digest(&mut self, number: usize) {
        let length = self.cast.contents[self.uploads.len() + number].len() as u64;
        if let Final::Joined { digested: digested @ Some(_) } = &mut self.finals[number] {
            *digested = digested.map(|end| end + SLICE).filter(|end| *end < length);
        }
    }

    fn expire(&self, certain: bool) -> Vec<(Self, Outcome)> {
        let expired: Vec<usize> =
            (0..self.uploads.len() + self.finals.len()).filter(|at| self.is_expired(*at)).collect();
        let some = if certain { vec![expired] } else { subsets(&expired) };
        let outcome = |removed: Vec<usize>| {
            let mut after = self.clone();
            removed.iter().for_each(|at| after.remove(*at));
            (after, Ok(if removed.is_empty() { Vec::new() } else { vec![Op::Expire { certain }] }))
        };
        some.into_iter().map(outcome).collect()
    }

    fn condemn(&self) -> Vec<(Self, Outcome)> {
        let created = |at: &usize| !self.uploads[*at].owners.is_empty() || self.uploads[*at].removed;
        let not_created: Vec<usize> = (0..self.uploads.len()).filter(|at| !created(at)).collect();
        let outcome = |buried: Vec<usize>| {
            let mut after = self.clone();
            buried.iter().for_each(|at| after.remove(*at));
            (after, Ok(Vec::new()))
        };
        subsets(&not_created).into_iter().map(outcome).collect()
    }

    fn remove(&mut self, at: usize) {
        match at.checked_sub(self.uploads.len()) {
            None => self.uploads[at].removed = true,
            Some(number) => self.finals[number] = Final::Removed,
        }
    }

    /// One that lives on for nobody.
    fn is_expired(&self, at: usize) -> bool {
        let Some(number) = at.checked_sub(self.uploads.len()) else {
            let upload = &self.uploads[at];
            let needed = || self.waiting().any(|number| self.cast.named[number].contains(&at));
            let kept = upload.is_complete() && (at >= self.cast.parts || needed());
            return upload.expired && !upload.written && self.is_there(at) && !kept;
        };
        matches!(self.finals[number], Final::Waits { expired: true, .. })
            && self.cast.named[number].iter().any(|part| !self.is_there(*part))
    }

    fn is_there(&self, upload: usize) -> bool {
        !self.uploads[upload].owners.is_empty() && !self.uploads[upload].removed
    }

    pub(super) fn is_joinable(&self, number: usize) -> bool {
        self.cast.named[number].iter().all(|part| self.is_there(*part) && self.uploads[*part].is_complete())
    }

    fn waiting(&self) -> impl Iterator<Item = usize> {
        (0..self.finals.len()).filter(|number| matches!(self.finals[*number], Final::Waits { .. }))
    }
}

fn subsets(all: &[usize]) -> Vec<Vec<usize>> {
    all.iter().fold(vec![Vec::new()], |some, one| {
        let with_it = some.iter().map(|some| [some.as_slice(), &[*one]].concat()).collect();
        [some, with_it].concat()
    })
}
