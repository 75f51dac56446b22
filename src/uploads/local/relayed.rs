//! What relays send: chunks that are stored whole or not at all.
//!
//! A chunk is written while it comes, and counted when all of it has come. One that breaks off leaves bytes that count nowhere,
//! where in its epoch only the same bytes can be written again.

use super::LocalUploads;
use super::writer::Fitting;
use crate::db::Staged;
use crate::domain::{Digest, NewUpload, Upload, UploadId};
use crate::uploads::arriving::Arriving;
use crate::uploads::budget::busy;
use crate::uploads::checking::absorb;
use crate::uploads::{Append, Body, Call, UploadError};

impl LocalUploads {
    /// A new upload with its `first` chunk.
    pub(super) async fn create_relayed(
        &self,
        call: &Call,
        new: &NewUpload,
        first: Append,
        body: Body,
    ) -> Result<Upload, UploadError> {
        let count = first.count.unwrap_or(0);
        self.receive(body, count, async |arriving| {
            let fitting = Fitting::first(new.id, first)?;
            let (digest, staged) = self.stage_arriving(&fitting, count, arriving).await?;
            self.record(call, new, fitting, digest, staged).await
        })
        .await
    }

    /// A chunk in the epoch that the relay holds.
    pub(super) async fn append_relayed(
        &self,
        call: &Call,
        id: UploadId,
        append: Append,
        body: Body,
    ) -> Result<Upload, UploadError> {
        let count = append.count.unwrap_or(0);
        self.receive(body, count, async |arriving| {
            let fitting = self.fitting(id, append, count).await?;
            let (digest, staged) = self.stage_arriving(&fitting, count, arriving).await?;
            self.count(call, fitting, digest, staged).await
        })
        .await
    }

    /// Does `work` with a chunk of `count` bytes, in the room that it needs: taken before the first byte is read, so that
    /// relays' chunks cannot lock up the budget among themselves.
    async fn receive<T>(
        &self,
        body: Body,
        count: u64,
        work: impl AsyncFnOnce(&mut Arriving) -> Result<T, UploadError>,
    ) -> Result<T, UploadError> {
        let mut arriving = Arriving::new(body, count)?;
        let done = match self.budget.take(self.blobs.holds(count) as usize).await {
            Some(_room) => work(&mut arriving).await,
            None => Err(busy()),
        };
        if done.is_err() {
            arriving.skip().await;
        }
        done
    }

    /// Writes and hashes a piece, both at the same time, while the next one comes.
    async fn stage_arriving(
        &self,
        fitting: &Fitting,
        count: u64,
        arriving: &mut Arriving,
    ) -> Result<(Digest, Staged), UploadError> {
        let (mut digest, mut piece) = (fitting.digest.clone(), arriving.next().await?);
        if piece.is_empty() {
            return Ok((digest, Staged::Durable));
        }
        let mut stage = self.blobs.stage(fitting.place(), count).await?;
        while !piece.is_empty() {
            let len = piece.iter().map(|part| part.len() as u64).sum();
            let storing = async {
                let hashing = absorb(digest, &piece, len, Digest::update);
                let (digest, written) = tokio::join!(hashing, stage.write(&piece));
                written?;
                digest
            };
            (digest, piece) = tokio::try_join!(storing, arriving.next())?;
        }
        Ok((digest, stage.finish().await?))
    }
}
