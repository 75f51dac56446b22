//! A download that goes on from another backend at the byte where one stopped.

use super::client::{Client, Coming, LONGEST_PAUSE, PATIENCE, SHORTEST_PAUSE};
use super::wire;
use crate::balance::Load;
use crate::domain::{Upload, UploadId};
use crate::telemetry::metrics::RELAY_DOWNLOADS_RESUMED;
use crate::uploads::{Call, Content, UploadError};
use actix_web::http::StatusCode;
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

/// A backend that sends nothing for this long is left for another.
const STALL: Duration = Duration::from_secs(10);
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The bytes of one range, as far as they were read.
struct Download {
    client: Client,
    call: Call,
    id: UploadId,
    /// Of the whole content.
    length: u64,
    /// What is still to come.
    range: Range<u64>,
    from: Option<Coming>,
    /// The backend at hand has sent bytes.
    sent: bool,
    /// Since the last byte that came.
    failures: Failures,
}

/// Backends that answered and then did not send what they announced.
#[derive(Default)]
struct Failures {
    count: u32,
    last: Option<SocketAddr>,
    /// A range that no backend can be made to send a byte of until then has failed.
    deadline: Option<Instant>,
}

/// Opens `range`. A backend has answered for it when this returns, so that what is wrong from the start gets a clear answer.
pub(super) async fn open(
    client: Client,
    call: &Call,
    upload: &Upload,
    range: Range<u64>,
) -> Result<Content, UploadError> {
    if range.is_empty() {
        return Ok(stream::empty().boxed_local());
    }
    let own = Call { request_id: call.request_id.clone(), ..Call::default() };
    let (id, length, failures) = (upload.id, upload.offset, Failures::default());
    let mut download = Download { client, call: own, id, length, range, from: None, sent: false, failures };
    let reached = download.reach(Instant::now() + PATIENCE).await;
    call.backend.set(download.call.backend.get());
    reached?;
    Ok(stream::try_unfold(download, |mut download| async {
        Ok(download.next().await?.map(|bytes| (bytes, download)))
    })
    .boxed_local())
}

impl Download {
    async fn next(&mut self) -> Result<Option<Bytes>, UploadError> {
        while !self.range.is_empty() {
            if let Some(bytes) = self.piece().await {
                self.range.start += bytes.len() as u64;
                self.failures = Failures::default();
                if self.range.is_empty() {
                    self.hang_up();
                }
                return Ok(Some(bytes));
            }
            let deadline = self.failures.pause().await?;
            metrics::counter!(RELAY_DOWNLOADS_RESUMED).increment(1);
            self.reach(deadline).await?;
        }
        Ok(None)
    }

    /// The next bytes from the backend at hand; `None` if it is of no more use. An end before the range's is a failure, too: awc
    /// does not tell a body that was cut short from one that is complete.
    ///
    /// A backend that stops in the middle may have lost its database, as all others have. Only one that sends nothing is at
    /// fault itself; and where nobody is left, the probes find that out.
    async fn piece(&mut self) -> Option<Bytes> {
        let coming = self.from.as_mut()?;
        let target = coming.lease.target();
        let left = self.range.end - self.range.start;
        let received = tokio::select! {
            // What is there already is taken before anything is set up to wait.
            biased;
            received = coming.response.next() => received,
            () = target.falls_silent() => None,
            () = tokio::time::sleep(STALL) => {
                self.sent = false;
                None
            }
        };
        match received {
            Some(Ok(bytes)) if !bytes.is_empty() && bytes.len() as u64 <= left => {
                if !self.sent {
                    target.succeeded(Load::Bytes);
                }
                self.sent = true;
                Some(bytes)
            }
            _ => {
                if !self.sent {
                    target.failed(Load::Bytes, Instant::now());
                }
                self.failures.last = Some(target.address);
                self.from = None;
                None
            }
        }
    }

    /// Gives the connection back. awc keeps only one whose answer it has seen to end, and closes the others.
    fn hang_up(&mut self) {
        if let Some(mut coming) = self.from.take() {
            drop(coming.response.next().now_or_never());
        }
    }

    /// Finds a backend that sends what is still to come, exactly.
    async fn reach(&mut self, deadline: Instant) -> Result<(), UploadError> {
        let question = wire::content(self.id, &self.range);
        let coming = self.client.open(&self.call, &question, self.failures.last, deadline).await?;
        let is_range = wire::is_range(coming.response.headers(), &self.range, self.length);
        match coming.response.status() {
            StatusCode::PARTIAL_CONTENT if is_range => {
                self.from = Some(coming);
                self.sent = false;
                Ok(())
            }
            _ => Err(wire::refusal(coming).await),
        }
    }
}

impl Failures {
    /// One more. The first is made up for at once, further ones a little later each time. Returns until when.
    async fn pause(&mut self) -> Result<Instant, UploadError> {
        let now = Instant::now();
        let deadline = *self.deadline.get_or_insert(now + PATIENCE);
        if now >= deadline {
            return Err(UploadError::Unavailable { retry_after: RETRY_AFTER });
        }
        if self.count > 0 {
            let pause = SHORTEST_PAUSE * 2u32.saturating_pow(self.count.min(8));
            tokio::time::sleep(pause.min(LONGEST_PAUSE).min(deadline - now)).await;
        }
        self.count += 1;
        Ok(deadline)
    }
}
