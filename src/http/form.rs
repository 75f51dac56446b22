//! `POST /api/uploads`, and behind the page's form: `multipart/form-data` (RFC 7578), any number of files, streamed.

use super::body::counted;
use super::put::{new_upload, store_whole};
use super::{Asked, Problem, Service};
use crate::domain::{FileName, Upload};
use crate::protocol::problem::Code;
use crate::protocol::record::Records;
use crate::uploads::{BodyError, UploadError};
use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::http::header::DispositionParam;
use actix_web::{HttpResponse, web};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use tokio::sync::mpsc;

pub async fn post(
    service: web::Data<Service>,
    asked: Asked,
    form: Multipart,
) -> Result<HttpResponse, Problem> {
    let uploads = store(&service, &asked, form).await?;
    Ok(HttpResponse::Created().json(Records::of(&uploads)))
}

/// Stores each part that has a file name, in order. Those before one that fails stay; the problem names the one that failed.
pub async fn store(service: &Service, asked: &Asked, mut form: Multipart) -> Result<Vec<Upload>, Problem> {
    let mut uploads = Vec::new();
    while let Some(mut field) = form.try_next().await.map_err(|error| broken(&error))? {
        let Some(filename) = filename(&field) else {
            skip(&mut field).await?;
            continue;
        };
        let kind = field.content_type().map(ToString::to_string);
        let new = new_upload(filename.clone(), kind.as_deref(), None);
        match store_file(service, asked, new, field).await {
            Ok(upload) => uploads.push(upload),
            Err(error) => {
                let mut problem = Problem::from(error);
                problem.body.filename = Some(filename.to_string());
                return Err(problem);
            }
        }
    }
    match uploads.is_empty() {
        true => Err(Problem::because(Code::BadMultipart, "No part of the form has a file name.")),
        false => Ok(uploads),
    }
}

/// Feeds a part's bytes to the store. Both run here, side by side: the form's parts borrow one body, which stays with us.
async fn store_file(
    service: &Service,
    asked: &Asked,
    new: crate::domain::NewUpload,
    mut field: Field,
) -> Result<Upload, UploadError> {
    let (sender, mut receiver) = mpsc::channel::<Result<Bytes, BodyError>>(1);
    let body = futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx));
    let body = counted(service, body).boxed_local();
    let feed = async move {
        loop {
            let next = match field.next().await {
                Some(Ok(bytes)) => Ok(bytes),
                Some(Err(error)) => Err(body_error(&error)),
                None => return,
            };
            let ended = next.is_err();
            // A closed channel: the store has refused the file, and says why.
            if sender.send(next).await.is_err() || ended {
                return;
            }
        }
    };
    let ((), stored) = tokio::join!(feed, store_whole(service, asked, new, body));
    stored
}

/// The name that the part gives its file; a part without one is an ordinary form field. A browser sends an empty name where
/// no file was chosen.
fn filename(field: &Field) -> Option<FileName> {
    let disposition = field.content_disposition()?;
    let raw = disposition.parameters.iter().find_map(|parameter| match parameter {
        DispositionParam::FilenameExt(name) => Some(name.value.clone()),
        DispositionParam::Filename(name) => Some(name.clone().into_bytes()),
        _ => None,
    })?;
    (!raw.is_empty()).then(|| FileName::clean_bytes(&raw))
}

async fn skip(field: &mut Field) -> Result<(), Problem> {
    while field.try_next().await.map_err(|error| broken(&error))?.is_some() {}
    Ok(())
}

fn broken(error: &MultipartError) -> Problem {
    UploadError::Body(body_error(error)).into()
}

fn body_error(error: &MultipartError) -> BodyError {
    match error {
        MultipartError::Payload(_) | MultipartError::Incomplete => BodyError::CutShort,
        other => BodyError::Malformed(other.to_string()),
    }
}
