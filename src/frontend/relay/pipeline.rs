//! The chunks of one request that are on their way, in order.

use super::client::PATIENCE;
use super::run::Run;
use super::{RelayUploads, wire};
use crate::domain::{Epoch, NewUpload, Upload, UploadId};
use crate::telemetry::metrics::RELAY_RETRIES;
use crate::uploads::{Append, Call, Chunk, Incoming, Position, Took, UploadError};
use futures_util::future::LocalBoxFuture;
use futures_util::stream::{FuturesOrdered, StreamExt};
use std::pin::pin;
use std::rc::Rc;
use std::time::Instant;
use tokio::sync::oneshot;

/// How many chunks are on their way at most, of which all but the first were sent ahead: while one comes, the one before it is
/// made durable, and the one before that is counted.
const DEPTH: usize = 3;
/// Which part of the budget is free at least when one is sent ahead.
const FREE: usize = 4;

/// Sends chunks, each to be counted after the one before it.
///
/// While a backend makes one chunk durable the next ones are sent ahead to the same backend, which counts each when that is done.
/// That is an offer: where it is not taken, for whatever reason, the chunk is sent once more when all before it are stored, to
/// any backend. So it saves time only, and what is sent ahead is sent as any chunk whose answer may be lost.
pub(super) struct Pipeline<'a> {
    sender: Sender<'a>,
    /// Where the next chunk goes, once all that was sent is stored.
    position: Position,
    /// The record as it was told last.
    upload: Option<Upload>,
    in_flight: FuturesOrdered<LocalBoxFuture<'a, Result<Stored, Failed>>>,
    /// Tells once the last of them is stored.
    last: Option<oneshot::Receiver<()>>,
    /// Of each chunk since that was told: how many bytes, and how long it took.
    took: Vec<(u64, Took)>,
}

/// Sends the chunks of one request.
#[derive(Clone)]
struct Sender<'a> {
    relay: &'a RelayUploads,
    call: &'a Call,
    id: UploadId,
    epoch: Epoch,
    run: Rc<Run>,
}

struct Stored {
    upload: Upload,
    bytes: u64,
    took: Took,
}

struct Failed {
    error: UploadError,
    bytes: u64,
}

impl<'a> Pipeline<'a> {
    /// Of a request that appends to an upload, in an epoch of its own.
    pub fn after(relay: &'a RelayUploads, call: &'a Call, upload: Upload) -> Self {
        Self { upload: Some(upload.clone()), ..Self::new(relay, call, upload.id, (&upload).into()) }
    }

    /// Of a request that creates an upload: the creation, with the first chunk, is on its way.
    pub fn creating(relay: &'a RelayUploads, call: &'a Call, new: NewUpload, chunk: Chunk) -> Self {
        let (epoch, length) = (Epoch::FIRST, new.length);
        let position = Position { epoch, offset: chunk.len, length, pending: false };
        let mut pipeline = Self::new(relay, call, new.id, position);
        pipeline.sender.run.begin();
        pipeline.push(chunk.len, pipeline.sender.clone().create(new, chunk));
        pipeline
    }

    fn new(relay: &'a RelayUploads, call: &'a Call, id: UploadId, position: Position) -> Self {
        let sender = Sender { relay, call, id, epoch: position.epoch, run: Rc::default() };
        Self {
            sender,
            position,
            upload: None,
            in_flight: FuturesOrdered::new(),
            last: None,
            took: Vec::new(),
        }
    }

    pub fn position(&self) -> Position {
        self.position
    }

    /// Sends a chunk as soon as it may be sent. Returns before it is stored.
    pub async fn send(&mut self, append: Append, chunk: Chunk) -> Result<(), UploadError> {
        while !self.in_flight.is_empty() && !self.may_send_ahead(&append) {
            self.one().await?;
        }
        let before = self.last.take().filter(|_| !self.in_flight.is_empty());
        match before {
            Some(_) => self.sender.run.spend(),
            None => self.sender.run.begin(),
        }
        self.position = self.position.after(&append);
        self.push(chunk.len, self.sender.clone().append(append, chunk, before));
        Ok(())
    }

    /// Awaits `work` while chunks are being stored. Fails as soon as one of those cannot be.
    pub async fn while_storing<T>(&mut self, work: impl Future<Output = T>) -> Result<T, UploadError> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                stored = self.one(), if !self.in_flight.is_empty() => stored?,
                done = &mut work => return Ok(done),
            }
        }
    }

    /// The record, once all that was sent is stored.
    pub async fn finish(&mut self) -> Result<Upload, UploadError> {
        while !self.in_flight.is_empty() {
            self.one().await?;
        }
        self.upload.clone().ok_or(UploadError::Internal)
    }

    /// Tells how long it took to store what is stored, or to find out that it cannot be.
    pub fn tell(&mut self, incoming: &mut Incoming) {
        for (bytes, took) in self.took.drain(..) {
            incoming.stored(bytes, took);
        }
    }

    fn push(&mut self, bytes: u64, sending: impl Future<Output = Result<Stored, UploadError>> + 'a) {
        let (tell, told) = oneshot::channel();
        self.last = Some(told);
        self.in_flight.push_back(Box::pin(async move {
            let stored = sending.await.map_err(|error| Failed { error, bytes })?;
            tell.send(()).ok();
            Ok(stored)
        }));
    }

    /// Waits for the first chunk that is on its way.
    async fn one(&mut self) -> Result<(), UploadError> {
        match self.in_flight.next().await {
            Some(Ok(Stored { upload, bytes, took })) => {
                self.upload = Some(upload);
                self.took.push((bytes, took));
                Ok(())
            }
            Some(Err(Failed { error, bytes })) => {
                if matches!(error, UploadError::Unavailable { .. }) {
                    self.took.push((bytes, PATIENCE.into()));
                }
                Err(error)
            }
            None => Ok(()),
        }
    }

    /// Where memory is short others have chunks to send meanwhile, and there is nothing to gain. Nothing follows what is pending.
    fn may_send_ahead(&self, append: &Append) -> bool {
        let budget = &self.sender.relay.budget;
        self.in_flight.len() < DEPTH
            && !append.pending
            && !self.position.pending
            && self.sender.run.may_follow()
            && budget.free() >= budget.total() / FREE
    }
}

impl Sender<'_> {
    async fn create(self, new: NewUpload, chunk: Chunk) -> Result<Stored, UploadError> {
        let begun = Instant::now();
        let upload = self.relay.create_with(self.call, &new, &chunk, &self.run.at).await?;
        Ok(Stored { upload, bytes: chunk.len, took: begun.elapsed().into() })
    }

    /// Sends a chunk, ahead if there is one `before` it.
    async fn append(
        self,
        append: Append,
        chunk: Chunk,
        before: Option<oneshot::Receiver<()>>,
    ) -> Result<Stored, UploadError> {
        let (bytes, begun) = (chunk.len, Instant::now());
        let Some(before) = before else {
            let upload = self.send(append, &chunk).await?;
            return Ok(Stored { upload, bytes, took: begun.elapsed().into() });
        };
        // If that one is not stored nobody waits for this one any more.
        let before = async { before.await.map(|()| Instant::now()).map_err(|_| UploadError::Internal) };
        let (taken, alone) = tokio::join!(self.send_ahead(&append, &chunk), before);
        let mut alone = alone?;
        let upload = match taken {
            Some(stored) => stored,
            None => {
                alone = Instant::now();
                self.send(append, &chunk).await?
            }
        };
        Ok(Stored { upload, bytes, took: Took { alone: alone.elapsed(), in_all: begun.elapsed() } })
    }

    async fn send(&self, append: Append, chunk: &Chunk) -> Result<Upload, UploadError> {
        self.relay.send_chunk(self.call, self.id, self.epoch, append, chunk, &self.run.at).await
    }

    async fn send_ahead(&self, append: &Append, chunk: &Chunk) -> Option<Upload> {
        let target = self.run.at.borrow().clone()?;
        let question = wire::append(self.id, append, chunk);
        let answer = self.relay.client.ask_once(self.call, &question, target).await;
        match answer.map(|answer| wire::upload(&answer)) {
            Some(Ok(stored)) => {
                self.run.succeeded();
                return Some(stored);
            }
            Some(Err(_)) => self.run.refused(),
            None => self.run.failed(),
        }
        metrics::counter!(RELAY_RETRIES).increment(1);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::client::{Backends, Client};
    use super::*;
    use crate::balance::{Probe, Target};
    use crate::domain::ContainerId;
    use crate::uploads::Budget;
    use std::future::pending;
    use std::sync::Arc;

    #[actix_web::test]
    async fn a_chunk_is_sent_ahead_while_a_quarter_of_the_budget_is_free_and_behind_two_others() {
        let client = Client::new(Arc::new(Backends::default()), ContainerId::from_bits(1));
        let (budget, call) = (Budget::new(100), Call::default());
        let relay = RelayUploads::new(client, budget.clone());
        let position = Position { epoch: Epoch::FIRST, offset: 0, length: None, pending: false };
        let mut pipeline = Pipeline::new(&relay, &call, UploadId::mint(), position);
        let ready = Arc::new(Target::new(([127, 0, 0, 1], 1).into()));
        ready.probed(Probe::Ready, Instant::now());
        pipeline.sender.run.at.replace(Some(ready));
        pipeline.sender.run.begin();
        let append = Append::first(10, None);
        pipeline.push(10, pending());
        assert!(pipeline.may_send_ahead(&append));
        assert!(!pipeline.may_send_ahead(&Append { pending: true, ..append }));
        let most = budget.try_take(75);
        assert!(pipeline.may_send_ahead(&append));
        let more = budget.try_take(1);
        assert!(!pipeline.may_send_ahead(&append));
        drop((most, more));
        pipeline.push(10, pending());
        assert!(pipeline.may_send_ahead(&append));
        pipeline.push(10, pending());
        assert!(!pipeline.may_send_ahead(&append));
    }
}
