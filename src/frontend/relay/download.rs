//! A download that goes on from another backend at the byte where one stopped.

use super::client::{Client, Coming, PATIENCE};
use super::wire;
use crate::domain::UploadId;
use crate::telemetry::metrics::RELAY_DOWNLOADS_RESUMED;
use crate::uploads::{Call, Content, UploadError};
use actix_web::http::StatusCode;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use std::ops::Range;
use std::time::{Duration, Instant};

/// A backend that sends nothing for this long is left for another.
const STALL: Duration = Duration::from_secs(10);
const RETRY_AFTER: Duration = Duration::from_secs(5);
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The bytes of one range, as far as they were read.
struct Download {
    client: Client,
    call: Call,
    id: UploadId,
    /// What is still to come.
    range: Range<u64>,
    from: Option<Source>,
    /// A range that no backend can be made to send a byte of until then has failed.
    deadline: Instant,
    /// Before a backend is asked again that was asked in vain; doubled each time.
    pause: Duration,
}

/// A backend that sends.
struct Source {
    coming: Coming,
    /// It has sent bytes of the range.
    sent: bool,
}

/// Opens `range`. A backend has answered for it when this returns, so that what is wrong from the start gets a clear answer.
pub(super) async fn open(
    client: Client,
    call: &Call,
    id: UploadId,
    range: Range<u64>,
) -> Result<Content, UploadError> {
    if range.is_empty() {
        return Ok(stream::empty().boxed_local());
    }
    let own = Call { request_id: call.request_id.clone(), ..Call::default() };
    let deadline = Instant::now() + PATIENCE;
    let mut download = Download { client, call: own, id, range, from: None, deadline, pause: SHORTEST_PAUSE };
    download.reach().await?;
    call.backend.set(download.call.backend.get());
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
                self.deadline = Instant::now() + PATIENCE;
                self.pause = SHORTEST_PAUSE;
                return Ok(Some(bytes));
            }
            let useful = self.from.take().is_some_and(|source| source.sent);
            if Instant::now() >= self.deadline {
                return Err(UploadError::Unavailable { retry_after: RETRY_AFTER });
            }
            if !useful {
                tokio::time::sleep(self.pause).await;
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            }
            metrics::counter!(RELAY_DOWNLOADS_RESUMED).increment(1);
            self.reach().await?;
        }
        Ok(None)
    }

    /// The next bytes from the backend at hand; `None` if it is of no more use. An end before the range's is a failure, too: awc
    /// does not tell a body that was cut short from one that is complete.
    ///
    /// A backend that stops in the middle may have lost its database, as all others have. Only one that sends nothing is at
    /// fault itself; and where nobody is left, the probes find that out.
    async fn piece(&mut self) -> Option<Bytes> {
        let source = self.from.as_mut()?;
        let left = self.range.end - self.range.start;
        let target = source.coming.lease.target();
        let received = tokio::select! {
            received = source.coming.response.next() => received,
            () = target.falls_silent() => return None,
            () = tokio::time::sleep(STALL) => {
                target.failed(Instant::now());
                return None;
            }
        };
        match received {
            Some(Ok(bytes)) if !bytes.is_empty() && bytes.len() as u64 <= left => {
                source.sent = true;
                Some(bytes)
            }
            _ => {
                if !source.sent {
                    target.failed(Instant::now());
                }
                None
            }
        }
    }

    /// Finds a backend that sends what is still to come, exactly.
    async fn reach(&mut self) -> Result<(), UploadError> {
        let question = wire::content(self.id, &self.range);
        let coming = self.client.open(&self.call, &question, self.deadline).await?;
        match coming.response.status() {
            StatusCode::PARTIAL_CONTENT if wire::is_range(coming.response.headers(), &self.range) => {
                self.from = Some(Source { coming, sent: false });
                Ok(())
            }
            _ => Err(wire::refusal(coming).await),
        }
    }
}
