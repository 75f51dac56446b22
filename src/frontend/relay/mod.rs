//! The relay: the trait `Uploads` over a set of backends, any of which may die at any moment.
//!
//! A frontend *is* an upload server whose storage is a set of upload servers. A client's body is cut into chunks, and each
//! chunk goes to whichever backend has the least to do. When no clear answer comes the same chunk is sent to another: it is
//! stored whole or not at all, in an epoch that only this request holds, so sending it twice does no harm.
//!
//! Start reading in [`RelayUploads::send_chunk`], the heart; `client` asks the backends, `wire` says in what words, `download`
//! goes on from another backend where one stopped.

pub mod client;
mod download;
pub mod wire;

use crate::domain::{Epoch, Listing, NewUpload, Page, Segment, Upload, UploadId};
use crate::uploads::{
    Append, Body, Budget, Call, Chunk, Chunker, Content, First, UploadError, Uploads, Writer, ended,
};
use async_trait::async_trait;
use client::{Client, READING};
use futures_util::TryFutureExt;
use futures_util::future::try_join;
use std::ops::Range;
use std::time::Instant;

/// Uploads kept by backends. One for each worker; the budget and what is known of the backends are shared.
#[derive(Clone)]
pub struct RelayUploads {
    client: Client,
    budget: Budget,
}

/// What is left to relay of one client request.
struct Rest {
    chunker: Chunker,
    /// Read, and not yet sent.
    chunk: Chunk,
    /// The upload ends where the body ends.
    whole: bool,
}

impl RelayUploads {
    pub fn new(client: Client, budget: Budget) -> Self {
        Self { client, budget }
    }

    /// Sends chunk after chunk.
    async fn relay(&self, call: &Call, mut upload: Upload, rest: Rest) -> Result<Upload, UploadError> {
        let Rest { mut chunker, mut chunk, whole } = rest;
        loop {
            let (last, bytes) = (chunk.last, chunk.len);
            let sending = self.send_part(call, &upload, chunk, whole);
            let (sent, next) = while_reading(&mut chunker, last, bytes, sending).await?;
            upload = sent;
            match next? {
                Some(next) => chunk = next,
                None => return ended(upload, whole),
            }
        }
    }

    /// A chunk, if it has anything to say: bytes, or with the last one the length that was not known before.
    async fn send_part(
        &self,
        call: &Call,
        upload: &Upload,
        chunk: Chunk,
        whole: bool,
    ) -> Result<Upload, UploadError> {
        let length = match upload.length {
            None if whole && chunk.last => Some(upload.offset + chunk.len),
            _ => None,
        };
        if chunk.len == 0 && length.is_none() {
            return Ok(upload.clone());
        }
        let writer = Writer::Holds(upload.epoch);
        let append = Append { offset: upload.offset, writer, length, count: Some(chunk.len) };
        self.send_chunk(call, upload.id, upload.epoch, append, &chunk).await
    }

    /// Has one chunk stored, exactly once, by whichever backend can.
    ///
    /// The chunk may be sent several times: after an unclear failure nobody knows whether it was stored. A backend that finds
    /// it stored refuses it, since the upload is at its end by then; that counts as stored only if the epoch is still our own,
    /// for otherwise another client request brought these bytes.
    async fn send_chunk(
        &self,
        call: &Call,
        id: UploadId,
        epoch: Epoch,
        append: Append,
        chunk: &Chunk,
    ) -> Result<Upload, UploadError> {
        let answer = self.client.ask(call, &wire::append(id, &append, chunk)).await?;
        let end = append.offset + chunk.len;
        match wire::upload(&answer) {
            Err(
                UploadError::WrongOffset { offset, epoch: now }
                | UploadError::Complete { offset, epoch: now },
            ) if offset == end && now == epoch => {
                let upload = self.stat(call, id).await?;
                // Another request may have taken over while we asked: its epoch is not ours to write in.
                match upload.epoch == epoch {
                    true => Ok(upload),
                    false => Err(UploadError::Superseded { offset: upload.offset, epoch: upload.epoch }),
                }
            }
            stored => stored,
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
            let claim = Append { writer: Writer::ClaimsAfter(upload.epoch), count: Some(0), ..append };
            let answer = self.client.ask(call, &wire::append(id, &claim, &Chunk::default())).await?;
            match wire::upload(&answer) {
                // Claimed by another request, or by this one if the first answer was lost: nobody can tell.
                Err(superseded @ UploadError::Superseded { .. }) => refused = Some(superseded),
                claimed => return claimed,
            }
        }
        Err(refused.unwrap_or(UploadError::Internal))
    }

    /// The chunk's room is free again as soon as it is stored.
    async fn create_with(&self, call: &Call, new: &NewUpload, chunk: Chunk) -> Result<Upload, UploadError> {
        let answer = self.client.ask(call, &wire::create(new, &chunk)).await?;
        wire::upload(&answer)
    }
}

/// How often a request claims an upload that other requests claim at the same time.
const CLAIMS: u32 = 8;

/// Reads the next chunk while one is on its way.
///
/// If that one cannot be sent the request fails at once: its client may take minutes until it sends more. If the body fails
/// the chunk before it is stored first.
async fn while_reading(
    chunker: &mut Chunker,
    last: bool,
    bytes: u64,
    sending: impl Future<Output = Result<Upload, UploadError>>,
) -> Result<(Upload, Result<Option<Chunk>, UploadError>), UploadError> {
    let begun = Instant::now();
    let sending = sending.map_ok(|upload| (upload, begun.elapsed()));
    let reading = async {
        match last {
            true => Ok(Ok(None)),
            false => Ok(chunker.next().await),
        }
    };
    let ((upload, took), next) = try_join(sending, reading).await?;
    chunker.stored(bytes, took);
    Ok((upload, next))
}

#[async_trait(?Send)]
impl Uploads for RelayUploads {
    /// A body of at most one chunk is one question to one backend, and there one transaction.
    async fn create(&self, call: &Call, mut new: NewUpload, first: First) -> Result<Upload, UploadError> {
        let (body, whole) = match first {
            First::Nothing => return self.create_with(call, &new, Chunk::default()).await,
            First::Part(body) => (body, false),
            First::Chunk { body, .. } => (body, false),
            First::Whole(body) => (body, true),
        };
        let mut chunker = Chunker::new(body, self.budget.clone());
        let chunk = chunker.next().await?.unwrap_or_default();
        if whole && chunk.last {
            new.length = new.length.or(Some(chunk.len));
        }
        let (last, bytes) = (chunk.last, chunk.len);
        let sending = self.create_with(call, &new, chunk);
        let (upload, next) = while_reading(&mut chunker, last, bytes, sending).await?;
        match next? {
            Some(chunk) => self.relay(call, upload, Rest { chunker, chunk, whole }).await,
            None => ended(upload, whole),
        }
    }

    async fn append(
        &self,
        call: &Call,
        id: UploadId,
        append: Append,
        body: Body,
    ) -> Result<Upload, UploadError> {
        let upload = self.claim(call, id, append).await?;
        let mut chunker = Chunker::new(body, self.budget.clone());
        match chunker.next().await? {
            Some(chunk) => self.relay(call, upload, Rest { chunker, chunk, whole: false }).await,
            None => Ok(upload),
        }
    }

    async fn stat(&self, call: &Call, id: UploadId) -> Result<Upload, UploadError> {
        wire::upload(&self.client.ask(call, &wire::stat(id)).await?)
    }

    async fn inspect(&self, call: &Call, id: UploadId) -> Result<(Upload, Vec<Segment>), UploadError> {
        wire::inspection(&self.client.ask(call, &wire::record(id)).await?)
    }

    async fn list(&self, call: &Call, listing: &Listing) -> Result<Page, UploadError> {
        wire::page(&self.client.ask_within(call, &wire::list(listing), READING).await?)
    }

    async fn open(&self, call: &Call, upload: &Upload, range: Range<u64>) -> Result<Content, UploadError> {
        download::open(self.client.clone(), call, upload.id, range).await
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
