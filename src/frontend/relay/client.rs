//! One question to the backends: asked until one of them answers it, within a patience.

pub use super::question::{Answer, Coming, Question};

use crate::balance::{Lease, LeastRequests, Load, ReplicaSet, RetryBudget, RoundRobin, Target};
use crate::domain::ContainerId;
use crate::http::names;
use crate::replica::Asked;
use crate::telemetry::metrics::RELAY_RETRIES;
use crate::uploads::{Call, UploadError};
use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};
use awc::ClientResponse;
use awc::error::{ConnectError, SendRequestError};
use bytes::Bytes;
use futures_util::stream;
use std::cell::RefCell;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The ladder of timeouts (docs/ARCHITECTURE.md, invariant 7), from the inside out.
pub const CONNECT: Duration = Duration::from_secs(1);
pub(super) const ANSWER: Duration = Duration::from_secs(10);
/// Of what is sent ahead: less, so that nobody is blamed for being late.
const AHEAD: Duration = Duration::from_secs(9);
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Of those who look at lists: nothing is lost if they are told to look again.
pub const READING: Duration = Duration::from_secs(5);
/// Of those who watch replicas come and go, and want to see it as it happens.
pub const WATCHING: Duration = Duration::from_secs(2);

const RETRY_AFTER: Duration = Duration::from_secs(5);
/// Between rounds over all backends; doubled each time.
pub(super) const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Larger than any page of records.
const LARGEST_BODY: usize = 8 << 20;

/// The backends, as all workers of a frontend share them.
pub struct Backends {
    pub set: ReplicaSet,
    /// For everything but the info endpoints.
    pub least: LeastRequests,
    /// For the info endpoints, whose turn nothing else advances.
    pub turn: RoundRobin,
    pub retries: RetryBudget,
}

/// How long a question is asked, and how long one backend has for its answer.
#[derive(Clone, Copy)]
struct Limits {
    patience: Duration,
    answer: Duration,
}

/// Why a backend gave no answer.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    /// Nothing was sent.
    #[error("no connection: {0}")]
    Refused(ConnectError),
    /// Something was sent; whether it was carried out is unknown.
    #[error("no clear answer: {0}")]
    Unclear(String),
    /// It said that it cannot now. A backend whose database went away in the middle of a commit does not know what became of it.
    #[error("it is unavailable")]
    Busy,
}

/// Which backend is being asked, or has answered last.
pub type Whereabouts = RefCell<Option<Arc<Target>>>;

/// Asks backends. One for each worker, since awc's connections belong to a thread.
#[derive(Clone)]
pub struct Client {
    http: awc::Client,
    backends: Arc<Backends>,
    frontend: ContainerId,
}

impl Limits {
    /// With little patience at least three backends are asked in it.
    fn of(patience: Duration) -> Self {
        Self { patience, answer: ANSWER.min(patience / 3) }
    }
}

impl Default for Backends {
    fn default() -> Self {
        Self {
            set: ReplicaSet::default(),
            least: LeastRequests::default(),
            turn: RoundRobin::default(),
            retries: RetryBudget::new(Instant::now()),
        }
    }
}

impl Client {
    pub fn new(backends: Arc<Backends>, frontend: ContainerId) -> Self {
        // Waiting for a free connection would be a queue that nobody sees: what bounds requests is the budget.
        let connector = awc::Connector::new().timeout(CONNECT).limit(1 << 16);
        let http = awc::Client::builder()
            .connector(connector)
            .no_default_headers()
            .disable_redirects()
            .disable_timeout()
            .finish();
        Self { http, backends, frontend }
    }

    /// Asks until a backend answers, and reads its answer whole.
    pub async fn ask(&self, call: &Call, question: &Question<'_>) -> Result<Answer<Bytes>, UploadError> {
        let fit = |tried: &[SocketAddr]| self.backends.set.pick(&self.backends.least, tried);
        self.ask_one_of(fit, call, question, Limits::of(PATIENCE)).await
    }

    /// As [`Client::ask`]. Keeps in `at` whom it asks, while there is hope of an answer.
    pub async fn ask_at(
        &self,
        call: &Call,
        question: &Question<'_>,
        at: &Whereabouts,
    ) -> Result<Answer<Bytes>, UploadError> {
        let fit = |tried: &[SocketAddr]| self.backends.set.pick(&self.backends.least, tried);
        let attempt = async |lease: Lease| {
            at.replace(Some(lease.target().clone()));
            let answer = self.answer(call, question, lease.target(), ANSWER).await;
            answer.inspect_err(|_| {
                at.replace(None);
            })
        };
        let (mut answer, doubtful) =
            self.persist(Instant::now() + PATIENCE, Vec::new(), fit, attempt).await?;
        answer.doubtful = doubtful;
        Ok(answer)
    }

    /// Asks one backend, once. A part of its time is that of what it does before.
    pub async fn ask_once(
        &self,
        call: &Call,
        question: &Question<'_>,
        target: Arc<Target>,
    ) -> Option<Answer<Bytes>> {
        self.backends.retries.deposit();
        let lease = Lease::new(target);
        let answer = self.answer(call, question, lease.target(), AHEAD).await;
        answer.inspect_err(|trouble| log::debug!("backend {}: {trouble}", lease.target().address)).ok()
    }

    /// As [`Client::ask`], for people who want an answer now, be it that there is none.
    pub async fn ask_within(
        &self,
        call: &Call,
        question: &Question<'_>,
        patience: Duration,
    ) -> Result<Answer<Bytes>, UploadError> {
        let fit = |tried: &[SocketAddr]| self.backends.set.pick(&self.backends.least, tried);
        self.ask_one_of(fit, call, question, Limits::of(patience)).await
    }

    /// Asks the live backends in turn, ready or not, for those who watch the balancing.
    pub async fn ask_in_turn(
        &self,
        call: &Call,
        path: &str,
        patience: Duration,
    ) -> Result<Answer<Bytes>, UploadError> {
        let in_turn = |tried: &[SocketAddr]| self.backends.set.pick_live(&self.backends.turn, tried);
        self.ask_one_of(in_turn, call, &Question::get(path), Limits::of(patience)).await
    }

    /// Asks on the frontend's own account, and so that clients notice nothing of it: in a turn of the caller's own, without a
    /// share in what may be repeated, and each backend once at most. Who asks so asks again before long.
    pub async fn ask_aside(
        &self,
        call: &Call,
        question: &Question<'_>,
        turn: &RoundRobin,
        patience: Duration,
    ) -> Result<Answer<Bytes>, UploadError> {
        let (limits, mut tried) = (Limits::of(patience), Vec::new());
        let deadline = Instant::now() + limits.patience;
        while let Some(target) = self.backends.set.pick(turn, &tried).filter(|_| Instant::now() < deadline) {
            match self.answer(call, question, &target, limits.answer).await {
                Ok(answer) => return Ok(answer),
                Err(trouble) => log::debug!("backend {}: {trouble}", target.address),
            }
            tried.push(target.address);
        }
        Err(UploadError::Unavailable { retry_after: RETRY_AFTER })
    }

    /// What this frontend has asked of the backends that it knows now, in all workers.
    pub fn asked(&self) -> Vec<Asked> {
        let snapshot = self.backends.set.snapshot();
        let asked = snapshot.iter().filter_map(|target| target.asked());
        asked.map(|(container_id, requests)| Asked { container_id, requests }).collect()
    }

    /// Asks until a backend begins to answer, one other than `avoided` first.
    pub async fn open(
        &self,
        call: &Call,
        question: &Question<'_>,
        avoided: Option<SocketAddr>,
        deadline: Instant,
    ) -> Result<Coming, UploadError> {
        let fit = |tried: &[SocketAddr]| self.backends.set.pick(&self.backends.least, tried);
        let attempt = async |lease: Lease| {
            let response = self.send(call, question, lease.target(), ANSWER).await?;
            Ok(Coming { response, lease })
        };
        Ok(self.persist(deadline, avoided.into_iter().collect(), fit, attempt).await?.0)
    }

    async fn ask_one_of(
        &self,
        pick: impl Fn(&[SocketAddr]) -> Option<Arc<Target>>,
        call: &Call,
        question: &Question<'_>,
        limits: Limits,
    ) -> Result<Answer<Bytes>, UploadError> {
        let attempt = async |lease: Lease| self.answer(call, question, lease.target(), limits.answer).await;
        let deadline = Instant::now() + limits.patience;
        let (mut answer, doubtful) = self.persist(deadline, Vec::new(), pick, attempt).await?;
        answer.doubtful = doubtful;
        Ok(answer)
    }

    /// Tries one backend after the other, except those `tried` already, then all of them again after a pause, until
    /// `deadline`. Says along with the answer whether the question may have been carried out before.
    async fn persist<T>(
        &self,
        deadline: Instant,
        mut tried: Vec<SocketAddr>,
        pick: impl Fn(&[SocketAddr]) -> Option<Arc<Target>>,
        attempt: impl AsyncFn(Lease) -> Result<T, Trouble>,
    ) -> Result<(T, bool), UploadError> {
        let retries = &self.backends.retries;
        retries.deposit();
        let (mut doubtful, mut pause) = (false, SHORTEST_PAUSE);
        loop {
            if let Some(target) = pick(&tried) {
                let address = target.address;
                match attempt(Lease::new(target)).await {
                    Ok(answer) => return Ok((answer, doubtful)),
                    Err(trouble) => {
                        log::warn!("backend {address}: {trouble}");
                        metrics::counter!(RELAY_RETRIES).increment(1);
                        doubtful |= !matches!(trouble, Trouble::Refused(_));
                        tried.push(address);
                    }
                }
            }
            let now = Instant::now();
            if now >= deadline {
                return Err(UploadError::Unavailable { retry_after: RETRY_AFTER });
            }
            if pick(&tried).is_some() && retries.withdraw(now) {
                continue;
            }
            if pick(&tried).is_none() {
                // Everybody had a turn: from the beginning.
                tried.clear();
            }
            // A little later each time, and not all requests at once.
            tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0).min(deadline - now)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// One request to one backend, its answer read whole.
    async fn answer(
        &self,
        call: &Call,
        question: &Question<'_>,
        target: &Target,
        limit: Duration,
    ) -> Result<Answer<Bytes>, Trouble> {
        let load = question.load();
        let mut response = self.send(call, question, target, limit).await?;
        let read = response.body().limit(LARGEST_BODY);
        let body = match tokio::time::timeout(limit, read).await {
            Ok(Ok(body)) => body,
            Ok(Err(error)) => return Err(unclear(target, load, error)),
            Err(_) => return Err(too_late(target, load, limit, "its answer does not end")),
        };
        // awc takes a body that was cut short for one that is complete.
        if response.status() != StatusCode::NO_CONTENT && length_of(&response) != Some(body.len()) {
            return Err(unclear(target, load, "its answer was cut short"));
        }
        target.succeeded(load);
        let (status, mut headers) = (response.status(), HeaderMap::new());
        response.map_body(|head, read| {
            headers = std::mem::take(head.headers_mut());
            read
        });
        Ok(Answer { status, headers, body, doubtful: false })
    }

    /// One request to one backend, up to the head of its answer.
    async fn send(
        &self,
        call: &Call,
        question: &Question<'_>,
        target: &Target,
        limit: Duration,
    ) -> Result<ClientResponse, Trouble> {
        let load = question.load();
        if question.is_traffic() {
            target.ask();
        }
        let sent = self.request(call, question, target.address);
        let response = tokio::select! {
            biased;
            response = sent => response.map_err(|error| trouble(target, load, error))?,
            () = target.falls_silent() => return Err(Trouble::Unclear("it fell silent".into())),
            () = tokio::time::sleep(limit) => return Err(too_late(target, load, limit, "no answer in time")),
        };
        check(target, load, &response)?;
        call.backend.set(backend_of(response.headers()));
        Ok(response)
    }

    async fn request(
        &self,
        call: &Call,
        question: &Question<'_>,
        host: SocketAddr,
    ) -> Result<ClientResponse, SendRequestError> {
        let url = format!("http://{host}{}", question.path);
        let mut request = self.http.request(question.method.clone(), url);
        request = request.insert_header((names::FRONTEND_CONTAINER.clone(), self.frontend.as_str()));
        request = request.insert_header((names::REQUEST_ID.clone(), call.request_id.as_str()));
        for (name, value) in &question.headers {
            request = request.insert_header((name.clone(), value.clone()));
        }
        if question.body.is_empty() {
            return request.send().await;
        }
        // A list of shared pieces: sending it again copies nothing.
        let pieces: Vec<_> = question.body.iter().cloned().map(Ok::<_, Infallible>).collect();
        request.send_body(SizedStream::new(question.len, stream::iter(pieces))).await
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

/// Whether this is a backend's own answer, and not one of something in between or of a backend that cannot answer now.
fn check(target: &Target, load: Load, response: &ClientResponse) -> Result<(), Trouble> {
    if backend_of(response.headers()).is_none() {
        return Err(unclear(target, load, format!("{} without a container id", response.status())));
    }
    match response.status() {
        StatusCode::SERVICE_UNAVAILABLE => Err(Trouble::Busy),
        _ => Ok(()),
    }
}

fn trouble(target: &Target, load: Load, error: SendRequestError) -> Trouble {
    match error {
        // awc says this also of a connection that was closed after the request had gone out.
        SendRequestError::Connect(error @ ConnectError::Disconnected) => unclear(target, load, error),
        SendRequestError::Connect(error) => {
            target.refused();
            Trouble::Refused(error)
        }
        error => unclear(target, load, error),
    }
}

fn unclear(target: &Target, load: Load, why: impl std::fmt::Display) -> Trouble {
    target.failed(load, Instant::now());
    Trouble::Unclear(why.to_string())
}

/// Whom we gave little time cannot be blamed for needing more.
fn too_late(target: &Target, load: Load, limit: Duration, why: &str) -> Trouble {
    match limit < ANSWER {
        true => Trouble::Unclear(why.into()),
        false => unclear(target, load, why),
    }
}
