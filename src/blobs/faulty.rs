//! A store that fails and waits when a test says so. Everything else it hands on to the store it wraps.

use super::{BlobError, BlobStore, Place, Stage};
use crate::db::Staged;
use crate::domain::BlobId;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;

/// Where a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    Write,
    Finish,
    Read,
    Delete,
}

/// What happens there instead of, or before, the real thing.
pub enum Fault {
    /// The call is not handed on.
    Unavailable,
    Full,
    Missing,
    /// The call is handed on, then its answer is lost: the caller cannot know.
    AnswerLost,
    /// The call waits until the test lets it go on.
    Wait(Waiting),
    /// As if there was no fault: to strike at a later call.
    Pass,
}

/// The call's end of a [`Held`].
pub struct Waiting {
    reached: oneshot::Sender<()>,
    go_on: oneshot::Receiver<()>,
}

/// A call that waits, or will. It goes on when this is dropped.
pub struct Held {
    reached: oneshot::Receiver<()>,
    _go_on: oneshot::Sender<()>,
}

impl Held {
    /// Returns once a call waits here.
    pub async fn reached(&mut self) {
        (&mut self.reached).await.unwrap();
    }
}

#[derive(Clone)]
pub struct FaultyBlobs {
    inner: Arc<dyn BlobStore>,
    script: Arc<Script>,
}

#[derive(Default)]
struct Script(Mutex<Vec<(At, VecDeque<Fault>)>>);

impl FaultyBlobs {
    pub fn new(inner: Arc<dyn BlobStore>) -> Self {
        Self { inner, script: Arc::default() }
    }

    /// The next calls `at` this place have these faults, in turn; those after them have none.
    pub fn script(&self, at: At, faults: impl IntoIterator<Item = Fault>) {
        self.script.0.lock().unwrap().push((at, faults.into_iter().collect()));
    }

    /// The next call `at` this place waits until what this returns is dropped.
    pub fn hold(&self, at: At) -> Held {
        let ((reached, is_reached), (let_go, go_on)) = (oneshot::channel(), oneshot::channel());
        self.script(at, [Fault::Wait(Waiting { reached, go_on })]);
        Held { reached: is_reached, _go_on: let_go }
    }
}

impl Script {
    fn next(&self, at: At) -> Option<Fault> {
        let mut script = self.0.lock().unwrap();
        script.iter_mut().filter(|(place, _)| *place == at).find_map(|(_, faults)| faults.pop_front())
    }

    /// Lets the fault `at` this place strike before the call. Says whether the answer is to be lost after it.
    async fn strike(&self, at: At) -> Result<bool, BlobError> {
        match self.next(at) {
            Some(Fault::Unavailable) => Err(BlobError::Unavailable("on purpose".into())),
            Some(Fault::Full) => Err(BlobError::Full("on purpose".into())),
            Some(Fault::Missing) => Err(BlobError::Missing),
            Some(Fault::AnswerLost) => Ok(true),
            Some(Fault::Wait(Waiting { reached, go_on })) => {
                reached.send(()).ok();
                go_on.await.ok();
                Ok(false)
            }
            Some(Fault::Pass) | None => Ok(false),
        }
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
    async fn stage(&self, place: Place) -> Result<Box<dyn Stage>, BlobError> {
        let inner = self.inner.stage(place).await?;
        Ok(Box::new(FaultyStage { inner, script: self.script.clone() }))
    }

    async fn read(
        &self,
        place: Place,
        length: u64,
    ) -> Result<BoxStream<'static, Result<Bytes, BlobError>>, BlobError> {
        let lost = self.script.strike(At::Read).await?;
        answer(lost, self.inner.read(place, length).await)
    }

    async fn delete(&self, blob: BlobId) -> Result<(), BlobError> {
        let lost = self.script.strike(At::Delete).await?;
        answer(lost, self.inner.delete(blob).await)
    }
}

struct FaultyStage {
    inner: Box<dyn Stage>,
    script: Arc<Script>,
}

#[async_trait]
impl Stage for FaultyStage {
    async fn write(&mut self, parts: &[Bytes]) -> Result<(), BlobError> {
        let lost = self.script.strike(At::Write).await?;
        answer(lost, self.inner.write(parts).await)
    }

    async fn finish(self: Box<Self>) -> Result<Staged, BlobError> {
        let lost = self.script.strike(At::Finish).await?;
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
        let mut stage = store.stage(place).await.unwrap();
        let part = [Bytes::from_static(b"x")];
        stage.write(&part).await.unwrap();
        assert!(matches!(stage.write(&part).await, Err(BlobError::Full(_))));
        stage.write(&part).await.unwrap();
        assert!(matches!(stage.finish().await, Ok(Staged::Durable)));

        let mut held = store.hold(At::Delete);
        let (deleted, ()) = tokio::join!(store.delete(place.blob), async {
            held.reached().await;
            drop(held);
        });
        deleted.unwrap();
    }
}
