//! One question to the backends: asked until one of them answers it, within a patience.

pub use super::attempt::backend_of;
pub use super::question::{Answer, Coming, Question};

use super::attempt::Trouble;
use crate::balance::{Lease, LeastRequests, ReplicaSet, RetryBudget, RoundRobin, Target};
use crate::domain::ContainerId;
use crate::replica::Asked;
use crate::telemetry::metrics::RELAY_RETRIES;
use crate::uploads::{Call, UploadError};
use bytes::Bytes;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The ladder of timeouts (docs/ARCHITECTURE.md, invariant 7), from the inside out.
pub const CONNECT: Duration = Duration::from_secs(1);
pub(super) const ANSWER: Duration = Duration::from_secs(10);
/// Of what is sent ahead: less, since then it is sent once more.
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

/// The backends, as all workers of a frontend share them.
pub struct Backends {
    pub set: ReplicaSet,
    /// For chunks. A request that brings one asks a few questions before it: if they advanced this turn too, every chunk of a client
    /// that sends small requests could meet the same backend.
    pub storing: LeastRequests,
    /// For everything else but the info endpoints.
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

/// Which backend is being asked, or has answered last.
pub type Whereabouts = RefCell<Option<Arc<Target>>>;

/// Asks backends. One for each worker, since awc's connections belong to a thread.
#[derive(Clone)]
pub struct Client {
    pub(super) http: awc::Client,
    backends: Arc<Backends>,
    pub(super) frontend: ContainerId,
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
            storing: LeastRequests::default(),
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

    /// As [`Client::ask`], for a chunk. Keeps in `at` whom it asks, while there is hope of an answer.
    pub async fn store_at(
        &self,
        call: &Call,
        question: &Question<'_>,
        at: &Whereabouts,
    ) -> Result<Answer<Bytes>, UploadError> {
        let fit = |tried: &[SocketAddr]| self.backends.set.pick(&self.backends.storing, tried);
        at.replace(None);
        let attempt = async |lease: Lease| {
            at.replace(Some(lease.target().clone()));
            let answer = self.attempt(call, question, lease.target(), ANSWER).answer().await;
            answer.inspect_err(|_| {
                at.replace(None);
            })
        };
        let (mut answer, doubtful) =
            self.persist(Instant::now() + PATIENCE, Vec::new(), fit, attempt).await?;
        answer.doubtful = doubtful;
        Ok(answer)
    }

    /// Asks one backend, once, on the side. That nobody is there it tells others; what else may be wrong is found out by who asks
    /// for good.
    pub async fn ask_once(
        &self,
        call: &Call,
        question: &Question<'_>,
        target: Arc<Target>,
    ) -> Option<Answer<Bytes>> {
        let lease = Lease::new(target);
        let answer = self.attempt(call, question, lease.target(), AHEAD).without_blame().answer().await;
        match answer {
            Ok(answer) => {
                self.backends.retries.deposit();
                Some(answer)
            }
            Err(trouble) => {
                log::debug!("backend {}: {trouble}", lease.target().address);
                None
            }
        }
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
            match self.attempt(call, question, &target, limits.answer).answer().await {
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
            let response = self.attempt(call, question, lease.target(), ANSWER).send().await?;
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
        let attempt =
            async |lease: Lease| self.attempt(call, question, lease.target(), limits.answer).answer().await;
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
                    Err(trouble @ Trouble::TooLarge { .. }) => {
                        log::error!("backend {address}: {trouble}");
                        return Err(UploadError::Internal);
                    }
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
}
