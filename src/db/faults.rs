//! What wrappers that fail on purpose have in common: a script of faults.

use std::collections::VecDeque;
use std::sync::Mutex;
use tokio::sync::oneshot;

/// What happens at a call instead of, or before, the real thing.
pub enum Fault {
    /// The call is not handed on.
    Unavailable,
    Full,
    Missing,
    /// The call is handed on, then its answer is lost: the caller cannot know.
    AnswerLost,
    /// The call waits until the test lets it go on.
    Wait(Waiting),
    /// As if there was no fault: to strike at a later call.
    Pass,
}

/// The call's end of a [`Held`].
pub struct Waiting {
    reached: oneshot::Sender<()>,
    go_on: oneshot::Receiver<()>,
}

/// A call that waits, or will. It goes on when this is dropped.
pub struct Held {
    reached: oneshot::Receiver<()>,
    _go_on: oneshot::Sender<()>,
}

impl Held {
    /// Returns once a call waits here.
    pub async fn reached(&mut self) {
        (&mut self.reached).await.unwrap();
    }
}

/// What a call does after its fault had its way.
pub enum Struck {
    /// The call is not handed on, and this is why.
    Refused(Fault),
    /// It is, and then its answer is lost.
    AnswerLost,
    /// It is.
    Not,
}

/// Which faults come, for each place (`At`) where one may strike.
pub struct Script<At>(Mutex<Vec<(At, VecDeque<Fault>)>>);

impl<At> Default for Script<At> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<At: Copy + PartialEq> Script<At> {
    /// The next calls `at` this place have these faults, in turn; those after them have none.
    pub fn add(&self, at: At, faults: impl IntoIterator<Item = Fault>) {
        self.0.lock().unwrap().push((at, faults.into_iter().collect()));
    }

    /// The next call `at` this place waits until what this returns is dropped.
    pub fn hold(&self, at: At) -> Held {
        let ((reached, is_reached), (let_go, go_on)) = (oneshot::channel(), oneshot::channel());
        self.add(at, [Fault::Wait(Waiting { reached, go_on })]);
        Held { reached: is_reached, _go_on: let_go }
    }

    /// Faults that have not struck yet never will.
    pub fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    fn next(&self, at: At) -> Option<Fault> {
        let mut script = self.0.lock().unwrap();
        script.iter_mut().filter(|(place, _)| *place == at).find_map(|(_, faults)| faults.pop_front())
    }

    /// Lets the fault `at` this place strike before the call.
    pub async fn strike(&self, at: At) -> Struck {
        match self.next(at) {
            Some(fault @ (Fault::Unavailable | Fault::Full | Fault::Missing)) => Struck::Refused(fault),
            Some(Fault::AnswerLost) => Struck::AnswerLost,
            Some(Fault::Wait(Waiting { reached, go_on })) => {
                reached.send(()).ok();
                go_on.await.ok();
                Struck::Not
            }
            Some(Fault::Pass) | None => Struck::Not,
        }
    }
}
