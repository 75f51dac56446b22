//! Random requests against a model of what an upload is: in turn and at once, stopped at any point, dropped there or
//! crashed with the whole program; with faults; and with sweeps in between.
//!
//! A request is a few operations of the model (`upload`). Where it was stopped, or was not told how it ended, all that it
//! may have done is kept in mind (`worlds`) until what is seen tells. `steps` says what can happen, `playing` lets it, and
//! `program` does it. Here it happens to one upload; in `finals` to several, of which others are made.

mod finals;
mod playing;
mod program;
mod steps;
mod upload;
mod worlds;

use super::*;
use crate::db::postgres::{PgConfig, Pool};
use crate::domain::{BlobEpoch, Checksum, Epoch};
use playing::{Around, Game, Plan, new_owner, plain, play};
use program::{Act, Program};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestRunner};
use std::cell::RefCell;
use steps::{By, Case, Checked, Request, cases};
use upload::{Model, Op, bytes};
use worlds::Worlds;

/// One upload, and all that may be true of it.
struct Run<'a> {
    program: &'a mut Program,
    case: Case,
    new: NewUpload,
    creator: u64,
    worlds: Worlds<Model>,
}

impl<'a> Run<'a> {
    fn new(program: &'a mut Program, case: Case) -> Self {
        let (new, worlds) = (described(case.length), Worlds(vec![Model::default()]));
        Self { program, case, new, creator: new_owner(), worlds }
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

    async fn see(&mut self) -> Result<Upload, UploadError> {
        let seen = self.program.open().stat(self.new.id).await;
        let before = self.worlds.clone();
        self.worlds = self.worlds.clone().seen(|model| model.looks_like(&seen));
        assert!(!self.worlds.0.is_empty(), "{seen:?} is none of {before:?}");
        if seen.is_ok() {
            let written = self.program.open().is_written(self.new.id).await;
            self.worlds = self.worlds.clone().seen(|model| model.is_written_as(written));
            assert!(!self.worlds.0.is_empty(), "written: {written}, in none of {before:?}");
        }
        seen
    }

    /// Brings what is missing, reads it all, and removes it; `tombstones` are those of the cases before.
    async fn finish(mut self, tombstones: &mut i64) {
        self.program.settle().await;
        self.program.silence_writers().await;
        self.worlds.0.iter_mut().for_each(|model| model.written = false);
        for _ in 0..2 {
            play(&mut self, plain(Request::Sweep)).await;
        }
        let model = self.worlds.0[0].clone();
        if !model.owners.is_empty() && !model.removed && !model.is_complete() {
            let length = model.length.unwrap_or(model.end(false) + 3);
            let (by, count) = (By::Client, length - model.end(false));
            let (checked, length) = (Checked::No, Some(length));
            let append =
                Request::Append { by, off_by: 0, length, count, expires: false, checked, more: false };
            play(&mut self, plain(append)).await;
        }
        if let Ok(upload) = self.see().await {
            let content = self.program.open().read(&upload).await;
            self.worlds.0.retain(|model| model.is_complete() && model.content == content);
            assert!(!self.worlds.0.is_empty(), "{content:?}");
            play(&mut self, plain(Request::Sweep)).await;
            self.check_stored(&upload).await;
            play(&mut self, plain(Request::Terminate)).await;
        }
        *tombstones += i64::from(matches!(self.see().await, Err(UploadError::Gone)));
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

impl Game for Run<'_> {
    type World = Model;
    type Request = Request;

    fn program(&mut self) -> &mut Program {
        self.program
    }

    fn worlds(&mut self) -> &mut Worlds<Model> {
        &mut self.worlds
    }

    fn plan(&self, request: &Request, around: Around) -> Plan<Op> {
        let (act, ways) = match *request {
            Request::Create { expires } => {
                let (owner, count, length) = (self.creator, self.case.first, self.case.length);
                let act = Act::Create { new: self.new.clone(), bytes: bytes(owner, 0, count), expires };
                (act, vec![vec![Op::Create { owner, count, length, expires }]])
            }
            Request::Append { by, off_by, length, count, expires, checked, more } => {
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
                let more = !claims && more;
                let append =
                    Append { offset: at, writer, length, count: Some(count), pending, more, checksum };
                let chunk = || Op::Append { owner, at, count, length, expires, pending, more };
                let ops = match writer {
                    Writer::Holds(_) => vec![chunk()],
                    _ if checksum.is_some() => [
                        Some(Op::Claim { owner, at, count, length }),
                        (checked == Checked::Wrong).then_some(Op::Mismatch),
                        (count > 0 || length.is_some()).then(chunk),
                    ]
                    .into_iter()
                    .flatten()
                    .collect(),
                    Writer::Claims | Writer::ClaimsAfter(_) => {
                        Op::of_client(owner, at, count, length, expires)
                    }
                };
                (Act::Append { append, bytes: brought, expires }, vec![ops])
            }
            Request::Terminate => (Act::Terminate, vec![vec![Op::Terminate]]),
            Request::Sweep => {
                // Whether what was not created has left bytes in the store is not for the model to know.
                let mut ways = vec![vec![Op::Expire], vec![Op::Expire, Op::Condemn]];
                if self.program.is_on_postgres() && !around.alone {
                    // An upload is left out while another transaction has it locked, or if it expired after this one began.
                    ways.push(vec![]);
                }
                (Act::Sweep, ways)
            }
        };
        Plan { id: self.new.id, act, ways }
    }

    async fn look(&mut self) {
        drop(self.see().await);
    }
}

fn sha1(bytes: &[u8]) -> Checksum {
    let mut summing = Checksum::Sha1([0; 20]).summing();
    summing.update(bytes);
    summing.finish()
}

/// The stores, and the tombstones that cases have left in them.
type Stage = Option<(Program, i64)>;

async fn an_upload(program: &mut Program, tombstones: &mut i64, case: Case) {
    let steps = case.steps.clone();
    let mut run = Run::new(program, case);
    for step in steps {
        play(&mut run, step).await;
    }
    run.finish(tombstones).await;
}

/// Each case on the stores that the one before it has left.
fn play_all<C: std::fmt::Debug>(
    on_postgres: bool,
    count: u32,
    cases: impl Strategy<Value = C>,
    play: impl AsyncFn(&mut Program, &mut i64, C),
) {
    // With one thread, what is given up is done before what comes after it.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().max_blocking_threads(1).build().unwrap();
    let stage: RefCell<Stage> = RefCell::default();
    let config = Config { cases: count, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&cases, |case| {
        runtime.block_on(async {
            // After a case that failed the next begins with new stores.
            let taken = stage.borrow_mut().take();
            let (mut program, mut tombstones) = match taken {
                Some(stage) => stage,
                None => (Program::start(on_postgres).await, 0),
            };
            play(&mut program, &mut tombstones, case).await;
            *stage.borrow_mut() = Some((program, tombstones));
        });
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    runtime.block_on(async { drop(stage.take()) });
}

#[test]
fn an_upload_is_what_the_model_says_on_sqlite_and_a_folder() {
    play_all(false, 2000, cases(), an_upload);
}

#[test]
fn an_upload_is_what_the_model_says_on_postgres() {
    play_all(true, 300, cases(), an_upload);
}
