//! The same for final uploads: a few parts, perhaps an upload that stands for itself, and what is made of them, with equal
//! content among them.
//!
//! `group` is what the model knows of them all. Whoever completes a part, sweeps or finishes fails without a word, and on
//! PostgreSQL passes over what another transaction has locked; there the model takes anything for possible that may be left
//! undone, unless there is neither a fault nor another request. At the end all of it has to be made up for.
//!
//! Not tracked: who reads in the midst of a removal; that he sees the whole content or is told that it is gone is checked
//! where he reads. Which bytes are shared; that references are right, and that nothing is left, is asked of the stores.

mod group;
mod steps;

use super::program::{SLICE, TOGETHER};
use super::*;
use crate::domain::{Concat, State};
use group::{Cast, Final, Group, Op};
use std::rc::Rc;
use steps::{Case, Request, Sent, cases};

struct Run<'a> {
    program: &'a mut Program,
    cast: Rc<Cast>,
    /// What clients send, and how each upload is created.
    sent: Vec<Sent>,
    new: Vec<NewUpload>,
    worlds: Worlds<Group>,
}

impl<'a> Run<'a> {
    fn new(program: &'a mut Program, case: &Case) -> Self {
        let sent: Vec<Sent> = case.parts.iter().chain(&case.ordinary).copied().collect();
        let mut new: Vec<NewUpload> = sent.iter().map(|sent| described(sent.length_told())).collect();
        new[..case.parts.len()].iter_mut().for_each(|part| part.concat = Some(Concat::Partial));
        new.extend(case.finals.iter().map(|_| described(None)));
        let ids: Vec<UploadId> = new.iter().map(|new| new.id).chain([UploadId::mint()]).collect();
        let number = |named: usize| match named {
            0..4 => named % case.parts.len(),
            _ => named % ids.len(),
        };
        let named: Vec<Vec<usize>> =
            case.finals.iter().map(|named| named.iter().map(|named| number(*named)).collect()).collect();
        let mut contents: Vec<Vec<u8>> = sent.iter().map(|sent| bytes(sent.seed, 0, sent.length)).collect();
        for (named, new) in named.iter().zip(&mut new[sent.len()..]) {
            new.parts = named.iter().map(|part| ids[*part]).collect();
            let urls: Vec<String> = new.parts.iter().map(|part| format!("/files/{part}")).collect();
            new.concat = Some(Concat::Final { urls: urls.join(" ") });
            let parts = named.iter().filter(|part| **part < sent.len());
            contents.push(parts.flat_map(|part| bytes(sent[*part].seed, 0, sent[*part].length)).collect());
        }
        let cast = Rc::new(Cast { ids, parts: case.parts.len(), contents, named });
        let worlds = Worlds(vec![Group::new(cast.clone())]);
        Self { program, cast, sent, new, worlds }
    }

    /// Of the uploads and the final ones.
    fn any(&self, any: usize) -> usize {
        any % self.new.len()
    }

    fn final_number(&self, number: usize) -> usize {
        number % self.cast.named.len()
    }

    /// Somebody who sends what this upload consists of.
    fn owner_of(&self, upload: usize) -> u64 {
        new_owner() << 32 | self.sent[upload].seed
    }

    /// What is done to one of them, whichever kind that is.
    fn to_any(&self, at: usize, to_upload: Option<upload::Op>, to_final: impl FnOnce(usize) -> Op) -> Op {
        match (at.checked_sub(self.sent.len()), to_upload) {
            (Some(number), _) => to_final(number),
            (None, Some(op)) => Op::Upload { at, op, certain: true },
            (None, None) => Op::FindUpload(at),
        }
    }

    fn creation(&self, at: usize, expires: bool) -> (usize, Act, Vec<Op>) {
        let (owner, Sent { first: count, .. }) = (self.owner_of(at), self.sent[at]);
        let act = Act::Create { new: self.new[at].clone(), bytes: bytes(owner, 0, count), expires };
        let op = upload::Op::Create { owner, count, length: self.new[at].length, expires };
        (at, act, vec![Op::Upload { at, op, certain: true }])
    }

    /// By a client, at the end of what there is in the first of the worlds.
    fn append(
        &self,
        upload: usize,
        count: Option<u64>,
        declares: bool,
        expires: bool,
        certain: bool,
    ) -> (usize, Act, Vec<Op>) {
        let (owner, total) = (self.owner_of(upload), self.sent[upload].length);
        let at = self.worlds.0[0].uploads[upload].end(false);
        let missing = total - at;
        let count = count.map_or(missing, |count| count.min(missing));
        let length = declares.then_some(total);
        let append = Append { length, count: Some(count), ..claims(at) };
        let ops = upload::Op::of_client(owner, at, count, length, expires);
        let ops = ops.into_iter().map(|op| Op::Upload { at: upload, op, certain }).collect();
        (upload, Act::Append { append, bytes: bytes(owner, at, count), expires }, ops)
    }

    async fn request(&mut self, request: Request) {
        play(self, plain(request)).await;
    }

    /// Finishes what can be, removes the parts first and then what was made of them; `tombstones` are those of the cases before.
    async fn finish(mut self, tombstones: &mut i64) {
        self.program.settle().await;
        self.program.silence_writers().await;
        let uploads = self.worlds.0.iter_mut().flat_map(|group| &mut group.uploads);
        uploads.for_each(|upload| upload.written = false);
        self.request(Request::Finish { slices: (TOGETHER / SLICE) as usize + 1 }).await;
        for _ in 0..2 {
            self.request(Request::Sweep).await;
        }
        self.program.check_references().await;
        let group = self.worlds.0[0].clone();
        for (number, made) in group.finals.iter().enumerate() {
            match made {
                Final::Joined { digested } => assert_eq!(*digested, None, "{number} in {group:?}"),
                Final::Waits { .. } => assert!(!group.is_joinable(number), "{number} in {group:?}"),
                Final::NotCreated | Final::Removed => {}
            }
        }
        for any in 0..self.new.len() {
            if any == self.sent.len() {
                self.request(Request::Sweep).await;
            }
            self.request(Request::Terminate { any }).await;
        }
        for _ in 0..2 {
            self.request(Request::Sweep).await;
        }
        *tombstones +=
            self.see().await.iter().filter(|seen| matches!(seen, Err(UploadError::Gone))).count() as i64;
        let nothing = Leftovers { tombstones: *tombstones, ..Leftovers::default() };
        assert_eq!(self.program.leftovers().await, nothing);
        self.program.check_budget();
    }

    async fn see(&self) -> Vec<Result<Upload, UploadError>> {
        let mut seen = Vec::new();
        for new in &self.new {
            seen.push(self.program.open().find(new.id).await);
        }
        seen
    }
}

impl Game for Run<'_> {
    type World = Group;
    type Request = Request;

    fn program(&mut self) -> &mut Program {
        self.program
    }

    fn worlds(&mut self) -> &mut Worlds<Group> {
        &mut self.worlds
    }

    fn plan(&self, request: &Request, around: Around) -> Plan<Op> {
        let certain = around.sound && (around.alone || !self.program.is_on_postgres());
        let finals = self.cast.named.len();
        let (at, act, ops) = match *request {
            Request::Create { upload, expires } => self.creation(upload % self.sent.len(), expires),
            Request::Append { upload, count, declares, expires } => {
                self.append(upload % self.sent.len(), count, declares, expires, certain)
            }
            Request::Join { number, expires } => {
                let number = self.final_number(number);
                let at = self.sent.len() + number;
                let act = Act::Create { new: self.new[at].clone(), bytes: Vec::new(), expires };
                (at, act, vec![Op::CreateFinal { number, expires }])
            }
            Request::AppendToFinal { number } => {
                let number = self.final_number(number);
                let act = Act::Append { append: claims(0), bytes: b"x".to_vec(), expires: false };
                (self.sent.len() + number, act, vec![Op::AppendTo(number)])
            }
            Request::Terminate { any } => {
                let at = self.any(any);
                (at, Act::Terminate, vec![self.to_any(at, Some(upload::Op::Terminate), Op::Terminate)])
            }
            Request::Stat { any } => {
                let at = self.any(any);
                (at, Act::Stat, vec![self.to_any(at, None, Op::Find)])
            }
            Request::Read { any } => {
                let at = self.any(any);
                let act = Act::Read { content: self.cast.contents[at].clone() };
                (at, act, vec![self.to_any(at, None, Op::Find)])
            }
            Request::Finish { slices } => {
                // Beside others it may look for what lacks its digest before there is any.
                let certain = around.sound && around.alone;
                let round = (0..finals).map(|number| Op::Digest { number, certain });
                let rounds = std::iter::repeat_n(round, slices).flatten();
                let joins = Op::Joinable { from: 0, certain };
                (0, Act::Finish { slices }, [joins].into_iter().chain(rounds).collect())
            }
            Request::Sweep => (0, Act::Sweep, vec![Op::Expire { certain }, Op::Condemn]),
        };
        Plan { id: self.cast.ids[at], act, ways: vec![ops] }
    }

    /// Whatever is complete is read, too.
    async fn look(&mut self) {
        let (seen, before) = (self.see().await, self.worlds.clone());
        self.worlds = before.clone().seen(|group| group.looks_like(&seen));
        assert!(!self.worlds.0.is_empty(), "{seen:?} is none of {before:?}");
        for (seen, content) in seen.iter().zip(&self.cast.contents) {
            if let Ok(upload) = seen
                && upload.state() == State::Complete
            {
                assert_eq!(&self.program.open().read(upload).await, content);
            }
        }
        // On PostgreSQL a session has to be made for it, so it is asked once, at the end.
        if !self.program.is_on_postgres() {
            self.program.check_references().await;
        }
    }
}

impl Sent {
    fn length_told(&self) -> Option<u64> {
        (!self.deferred).then_some(self.length)
    }
}

async fn finals(program: &mut Program, tombstones: &mut i64, case: Case) {
    let mut run = Run::new(program, &case);
    for step in case.steps {
        play(&mut run, step).await;
    }
    run.finish(tombstones).await;
}

#[test]
fn final_uploads_are_what_the_model_says_on_sqlite_and_a_folder() {
    play_all(false, 500, cases(), finals);
}

#[test]
fn final_uploads_are_what_the_model_says_on_postgres() {
    play_all(true, 100, cases(), finals);
}
