//! Connections that are read no faster than somebody asks for what they bring.
//!
//! The framework reads as much of a connection as there is before anybody asks for a byte of the body: 128 KiB, and as much again
//! with what its buffers have to spare. With a thousand clients that send at once, of whom most wait for room, that would be
//! most of the memory of the process. So who reads a body says when it waits, and no more than that is read for it. Each time one
//! has to wake the other, which costs a little, so the first few are let be, each until all of its body has come.

use actix_web::rt::net::TcpStream;
use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::ops::Range;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// How much is read before it is looked at: the head of a request, and what came along.
///
/// The framework doubles its buffer while less than 1 KiB of it is free, before it sees that there is nothing to read. So this, as
/// what follows, is a little less than a power of two, or half of each buffer would be empty.
const LOOKED_AT: usize = 30 << 10;
/// How much is read for somebody who waits.
const WANTED: usize = 62 << 10;

/// How many bodies at once, in this process, are read as the framework pleases. None in tests of this crate, whose few would
/// all be let be.
const UNPACED: Range<usize> = 0..if cfg!(test) { 0 } else { 16 };
static UNPACED_NOW: AtomicUsize = AtomicUsize::new(0);

/// A connection, see the module.
pub(super) struct Paced<S = TcpStream> {
    stream: S,
    demand: Demand,
    /// What was read and not looked at yet.
    unseen: usize,
}

/// Who reads what a connection brings, and how much of that is waited for.
#[derive(Clone, Default)]
pub(super) struct Demand(Rc<State>);

#[derive(Default)]
struct State {
    paced: Cell<usize>,
    unpaced: Cell<usize>,
    /// By those that are paced.
    wanted: Cell<usize>,
    /// Of the connection, when nothing was read of it because nobody waited.
    held_back: RefCell<Option<Waker>>,
}

/// One who reads a request's body, or may. While it lives nothing is read that it did not wait for, unless it is one of the first.
pub(super) struct Reader {
    demand: Demand,
    paced: bool,
}

enum Allowed {
    All,
    Bytes(usize),
    /// What was read has to be looked at first.
    NothingYet,
    /// Nobody waits.
    Nothing,
}

impl Demand {
    /// What may be read where so many bytes were read that nobody has looked at yet.
    fn allows(&self, unseen: usize) -> Allowed {
        match (self.0.unpaced.get(), self.0.paced.get(), self.0.wanted.get()) {
            (1.., ..) => Allowed::All,
            (0, 0, _) if unseen >= LOOKED_AT => Allowed::NothingYet,
            (0, 0, _) => Allowed::Bytes(LOOKED_AT - unseen),
            (0, _, 0) => Allowed::Nothing,
            (0, _, wanted) => Allowed::Bytes(wanted),
        }
    }

    #[cfg(test)]
    pub fn holds_back(&self) -> bool {
        matches!(self.allows(0), Allowed::Nothing)
    }

    #[cfg(test)]
    pub fn has_readers(&self) -> bool {
        self.0.paced.get() + self.0.unpaced.get() > 0
    }

    fn has_come(&self, bytes: usize) {
        self.0.wanted.set(self.0.wanted.get().saturating_sub(bytes));
    }

    /// Who was held back looks again.
    fn changed(&self) {
        if let Some(held_back) = self.0.held_back.take() {
            held_back.wake();
        }
    }
}

impl Reader {
    /// Of what comes after the head of a request; tests have no connection.
    pub fn of(connection: Option<&Demand>) -> Self {
        let one_more = |now: usize| UNPACED.contains(&now).then_some(now + 1);
        let paced = UNPACED_NOW.fetch_update(Relaxed, Relaxed, one_more).is_err();
        Self::on(connection.cloned().unwrap_or_default(), paced)
    }

    pub(super) fn on(demand: Demand, paced: bool) -> Self {
        let readers = if paced { &demand.0.paced } else { &demand.0.unpaced };
        readers.set(readers.get() + 1);
        Self { demand, paced }
    }

    pub fn waits(&self) {
        if self.paced {
            self.demand.0.wanted.set(WANTED);
            self.demand.changed();
        }
    }

    pub fn has_enough(&self) {
        self.demand.0.wanted.set(0);
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let state = &self.demand.0;
        let readers = if self.paced { &state.paced } else { &state.unpaced };
        readers.set(readers.get() - 1);
        if !self.paced {
            UNPACED_NOW.fetch_sub(1, Relaxed);
        }
        // A connection has one request at a time.
        self.has_enough();
        self.demand.changed();
    }
}

impl<S> Paced<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, demand: Demand::default(), unseen: 0 }
    }

    pub fn demand(&self) -> Demand {
        self.demand.clone()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let unseen = std::mem::take(&mut this.unseen);
        let limit = match this.demand.allows(unseen) {
            Allowed::All => return Pin::new(&mut this.stream).poll_read(context, buffer),
            Allowed::Bytes(limit) => limit,
            Allowed::NothingYet => {
                // Whoever looks comes back for more.
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Allowed::Nothing => {
                this.demand.0.held_back.replace(Some(context.waker().clone()));
                return Poll::Pending;
            }
        };
        let before = buffer.filled().len();
        let read = pin!((&mut this.stream).take(limit as u64)).poll_read(context, buffer);
        let come = buffer.filled().len() - before;
        this.demand.has_come(come);
        if read.is_ready() {
            this.unseen = unseen + come;
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::task::{ArcWake, waker};
    use std::sync::Arc;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl ArcWake for Wakes {
        fn wake_by_ref(wakes: &Arc<Self>) {
            wakes.0.fetch_add(1, Relaxed);
        }
    }

    /// A connection on which there is always more.
    struct Rig {
        paced: Paced<tokio::io::Repeat>,
        wakes: Arc<Wakes>,
    }

    impl Rig {
        fn new() -> Self {
            Self { paced: Paced::new(tokio::io::repeat(7)), wakes: Arc::default() }
        }

        /// Reads as the framework does, until it is told that there is no more for now, but 1 MiB at most.
        fn read(&mut self) -> usize {
            let (waker, mut come) = (waker(self.wakes.clone()), 0);
            while come < 1 << 20 {
                let mut bytes = [0; 1 << 10];
                let mut buffer = ReadBuf::new(&mut bytes);
                let read = Pin::new(&mut self.paced).poll_read(&mut Context::from_waker(&waker), &mut buffer);
                if read.is_pending() {
                    break;
                }
                come += buffer.filled().len();
            }
            come
        }

        fn wakes(&self) -> usize {
            self.wakes.0.swap(0, Relaxed)
        }
    }

    #[test]
    fn of_what_nobody_reads_yet_the_head_is_looked_at_before_more_is_read() {
        let mut rig = Rig::new();
        for _ in 0..3 {
            assert_eq!((rig.read(), rig.wakes()), (LOOKED_AT, 1));
        }
    }

    #[test]
    fn for_who_reads_a_body_nothing_is_read_that_is_not_waited_for() {
        let mut rig = Rig::new();
        let reader = Reader::on(rig.paced.demand(), true);
        assert_eq!((rig.read(), rig.wakes()), (0, 0));
        reader.waits();
        assert_eq!((rig.wakes(), rig.read(), rig.wakes()), (1, WANTED, 0));
        reader.waits();
        reader.has_enough();
        assert_eq!((rig.wakes(), rig.read()), (1, 0));
    }

    #[test]
    fn for_one_of_the_first_all_is_read_that_there_is() {
        let mut rig = Rig::new();
        UNPACED_NOW.fetch_add(1, Relaxed);
        let _reader = Reader::on(rig.paced.demand(), false);
        assert_eq!((rig.read(), rig.wakes()), (1 << 20, 0));
    }

    #[test]
    fn who_reads_no_more_holds_nobody_back() {
        let mut rig = Rig::new();
        let reader = Reader::on(rig.paced.demand(), true);
        assert_eq!(rig.read(), 0);
        drop(reader);
        assert_eq!((rig.wakes(), rig.read()), (1, LOOKED_AT));
    }
}
