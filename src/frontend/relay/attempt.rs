//! One question to one backend, sent once.

use super::client::{ANSWER, Answer, Client, Question};
use crate::balance::Target;
use crate::domain::ContainerId;
use crate::http::names;
use crate::uploads::Call;
use actix_web::body::SizedStream;
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};
use awc::ClientResponse;
use awc::error::{ConnectError, SendRequestError};
use bytes::Bytes;
use futures_util::stream;
use std::convert::Infallible;
use std::fmt::Display;
use std::time::{Duration, Instant};

/// Larger than any page of records, and than any record with as many segments as are told.
const LARGEST_BODY: usize = 8 << 20;

/// Why a backend gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// Nothing was sent.
    #[error("no connection: {0}")]
    Refused(ConnectError),
    /// Something was sent; whether it was carried out is unknown.
    #[error("no clear answer: {0}")]
    Unclear(String),
    /// It was clear, and any other's would be as large.
    #[error("its answer to {path} is too large request_id={request_id}")]
    TooLarge { path: String, request_id: String },
    /// It said that it cannot now. A backend whose database went away in the middle of a commit does not know what became of it.
    #[error("it is unavailable")]
    Busy,
}

/// A question on its way to a backend. What comes of it tells how that backend is.
pub(super) struct Attempt<'a> {
    client: &'a Client,
    call: &'a Call,
    question: &'a Question<'a>,
    target: &'a Target,
    /// How long each of the answer's head and its body may take.
    limit: Duration,
    blames: bool,
}

impl Client {
    pub(super) fn attempt<'a>(
        &'a self,
        call: &'a Call,
        question: &'a Question<'a>,
        target: &'a Target,
        limit: Duration,
    ) -> Attempt<'a> {
        Attempt { client: self, call, question, target, limit, blames: true }
    }
}

impl Attempt<'_> {
    /// An unclear failure is not held against the backend.
    pub fn without_blame(self) -> Self {
        Self { blames: false, ..self }
    }

    /// Its answer, read whole.
    pub async fn answer(&self) -> Result<Answer<Bytes>, Trouble> {
        let mut response = self.send().await?;
        let read = response.body().limit(LARGEST_BODY);
        let body = match tokio::time::timeout(self.limit, read).await {
            Ok(Ok(body)) => body,
            Ok(Err(PayloadError::Overflow)) => return Err(self.too_large()),
            Ok(Err(error)) => return Err(self.unclear(error)),
            Err(_) => return Err(self.too_late("its answer does not end")),
        };
        // awc takes a body that was cut short for one that is complete.
        if response.status() != StatusCode::NO_CONTENT && length_of(&response) != Some(body.len()) {
            return Err(self.unclear("its answer was cut short"));
        }
        self.target.succeeded(self.question.load());
        let (status, mut headers) = (response.status(), HeaderMap::new());
        response.map_body(|head, read| {
            headers = std::mem::take(head.headers_mut());
            read
        });
        Ok(Answer { status, headers, body, doubtful: false })
    }

    /// Its answer up to the head.
    pub async fn send(&self) -> Result<ClientResponse, Trouble> {
        if self.question.is_traffic() {
            self.target.ask();
        }
        let response = tokio::select! {
            biased;
            response = self.request() => response.map_err(|error| self.trouble(error))?,
            () = self.target.falls_silent() => return Err(Trouble::Unclear("it fell silent".into())),
            () = tokio::time::sleep(self.limit) => return Err(self.too_late("no answer in time")),
        };
        self.check(&response)?;
        self.call.backend.set(backend_of(response.headers()));
        Ok(response)
    }

    async fn request(&self) -> Result<ClientResponse, SendRequestError> {
        let Question { method, path, headers, body, len } = self.question;
        let url = format!("http://{}{path}", self.target.address);
        let mut request = self.client.http.request(method.clone(), url);
        request = request.insert_header((names::FRONTEND_CONTAINER.clone(), self.client.frontend.as_str()));
        request = request.insert_header((names::REQUEST_ID.clone(), self.call.request_id.as_str()));
        for (name, value) in headers {
            request = request.insert_header((name.clone(), value.clone()));
        }
        if body.is_empty() {
            return request.send().await;
        }
        // A list of shared pieces: sending it again copies nothing.
        let pieces: Vec<_> = body.iter().cloned().map(Ok::<_, Infallible>).collect();
        request.send_body(SizedStream::new(*len, stream::iter(pieces))).await
    }

    /// Whether this is a backend's own answer, and not one of something in between or of a backend that cannot answer now.
    fn check(&self, response: &ClientResponse) -> Result<(), Trouble> {
        if backend_of(response.headers()).is_none() {
            return Err(self.unclear(format!("{} without a container id", response.status())));
        }
        match response.status() {
            StatusCode::SERVICE_UNAVAILABLE => Err(Trouble::Busy),
            _ => Ok(()),
        }
    }

    fn trouble(&self, error: SendRequestError) -> Trouble {
        match error {
            // awc says this also of a connection that was closed after the request had gone out.
            SendRequestError::Connect(error @ ConnectError::Disconnected) => self.unclear(error),
            SendRequestError::Connect(error) => {
                self.target.refused();
                Trouble::Refused(error)
            }
            error => self.unclear(error),
        }
    }

    fn unclear(&self, why: impl Display) -> Trouble {
        if self.blames {
            self.target.failed(self.question.load(), Instant::now());
        }
        Trouble::Unclear(why.to_string())
    }

    fn too_large(&self) -> Trouble {
        let (path, request_id) = (self.question.path.clone(), self.call.request_id.as_str().to_owned());
        Trouble::TooLarge { path, request_id }
    }

    /// Whom we gave little time cannot be blamed for needing more.
    fn too_late(&self, why: &str) -> Trouble {
        match self.limit < ANSWER {
            true => Trouble::Unclear(why.into()),
            false => self.unclear(why),
        }
    }
}

/// How many bytes an answer's body has, as its head says.
fn length_of(response: &ClientResponse) -> Option<usize> {
    response.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Which backend an answer is of; none that is one leaves that out.
pub fn backend_of(headers: &HeaderMap) -> Option<ContainerId> {
    headers.get(&names::BACKEND_CONTAINER)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::client::Backends;
    use super::*;
    use crate::balance::{Health, Probe};
    use crate::uploads::UploadError;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::sync::Arc;
    use std::sync::mpsc::{self, TryRecvError};

    /// Who was cut off would else be blamed more than once, by chunks that were sent ahead and by the one before them.
    #[actix_web::test]
    async fn only_who_is_asked_for_good_is_blamed() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let target = Arc::new(Target::new(listener.local_addr().unwrap()));
        let (stop, stopped) = mpsc::channel::<()>();
        let going_on = move || stopped.try_recv() == Err(TryRecvError::Empty);
        let server =
            std::thread::spawn(move || listener.incoming().take_while(|_| going_on()).for_each(drop));
        let client = Client::new(Arc::new(Backends::default()), ContainerId::from_bits(1));
        let (call, question) = (Call::default(), Question::get("/"));
        target.probed(Probe::Ready, Instant::now());
        for _ in 0..5 {
            assert!(client.ask_once(&call, &question, target.clone()).await.is_none());
            assert_eq!(target.health(), Health::Ready);
        }
        for _ in 0..3 {
            assert!(client.attempt(&call, &question, &target, ANSWER).answer().await.is_err());
        }
        assert_eq!(target.health(), Health::Ejected);
        drop(stop);
        TcpStream::connect(target.address).unwrap();
        server.join().unwrap();
    }

    /// Any other would say as much, and all would be ejected for it.
    #[actix_web::test]
    async fn an_answer_that_is_too_large_is_an_error_at_once_and_nobodys_fault() {
        const TIMES: usize = 5;
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let backends = Backends::default();
        let targets = backends.set.update(vec![listener.local_addr().unwrap()]);
        targets[0].probed(Probe::Ready, Instant::now());
        let (backend, length) = (ContainerId::from_bits(2), LARGEST_BODY + 1);
        let head =
            format!("HTTP/1.1 200 OK\r\nX-Backend-Container: {backend}\r\nContent-Length: {length}\r\n\r\n");
        let server = std::thread::spawn(move || {
            let answered = listener.incoming().take(TIMES).map(|connection| {
                let mut connection = connection.unwrap();
                assert_ne!(connection.read(&mut [0; 4096]).unwrap(), 0);
                connection.write_all(head.as_bytes()).unwrap();
                connection
            });
            answered.collect::<Vec<_>>()
        });
        let client = Client::new(Arc::new(backends), ContainerId::from_bits(1));
        for _ in 0..TIMES {
            let answer = client.ask(&Call::default(), &Question::get("/")).await;
            assert!(matches!(answer, Err(UploadError::Internal)));
            assert_eq!(targets[0].health(), Health::Ready);
        }
        drop(server.join().unwrap());
    }
}
