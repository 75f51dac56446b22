//! Random requests against a model of what an upload is: in turn and at once, stopped at any point, dropped there or
//! crashed with the whole program; with faults; and with sweeps in between.
//!
//! A request is a few operations of the model (`upload`). Where it was stopped, or was not told how it ended, all that it
//! may have done is kept in mind (`worlds`) until what is seen tells. `steps` says what can happen, `program` does it.

mod program;
mod steps;
mod upload;
mod worlds;

use super::*;
use crate::blobs::faulty::Fault;
use crate::db::postgres::{PgConfig, Pool};
use crate::domain::{BlobEpoch, Checksum, Epoch};
use program::{Act, Program};
use proptest::test_runner::{Config, TestRunner};
use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use steps::{At, By, Case, Checked, Lost, Request, Step, Stopped, Then, cases};
use upload::{Model, Op, bytes};
use worlds::{Told, Ways, Worlds};

/// One upload, and all that may be true of it.
struct Run<'a> {
    program: &'a mut Program,
    case: Case,
    new: NewUpload,
    creator: u64,
    worlds: Worlds,
}

/// No two are the same, whatever the case.
fn new_owner() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl<'a> Run<'a> {
    fn new(program: &'a mut Program, case: Case) -> Self {
        let (new, worlds) = (described(case.length), Worlds(vec![Model::default()]));
        Self { program, case, new, creator: new_owner(), worlds }
    }

    async fn step(&mut self, step: Step) {
        let mut settled = true;
        match step {
            Step::Restart => self.program.restart().await,
            Step::Request { request, stopped, fault } => {
                if let Some((at, lost)) = fault {
                    self.script(at, lost);
                }
                let may_be_unclear = fault.is_some() || self.program.is_on_postgres() && stopped.is_some();
                let (worlds, unclear) = match &stopped {
                    None => self.whole(&request).await,
                    Some(stopped) => self.stopped(&request, stopped).await,
                };
                assert!(!unclear || may_be_unclear, "out of the blue");
                self.worlds = worlds;
                self.program.open().heal();
                match stopped.map(|stopped| stopped.then) {
                    Some(Then::Crashes) => self.program.restart().await,
                    Some(Then::IsDropped) => settled = false,
                    Some(Then::GoesOn) | None => settled = !unclear,
                }
            }
        }
        if !settled {
            self.program.settle().await;
        }
        drop(self.look().await);
    }

    fn script(&self, at: At, lost: Lost) {
        let fault = match lost {
            Lost::Call => Fault::Unavailable,
            Lost::Answer => Fault::AnswerLost,
        };
        match at {
            At::Blobs(at) => self.program.open().blobs.script(at, [fault]),
            At::Catalog(at) => self.program.open().catalog.script(at, [fault]),
        }
    }

    /// What may be true after it, and whether it was told so little.
    async fn whole(&self, request: &Request) -> (Worlds, bool) {
        let (act, ways) = self.plan(request, true);
        let told = self.program.open().perform(0, self.new.id, act).await;
        (self.end(&ways, &told), told == Told::Unclear)
    }

    fn end(&self, ways: &Ways, told: &Told) -> Worlds {
        let worlds = self.worlds.clone().run(ways, told);
        assert!(!worlds.0.is_empty(), "{told:?} after {ways:?} with {:?}", self.worlds);
        worlds
    }

    async fn stopped(&self, request: &Request, stopped: &Stopped) -> (Worlds, bool) {
        let (open, id) = (self.program.open(), self.new.id);
        let (act, ways) = self.plan(request, false);
        let mut performing = pin!(open.perform(0, id, act));
        let mut waits = 0;
        let early = poll_fn(|context| match performing.as_mut().poll(context) {
            Poll::Ready(told) => Poll::Ready(Some(told)),
            Poll::Pending if waits == stopped.at => Poll::Ready(None),
            Poll::Pending => {
                waits += 1;
                Poll::Pending
            }
        });
        if let Some(told) = early.await {
            return (self.end(&ways, &told), told == Told::Unclear);
        }
        let (mut midway, mut unclear) = (self.worlds.clone().begin(&ways), false);
        for request in &stopped.meanwhile {
            let (act, ways) = self.plan(request, false);
            let (told, before) = (open.perform(1, id, act).await, midway.clone());
            midway = midway.meanwhile(&ways, &told);
            assert!(!midway.is_impossible(), "{told:?} after {ways:?} with {before:?}");
            unclear |= told == Told::Unclear;
        }
        match stopped.then {
            Then::IsDropped | Then::Crashes => (midway.die(), unclear),
            Then::GoesOn => {
                let (told, before) = (performing.await, midway.clone());
                let worlds = midway.end(&told);
                assert!(!worlds.0.is_empty(), "{told:?} at last with {before:?}");
                (worlds, unclear || told == Told::Unclear)
            }
        }
    }

    /// What is asked for, and what that may do, `alone` or while there is another request.
    fn plan(&self, request: &Request, alone: bool) -> (Act, Ways) {
        match *request {
            Request::Create { expires } => {
                let (owner, count, length) = (self.creator, self.case.first, self.case.length);
                let act = Act::Create { new: self.new.clone(), bytes: bytes(owner, 0, count), expires };
                (act, vec![vec![Op::Create { owner, count, length, expires }]])
            }
            Request::Append { by, off_by, length, count, expires, checked } => {
                let (writer, owner) = self.writer(by);
                let claims = !matches!(writer, Writer::Holds(_));
                let at = self.worlds.0[0].end(!claims).saturating_add_signed(off_by);
                let pending = !claims && checked == Checked::Right;
                let brought = bytes(owner, at, count);
                let checksum = match checked {
                    Checked::Right if claims => Some(sha1(&brought)),
                    Checked::Wrong if claims => Some(sha1(b"other bytes")),
                    _ => None,
                };
                let append = Append { offset: at, writer, length, count: Some(count), pending, checksum };
                let chunk = |count, length| Op::Append { owner, at, count, length, expires, pending };
                let ops = match writer {
                    Writer::Holds(_) => vec![chunk(count, length)],
                    _ if checksum.is_some() => [
                        Some(Op::Claim { owner, at, count, length }),
                        (checked == Checked::Wrong).then_some(Op::Mismatch),
                        (count > 0 || length.is_some()).then(|| chunk(count, length)),
                    ]
                    .into_iter()
                    .flatten()
                    .collect(),
                    Writer::Claims | Writer::ClaimsAfter(_) => [
                        Some(Op::Claim { owner, at, count, length }),
                        length.is_some().then(|| chunk(0, length)),
                        (count > 0).then(|| chunk(count, None)),
                    ]
                    .into_iter()
                    .flatten()
                    .collect(),
                };
                (Act::Append { append, bytes: brought, expires }, vec![ops])
            }
            Request::Terminate => (Act::Terminate, vec![vec![Op::Terminate]]),
            Request::Sweep => {
                // Whether what was not created has left bytes in the store is not for the model to know.
                let mut ways = vec![vec![Op::Expire], vec![Op::Expire, Op::Condemn]];
                if self.program.is_on_postgres() && !alone {
                    // An upload is left out while another transaction has it locked, or if it expired after this one began.
                    ways.push(vec![]);
                }
                (Act::Sweep, ways)
            }
        }
    }

    /// A relay writes in an epoch that it took, so it has to be known who took it.
    fn writer(&self, by: By) -> (Writer, u64) {
        let By::Relay { ago } = by else { return (Writer::Claims, new_owner()) };
        let epoch = self.worlds.0[0].owners.len() as i64 - ago as i64;
        let owner = |model: &Model| model.owners.get((epoch - 1) as usize).copied();
        let known = owner(&self.worlds.0[0]);
        match self.worlds.0.iter().all(|model| owner(model) == known) {
            true => (Writer::Holds(Epoch(epoch)), known.unwrap_or_else(new_owner)),
            false => (Writer::Claims, new_owner()),
        }
    }

    async fn look(&mut self) -> Result<Upload, UploadError> {
        let seen = self.program.open().stat(self.new.id).await;
        let before = self.worlds.clone();
        self.worlds = self.worlds.clone().seen(&seen);
        assert!(!self.worlds.0.is_empty(), "{seen:?} is none of {before:?}");
        seen
    }

    /// Brings what is missing, reads it all, and removes it; `tombstones` are those of the cases before.
    async fn finish(mut self, tombstones: &mut i64) {
        self.program.settle().await;
        for _ in 0..2 {
            self.step(request(Request::Sweep)).await;
        }
        let model = self.worlds.0[0].clone();
        if !model.owners.is_empty() && !model.removed && !model.is_complete() {
            let length = model.length.unwrap_or(model.end(false) + 3);
            let (by, count) = (By::Client, length - model.end(false));
            let checked = Checked::No;
            let append =
                Request::Append { by, off_by: 0, length: Some(length), count, expires: false, checked };
            self.step(request(append)).await;
        }
        if let Ok(upload) = self.look().await {
            let content = self.program.open().read(&upload).await;
            self.worlds.0.retain(|model| model.is_complete() && model.content == content);
            assert!(!self.worlds.0.is_empty(), "{content:?}");
            self.step(request(Request::Sweep)).await;
            self.check_stored(&upload).await;
            self.step(request(Request::Terminate)).await;
        }
        *tombstones += i64::from(matches!(self.look().await, Err(UploadError::Gone)));
        let nothing = Leftovers { tombstones: *tombstones, ..Leftovers::default() };
        assert_eq!(self.program.leftovers().await, nothing);
        self.program.check_budget();
    }

    /// Nothing but what counts, and all of that.
    async fn check_stored(&self, upload: &Upload) {
        if self.program.is_on_postgres() {
            return;
        }
        let open = self.program.open();
        let extents = open.catalog.extents(upload.id, 0..upload.offset).await.unwrap();
        let mut counted: Vec<_> =
            extents.iter().map(|extent| BlobEpoch { blob: extent.blob, epoch: extent.epoch }).collect();
        counted.sort();
        counted.dedup();
        let mut stored: Vec<BlobEpoch> = open.blobs.inventory().try_concat().await.unwrap();
        stored.sort();
        assert_eq!(stored, counted);
    }
}

fn sha1(bytes: &[u8]) -> Checksum {
    let mut summing = Checksum::Sha1([0; 20]).summing();
    summing.update(bytes);
    summing.finish()
}

fn request(request: Request) -> Step {
    Step::Request { request, stopped: None, fault: None }
}

/// The stores, and the tombstones that cases have left in them.
type Stage = Option<(Program, i64)>;

async fn play(stage: &mut Stage, on_postgres: bool, case: Case) {
    // After a case that failed the next begins with new stores.
    let (mut program, mut tombstones) = match stage.take() {
        Some(stage) => stage,
        None => (Program::start(on_postgres).await, 0),
    };
    let steps = case.steps.clone();
    let mut run = Run::new(&mut program, case);
    for step in steps {
        run.step(step).await;
    }
    run.finish(&mut tombstones).await;
    *stage = Some((program, tombstones));
}

fn an_upload_is_what_the_model_says(on_postgres: bool, cases_played: u32) {
    // With one thread, what is given up is done before what comes after it.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().max_blocking_threads(1).build().unwrap();
    let stage: RefCell<Stage> = RefCell::default();
    let config = Config { cases: cases_played, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&cases(), |case| {
        runtime.block_on(play(&mut stage.borrow_mut(), on_postgres, case));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    runtime.block_on(async { drop(stage.take()) });
}

#[test]
fn an_upload_is_what_the_model_says_on_sqlite_and_a_folder() {
    an_upload_is_what_the_model_says(false, 2000);
}

#[test]
fn an_upload_is_what_the_model_says_on_postgres() {
    an_upload_is_what_the_model_says(true, 300);
}
