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
mod wire;

use crate::domain::{Epoch, Listing, NewUpload, Page, Segment, Upload, UploadId};
use crate::uploads::{
    Append, Body, Budget, Call, Chunk, Chunker, Content, First, UploadError, Uploads, Writer, ended,
};
use async_trait::async_trait;
use client::Client;
use std::ops::Range;

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

    /// Sends chunk after chunk; while one is on its way, the next is read.
    async fn relay(&self, call: &Call, mut upload: Upload, rest: Rest) -> Result<Upload, UploadError> {
        let Rest { mut chunker, mut chunk, whole } = rest;
        loop {
            let last = chunk.last;
            let sent = self.send_part(call, &upload, chunk, whole);
            let (sent, next) = tokio::try_join!(sent, read_on(&mut chunker, last))?;
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
            ) if offset == end && now == epoch => self.stat(call, id).await,
            stored => stored,
        }
    }

    /// Takes the next epoch for this request, and so fences every earlier one, before its first byte is read.
    async fn claim(&self, call: &Call, id: UploadId, append: Append) -> Result<Upload, UploadError> {
        let claim = Append { count: Some(0), ..append };
        let answer = self.client.ask(call, &wire::append(id, &claim, &Chunk::default())).await?;
        let upload = wire::upload(&answer)?;
        // What cannot fit is refused before it is read.
        upload.admit(append.offset, upload.epoch, append.count.unwrap_or(0), append.length)?;
        Ok(upload)
    }

    async fn create_with(&self, call: &Call, new: &NewUpload, chunk: &Chunk) -> Result<Upload, UploadError> {
        let answer = self.client.ask(call, &wire::create(new, chunk)).await?;
        wire::upload(&answer)
    }
}

/// Reads the next chunk while one is being sent. An error of the body is told once that one is stored, but who cannot store
/// it does not wait for a client that may be waiting for the answer.
async fn read_on(
    chunker: &mut Chunker,
    ended: bool,
) -> Result<Result<Option<Chunk>, UploadError>, UploadError> {
    match ended {
        true => Ok(Ok(None)),
        false => Ok(chunker.next().await),
    }
}

#[async_trait(?Send)]
impl Uploads for RelayUploads {
    /// A body of at most one chunk is one question to one backend, and there one transaction.
    async fn create(&self, call: &Call, mut new: NewUpload, first: First) -> Result<Upload, UploadError> {
        let (body, whole) = match first {
            First::Nothing => return self.create_with(call, &new, &Chunk::default()).await,
            First::Part(body) => (body, false),
            First::Chunk { body, .. } => (body, false),
            First::Whole(body) => (body, true),
        };
        let mut chunker = Chunker::new(body, self.budget.clone());
        let chunk = chunker.next().await?.unwrap_or_default();
        if whole && chunk.last {
            new.length = new.length.or(Some(chunk.len));
        }
        let created = self.create_with(call, &new, &chunk);
        let (upload, next) = tokio::try_join!(created, read_on(&mut chunker, chunk.last))?;
        drop(chunk);
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
        wire::upload(&self.client.ask(call, &wire::record(id)).await?)
    }

    async fn inspect(&self, call: &Call, id: UploadId) -> Result<(Upload, Vec<Segment>), UploadError> {
        wire::inspection(&self.client.ask(call, &wire::record(id)).await?)
    }

    async fn list(&self, call: &Call, listing: &Listing) -> Result<Page, UploadError> {
        wire::page(&self.client.ask(call, &wire::list(listing)).await?)
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
