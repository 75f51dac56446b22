use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::{broadcast, watch};

/// How many events about uploads a listener may lag behind. With more it has to fetch the list anew.
const KEPT: usize = 16;

/// What the hub publishes and listeners hear, shared by all workers: events as text, made once for all. What it holds does not
/// grow with listeners, nor with one that does not read.
#[derive(Clone)]
pub struct Events(Arc<Channels>);

struct Channels {
    listeners: watch::Sender<usize>,
    uploads: broadcast::Sender<Bytes>,
    /// Of these two only the latest counts. None while nobody listens.
    replicas: watch::Sender<Option<Bytes>>,
    traffic: watch::Sender<Option<Bytes>>,
}

/// One listener.
pub(super) struct Subscription {
    pub(super) uploads: broadcast::Receiver<Bytes>,
    pub(super) replicas: watch::Receiver<Option<Bytes>>,
    pub(super) traffic: watch::Receiver<Option<Bytes>>,
    pub(super) presence: Presence,
}

/// As long as it is there, somebody listens.
pub(super) struct Presence(Events);

impl Default for Events {
    fn default() -> Self {
        Self(Arc::new(Channels {
            listeners: watch::Sender::new(0),
            uploads: broadcast::Sender::new(KEPT),
            replicas: watch::Sender::default(),
            traffic: watch::Sender::default(),
        }))
    }
}

impl Events {
    pub(super) fn subscribe(&self) -> Subscription {
        let Channels { uploads, replicas, traffic, listeners } = &*self.0;
        listeners.send_modify(|count| *count += 1);
        Subscription {
            uploads: uploads.subscribe(),
            replicas: replicas.subscribe(),
            traffic: traffic.subscribe(),
            presence: Presence(self.clone()),
        }
    }

    /// Returns while anybody listens.
    pub(super) async fn somebody(&self) {
        // The sender is this one's own.
        drop(self.0.listeners.subscribe().wait_for(|count| *count > 0).await);
    }

    /// Returns while nobody listens.
    pub(super) async fn nobody(&self) {
        drop(self.0.listeners.subscribe().wait_for(|count| *count == 0).await);
    }

    pub(in crate::http) fn uploads(&self, event: String) {
        // An error says that nobody listens any more.
        drop(self.0.uploads.send(event.into()));
    }

    pub(super) fn replicas(&self, event: Option<String>) {
        self.0.replicas.send_replace(event.map(Bytes::from));
    }

    pub(super) fn traffic(&self, event: Option<String>) {
        self.0.traffic.send_replace(event.map(Bytes::from));
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.0.0.listeners.send_modify(|count| *count -= 1);
    }
}
