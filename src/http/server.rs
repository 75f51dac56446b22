//! One listening server of a replica: from its start, over draining, to its end.

use super::cors::cors;
use super::edge::{edge, no_upgrade};
use super::{Service, descriptors, events, listening, unsent};
use crate::replica;
use crate::uploads::Call;
use actix_web::App;
use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::rt::spawn;
use actix_web::rt::task::JoinHandle;
use actix_web::web::ServiceConfig;
use futures_util::FutureExt;
use futures_util::future::join_all;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// How long a draining replica goes on accepting, until those who balance over it have seen that it drains.
const STILL_ACCEPTING: Duration = Duration::from_secs(5);
/// The server tells its acceptor and its workers to end at the same moment. A connection that the one accepts when the others
/// are gone already would be dropped, so it stops first; there is no word of when it has, and a busy
/// machine takes its time.
const PAUSING: Duration = Duration::from_millis(250);
/// What an ending replica has for its last removals, and for taking its leave, when the grace is over.
const LAST_WORD: Duration = Duration::from_secs(1);

/// A server that listens and answers.
pub struct Server {
    pub address: SocketAddr,
    handle: ServerHandle,
    /// For what goes on beside the workers, and for what is left to do when no worker is left to do it.
    own: Rc<Service>,
    running: JoinHandle<io::Result<()>>,
    /// The replica says how it is as long as it finishes anything: until this is dropped.
    lives: oneshot::Sender<()>,
    beating: JoinHandle<()>,
    grace: Duration,
}

impl Server {
    /// Listens on `listen` (port 0: a free one) and serves what `mount` sets up, which is called once in each worker. `own` is
    /// the service for this thread.
    pub fn start(
        listen: SocketAddr,
        grace: Duration,
        own: Service,
        mount: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    ) -> io::Result<Self> {
        descriptors::allow_all();
        let origins = own.origins.clone();
        let app = move || {
            let app = App::new().configure(mount.clone());
            app.wrap(from_fn(no_upgrade)).wrap(cors(&origins)).wrap(from_fn(edge))
        };
        let listener = listening::bind(listen)?;
        let address = listener.local_addr()?;
        let server = listening::serve(listener, grace, app)?;
        let handle = server.handle();
        let own = Rc::new(own);
        let (lives, end) = oneshot::channel();
        let (beats, tells) = (own.clone(), own.clone());
        let beating = spawn(async move { replica::beat(&beats.replica, &*beats.registry, end).await });
        spawn(async move { events::hub(&tells).await });
        Ok(Self { address, handle, own, running: spawn(server), lives, beating, grace })
    }

    /// When what is going on now has to be over, if the replica is told to end now.
    pub fn end_of_grace(&self) -> Instant {
        Instant::now() + self.grace
    }

    /// Ends in good order, by `end` at the latest: says that it drains, goes on accepting until that was seen, then finishes
    /// what it has begun.
    pub async fn drain(self, seen_by_others: bool, end: Instant) {
        let replica = &self.own.replica;
        replica.drain();
        if seen_by_others {
            tokio::time::sleep(STILL_ACCEPTING.min(self.grace / 2)).await;
        }
        replica.close();
        self.handle.pause().await;
        tokio::time::sleep(PAUSING).await;
        if tokio::time::timeout_at(end, self.handle.stop(true)).await.is_err() {
            log::warn!("the grace of {:?} is over; what is still going on is cut off", self.grace);
        }
        self.running.abort();
        unsent::wait_until_sent(self.address, end).await;
        let last_word = end.max(Instant::now() + LAST_WORD);
        self.take_back(last_word).await;
        drop(self.lives);
        let registry = &self.own.registry;
        let left = self.beating.then(|_| registry.left(self.own.replica.identity.container_id));
        // Without the time to do it, or where it fails, the list finds out by itself.
        if !matches!(tokio::time::timeout_at(last_word, left).await, Ok(Ok(()))) {
            log::warn!("the replica stays listed for some seconds");
        }
    }

    /// Files that came in one request and did not come whole go with the workers that would have taken them back.
    async fn take_back(&self, end: Instant) {
        let left = self.own.replica.unfinished.take();
        let call = Call::default();
        let removals = left.into_iter().map(|id| self.own.uploads.terminate(&call, id));
        if tokio::time::timeout_at(end, join_all(removals)).await.is_err() {
            log::warn!("some files that did not come whole are left to expire");
        }
    }
}
