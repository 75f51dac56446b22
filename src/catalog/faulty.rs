//! A catalog that fails and waits when a test says so. Everything else it hands on to the catalog it wraps.

use super::{Advance, Catalog, CatalogError, Doomed, Finals, Progress, Record, Strays, Undigested};
use crate::db::Staged;
use crate::db::faults::{Fault, Held, Script, Struck};
use crate::db::seat::Seat;
use crate::domain::{
    BlobEpoch, BlobId, CatalogId, Changed, ContainerId, Epoch, Extent, Listing, Moment, NewUpload, Page,
    Segment, Upload, UploadId,
};
use crate::replica::{Census, Report};
use async_trait::async_trait;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Where a fault strikes: at what changes records, and at the questions that decide what else is to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Create,
    Find,
    Claim,
    Append,
    Terminate,
    Forget,
    Expire,
    Condemn,
    Join,
    FinalsOf,
    Joinable,
    Undigested,
    Digested,
}

#[derive(Clone)]
pub struct FaultyCatalog {
    inner: Arc<dyn Catalog>,
    script: Arc<Script<At>>,
}

impl FaultyCatalog {
    pub fn new(inner: Arc<dyn Catalog>) -> Self {
        Self { inner, script: Arc::default() }
    }

    /// See [`Script::add`].
    pub fn script(&self, at: At, faults: impl IntoIterator<Item = Fault>) {
        self.script.add(at, faults);
    }

    /// See [`Script::hold`].
    pub fn hold(&self, at: At) -> Held {
        self.script.hold(at)
    }

    /// See [`Script::clear`].
    pub fn clear(&self) {
        self.script.clear();
    }

    async fn struck<T>(
        &self,
        at: At,
        call: impl Future<Output = Result<T, CatalogError>>,
    ) -> Result<T, CatalogError> {
        match self.script.strike(at).await {
            Struck::Refused(Fault::Full) => Err(CatalogError::Full("on purpose".into())),
            Struck::Refused(_) => Err(CatalogError::Unavailable("on purpose".into())),
            Struck::AnswerLost => {
                drop(call.await);
                Err(CatalogError::Unavailable("the answer is lost on purpose".into()))
            }
            Struck::Not => call.await,
        }
    }
}

#[async_trait]
impl Finals for FaultyCatalog {
    async fn create_final(&self, new: &NewUpload, limit: u64, ttl: Duration) -> Result<Upload, CatalogError> {
        self.struck(At::Create, self.inner.create_final(new, limit, ttl)).await
    }

    async fn join(&self, id: UploadId, limit: u64) -> Result<Upload, CatalogError> {
        self.struck(At::Join, self.inner.join(id, limit)).await
    }

    async fn finals_of(&self, part: UploadId, limit: u32) -> Result<Vec<UploadId>, CatalogError> {
        self.struck(At::FinalsOf, self.inner.finals_of(part, limit)).await
    }

    async fn joinable(&self, after: Option<UploadId>, limit: u32) -> Result<Vec<UploadId>, CatalogError> {
        self.struck(At::Joinable, self.inner.joinable(after, limit)).await
    }

    async fn undigested(
        &self,
        after: Option<&Undigested>,
        limit: u32,
    ) -> Result<Vec<Undigested>, CatalogError> {
        self.struck(At::Undigested, self.inner.undigested(after, limit)).await
    }

    async fn digested(&self, id: UploadId, from: u64, now: &Progress) -> Result<(), CatalogError> {
        self.struck(At::Digested, self.inner.digested(id, from, now)).await
    }
}

#[async_trait]
impl Catalog for FaultyCatalog {
    async fn create(
        &self,
        new: &NewUpload,
        first: Option<&Advance>,
        staged: Staged,
        ttl: Duration,
    ) -> Result<Upload, CatalogError> {
        self.struck(At::Create, self.inner.create(new, first, staged, ttl)).await
    }

    async fn find(&self, id: UploadId) -> Result<Record, CatalogError> {
        self.struck(At::Find, self.inner.find(id)).await
    }

    async fn claim(&self, id: UploadId, offset: u64, after: Option<Epoch>) -> Result<Upload, CatalogError> {
        self.struck(At::Claim, self.inner.claim(id, offset, after)).await
    }

    async fn append(
        &self,
        id: UploadId,
        advance: &Advance,
        staged: Staged,
        ttl: Duration,
    ) -> Result<Upload, CatalogError> {
        self.struck(At::Append, self.inner.append(id, advance, staged, ttl)).await
    }

    async fn extents(&self, id: UploadId, range: Range<u64>) -> Result<Vec<Extent>, CatalogError> {
        self.inner.extents(id, range).await
    }

    async fn find_with_extents(
        &self,
        id: UploadId,
        range: Range<u64>,
    ) -> Result<(Record, Vec<Extent>), CatalogError> {
        self.inner.find_with_extents(id, range).await
    }

    async fn segments(&self, id: UploadId) -> Result<Vec<Segment>, CatalogError> {
        self.inner.segments(id).await
    }

    async fn terminate(&self, id: UploadId) -> Result<Vec<BlobId>, CatalogError> {
        self.struck(At::Terminate, self.inner.terminate(id)).await
    }

    async fn doomed(&self, after: Option<&Doomed>, limit: u32) -> Result<Vec<Doomed>, CatalogError> {
        self.inner.doomed(after, limit).await
    }

    async fn forget(&self, blobs: &[BlobId]) -> Result<(), CatalogError> {
        self.struck(At::Forget, self.inner.forget(blobs)).await
    }

    async fn expire(&self, limit: u32) -> Result<Vec<UploadId>, CatalogError> {
        self.struck(At::Expire, self.inner.expire(limit)).await
    }

    async fn strays(&self, stored: &[BlobEpoch]) -> Result<Strays, CatalogError> {
        self.inner.strays(stored).await
    }

    async fn condemn(&self, blobs: &[BlobId]) -> Result<Vec<BlobId>, CatalogError> {
        self.struck(At::Condemn, self.inner.condemn(blobs)).await
    }

    async fn tidy(&self) -> Result<(), CatalogError> {
        self.inner.tidy().await
    }

    async fn identity(&self) -> Result<CatalogId, CatalogError> {
        self.inner.identity().await
    }

    async fn elect(&self) -> Result<Option<Box<dyn Seat>>, CatalogError> {
        self.inner.elect().await
    }

    async fn list(&self, listing: &Listing) -> Result<Page, CatalogError> {
        self.inner.list(listing).await
    }

    async fn changes(&self, since: Option<Moment>, limit: u32) -> Result<Changed, CatalogError> {
        self.inner.changes(since, limit).await
    }

    async fn report(&self, report: &Report) -> Result<(), CatalogError> {
        self.inner.report(report).await
    }

    async fn replicas(&self, within: Duration) -> Result<Census, CatalogError> {
        self.inner.replicas(within).await
    }

    async fn retire(&self, replica: ContainerId) -> Result<(), CatalogError> {
        self.inner.retire(replica).await
    }

    async fn check(&self) -> Result<(), CatalogError> {
        self.inner.check().await
    }
}
