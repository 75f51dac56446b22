//! What happened, counted: by clients, by those who do harm, and by the audit.

use crate::report::size;
use crate::troubles::Trouble;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most that a relay sends at once: `uploads::LARGEST_CHUNK`.
const LARGEST_CHUNK: u64 = 16 << 20;
/// More than a frontend may hold of one upload and not have stored: chunks on their way, and the one it reads meanwhile, which its
/// budget of 24 MiB has room for.
const IN_FLIGHT: u64 = 2 * LARGEST_CHUNK;
/// What a client has sent and no frontend has read: Linux by default lets a connection hold 4 MiB at one end and 6 MiB at the
/// other, and there are two, to our proxy and on from it.
const IN_SOCKETS: u64 = (2 * (4 + 6)) << 20;

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Put,
    Form,
    Tus,
    /// A file of parts, which were sent by tus.
    Joined,
    Download,
    Range,
    Delete,
    /// For a record, or where an upload stands.
    Question,
}

/// What the service promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Goal {
    Kept,
    Removed,
    NoFailure,
    NoneStuck,
    NoOrphan,
    LittleSentAgain,
    GoodOrder,
    NoError,
}

impl Goal {
    pub const ALL: [Self; 8] = [
        Self::Kept,
        Self::Removed,
        Self::NoFailure,
        Self::NoneStuck,
        Self::NoOrphan,
        Self::LittleSentAgain,
        Self::GoodOrder,
        Self::NoError,
    ];

    pub fn says(self) -> &'static str {
        match self {
            Self::Kept => {
                "every acknowledged byte is there, each digest is right, no offset went back or past what was confirmed"
            }
            Self::Removed => "what was deleted stays deleted",
            Self::NoFailure => "no request failed but those inside a frontend that was killed or cut off",
            Self::NoneStuck => "every client finished",
            Self::NoOrphan => "no row, file or reference is left over, and none is missing",
            Self::LittleSentAgain => {
                "no resume sent more than the chunks on their way and the one read ahead again"
            }
            Self::GoodOrder => "replicas that were told to end did so in good order",
            Self::NoError => "no replica logged an error or ended by itself",
        }
    }
}

/// Requests of one kind; for uploads the request that brings the bytes.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    pub done: u64,
    pub bytes: u64,
    /// Broken off by the client itself.
    pub cut: u64,
    pub excused: BTreeMap<Trouble, u64>,
    pub failed: u64,
}

#[derive(Clone, Default)]
pub struct Sums {
    pub kinds: BTreeMap<Kind, Counts>,
    pub faults: BTreeMap<&'static str, u64>,
    /// What the service did beside storing and giving back.
    pub deeds: BTreeMap<&'static str, u64>,
    /// Nobody listened where a client was sent, so it went elsewhere before it had said anything.
    pub sent_elsewhere: u64,
    /// Uploads that went on after a request had ended early.
    pub resumes: u64,
    /// Bytes that clients had sent and were told to send again.
    pub sent_again: u64,
    pub most_sent_again: u64,
    /// Resumes that sent more than one chunk of the largest size again.
    pub large_resumes: u64,
    /// 409 that a client followed, after a request of its own had ended early.
    pub conflicts: u64,
    /// Files that are complete, and whose clients got no answer.
    pub untold: u64,
    /// Files sent whose content was sent before.
    pub repeated: u64,
    pub violations: BTreeMap<Goal, Vec<String>>,
}

#[derive(Default)]
pub struct Tally(Mutex<Sums>);

impl Tally {
    pub fn done(&self, kind: Kind, bytes: u64) {
        let mut sums = self.lock();
        let counts = sums.kinds.entry(kind).or_default();
        counts.done += 1;
        counts.bytes += bytes;
    }

    pub fn cut(&self, kind: Kind) {
        self.lock().kinds.entry(kind).or_default().cut += 1;
    }

    pub fn excused(&self, kind: Kind, trouble: Trouble) {
        *self.lock().kinds.entry(kind).or_default().excused.entry(trouble).or_default() += 1;
    }

    pub fn failed(&self, kind: Kind, what: String) {
        self.lock().kinds.entry(kind).or_default().failed += 1;
        self.violated(Goal::NoFailure, format!("{kind:?}: {what}"));
    }

    pub fn violated(&self, goal: Goal, what: String) {
        self.lock().violations.entry(goal).or_default().push(what);
    }

    pub fn fault(&self, name: &'static str) {
        *self.lock().faults.entry(name).or_default() += 1;
    }

    pub fn did(&self, what: &'static str) {
        *self.lock().deeds.entry(what).or_default() += 1;
    }

    pub fn sent_elsewhere(&self) {
        self.lock().sent_elsewhere += 1;
    }

    /// The upload `id` goes on, from so many bytes before the last one that was sent.
    pub fn resumed(&self, id: &str, sent_again: u64) {
        if sent_again > IN_FLIGHT + IN_SOCKETS {
            self.violated(Goal::LittleSentAgain, format!("{id}: {} were sent again", size(sent_again)));
        }
        let mut sums = self.lock();
        sums.resumes += 1;
        sums.sent_again += sent_again;
        sums.most_sent_again = sums.most_sent_again.max(sent_again);
        sums.large_resumes += u64::from(sent_again > LARGEST_CHUNK);
    }

    pub fn untold(&self) {
        self.lock().untold += 1;
    }

    pub fn repeated(&self) {
        self.lock().repeated += 1;
    }

    pub fn conflict(&self) {
        self.lock().conflicts += 1;
    }

    pub fn sums(&self) -> Sums {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Sums> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
