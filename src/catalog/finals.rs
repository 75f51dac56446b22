//! What the catalog does about final uploads (tus, "Concatenation"): each is made of others, its parts, and refers to their
//! bytes once they are complete. No byte is copied.

use super::CatalogError;
use crate::domain::{Digest, NewUpload, PartFault, Sha256Sum, Upload, UploadId};
use async_trait::async_trait;
use std::collections::HashMap;
use std::time::Duration;
use time::OffsetDateTime;

/// A complete upload whose digest is not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undigested {
    pub id: UploadId,
    /// When it was completed.
    pub since: OffsetDateTime,
    pub length: u64,
    /// How many bytes were digested.
    pub digested: u64,
    /// The digest's state after these ([`Digest::save`]).
    pub state: Vec<u8>,
}

/// How far a digest has come.
#[derive(Clone, Debug)]
pub enum Progress {
    Upto(u64, Digest),
    Done(Sha256Sum),
}

/// Final uploads. Each method is one transaction, or one statement.
#[async_trait]
pub trait Finals: Send + Sync {
    /// Records a final upload and of which parts it is to be made, and joins them if they are complete: see
    /// [`Finals::join`]. Once one of its parts is gone it expires, but not before `ttl` from now.
    ///
    /// Idempotent as [`Catalog::create`](super::Catalog::create). [`CatalogError::BadPart`] if one of the parts cannot be
    /// one; nothing is recorded then, nor where joining is refused.
    async fn create_final(&self, new: &NewUpload, limit: u64, ttl: Duration) -> Result<Upload, CatalogError>;

    /// Completes a final upload if all its parts are complete: from then on it refers to their bytes, whatever becomes of
    /// them. Otherwise its length is recorded, if it can be told. Returns the upload as it is then; one that is joined
    /// already, or is none, as it was. [`CatalogError::TooLarge`] if the parts have more than `limit` bytes,
    /// [`CatalogError::TooManyPieces`] if they lie in more than can be taken over at once.
    async fn join(&self, id: UploadId, limit: u64) -> Result<Upload, CatalogError>;

    /// Which final uploads are still to be made of this part, at most `limit`.
    async fn finals_of(&self, part: UploadId, limit: u32) -> Result<Vec<UploadId>, CatalogError>;

    /// Final uploads that could be joined, at most `limit`, in order of their ids, from `after` on.
    async fn joinable(&self, after: Option<UploadId>, limit: u32) -> Result<Vec<UploadId>, CatalogError>;

    /// Complete uploads whose digest is not known yet, at most `limit`, those first that were completed first, from `after`
    /// on.
    async fn undigested(
        &self,
        after: Option<&Undigested>,
        limit: u32,
    ) -> Result<Vec<Undigested>, CatalogError>;

    /// Says how far the digest of an upload has come that had come to `from`. Says nothing of one that has come further, or
    /// was removed, since.
    async fn digested(&self, id: UploadId, from: u64, now: &Progress) -> Result<(), CatalogError>;
}

/// In how many extents the parts of an upload may lie together: joining them is one transaction, and that has to end in time.
/// Of more segments than that, which no client can help, none are taken over: they only tell who stored what.
pub(super) const PIECES_JOINED: u64 = 20_000;

/// What the record of a part says.
pub(super) struct Part {
    pub partial: bool,
    pub complete: bool,
    pub length: Option<u64>,
    /// Its extents, and its segments; counted up to a little more than [`PIECES_JOINED`].
    pub extents: u64,
    pub segments: u64,
    /// The state of the digest of all its bytes.
    pub state: Vec<u8>,
    pub sha256: Option<[u8; 32]>,
}

/// The parts of a final upload: their ids in order, and the records of those that are there.
pub(super) struct Parts {
    pub ids: Vec<UploadId>,
    pub there: HashMap<UploadId, Part>,
}

/// What becomes of a final upload.
pub(super) enum Plan {
    Join(Joined),
    /// Until all parts are complete. Its length, if it can be told.
    Wait(Option<u64>),
}

/// What stands in the record of a final upload that is joined.
pub(super) struct Joined {
    pub length: u64,
    pub state: Vec<u8>,
    pub digested: Option<u64>,
    pub sha256: Option<[u8; 32]>,
    /// Whether the parts' segments are taken over.
    pub traced: bool,
}

impl Parts {
    /// That all can be parts.
    pub(super) fn check(&self) -> Result<(), CatalogError> {
        let fault = |id| match self.there.get(id) {
            None => Some(PartFault::Missing),
            Some(part) if !part.partial => Some(PartFault::NotPartial),
            Some(_) => None,
        };
        match self.ids.iter().find_map(|id| Some((*id, fault(id)?))) {
            Some((part, fault)) => Err(CatalogError::BadPart { part, fault }),
            None => Ok(()),
        }
    }

    pub(super) fn plan(&self, limit: u64) -> Result<Plan, CatalogError> {
        let there: Vec<&Part> = self.ids.iter().filter_map(|id| self.there.get(id)).collect();
        let known = there.iter().filter_map(|part| part.length);
        let (count, length) =
            known.fold((0, 0u64), |(count, sum), length| (count + 1, sum.saturating_add(length)));
        if length > limit {
            return Err(CatalogError::TooLarge { limit });
        }
        if there.iter().map(|part| part.extents).sum::<u64>() > PIECES_JOINED {
            return Err(CatalogError::TooManyPieces { limit: PIECES_JOINED });
        }
        let all_are_known = count == self.ids.len();
        let all_are_complete = all_are_known && there.iter().all(|part| part.complete);
        // The digest goes on behind the first part that has bytes.
        let first = there.iter().find(|part| part.length != Some(0)).or(there.first());
        let traced = there.iter().map(|part| part.segments).sum::<u64>() <= PIECES_JOINED;
        Ok(match first {
            Some(first) if all_are_complete => Plan::Join(Joined::of(first, length, traced)),
            _ => Plan::Wait(all_are_known.then_some(length)),
        })
    }
}

impl Joined {
    /// Together `length` bytes, `first` of which are first.
    fn of(first: &Part, length: u64, traced: bool) -> Self {
        let sha256 = first.sha256.filter(|_| first.length == Some(length));
        let digested = if sha256.is_some() { None } else { first.length };
        Self { length, state: first.state.clone(), digested, sha256, traced }
    }
}

impl Progress {
    /// As it is stored: the digest's state if that is of any more use, how far it reaches, and the digest.
    pub(super) fn parts(&self) -> (Option<Vec<u8>>, Option<u64>, Option<[u8; 32]>) {
        match self {
            Self::Upto(end, digest) => (Some(digest.save()), Some(*end), None),
            Self::Done(sum) => (None, None, Some(sum.0)),
        }
    }
}
