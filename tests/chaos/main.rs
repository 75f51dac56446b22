//! Everything at once: clients of every kind while processes are killed, stopped and told to end, the network fails and
//! PostgreSQL goes away. In the end every acknowledged byte must be there. See `scripts/chaos.sh --help`.
//!
//! The seed chooses the contents, what each client does in turn, and in which order each part of the service is harmed and
//! for how long. When a thread gets its turn, how long a process takes to start, which frontend is open at a moment and how
//! the program itself draws lots is not chosen by it: a seed repeats the attack, not each interleaving.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test exports nothing and may panic"
)]

mod audit;
mod clients;
mod clock;
mod faults;
mod ledger;
mod metrics;
mod options;
mod report;
mod site;
#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod support;
mod tally;
mod troubles;

use clock::Clock;
use ledger::Ledger;
use options::{Asked, Options, USAGE};
use report::Report;
use site::Site;
use std::fmt::Arguments;
use std::fs::File;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;
use std::time::SystemTime;
use tally::{Goal, Tally};

/// What all threads share.
pub struct Run {
    seed: u64,
    site: Site,
    clock: Clock,
    tally: Tally,
    ledger: Ledger,
    /// Held while a frontend is harmed.
    one_frontend: Mutex<()>,
    events: Mutex<File>,
}

fn main() -> ExitCode {
    match Asked::read(std::env::args().skip(1)) {
        Ok(Asked::Run(options)) => run(options),
        Ok(Asked::Help) => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(Asked::AnotherTest) => ExitCode::SUCCESS,
        Err(wrong) => {
            eprintln!("{wrong}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn run(options: Options) -> ExitCode {
    let again = options.again();
    println!("chaos: {again}");
    let mut logs = tempfile::Builder::new().prefix("swarm-upload-chaos-").tempdir().unwrap();
    let judged = catch_unwind(AssertUnwindSafe(|| attack(&options, logs.path())));
    let (passed, failed) = judged.as_ref().map_or((0, 1), Report::counts);
    if failed > 0 {
        logs.disable_cleanup(true);
        println!("chaos: FAILED; the logs are in {}; again: {again}", logs.path().display());
    } else {
        println!("chaos: every goal was met");
    }
    println!("{passed} passed, {failed} failed");
    ExitCode::from(u8::from(failed > 0))
}

fn attack(options: &Options, logs: &Path) -> Report {
    let run = Run {
        seed: options.seed,
        site: Site::start(options.store, logs),
        clock: Clock::start(),
        tally: Tally::default(),
        ledger: Ledger::default(),
        one_frontend: Mutex::new(()),
        events: Mutex::new(File::create(logs.join("events.log")).unwrap()),
    };
    let report = thread::scope(|scope| {
        let _over = run.clock.until_over();
        faults::begin(scope, &run);
        thread::scope(|clients| {
            clients::begin(clients, &run);
            run.clock.pause(options.time);
            run.clock.end_faults();
            run.note(format_args!("no more faults"));
        });
        run.note(format_args!("all clients have ended"));
        run.site.members().for_each(site::Member::wait_until_ready);
        audit::audit(&run, logs);
        Report::new(&run)
    });
    report.print();
    report
}

impl Run {
    /// Random numbers for one purpose, out of the seed.
    fn rng(&self, purpose: &str) -> fastrand::Rng {
        let mix = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        fastrand::Rng::with_seed(purpose.bytes().fold(self.seed ^ 0xcbf2_9ce4_8422_2325, mix))
    }

    /// Something is about to be harmed.
    fn fault(&self, what: Arguments<'_>, kind: &'static str) {
        self.tally.fault(kind);
        self.note(what);
    }

    /// Nobody has told it to end since it was started: that it did so by itself would be hidden by the next start.
    fn expect_alive(&self, member: &site::Member) {
        if let Some(status) = member.ended() {
            let what = format!("{} has ended by itself: {status}", member.name);
            self.note(format_args!("VIOLATED {what}"));
            self.tally.violated(Goal::NoError, what);
        }
    }

    /// Leaves a line that can be compared with the logs of the replicas.
    fn note(&self, what: Arguments<'_>) {
        let now = humantime::format_rfc3339_millis(SystemTime::now());
        let since = self.clock.begun.elapsed().as_secs_f64();
        writeln!(self.events.lock().unwrap(), "[{now}] {since:8.3} {what}").unwrap();
    }
}
