//! A client of `/api/events`.

use super::client::Url;
use super::wait::Watched;
use serde_json::Value;
use std::fmt::Display;
use std::io::{BufRead, BufReader};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

/// Hears everything that is told, and when. Goes away when it is dropped.
pub struct Listener {
    connection: TcpStream,
    heard: Arc<Watched<Heard>>,
}

#[derive(Default)]
struct Heard {
    events: Vec<Event>,
    ended: bool,
}

#[derive(Clone, Debug)]
pub struct Event {
    pub name: String,
    /// Empty if it has none.
    pub id: String,
    pub data: Value,
    /// When it came.
    pub at: Instant,
}

impl Listener {
    /// A new one, that has heard from when on it misses nothing.
    pub fn on(at: &Url) -> Self {
        Self::begin(at, None)
    }

    /// One that was cut off after the event of this id.
    pub fn after(at: &Url, last_id: &str) -> Self {
        Self::begin(at, Some(last_id))
    }

    fn begin(at: &Url, last_id: Option<&str>) -> Self {
        let request = at.get("/api/events");
        let request = last_id.into_iter().fold(request, |request, id| request.header("Last-Event-ID", id));
        let exchange = request.begin().unwrap();
        let connection = exchange.stream.try_clone().unwrap();
        let (head, body) = exchange.open().unwrap();
        assert_eq!(head.status().unwrap(), 200, "{head:?}");
        let heard = Arc::new(Watched::default());
        let listener = Self { connection, heard: heard.clone() };
        thread::spawn(move || {
            hear(BufReader::new(body), &heard);
            heard.change(|heard| heard.ended = true);
        });
        listener.wait_for("the first event of uploads", |event| (!event.id.is_empty()).then_some(()));
        listener
    }

    /// Waits for an event, or finds it among those that came before.
    pub fn wait_for<T>(&self, what: impl Display, find: impl Fn(&Event) -> Option<T>) -> T {
        self.wait_from(0, what, find)
    }

    /// How many events came so far.
    pub fn count(&self) -> usize {
        self.heard.read(|heard| heard.events.len())
    }

    /// As [`Listener::wait_for`], of all but the first `count`.
    pub fn wait_from<T>(&self, count: usize, what: impl Display, find: impl Fn(&Event) -> Option<T>) -> T {
        let found = |heard: &Heard| heard.events[count..].iter().find_map(&find);
        self.heard.wait_until(&what, |heard| heard.ended || found(heard).is_some());
        self.heard.read(found).unwrap_or_else(|| panic!("the stream has ended before: {what}"))
    }

    /// What `find` finds in those that came so far.
    pub fn heard<T>(&self, find: impl Fn(&Event) -> Option<T>) -> Vec<T> {
        self.heard.read(|heard| heard.events.iter().filter_map(&find).collect())
    }

    /// The id of the last event that had one.
    pub fn last_id(&self) -> String {
        let last = |heard: &Heard| heard.events.iter().rev().find(|event| !event.id.is_empty()).cloned();
        self.heard.read(last).unwrap().id
    }

    pub fn wait_until_ended(&self) {
        self.heard.wait_until("the stream has ended", |heard| heard.ended);
    }

    /// Waits until it is told that this upload is complete.
    pub fn hears_of(&self, id: &str) {
        self.wait_for(format!("{id} is complete"), |event| {
            let completed = event.data["completed"].as_array().filter(|_| event.name == "uploads")?;
            completed.iter().any(|record| record["id"] == id).then_some(())
        });
    }

    /// Waits until it is told that this upload is no more.
    pub fn hears_of_the_end_of(&self, id: &str) {
        self.wait_for(format!("{id} is removed"), |event| {
            let removed = event.data["removed"].as_array().filter(|_| event.name == "uploads")?;
            removed.iter().any(|removed| removed == id).then_some(())
        });
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // The other side may have ended it before.
        drop(self.connection.shutdown(Shutdown::Both));
    }
}

/// Until the stream ends, or is broken.
fn hear(stream: impl BufRead, heard: &Watched<Heard>) {
    let (mut name, mut id, mut data) = (String::new(), String::new(), String::new());
    for line in stream.lines().map_while(Result::ok) {
        match line.split_once(": ") {
            Some(("event", value)) => name = value.to_owned(),
            Some(("id", value)) => id = value.to_owned(),
            Some(("data", value)) => data = value.to_owned(),
            Some(("retry" | "", _)) => {}
            None if line.is_empty() && name.is_empty() => {}
            None if line.is_empty() => {
                let parsed = serde_json::from_str(&data).unwrap_or_else(|error| panic!("{error}: {data:?}"));
                let [name, id] = [&mut name, &mut id].map(std::mem::take);
                let event = Event { name, id, data: parsed, at: Instant::now() };
                heard.change(|heard| heard.events.push(event));
            }
            _ => panic!("not a line of an event: {line:?}"),
        }
    }
}
