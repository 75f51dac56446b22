use super::body::{self, limited};
use super::request::{Caller, hint};
use super::{Refused, Service, whole};
use crate::domain::{FileName, Origins, Upload};
use crate::protocol::code::Code;
use crate::protocol::media_type;
use crate::protocol::multipart::{BadForm, Event, Part, Splitter};
use crate::protocol::record::Records;
use crate::uploads::{BodyError, Call};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::stream::LocalBoxStream;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

/// `POST /api/uploads`: `multipart/form-data` with one or many files. 201 with their records.
pub async fn post(
    request: HttpRequest,
    service: web::Data<Service>,
    caller: Caller,
    payload: web::Payload,
) -> Result<HttpResponse, Refused> {
    let uploads = receive(&request, service, caller, payload).await?;
    Ok(HttpResponse::Created().json(Records::from(uploads.as_slice())))
}

/// Stores each file of a form as it streams in, one after the other. On a failure those before it stay, and the problem
/// names the one that failed; the failed one leaves nothing.
pub async fn receive(
    request: &HttpRequest,
    service: web::Data<Service>,
    Caller(call): Caller,
    payload: web::Payload,
) -> Result<Vec<Upload>, Refused> {
    check_site(request, &service.origins)?;
    let content_type = hint(request.headers(), "Content-Type");
    if !media_type::is(content_type, "multipart/form-data") {
        return Err(Refused::new(Code::UnsupportedMediaType, "the content type must be multipart/form-data"));
    }
    let form = Form::new(content_type.unwrap_or_default(), payload)?;
    let uploads = whole::to_its_end(async move { store_files(&service, &call, form).await }).await?;
    match uploads.is_empty() {
        true => Err(Refused::plain(Code::NoFile)),
        false => Ok(uploads),
    }
}

/// A form on somebody else's page must not upload or delete in a visitor's name: a browser sends it without asking. It says
/// where it comes from, over plain HTTP in `Origin` only. Other clients say neither. Sites that the operator lets in may do it.
pub fn check_site(request: &HttpRequest, others: &Origins) -> Result<(), Refused> {
    let (headers, host) = (request.headers(), hint(request.headers(), "Host"));
    let origin = hint(headers, "Origin");
    let own = match (hint(headers, "Sec-Fetch-Site"), origin) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => origin.split_once("://").map(|(_, authority)| authority) == host,
        (None, None) => true,
    };
    match own || origin.is_some_and(|origin| others.allow(origin)) {
        true => Ok(()),
        false => Err(Refused::plain(Code::CrossSite)),
    }
}

async fn store_files(service: &Service, call: &Call, form: Form) -> Result<Vec<Upload>, Refused> {
    let limit = service.max_upload_size;
    let mut uploads = Vec::new();
    while let Some(part) = form.next_part().await? {
        // A text field; the next turn of the loop reads past it.
        let Some(name) = part.filename else { continue };
        let Some(bytes) = unless_nothing_was_chosen(&name, form.content()).await? else { continue };
        let filename = FileName::clean_bytes(&name);
        let label = filename.to_string();
        let new = whole::described(filename, part.content_type.as_deref(), None);
        let stored = whole::store(service, call, new, limited(bytes, limit, limit), "form").await;
        uploads.push(stored.map_err(|refused| refused.of_file(&label))?);
    }
    Ok(uploads)
}

/// The part's bytes; `None` for the nameless empty part that a browser sends where no file was chosen.
async fn unless_nothing_was_chosen(
    name: &[u8],
    mut content: LocalBoxStream<'static, Result<Bytes, BodyError>>,
) -> Result<Option<impl Stream<Item = Result<Bytes, BodyError>> + 'static>, Refused> {
    let first = match name.is_empty() {
        false => None,
        true => match content.try_next().await? {
            None => return Ok(None),
            first => first.map(Ok),
        },
    };
    Ok(Some(stream::iter(first).chain(content)))
}

/// A form that is streaming in. Its parts are read one after the other.
struct Form(Rc<RefCell<Reading>>);

struct Reading {
    pieces: LocalBoxStream<'static, Result<Bytes, BodyError>>,
    splitter: Splitter,
}

impl Form {
    fn new(content_type: &str, payload: web::Payload) -> Result<Self, BodyError> {
        let splitter = Splitter::new(content_type)?;
        Ok(Self(Rc::new(RefCell::new(Reading { pieces: body::of(payload).boxed_local(), splitter }))))
    }

    /// The next part, past what is left of the one before; `None` where the form has ended as it should.
    async fn next_part(&self) -> Result<Option<Part>, BodyError> {
        loop {
            match poll_fn(|cx| self.0.borrow_mut().poll_event(cx)).await? {
                Some(Event::Part(part)) => return Ok(Some(part)),
                Some(Event::Bytes(_) | Event::End) => {}
                None => return Ok(None),
            }
        }
    }

    /// The bytes of the part that was given last.
    fn content(&self) -> LocalBoxStream<'static, Result<Bytes, BodyError>> {
        let reading = self.0.clone();
        let bytes = stream::poll_fn(move |cx| {
            let event = ready!(reading.borrow_mut().poll_event(cx));
            Poll::Ready(event.map(|event| event.and_then(Event::into_bytes)).transpose())
        });
        // Whoever reads may ask again after the end, when the next part's turn has come.
        bytes.fuse().boxed_local()
    }
}

impl Reading {
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Event>, BodyError>> {
        loop {
            if let Some(event) = self.splitter.next_event()? {
                return Poll::Ready(Ok(Some(event)));
            }
            match ready!(self.pieces.poll_next_unpin(cx)) {
                Some(piece) => self.splitter.feed(piece?),
                None => {
                    self.splitter.finish()?;
                    return Poll::Ready(Ok(None));
                }
            }
        }
    }
}

impl From<BadForm> for BodyError {
    fn from(error: BadForm) -> Self {
        match error {
            BadForm::Malformed(_) => Self::Malformed(error.to_string()),
            BadForm::Unfinished => Self::CutShort,
        }
    }
}
