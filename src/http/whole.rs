//! Files that come in one request, and leave nothing if they do not come whole.

use super::{Refused, Service};
use crate::domain::{FileName, NewUpload, Upload, UploadId};
use crate::protocol::code::Code;
use crate::protocol::tus::Metadata;
use crate::telemetry::metrics::UPLOADS_COMPLETED;
use crate::uploads::{Body, Call, First, UploadError, Uploads};
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

/// How long an answer waits for the removal of what it is about.
const TAKE_BACK: Duration = Duration::from_secs(3);
/// How often a removal is tried while the service is unavailable.
const TAKE_BACKS: u32 = 10;

/// Runs a request's work to its end, whatever becomes of the connection.
///
/// actix drops a handler's future when the connection breaks. The body's stream then ends with an error, which says all
/// there is to know, so the work goes on in a task of its own: it stores the bytes that did arrive (tus), or takes back what
/// it stored (a file that did not come whole), in order and without a race against itself.
pub(super) async fn to_its_end<T: 'static>(
    work: impl Future<Output = Result<T, Refused>> + 'static,
) -> Result<T, Refused> {
    match actix_web::rt::spawn(work).await {
        Ok(done) => done,
        Err(error) => {
            log::error!("a request's work ended early: {error}");
            Err(Refused::plain(Code::Internal))
        }
    }
}

/// The upload of a file that came by another way than tus.
pub(super) fn described(name: FileName, content_type: Option<&str>, length: Option<u64>) -> NewUpload {
    NewUpload {
        id: UploadId::mint(),
        metadata: Metadata::describing(&name, content_type).print(),
        filename: name,
        content_type: content_type.map(str::to_owned),
        length,
        concat: None,
        parts: Vec::new(),
    }
}

/// Stores a file whose end is the end of `body`. To be called inside [`to_its_end`].
pub(super) async fn store(
    service: &Service,
    call: &Call,
    new: NewUpload,
    body: Body,
    way: &'static str,
) -> Result<Upload, Refused> {
    let (id, unfinished) = (new.id, service.replica.unfinished.clone());
    unfinished.begin(id);
    match service.uploads.create(call, new, First::Whole(body)).await {
        Ok(upload) => {
            unfinished.end(id);
            metrics::counter!(UPLOADS_COMPLETED, "role" => service.role(), "way" => way).increment(1);
            Ok(upload)
        }
        Err(error) => {
            let (uploads, request_id) = (service.uploads.clone(), call.request_id.clone());
            let taken_back = actix_web::rt::spawn(async move {
                take_back(uploads, request_id, id).await;
                unfinished.end(id);
            });
            // What the client did wrong it is told when nothing is left of it; that the service is away, at once.
            let patience = match error {
                UploadError::Unavailable { .. } => Duration::ZERO,
                _ => TAKE_BACK,
            };
            drop(tokio::time::timeout(patience, taken_back).await);
            Err(error.into())
        }
    }
}

/// Tries for some time; then the upload stays incomplete and expires.
async fn take_back(uploads: Rc<dyn Uploads>, request_id: String, id: UploadId) {
    let call = Call { request_id, ..Call::default() };
    let mut tries = 0;
    loop {
        tries += 1;
        match uploads.terminate(&call, id).await {
            Ok(()) | Err(UploadError::NotFound | UploadError::Gone) => return,
            Err(UploadError::Unavailable { retry_after }) if tries < TAKE_BACKS => {
                tokio::time::sleep(retry_after).await;
            }
            Err(error) => {
                log::warn!("upload {id} is left to expire: {error} request_id={}", call.request_id);
                return;
            }
        }
    }
}
