use super::{Answer, Connection, Memory};
use crate::domain::{ContainerId, Origins};
use crate::http::cors::cors;
use crate::http::edge::{edge, no_upgrade};
use crate::http::events::{Events, hub};
use crate::http::meters::Meters;
use crate::http::{Readiness, Service, api, changes, listening, replicas};
use crate::replica::{Census, Identity, Live, Registry, RegistryError, Replica, Report, Role};
use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, web};
use async_trait::async_trait;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use time::OffsetDateTime;

/// The largest file that the servers of tests take, in bytes.
pub(in crate::http) const LIMIT: u64 = 100_000;

/// A real server on a free port, over uploads in memory. It ends when it is dropped.
pub(in crate::http) struct Server {
    pub memory: Memory,
    pub replica: Arc<Replica>,
    pub state: Arc<State>,
    pub events: Events,
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

/// What else a test can set and see.
#[derive(Default)]
pub(in crate::http) struct State {
    /// Why the replica is not ready, and does not know who lives; ready if `None`.
    pub unready: Mutex<Option<String>>,
    pub heard: Mutex<Vec<Report>>,
    /// How often readiness was asked for.
    pub asked: Mutex<u32>,
}

struct Shared(Arc<State>);

#[async_trait(?Send)]
impl Readiness for Shared {
    async fn ready(&self) -> Result<(), String> {
        *self.0.asked.lock().unwrap() += 1;
        match &*self.0.unready.lock().unwrap() {
            Some(reason) => Err(reason.clone()),
            None => Ok(()),
        }
    }
}

#[async_trait(?Send)]
impl Registry for Shared {
    async fn heard(&self, report: Report) -> Result<(), RegistryError> {
        self.0.heard.lock().unwrap().push(report);
        Ok(())
    }

    async fn left(&self, replica: ContainerId) -> Result<(), RegistryError> {
        self.0.heard.lock().unwrap().retain(|report| report.identity.container_id != replica);
        Ok(())
    }

    async fn live(&self, _request_id: &str) -> Result<Live, RegistryError> {
        match self.0.unready.lock().unwrap().is_some() {
            true => Err(RegistryError),
            false => {
                let census = Census::taken(OffsetDateTime::now_utc(), self.0.heard.lock().unwrap().clone());
                Ok(Live { census, backend: None })
            }
        }
    }
}

/// A container id for requests that pretend to be a frontend's relay.
pub(in crate::http) fn frontend_id() -> ContainerId {
    ContainerId::from_bits(0xf)
}

impl Server {
    pub(in crate::http) fn start(role: Role) -> Self {
        Self::start_for(role, Origins::none())
    }

    /// One that browsers may use on pages of these other origins.
    pub(in crate::http) fn start_for(role: Role, origins: Origins) -> Self {
        let memory = Memory::default();
        let replica = Arc::new(Replica::new(role, Identity::invented()));
        let state = Arc::new(State::default());
        let (sender, receiver) = mpsc::channel();
        let (m, r, s) = (memory.clone(), replica.clone(), state.clone());
        let events = Events::default();
        let published = events.clone();
        let service = move || Service {
            uploads: Rc::new(m.clone()),
            changes: Rc::new(m.clone()),
            events: published.clone(),
            replica: r.clone(),
            registry: Rc::new(Shared(s.clone())),
            readiness: Rc::new(Shared(s.clone())),
            max_upload_size: LIMIT,
            origins: origins.clone(),
            meters: Meters::new(role),
        };
        let thread = std::thread::spawn(|| actix_web::rt::System::new().block_on(serve(service, sender)));
        let (address, handle) = receiver.recv().unwrap();
        Self { memory, replica, state, events, address, handle, thread: Some(thread) }
    }

    pub(in crate::http) fn connect(&self) -> Connection {
        Connection::open(self.address)
    }

    /// One request on a connection of its own.
    pub(in crate::http) fn request(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let length = body.len().to_string();
        let mut all = headers.to_vec();
        if !body.is_empty() {
            all.push(("Content-Length", &length));
        }
        let mut connection = self.connect();
        connection.send_head(method, target, &all);
        connection.send(body);
        connection.read(method)
    }

    pub(in crate::http) fn get(&self, target: &str, headers: &[(&str, &str)]) -> Answer {
        self.request("GET", target, headers, b"")
    }

    /// A request that speaks tus.
    pub(in crate::http) fn tus(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut all = vec![("Tus-Resumable", "1.0.0")];
        all.extend_from_slice(headers);
        self.request(method, target, &all, body)
    }

    /// Stores a file and gives its record.
    pub(in crate::http) fn store(&self, name: &str, content: &[u8]) -> serde_json::Value {
        let answer = self.request("PUT", &format!("/api/uploads/{name}"), &[], content);
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["uploads"][0].clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// Serves until it is told to stop.
async fn serve(
    service: impl Fn() -> Service + Clone + Send + 'static,
    started: mpsc::Sender<(SocketAddr, ServerHandle)>,
) {
    let own = service();
    let app = move || {
        let service = service();
        let cors = cors(&service.origins);
        let app = App::new().app_data(web::Data::new(service)).configure(routes);
        app.wrap(from_fn(no_upgrade)).wrap(cors).wrap(from_fn(edge))
    };
    let listener = listening::bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let server = listening::serve(listener, Duration::ZERO, app).unwrap();
    started.send((address, server.handle())).unwrap();
    actix_web::rt::spawn(async move { hub(&own).await });
    server.await.unwrap();
}

/// The API of both roles, with what a backend adds of this room.
fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/internal/heartbeat").route(web::post().to(replicas::heartbeat)))
        .service(
            web::resource("/internal/heartbeat/{container_id}").route(web::delete().to(replicas::farewell)),
        )
        .service(web::resource("/internal/changes").route(web::get().to(changes::since)))
        .configure(api::mount);
}
