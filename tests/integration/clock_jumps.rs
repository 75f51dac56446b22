//! The clock is set back by an hour, and forward, while uploads go on: the real program with libfaketime before it.

mod postgres;
mod standalone;

use crate::support::api::{Tus, assert_stored, put, record, text};
use crate::support::client::Url;
use crate::support::clock::Clock;
use crate::support::content::Content;
use crate::support::process::{Process, program};
use crate::support::wait::until;
use serde_json::Value;
use std::time::{Duration, SystemTime};

const HOUR: i64 = 3600;

fn start(clock: &Clock, name: &str, arguments: &[&str]) -> Process {
    let mut command = program();
    command.envs(clock.environment());
    Process::launch_as(name, command, arguments).greeted()
}

/// Sets the clock back by an hour, forward, and right again, each time in the middle of a request that appends; `jump` returns
/// once everybody has the new time.
fn upload_across_jumps(at: &Url, replicas: usize, jump: impl Fn(i64)) {
    let waiting = Content::new(1, 3_000_000);
    let idle = Tus::create(at, waiting.length);
    idle.append(at, waiting, 0..1_000_000).unwrap().expect(204);
    let deleted = text(&put(at, "deleted", Content::new(2, 100)), "id").to_owned();
    at.request("DELETE", &format!("/api/uploads/{deleted}")).send().expect(204);
    let mut made = vec![idle.id().to_owned()];
    for (number, wrong_by) in [-HOUR, HOUR, -HOUR, 0].into_iter().enumerate() {
        let content = Content::new(10 + number as u64, 9_000_000);
        let upload = Tus::create(at, content.length);
        let mut sending = upload.begin(at, 0, content.length);
        sending.write(&content.bytes(0..4_000_000)).unwrap();
        jump(wrong_by);
        sending.write(&content.bytes(4_000_000..content.length)).unwrap();
        sending.answer().unwrap().expect(204);
        assert_stored(at, upload.id(), content);
        let content = Content::new(20 + number as u64, 2_000_000);
        let id = text(&put(at, "put", content), "id").to_owned();
        assert_stored(at, &id, content);
        made.extend([upload.id().to_owned(), id]);

        assert_eq!(idle.offset(at), 1_000_000, "nothing has expired");
        at.get(&format!("/api/uploads/{deleted}")).send().expect(410);
        until("all replicas are listed, and ready", || {
            let listed = listed_replicas(at);
            let ready = listed.iter().filter(|replica| replica["state"] == "ready").count();
            (ready == replicas && listed.len() == replicas).then_some(())
        });
        at.get("/readyz").send().expect(200);
    }
    idle.finish(at, waiting);
    assert_stored(at, idle.id(), waiting);
    for id in &made {
        let record = record(at, id);
        assert!(text(&record, "completed_at") >= text(&record, "created_at"), "{record}");
    }
    made.reverse();
    assert_eq!(listed_in_pages(at), made, "newest first, each once");
}

fn listed_replicas(at: &Url) -> Vec<Value> {
    let answer = at.get("/api/replicas").send().expect(200).json();
    answer["replicas"].as_array().unwrap().clone()
}

fn listed_in_pages(at: &Url) -> Vec<String> {
    let (mut ids, mut path) = (Vec::new(), "/api/uploads?limit=2".to_owned());
    loop {
        let page = at.get(&path).send().expect(200).json();
        ids.extend(page["uploads"].as_array().unwrap().iter().map(|upload| text(upload, "id").to_owned()));
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/uploads?limit=2&cursor={cursor}"),
            None => return ids,
        }
    }
}

/// Waits until the replica's clock is wrong by so many seconds, which its answers say.
fn wait_until_wrong_by(seconds: i64, at: &Url) {
    until(format!("the clock is wrong by {seconds} s"), || {
        let date = at.get("/healthz").send().field("Date").to_owned();
        let said = seconds_of(httpdate::parse_http_date(&date).unwrap());
        let wrong_by = said - seconds_of(SystemTime::now());
        (wrong_by - seconds).abs().le(&30).then_some(())
    });
}

fn seconds_of(time: SystemTime) -> i64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs() as i64
}
