//! A proxy in front of a backend that fails as a network and a dying machine do, when the test says so.
//!
//! It understands HTTP, so that a fault hits the very request it is meant for and not a probe that shares the connection,
//! and so that a test can stop a chunk after an exact number of bytes.

mod relay;

use super::client::Url;
use super::wait::{Watched, until};
use super::wire::Head;
use relay::reset_on_close;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, getsockname, socket_with, sockopt};
use std::collections::HashMap;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What goes wrong with one request. In all faults of the answer the backend has done the work, and the frontend cannot know.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// So many bytes of the request's body arrive, then both connections are reset.
    CutRequest {
        after: u64,
    },
    /// The requests of a connection together bring so many bytes of bodies, then both connections are reset.
    CutConnection {
        after: u64,
    },
    /// So many bytes of the request's body arrive; the rest only after [`ChaosProxy::release`].
    HoldRequest {
        after: u64,
    },
    /// Nothing of the request arrives before [`ChaosProxy::release`].
    HoldHead,
    /// The request never reaches the backend and is never answered.
    BlackHole,
    /// Of the answer, head included, so many bytes arrive, then the connection is reset.
    CutAnswer {
        after: usize,
    },
    /// The answer arrives only after [`ChaosProxy::release`].
    HoldAnswer,
    DelayAnswer(Duration),
    /// Something that is not HTTP arrives instead of the answer.
    Rubbish,
    /// Of the answer's body so many bytes arrive, then the connection is closed in good order.
    CutContent {
        after: u64,
    },
    /// The same, and the connection is reset.
    ResetContent {
        after: u64,
    },
}

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub connections: u64,
    /// Requests that brought bytes of an upload.
    pub chunks: u64,
    /// Requests that change something, heartbeats aside, which the backend has answered.
    pub changes: u64,
    /// Bytes of request bodies that were passed on.
    pub bytes_in: u64,
    /// Those of requests that were not answered with success: whoever sent them had to send them again, or gave up.
    pub bytes_in_vain: u64,
    /// Bytes of answers' bodies that were passed on.
    pub bytes_out: u64,
    /// Requests that were held.
    pub held: u64,
    /// Faults that have taken effect (a hold: that it holds) since the last one was injected.
    pub faults: u64,
}

pub struct ChaosProxy {
    pub url: Url,
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Keeps the address the proxy's own while nobody listens there.
    _reserved: OwnedFd,
}

struct Shared {
    upstream: Mutex<Url>,
    state: Watched<State>,
}

#[derive(Default)]
struct State {
    counts: Counts,
    rules: Vec<Rule>,
    refusing: bool,
    released: bool,
    ended: bool,
    acceptor: Option<JoinHandle<()>>,
    open: HashMap<u64, [TcpStream; 2]>,
}

struct Rule {
    applies: fn(&Head) -> bool,
    fault: Fault,
    times: u32,
}

/// The request brings bytes of an upload.
pub fn chunks(head: &Head) -> bool {
    let brings_bytes = head.field("content-length").is_none_or(|length| length != "0");
    matches!(head.method(), "PATCH" | "POST" | "PUT")
        && brings_bytes
        && !head.target().starts_with("/internal/")
}

fn changes(head: &Head) -> bool {
    !matches!(head.method(), "GET" | "HEAD" | "OPTIONS") && !head.target().starts_with("/internal/heartbeat")
}

/// The request asks for the bytes of an upload.
pub fn contents(head: &Head) -> bool {
    head.method() == "GET" && (head.target().contains("/content") || head.target().starts_with("/files/"))
}

/// The request asks for a record without its segments, as a relay does.
pub fn stats(head: &Head) -> bool {
    head.method() == "GET" && head.target().ends_with("segments=false")
}

/// The request takes an epoch.
pub fn claims(head: &Head) -> bool {
    head.field("x-upload-claim").is_some()
}

/// The request removes an upload.
pub fn removals(head: &Head) -> bool {
    head.method() == "DELETE"
}

/// For ever, as far as a test is concerned.
pub const ALWAYS: u32 = u32::MAX;

impl ChaosProxy {
    pub fn before(upstream: Url) -> Self {
        let (reserved, address) = reserve();
        let shared = Arc::new(Shared { upstream: Mutex::new(upstream), state: Watched::default() });
        let url = Url(format!("http://{address}"));
        let proxy = Self { url, address, shared, _reserved: reserved };
        proxy.accept(TcpListener::bind(address).unwrap());
        proxy
    }

    /// New connections go to another process from now on: the one that took the place of the first.
    pub fn point_at(&self, upstream: Url) {
        *self.shared.upstream.lock().unwrap_or_else(PoisonError::into_inner) = upstream;
    }

    /// From now on `fault` hits the next `times` requests that `applies` to.
    pub fn inject(&self, times: u32, applies: fn(&Head) -> bool, fault: Fault) {
        self.shared.state.change(|state| {
            state.released = false;
            state.counts.faults = 0;
            state.rules.push(Rule { applies, fault, times });
        });
    }

    /// No new faults; those that hold go on.
    pub fn release(&self) {
        self.shared.state.change(|state| {
            state.rules.clear();
            state.released = true;
        });
    }

    /// Resets all connections and refuses new ones, as a machine without the process does.
    pub fn refuse(&self) {
        self.refuse_new();
        self.reset();
    }

    /// Refuses new connections; what a process that has ended in good order has sent goes on to its client.
    pub fn refuse_new(&self) {
        self.shared.state.change(|state| state.refusing = true);
        self.stop_accepting();
    }

    /// Resets all connections there are now; new ones are welcome.
    pub fn reset(&self) {
        self.shared.state.change(State::reset_all);
    }

    /// Accepts connections again, at the same address.
    pub fn accept_again(&self) {
        self.shared.state.change(|state| state.refusing = false);
        self.accept(until("the proxy's address is free", || TcpListener::bind(self.address).ok()));
    }

    pub fn counts(&self) -> Counts {
        self.shared.state.read(|state| state.counts)
    }

    pub fn wait_until(&self, what: &str, reached: impl Fn(&Counts) -> bool) {
        self.shared.state.wait_until(what, |state| reached(&state.counts));
    }

    fn accept(&self, listener: TcpListener) {
        let shared = self.shared.clone();
        let acceptor = thread::spawn(move || {
            for (id, client) in
                (shared.state.read(|state| state.counts.connections)..).zip(listener.incoming())
            {
                if shared.state.read(|state| state.ended || state.refusing) {
                    return;
                }
                shared.state.change(|state| state.counts.connections += 1);
                let shared = shared.clone();
                thread::spawn(move || shared.serve(id, client));
            }
        });
        self.shared.state.change(|state| state.acceptor = Some(acceptor));
    }

    /// Wakes the thread that accepts, which sees why and drops its listener.
    fn stop_accepting(&self) {
        if let Some(acceptor) = self.shared.state.change(|state| state.acceptor.take()) {
            drop(TcpStream::connect(self.address));
            drop(acceptor.join());
        }
    }
}

/// A free address that the system gives to nobody else as long as this socket lives, though it does not listen there.
pub(super) fn reserve() -> (OwnedFd, SocketAddr) {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap();
    // A listener may share the address with a socket that does not listen, if both say that they would share.
    sockopt::set_socket_reuseaddr(&socket, true).unwrap();
    bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = getsockname(&socket).unwrap().try_into().unwrap();
    (socket, address)
}

impl Drop for ChaosProxy {
    fn drop(&mut self) {
        self.shared.state.change(|state| {
            state.ended = true;
            state.reset_all();
        });
        self.stop_accepting();
    }
}

impl State {
    fn reset_all(&mut self) {
        for stream in self.open.values().flatten() {
            reset_on_close(stream);
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}
