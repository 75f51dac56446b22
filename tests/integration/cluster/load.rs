//! Clients that ask for all kinds of things, one after the other, and take no failure.

use crate::support::api::{Tus, assert_stored, content_path, put, text};
use crate::support::client::Url;
use crate::support::content::{Content, Sum};
use crate::support::multipart::form;
use crate::support::wait::Watched;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

const CLIENTS: u64 = 4;
const LENGTH: u64 = 5000;

/// A steady load on one replica, which may be exchanged for another.
pub struct Load {
    state: Arc<Watched<State>>,
    clients: Vec<JoinHandle<()>>,
}

struct State {
    at: Url,
    /// Rounds that went well, each of them several requests.
    rounds: u64,
    ended: bool,
}

impl Default for State {
    fn default() -> Self {
        Self { at: Url(String::new()), rounds: 0, ended: false }
    }
}

impl Load {
    /// Begins, and returns when each kind of request was answered several times.
    pub fn on(at: &Url) -> Self {
        let state = Arc::new(Watched::default());
        let mut load = Self { state: state.clone(), clients: Vec::new() };
        load.go_to(at);
        load.clients = (0..CLIENTS)
            .map(|client| {
                thread::spawn({
                    let state = state.clone();
                    move || ask_until_ended(&state, client)
                })
            })
            .collect();
        load.wait_for_more();
        load
    }

    /// Everything that begins from now on goes there.
    pub fn go_to(&self, at: &Url) {
        self.state.change(|state| state.at = at.clone());
    }

    /// Waits until some more rounds have begun and ended well. A client that fails ends the wait, and the test with [`Load::end`].
    pub fn wait_for_more(&self) {
        let enough = self.state.read(|state| state.rounds) + 2 * CLIENTS;
        self.state.wait_until("the load goes on", |state| state.rounds >= enough || state.ended);
    }

    /// Ends it; all requests have gone well.
    pub fn end(self) {
        self.state.change(|state| state.ended = true);
        let ends: Vec<_> = self.clients.into_iter().map(JoinHandle::join).collect();
        assert!(ends.iter().all(Result::is_ok), "a request failed, see above");
    }
}

fn ask_until_ended(state: &Watched<State>, client: u64) {
    /// Tells the others when a request has failed.
    struct Told<'a>(&'a Watched<State>);
    impl Drop for Told<'_> {
        fn drop(&mut self) {
            self.0.change(|state| state.ended = true);
        }
    }
    let _told = Told(state);
    for round in 0.. {
        let (at, ended) = state.read(|state| (state.at.clone(), state.ended));
        if ended {
            return;
        }
        ask(&at, Content::new(1000 * client + round, LENGTH));
        state.change(|state| state.rounds += 1);
    }
}

/// One round: everything that ends soon.
fn ask(at: &Url, content: Content) {
    let info = at.get("/frontend-info/").send().expect(200).json();
    assert!(info["backend_container_id"].is_string(), "{info}");
    at.get("/api/backend-info/").send().expect(200);
    let record = put(at, "small", content);
    assert_stored(at, text(&record, "id"), content);
    let (content_type, body) = form(&[("small", &content.all())]);
    let request = at.request("POST", "/api/uploads").header("Content-Type", content_type);
    let records = request.send_body(&body).expect(201).json();
    assert_eq!(text(&records["uploads"][0], "sha256"), content.sha256());
    let upload = Tus::create(at, LENGTH);
    upload.append(at, content, 0..LENGTH).unwrap().expect(204);
    let range = at.get(&content_path(upload.id())).header("Range", "bytes=1000-2999").send().expect(206);
    assert_eq!(Sum::of(&range.body), Sum::of(&content.bytes(1000..3000)));
}
