//! What is done to the service. Each backend, each frontend, the network and PostgreSQL have a thread of their own, whose
//! deeds and pauses come from the seed. A thread lives to the end of the run, since the processes it starts end with it.

use crate::Run;
use crate::metrics;
use crate::site::{FRONTENDS, Member};
use crate::support::chaos::{Fault, chunks, contents};
use crate::support::wire::Head;
use crate::tally::Goal;
use crate::troubles::Trouble;
use fastrand::Rng;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

const GRACE: Duration = Duration::from_secs(30);
/// A replica that was told to end accepts for five seconds more. Within this part of it clients are sent elsewhere.
const SEEN_WITHIN: u64 = 2500;
/// How much longer than its grace a replica may take to be gone, on a busy machine.
const LATE: Duration = Duration::from_secs(5);

pub fn begin<'scope>(scope: &'scope Scope<'scope, '_>, run: &'scope Run) {
    let only_one = &run.one_frontend;
    for number in 0..run.site.backends.len() {
        lane(scope, run, &format!("backend {number}"), move |rng| backend(run, number, rng));
    }
    for number in 0..FRONTENDS {
        lane(scope, run, &format!("frontend {number}"), move |rng| frontend(run, number, only_one, rng));
    }
    lane(scope, run, "network", move |rng| network(run, rng));
    lane(scope, run, "PostgreSQL", move |rng| postgres(run, rng));
}

/// Repeats `fault`, which leaves everything mended.
fn lane<'scope>(
    scope: &'scope Scope<'scope, '_>,
    run: &'scope Run,
    name: &str,
    mut fault: impl FnMut(&mut Rng) + Send + 'scope,
) {
    let mut rng = run.rng(name);
    let (shortest, longest) = match name {
        "network" => (200, 2000),
        "PostgreSQL" => (4000, 12000),
        _ => (1000, 6000),
    };
    scope.spawn(move || {
        while run.clock.pause(millis(&mut rng, shortest, longest)) {
            fault(&mut rng);
        }
        run.site.members().for_each(|member| member.proxy.release());
        run.clock.wait_until_over();
    });
}

fn backend(run: &Run, number: usize, rng: &mut Rng) {
    let backend = &run.site.backends[number];
    match rng.u32(0..10) {
        0..5 => {
            run.fault(format_args!("{} is killed", backend.name), "backend killed");
            run.expect_alive(backend);
            backend.kill();
            run.clock.pause(millis(rng, 100, 3000));
            backend.start_again();
        }
        5..8 => {
            run.fault(format_args!("{} stands still", backend.name), "backend stopped");
            backend.stop();
            run.clock.pause(millis(rng, 200, 12000));
            backend.resume();
        }
        _ => {
            run.fault(format_args!("{} is told to end", backend.name), "backend terminated");
            let told = Instant::now();
            run.expect_alive(backend);
            backend.terminate();
            wait_for_end(run, backend, told, || {});
            run.clock.pause(millis(rng, 0, 1000));
            backend.start_again();
        }
    }
    backend.wait_until_ready();
}

fn frontend(run: &Run, number: usize, only_one: &Mutex<()>, rng: &mut Rng) {
    // What becomes of clients when there is no frontend at all is no question.
    let _turn = only_one.lock().unwrap_or_else(PoisonError::into_inner);
    if !run.clock.faults_go_on() {
        return;
    }
    let (frontend, troubles) = (&run.site.frontends[number], &run.site.troubles);
    match rng.u32(0..10) {
        0..4 => {
            run.fault(format_args!("{} is killed", frontend.name), "frontend killed");
            run.site.replays.keep(frontend);
            let killed = troubles.begin(number, Trouble::Killed);
            frontend.close();
            run.expect_alive(frontend);
            frontend.kill();
            run.clock.pause(millis(rng, 100, 3000));
            frontend.start_again();
            troubles.end(killed);
        }
        4..7 => {
            run.fault(format_args!("{} stands still", frontend.name), "frontend stopped");
            frontend.stop();
            run.clock.pause(millis(rng, 200, 8000));
            frontend.resume();
        }
        _ => {
            run.fault(format_args!("{} is told to end", frontend.name), "frontend terminated");
            let draining = troubles.begin(number, Trouble::Draining);
            let told = Instant::now();
            run.expect_alive(frontend);
            frontend.terminate();
            thread::sleep(millis(rng, 0, SEEN_WITHIN));
            frontend.close();
            let (mut counted, mut over) = (None, None);
            wait_for_end(run, frontend, told, || {
                counted = metrics::read(&frontend.url()).or(counted);
                if told.elapsed() > GRACE.mul_f64(0.98) {
                    over.get_or_insert_with(|| troubles.begin(number, Trouble::GraceOver));
                }
            });
            run.site.replays.add(counted);
            frontend.start_again();
            over.into_iter().chain([draining]).for_each(|entry| troubles.end(entry));
        }
    }
    frontend.wait_until_ready();
}

/// Waits until a replica that was told to end has done so, in good order and within its grace.
fn wait_for_end(run: &Run, member: &Member, told: Instant, mut meanwhile: impl FnMut()) {
    let status = loop {
        meanwhile();
        match member.ended() {
            Some(status) => break status,
            None => thread::sleep(Duration::from_millis(50)),
        }
        if told.elapsed() > GRACE + LATE {
            run.tally.violated(
                Goal::GoodOrder,
                format!("{} has not ended {:?} after it was told to", member.name, GRACE + LATE),
            );
            member.kill();
            return;
        }
    };
    member.proxy.refuse_new();
    run.note(format_args!("{} has ended after {:?}: {status}", member.name, told.elapsed()));
    if !status.success() {
        run.tally
            .violated(Goal::GoodOrder, format!("{} was told to end and did so with {status}", member.name));
    }
}

fn network(run: &Run, rng: &mut Rng) {
    if rng.u32(0..8) == 0 {
        return edge(run, rng);
    }
    let backend = &run.site.backends[rng.usize(0..run.site.backends.len())];
    let times = rng.u32(1..4);
    let (name, applies, fault): (_, fn(&Head) -> bool, _) = match rng.u32(0..8) {
        0 => {
            run.fault(
                format_args!("connections to {} are reset", backend.name),
                "connections to a backend reset",
            );
            return backend.proxy.reset();
        }
        1 => ("chunk cut", chunks, Fault::CutRequest { after: rng.u64(0..1 << 20) }),
        2 => ("answer cut", any, Fault::CutAnswer { after: rng.usize(0..300) }),
        3 => ("answer to a chunk cut", chunks, Fault::CutAnswer { after: rng.usize(0..300) }),
        4 => ("chunk swallowed", chunks, Fault::BlackHole),
        5 => ("content cut", contents, Fault::CutContent { after: rng.u64(0..1 << 20) }),
        6 => ("answer delayed", any, Fault::DelayAnswer(millis(rng, 50, 3000))),
        _ => ("rubbish answered", any, Fault::Rubbish),
    };
    run.fault(format_args!("{name} at {}, {times} times: {fault:?}", backend.name), name);
    backend.proxy.inject(times, applies, fault);
}

/// Between clients and frontends.
fn edge(run: &Run, rng: &mut Rng) {
    let number = rng.usize(0..FRONTENDS);
    let frontend = &run.site.frontends[number];
    if rng.bool() {
        let fault = Fault::DelayAnswer(millis(rng, 50, 3000));
        run.fault(
            format_args!("an answer of {} is late: {fault:?}", frontend.name),
            "answer to a client delayed",
        );
        return frontend.proxy.inject(1, any, fault);
    }
    run.fault(format_args!("clients of {} are cut off", frontend.name), "connections of clients reset");
    let reset = run.site.troubles.begin(number, Trouble::Reset);
    frontend.proxy.reset();
    run.site.troubles.end(reset);
}

fn any(head: &Head) -> bool {
    !head.target().starts_with("/internal/") && !head.target().starts_with("/readyz")
}

fn postgres(run: &Run, rng: &mut Rng) {
    let away = millis(rng, 300, 6000);
    match rng.u32(0..3) {
        0 => {
            run.fault(format_args!("PostgreSQL is stopped for {away:?}"), "PostgreSQL stopped");
            run.site.postgres().stop();
            run.clock.pause(away);
            run.site.postgres().start_again();
        }
        1 => {
            run.fault(format_args!("PostgreSQL is killed for {away:?}"), "PostgreSQL killed");
            run.site.postgres().kill();
            run.clock.pause(away);
            run.site.postgres().start_again();
        }
        _ => {
            run.fault(format_args!("PostgreSQL is frozen for {away:?}"), "PostgreSQL frozen");
            run.site.postgres().freeze();
            run.clock.pause(away);
            run.site.postgres().thaw();
        }
    }
    run.note(format_args!("PostgreSQL runs again"));
}

fn millis(rng: &mut Rng, shortest: u64, longest: u64) -> Duration {
    Duration::from_millis(rng.u64(shortest..=longest))
}
