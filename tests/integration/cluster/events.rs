//! What happens anywhere is told everywhere, as it happens, whoever dies meanwhile.

use crate::support::api::{number, put, text};
use crate::support::cluster::{Cluster, Store};
use crate::support::content::Content;
use crate::support::listener::{Event, Listener};
use crate::support::nginx::Nginx;
use crate::support::process::Process;
use serde_json::Value;
use std::time::{Duration, Instant};

const CONTENT: Content = Content::new(1, 1000);
/// How far what is shown may lag behind what is.
const SOON: Duration = Duration::from_secs(2);

#[test]
fn what_one_frontend_does_a_listener_at_another_hears() {
    let cluster = Cluster::start(Store::Postgres, 2, 2);
    let listener = Listener::on(cluster.at(0));
    let record = put(cluster.at(1), "a", CONTENT);
    let id = text(&record, "id");
    listener.hears_of(id);
    cluster.at(1).request("DELETE", &format!("/api/uploads/{id}")).send().expect(204);
    listener.hears_of_the_end_of(id);
}

#[test]
fn who_comes_back_to_another_frontend_hears_what_has_happened_between() {
    let mut cluster = Cluster::start(Store::Postgres, 2, 2);
    let removed = put(cluster.at(0), "removed", CONTENT);
    let removed = text(&removed, "id");
    let listener = Listener::on(cluster.at(0));
    let before = put(cluster.at(0), "before", CONTENT);
    listener.hears_of(text(&before, "id"));
    let known = listener.last_id();
    cluster.frontends[0].kill();
    listener.wait_until_ended();

    let between = put(cluster.at(1), "between", CONTENT);
    cluster.at(1).request("DELETE", &format!("/api/uploads/{removed}")).send().expect(204);
    let listener = Listener::after(cluster.at(1), &known);
    let first = listener
        .wait_for("what it has missed", |event| (event.name == "uploads").then(|| event.data.clone()));
    let list = |name: &str| first[name].as_array().unwrap().iter();
    assert!(list("completed").any(|record| record["id"] == between["id"]), "first of all: {first}");
    assert!(list("removed").any(|id| id == removed), "first of all: {first}");
    let after = put(cluster.at(1), "after", CONTENT);
    listener.hears_of(text(&after, "id"));
}

#[test]
fn a_stream_goes_on_when_a_backend_is_killed() {
    let mut cluster = Cluster::start(Store::Postgres, 2, 1);
    let listener = Listener::on(cluster.at(0));
    let killed = cluster.id_of(0);
    cluster.backends[0].kill();
    listener.wait_for("it is no longer listed", |event| (!is_listed(event, &killed)?).then_some(()));
    listener.hears_of(text(&put(cluster.at(0), "a", CONTENT), "id"));
}

/// With the project's own configuration; taken up again at whichever frontend comes next.
#[test]
fn a_stream_through_nginx_is_not_held_up() {
    let cluster = Cluster::start(Store::Postgres, 2, 2);
    let nginx = Nginx::before(&cluster.frontends);
    let listener = Listener::on(&nginx.url);
    listener.hears_of(text(&put(&nginx.url, "a", CONTENT), "id"));
    let again = Listener::after(&nginx.url, &listener.last_id());
    again.hears_of(text(&put(&nginx.url, "b", CONTENT), "id"));
}

/// Of this replica, in an event about replicas.
fn report<'a>(event: &'a Event, id: &str) -> Option<&'a Value> {
    let replicas = event.data["replicas"].as_array().filter(|_| event.name == "replicas")?;
    replicas.iter().find(|replica| replica["container_id"] == id)
}

/// `None` in other events.
fn is_listed(event: &Event, id: &str) -> Option<bool> {
    (event.name == "replicas").then(|| report(event, id).is_some())
}

fn id_of(process: &Process) -> String {
    let info = process.url.get("/frontend-info/").send();
    let (info, field) = match info.status {
        200 => (info, "frontend_container_id"),
        _ => (process.url.get("/api/backend-info/").send(), "backend_container_id"),
    };
    text(&info.expect(200).json(), field).to_owned()
}

/// Since `act`, which has happened by then, no more time has gone by than may until it is shown.
#[track_caller]
fn assert_soon(what: &str, act: Instant, shown: Instant) {
    let took = shown.saturating_duration_since(act);
    assert!(took <= SOON, "{what} was shown after {took:?}");
}

/// This one measures time, since a time is what it is about. Each act is over when its clock starts, as far as the test can
/// see: a replica has said that it is ready, the signal is sent, the process is gone.
#[test]
fn a_replica_that_joins_drains_leaves_or_dies_is_shown_within_two_seconds() {
    let cluster = Cluster::start(Store::Postgres, 2, 2);
    let listener = Listener::on(cluster.at(0));
    let starts: [fn(&Cluster) -> Process; 2] =
        [|cluster| cluster.start_backend(9), |cluster| cluster.start_frontend(9)];
    for start in starts {
        for dies in [false, true] {
            let mut process = start(&cluster);
            process.wait_until_ready();
            let ready = Instant::now();
            let (name, id) = (process.name().to_owned(), id_of(&process));
            let shown = listener.wait_for(format!("{name} is ready"), |event| {
                (report(event, &id)?["state"] == "ready").then_some(event.at)
            });
            assert_soon(&format!("that {name} is ready"), ready, shown);
            match dies {
                true => shows_its_death(&listener, &mut process, &id),
                false => shows_its_end(&listener, &mut process, &id),
            }
        }
    }
}

fn shows_its_end(listener: &Listener, process: &mut Process, id: &str) {
    let name = process.name().to_owned();
    let told = Instant::now();
    process.terminate();
    let shown = listener.wait_for(format!("{name} drains"), |event| {
        (report(event, id)?["state"] == "draining").then_some(event.at)
    });
    let count = listener.count();
    assert_soon(&format!("that {name} drains"), told, shown);
    assert_eq!(process.wait_for_exit().code(), Some(0));
    let ended = Instant::now();
    let shown = listener.wait_from(count, format!("{name} is no longer listed"), |event| {
        (!is_listed(event, id)?).then_some(event.at)
    });
    assert_soon(&format!("that {name} has left"), ended, shown);
    let silences = listener.heard(|event| (report(event, id)?["silent"] == true).then_some(event.at));
    assert!(silences.is_empty(), "who drains goes on saying so to its end");
}

fn shows_its_death(listener: &Listener, process: &mut Process, id: &str) {
    let name = process.name().to_owned();
    let killed = Instant::now();
    process.kill();
    let count = listener.count();
    let shown = listener.wait_for(format!("{name} is silent"), |event| {
        (report(event, id)?["silent"] == true).then_some(event.at)
    });
    assert_soon(&format!("that {name} is silent"), killed, shown);
    listener.wait_from(count, format!("{name} is no longer listed"), |event| {
        (!is_listed(event, id)?).then_some(())
    });
}

#[test]
fn a_frontend_told_to_end_ends_its_streams_and_is_not_held_up_by_them() {
    let mut cluster = Cluster::start(Store::Postgres, 2, 1);
    let listener = Listener::on(cluster.at(0));
    let frontend = &mut cluster.frontends[0];
    frontend.terminate();
    listener.wait_until_ended();
    assert_eq!(frontend.wait_for_exit().code(), Some(0));
    assert_eq!(frontend.logged("cut off"), [""; 0], "it waited for them to the end of its grace");
}

#[test]
fn which_frontend_asks_which_backend_is_told() {
    let cluster = Cluster::start(Store::Postgres, 2, 1);
    let listener = Listener::on(cluster.at(0));
    let frontend = id_of(&cluster.frontends[0]);
    let backends = [cluster.id_of(0), cluster.id_of(1)];
    let counted = |report: &Value| {
        let asked = report["backends"].as_array().unwrap();
        backends.each_ref().map(|id| {
            let one = asked.iter().find(|asked| asked["container_id"] == id.as_str());
            one.map_or(0, |one| number(one, "requests"))
        })
    };
    let after = |requests: u64| {
        listener.wait_for(format!("{requests} requests are counted"), |event| {
            let counts = counted(report(event, &frontend)?);
            (counts.iter().sum::<u64>() == requests).then_some(counts)
        })
    };
    // Who it is was asked of it before, and nothing else counts.
    let before = after(1);
    for _ in 0..10 {
        cluster.at(0).get("/frontend-info/").send().expect(200);
    }
    assert_eq!(after(11), before.map(|count| count + 5));
    for backend in &backends {
        listener.wait_for("their rate is told", |event| {
            let links = event.data["links"].as_array().filter(|_| event.name == "traffic")?;
            let mut of_both = links
                .iter()
                .filter(|link| link["frontend"] == frontend.as_str() && link["backend"] == backend.as_str());
            of_both.any(|link| link["requests_per_second"].as_f64() > Some(0.0)).then_some(())
        });
    }
}
