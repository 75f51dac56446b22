//! The relay: the trait `Uploads` over a set of backends, any of which may die at any moment.
//!
//! A frontend *is* an upload server whose storage is a set of upload servers. A client's body is cut into chunks, and some of
//! them, one after the other, go to whichever backend has the least to do. When no clear answer comes the same chunk is sent to
//! another: it is stored whole or not at all, in an epoch that only this request holds, so sending it twice does no harm.
//!
//! Start reading in [`RelayUploads::send_chunk`], the heart; `pipeline` sends the next chunks while one is being stored, `client`
//! asks the backends, one `attempt` after the other, `wire` says in what words, `download` goes on from another backend where
//! one stopped, `known` spares a question before it.

mod attempt;
pub mod client;
mod download;
mod known;
mod pipeline;
mod question;
mod run;
pub mod wire;

use crate::domain::{Epoch, Listing, NewUpload, Page, Segment, State, Upload, UploadId};
use crate::uploads::{
    Append, Body, Budget, Call, Chunk, Chunker, Content, First, Incoming, Sought, UploadError, Uploads,
    Writer,
};
use async_trait::async_trait;
use client::{Client, READING, Whereabouts};
use known::Known;
use pipeline::Pipeline;
use std::ops::Range;
use std::time::Duration;

/// Uploads kept by backends. One for each worker; the budget and what is known of the backends are shared.
#[derive(Clone)]
pub struct RelayUploads {
    client: Client,
    budget: Budget,
    known: Known,
}

impl RelayUploads {
    pub fn new(client: Client, budget: Budget) -> Self {
        Self { client, budget, known: Known::default() }
    }

    /// Sends chunk after chunk, unless the `last` one is sent already. The record is told when no more will come, unless it has
    /// been (`told`).
    async fn relay(
        &self,
        call: &Call,
        mut pipeline: Pipeline<'_>,
        mut incoming: Incoming,
        last: bool,
        told: bool,
    ) -> Result<Upload, UploadError> {
        let sent = send_all(&mut pipeline, &mut incoming, last, told).await;
        // If one cannot be stored the request fails at once: its client may take minutes until it sends more.
        let finished = match sent {
            Ok(sent) => pipeline.finish().await.map(|upload| (upload, sent)),
            Err(error) => Err(error),
        };
        pipeline.tell(&mut incoming);
        let (upload, Sent { told, read }) = finished?;
        if !told && upload.state() == State::Receiving {
            self.leave(call, &upload).await;
        }
        read.and_then(|()| incoming.ended(upload))
    }

    /// Says that this request brings no more, so that nobody waits for it who asks where to go on. That would be a moment only:
    /// it is not tried for long.
    async fn leave(&self, call: &Call, upload: &Upload) {
        let nothing = Chunk::default();
        let last = wire::append(upload.id, &Append::nothing_more(upload), &nothing);
        if let Err(error) = self.client.ask_within(call, &last, LEAVING).await {
            log::debug!("upload {} is not told that its request has ended: {error}", upload.id);
        }
    }

    /// Has one chunk stored, exactly once, by whichever backend can.
    ///
    /// The chunk may be sent several times: after an unclear failure nobody knows whether it was stored. A backend that finds
    /// it stored refuses it, since the upload is at its end by then, or further; that counts as stored only if the epoch is
    /// still our own, for otherwise another client request brought these bytes.
    async fn send_chunk(
        &self,
        call: &Call,
        id: UploadId,
        epoch: Epoch,
        append: Append,
        chunk: &Chunk,
        at: &Whereabouts,
    ) -> Result<Upload, UploadError> {
        let answer = self.client.store_at(call, &wire::append(id, &append, chunk), at).await?;
        let end = append.offset + chunk.len;
        let stored = self.unless_stored_before(call, (id, epoch, end), wire::upload(&answer)).await;
        // No record tells what is pending: that is known to whom it belongs.
        stored.map(|upload| Upload { pending: append.pending.then_some(end), ..upload })
    }

    /// Has an upload created, with its first chunk.
    async fn create_with(
        &self,
        call: &Call,
        new: &NewUpload,
        chunk: &Chunk,
        at: &Whereabouts,
    ) -> Result<Upload, UploadError> {
        let answer = self.client.store_at(call, &wire::create(new, chunk), at).await?;
        self.unless_stored_before(call, (new.id, Epoch::FIRST, chunk.len), wire::upload(&answer)).await
    }

    /// The answer about a chunk up to `end`; a refusal that says that it is stored already is none.
    async fn unless_stored_before(
        &self,
        call: &Call,
        (id, epoch, end): (UploadId, Epoch, u64),
        answer: Result<Upload, UploadError>,
    ) -> Result<Upload, UploadError> {
        match answer {
            Err(
                UploadError::WrongOffset { offset, epoch: now }
                | UploadError::Complete { offset, epoch: now },
            ) if offset >= end && now == epoch => {}
            clear => return clear,
        }
        let upload = self.stat(call, id).await?;
        // Another request may have taken over while we asked: its epoch is not ours to write in.
        match upload.epoch == epoch {
            true => Ok(upload),
            false => Err(UploadError::Superseded { offset: upload.offset, epoch: upload.epoch }),
        }
    }

    /// Takes the next epoch for this request, and so fences every earlier one, before its first byte is read.
    ///
    /// A claim names the epoch that it goes past. One that was sent twice and lies about in a backend that stands still is
    /// refused when that wakes up; else it would fence the very request that it was made for.
    async fn claim(&self, call: &Call, id: UploadId, append: Append) -> Result<Upload, UploadError> {
        let mut refused = None;
        for _ in 0..CLAIMS {
            let upload = self.stat(call, id).await?;
            // What cannot fit is refused before it is read, and fences nobody.
            upload.admit(append.offset, upload.epoch, append.count.unwrap_or(0), append.length)?;
            let claim = Append {
                writer: Writer::ClaimsAfter(upload.epoch),
                count: Some(0),
                // Not declared before it is known whether the request counts.
                length: append.length.filter(|_| append.checksum.is_none()),
                ..append
            };
            let answer = self.client.ask(call, &wire::append(id, &claim, &Chunk::default())).await?;
            match wire::upload(&answer) {
                // Claimed by another request, or by this one if the first answer was lost: nobody can tell.
                Err(superseded @ UploadError::Superseded { .. }) => refused = Some(superseded),
                claimed => return claimed,
            }
        }
        Err(refused.unwrap_or(UploadError::Internal))
    }
}

/// How often a request claims an upload that other requests claim at the same time.
const CLAIMS: u32 = 8;

/// How long a request tries to say that it has ended.
const LEAVING: Duration = Duration::from_secs(1);

/// What came of a client's body.
struct Sent {
    /// The last chunk has said that no more will come.
    told: bool,
    /// How the body has ended. What came before that is sent, be it well or not.
    read: Result<(), UploadError>,
}

/// Reads chunks while others are being stored. Fails if one of those cannot be.
async fn send_all(
    pipeline: &mut Pipeline<'_>,
    incoming: &mut Incoming,
    mut last: bool,
    mut told: bool,
) -> Result<Sent, UploadError> {
    while !last {
        let next = pipeline.while_storing(incoming.next()).await?;
        pipeline.tell(incoming);
        let chunk = match next {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            Err(error) => return Ok(Sent { told, read: Err(error) }),
        };
        last = chunk.last;
        let append = incoming.append(pipeline.position(), &chunk);
        told = append.is_some_and(|append| !append.more);
        if let Some(append) = append {
            pipeline.send(append, chunk).await?;
        }
    }
    Ok(Sent { told, read: Ok(()) })
}

#[async_trait(?Send)]
impl Uploads for RelayUploads {
    /// A body of at most one chunk is one question to one backend, and there one transaction.
    async fn create(&self, call: &Call, mut new: NewUpload, first: First) -> Result<Upload, UploadError> {
        let (body, whole) = match first {
            First::Nothing => {
                return self.create_with(call, &new, &Chunk::default(), &Whereabouts::default()).await;
            }
            First::Part(body) => (body, false),
            First::Chunk { body, .. } => (body, false),
            First::Whole(body) => (body, true),
        };
        let announced = new.length.filter(|_| whole);
        let mut chunker = Chunker::new(body, self.budget.clone()).announced(announced);
        let chunk = chunker.next().await?.unwrap_or_default();
        if whole && chunk.last {
            new.length = new.length.or(Some(chunk.len));
        }
        let (last, told) = (chunk.last, !chunk.more);
        let pipeline = Pipeline::creating(self, call, new, chunk);
        self.relay(call, pipeline, Incoming::new(chunker, whole), last, told).await
    }

    async fn append(
        &self,
        call: &Call,
        id: UploadId,
        append: Append,
        body: Body,
    ) -> Result<Upload, UploadError> {
        let upload = self.claim(call, id, append).await?;
        let chunker = Chunker::new(body, self.budget.clone()).announced(append.count);
        let incoming = match append.checksum {
            Some(checksum) => Incoming::checked(chunker, checksum, append.length),
            None => Incoming::new(chunker, false),
        };
        self.relay(call, Pipeline::after(self, call, upload), incoming, false, false).await
    }

    async fn stat(&self, call: &Call, id: UploadId) -> Result<Upload, UploadError> {
        wire::upload(&self.client.ask(call, &wire::stat(id)).await?)
    }

    async fn settled(&self, call: &Call, id: UploadId) -> Result<Upload, UploadError> {
        wire::upload(&self.client.ask(call, &wire::settled(id)).await?)
    }

    async fn inspect(&self, call: &Call, id: UploadId) -> Result<(Upload, Vec<Segment>), UploadError> {
        wire::inspection(&self.client.ask(call, &wire::record(id)).await?)
    }

    async fn list(&self, call: &Call, listing: &Listing) -> Result<Page, UploadError> {
        wire::page(&self.client.ask_within(call, &wire::list(listing), READING).await?)
    }

    async fn seek(&self, call: &Call, id: UploadId, _range: Range<u64>) -> Result<Sought, UploadError> {
        if let Some(upload) = self.known.get(id) {
            return Ok(upload.into());
        }
        let upload = self.stat(call, id).await?;
        self.known.remember(&upload);
        Ok(upload.into())
    }

    async fn open(&self, call: &Call, sought: &Sought, range: Range<u64>) -> Result<Content, UploadError> {
        let opened = download::open(self.client.clone(), call, &sought.upload, range).await;
        // It is gone; or it is another than is remembered, in a database that was set back.
        if !matches!(opened, Ok(_) | Err(UploadError::Unavailable { .. })) {
            self.known.forget(sought.upload.id);
        }
        opened
    }

    async fn terminate(&self, call: &Call, id: UploadId) -> Result<(), UploadError> {
        let answer = self.client.ask(call, &wire::terminate(id)).await?;
        match wire::done(&answer) {
            // Asked twice: the first time did it.
            Err(UploadError::NotFound | UploadError::Gone) if answer.doubtful => Ok(()),
            done => done,
        }
    }
}
