//! A store that fails and waits when a test says so. Everything else it hands on to the store it wraps.

use super::{BlobError, BlobStore, Owner, Place, Stage};
use crate::db::Staged;
pub use crate::db::faults::{Fault, Held};
use crate::db::faults::{Script, Struck};
use crate::domain::{BlobEpoch, BlobId, CatalogId, Digest};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use std::sync::Arc;

/// Where a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    Write,
    Finish,
    Read,
    /// Of a blob, or of one epoch's bytes.
    Delete,
}

#[derive(Clone)]
pub struct FaultyBlobs {
    inner: Arc<dyn BlobStore>,
    script: Arc<Script<At>>,
}

impl FaultyBlobs {
    pub fn new(inner: Arc<dyn BlobStore>) -> Self {
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
}

/// Lets the fault `at` this place strike before the call. Says whether the answer is to be lost after it.
async fn strike(script: &Script<At>, at: At) -> Result<bool, BlobError> {
    match script.strike(at).await {
        Struck::Refused(Fault::Full) => Err(BlobError::Full("on purpose".into())),
        Struck::Refused(Fault::Missing) => Err(BlobError::Missing),
        Struck::Refused(_) => Err(BlobError::Unavailable("on purpose".into())),
        Struck::AnswerLost => Ok(true),
        Struck::Not => Ok(false),
    }
}

fn answer<T>(lost: bool, answer: Result<T, BlobError>) -> Result<T, BlobError> {
    match lost {
        true => Err(BlobError::Unavailable("the answer is lost on purpose".into())),
        false => answer,
    }
}

#[async_trait]
impl BlobStore for FaultyBlobs {
    async fn stage(&self, place: Place, length: u64) -> Result<Box<dyn Stage>, BlobError> {
        let inner = self.inner.stage(place, length).await?;
        Ok(Box::new(FaultyStage { inner, script: self.script.clone() }))
    }

    fn holds(&self, length: u64) -> u64 {
        self.inner.holds(length)
    }

    async fn read(
        &self,
        place: Place,
        length: u64,
    ) -> Result<BoxStream<'static, Result<Bytes, BlobError>>, BlobError> {
        let lost = strike(&self.script, At::Read).await?;
        answer(lost, self.inner.read(place, length).await)
    }

    async fn delete(&self, blob: BlobId) -> Result<(), BlobError> {
        let lost = strike(&self.script, At::Delete).await?;
        answer(lost, self.inner.delete(blob).await)
    }

    async fn delete_epoch(&self, bytes: BlobEpoch) -> Result<(), BlobError> {
        let lost = strike(&self.script, At::Delete).await?;
        answer(lost, self.inner.delete_epoch(bytes).await)
    }

    fn inventory(&self) -> BoxStream<'static, Result<Vec<BlobEpoch>, BlobError>> {
        self.inner.inventory()
    }

    async fn owner(&self, catalog: CatalogId) -> Result<Owner, BlobError> {
        self.inner.owner(catalog).await
    }

    async fn adopt(&self, catalog: CatalogId) -> Result<(), BlobError> {
        self.inner.adopt(catalog).await
    }
}

struct FaultyStage {
    inner: Box<dyn Stage>,
    script: Arc<Script<At>>,
}

#[async_trait]
impl Stage for FaultyStage {
    async fn write(&mut self, parts: &[Bytes], digest: Digest) -> Result<Digest, BlobError> {
        let lost = strike(&self.script, At::Write).await?;
        answer(lost, self.inner.write(parts, digest).await)
    }

    async fn finish(self: Box<Self>) -> Result<Staged, BlobError> {
        let lost = strike(&self.script, At::Finish).await?;
        answer(lost, self.inner.finish().await)
    }
}

mod tests {
    use super::*;
    use crate::blobs::local::LocalBlobs;
    use crate::domain::Epoch;
    use uuid::Uuid;

    #[tokio::test]
    async fn faults_strike_in_the_order_of_the_script_and_then_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let store = FaultyBlobs::new(Arc::new(LocalBlobs::open(folder.path()).await.unwrap()));
        store.script(At::Write, [Fault::Pass, Fault::Full]);
        let place = Place { blob: BlobId(Uuid::now_v7()), epoch: Epoch(1), start: 0 };
        let mut stage = store.stage(place, 3).await.unwrap();
        let part = [Bytes::from_static(b"x")];
        stage.write(&part, Digest::default()).await.unwrap();
        assert!(matches!(stage.write(&part, Digest::default()).await, Err(BlobError::Full(_))));
        stage.write(&part, Digest::default()).await.unwrap();
        assert!(matches!(stage.finish().await, Ok(Staged::Durable)));

        let mut held = store.hold(At::Delete);
        let (deleted, ()) = tokio::join!(store.delete(place.blob), async {
            held.reached().await;
            drop(held);
        });
        deleted.unwrap();
    }
}
