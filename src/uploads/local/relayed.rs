//! What relays send: chunks that are stored whole or not at all.
//!
//! A chunk is written while it comes, and counted when all of it has come. One that breaks off leaves bytes that count nowhere,
//! where in its epoch only the same bytes can be written again.
//!
//! While one is made durable and counted, the next one may come and be written already: see [`super::under_way`].

use super::LocalUploads;
use super::under_way::{Before, Storing, Tail};
use super::writer::Fitting;
use crate::catalog::CatalogError;
use crate::db::Staged;
use crate::domain::{Digest, Epoch, NewUpload, Upload, UploadId};
use crate::uploads::arriving::Arriving;
use crate::uploads::budget::busy;
use crate::uploads::{Append, Body, Call, UploadError};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// How long a chunk waits for the one before it, from when its own head has come.
pub(super) const FOLLOWING: Duration = Duration::from_secs(5);
/// When it looks whether that one is stored elsewhere. Then after twice as long, and so on: a slow database is not asked more.
const LOOK_FIRST: Duration = Duration::from_millis(250);

/// A chunk that may have come before the one that it follows is stored.
struct Follower {
    id: UploadId,
    epoch: Epoch,
    offset: u64,
    patient_until: Instant,
}

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
        let storing = self.storing(new.id, Epoch::FIRST, &first);
        self.receive(body, count, async move |arriving| {
            let fitting = Fitting::first(new.id, first)?;
            let (digest, staged) = self.stage_arriving(&fitting, count, arriving, storing.as_ref()).await?;
            self.record(call, new, fitting, digest, staged).await
        })
        .await
    }

    /// A chunk in the epoch that the relay holds. It may come before the one that it follows is stored.
    pub(super) async fn append_relayed(
        &self,
        call: &Call,
        id: UploadId,
        epoch: Epoch,
        append: Append,
        body: Body,
    ) -> Result<Upload, UploadError> {
        let count = append.count.unwrap_or(0);
        let follower =
            Follower { id, epoch, offset: append.offset, patient_until: Instant::now() + FOLLOWING };
        let before = self.under_way.before(id, epoch, append.offset);
        let storing = self.storing(id, epoch, &append);
        // Waited for before there is room for this one, which the one before it may need.
        let (tail, before) = match self.follow(&follower, before, &append).await {
            Ok(followed) => followed,
            Err(error) => {
                // Nobody waits for a chunk while it is skipped.
                drop(storing);
                Arriving::new(body, count)?.skip().await;
                return Err(error);
            }
        };
        self.receive(body, count, async move |arriving| {
            let fitting = match tail {
                Some(tail) => Fitting::following(id, epoch, append, tail),
                None => self.fitting(id, append, count).await?,
            };
            let (digest, staged) = self.stage_arriving(&fitting, count, arriving, storing.as_ref()).await?;
            if let Some(mut before) = before {
                self.unless_passed(&follower, before.over()).await?;
            }
            self.count(call, fitting, digest, staged).await
        })
        .await
    }

    /// What is known of the upload at the end of the chunk `before`, if `append` fits there; and that chunk, while it is not
    /// counted.
    ///
    /// What is not so simple waits until that one is counted, and then asks the record.
    async fn follow(
        &self,
        follower: &Follower,
        before: Option<Before>,
        append: &Append,
    ) -> Result<(Option<Tail>, Option<Before>), UploadError> {
        let Some(mut before) = before else { return Ok((None, None)) };
        let Some(tail) = self.unless_passed(follower, before.hashed()).await? else {
            return Ok((None, None));
        };
        let tail = tail.filter(|tail| {
            let end = append.offset.saturating_add(append.count.unwrap_or(0));
            !append.pending && append.length.is_none() && tail.length.is_none_or(|length| end <= length)
        });
        if tail.is_none() {
            self.unless_passed(follower, before.over()).await?;
            return Ok((None, None));
        }
        Ok((tail, Some(before)))
    }

    /// Waits for what becomes of the chunk before, which may be dead here and stored elsewhere: `None` if the record is there
    /// without it, or will not be in this epoch.
    async fn unless_passed<T>(
        &self,
        follower: &Follower,
        becomes: impl Future<Output = T>,
    ) -> Result<Option<T>, UploadError> {
        tokio::select! {
            biased;
            done = becomes => Ok(Some(done)),
            () = self.passed(follower) => Ok(None),
            () = sleep_until(follower.patient_until) => Err(busy()),
        }
    }

    /// Returns when the record needs no chunk before this one any more.
    async fn passed(&self, follower: &Follower) {
        let mut pause = LOOK_FIRST;
        loop {
            sleep(pause).await;
            pause *= 2;
            let (catalog, id) = (self.catalog.clone(), follower.id);
            // A task of its own: a question that is let go of half-way ends its connection to the database.
            match tokio::spawn(async move { catalog.find(id).await }).await {
                Ok(Ok(record))
                    if record.upload.epoch == follower.epoch && record.upload.end() < follower.offset => {}
                Ok(Ok(_) | Err(CatalogError::Gone)) => return,
                // It comes with its first chunk; or nobody knows for now.
                Ok(Err(_)) | Err(_) => {}
            }
        }
    }

    /// Lets others know of a chunk that brings bytes, and brings them for good.
    fn storing(&self, id: UploadId, epoch: Epoch, append: &Append) -> Option<Storing> {
        let count = append.count.filter(|count| *count > 0 && !append.pending)?;
        Some(self.under_way.enter(id, epoch, append.offset.checked_add(count)?))
    }

    /// Does `work` with a chunk of `count` bytes, in the room that it needs: taken before the first byte is read, so that
    /// relays' chunks cannot lock up the budget among themselves. What `work` holds goes before a refused chunk is skipped, the
    /// chunk's [`Storing`] among it: nobody waits for such a chunk.
    async fn receive<T>(
        &self,
        body: Body,
        count: u64,
        work: impl AsyncFnOnce(&mut Arriving) -> Result<T, UploadError>,
    ) -> Result<T, UploadError> {
        let mut arriving = Arriving::new(body, count)?;
        let done = match self.budget.take(self.blobs.holds(count) as usize).await {
            Some(_room) => work(&mut arriving).await,
            None => {
                drop(work);
                Err(busy())
            }
        };
        if done.is_err() {
            arriving.skip().await;
        }
        done
    }

    /// Writes and hashes a piece while the next one comes.
    async fn stage_arriving(
        &self,
        fitting: &Fitting,
        count: u64,
        arriving: &mut Arriving,
        storing: Option<&Storing>,
    ) -> Result<(Digest, Staged), UploadError> {
        let (mut digest, mut piece) = (fitting.digest.clone(), arriving.next().await?);
        if piece.is_empty() {
            return Ok((digest, Staged::Durable));
        }
        let mut stage = self.blobs.stage(fitting.place(), count).await?;
        while !piece.is_empty() {
            let storing = async { Ok(stage.write(&piece, digest).await?) };
            (digest, piece) = tokio::try_join!(storing, arriving.next())?;
        }
        if let Some(storing) = storing {
            storing.hashed(fitting.tail(digest.clone()));
        }
        Ok((digest, stage.finish().await?))
    }
}
