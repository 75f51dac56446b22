//! A connection that is read as far as somebody asks for what comes, and no further.
//!
//! The web framework reads ahead: up to 128 KiB that nobody has looked at yet, and as much again of a body that nobody has taken.
//! Of many senders at once most wait for room, and what was read of theirs would be most of a replica's memory. So the reader of a
//! body opens the gate each time that it finds nothing, and the rest stays in the kernel's buffers and with the sender.

use actix_web::rt::net::TcpStream;
use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What is read before the framework looks at it, while no body is to be read: enough for a head, and for a small body.
const UNASKED: usize = (16 << 10) - SPARE;
/// What is read for who asks again and again.
const AT_ONCE: usize = (32 << 10) - SPARE;
/// The framework makes a buffer twice as large that has less left than this; and a connection keeps its buffer.
const SPARE: usize = 1 << 10;

/// Tells how much of a connection may be read. It belongs to one thread, as the connection does.
pub(super) struct Gate {
    /// Bytes that may be read now.
    left: Cell<usize>,
    /// What the next one who asks gets.
    next: Cell<usize>,
    /// There is a body, and somebody who asks for it.
    held: Cell<bool>,
    /// Who wanted to read more.
    waiting: RefCell<Option<Waker>>,
}

impl Gate {
    fn new() -> Self {
        let (left, next) = (Cell::new(UNASKED), Cell::new(UNASKED));
        Self { left, next, held: Cell::new(false), waiting: RefCell::default() }
    }

    /// From now on only what is asked for is read.
    pub(super) fn hold(&self) {
        self.held.set(true);
        self.left.set(0);
        self.next.set(UNASKED);
    }

    /// All that was read is taken, and more is wanted.
    pub(super) fn ask(&self) {
        if self.held.get() && self.left.get() == 0 {
            self.left.set(self.next.get());
            self.next.set((2 * self.next.get()).min(AT_ONCE));
            self.wake();
        }
    }

    /// Nobody asks any more; whatever comes now may be read.
    pub(super) fn release(&self) {
        self.held.set(false);
        self.left.set(UNASKED);
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }

    fn poll_open(&self, cx: &Context<'_>) -> Poll<()> {
        if self.left.get() > 0 {
            return Poll::Ready(());
        }
        match self.held.get() {
            true => *self.waiting.borrow_mut() = Some(cx.waker().clone()),
            // What was read is looked at first: it may begin a body.
            false => {
                self.left.set(UNASKED);
                cx.waker().wake_by_ref();
            }
        }
        Poll::Pending
    }
}

/// A connection and its [`Gate`].
pub(super) struct Gated {
    connection: TcpStream,
    gate: Rc<Gate>,
}

impl Gated {
    pub(super) fn new(connection: TcpStream) -> Self {
        Self { connection, gate: Rc::new(Gate::new()) }
    }

    pub(super) fn gate(&self) -> Rc<Gate> {
        self.gate.clone()
    }

    /// Reads no more than `most` bytes, though the buffer has room for more.
    fn poll_read_part(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
        most: usize,
    ) -> Poll<io::Result<()>> {
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(most));
        let polled = Pin::new(&mut self.connection).poll_read(cx, &mut part);
        let read = part.filled().len();
        buffer.advance(read);
        polled
    }
}

impl AsyncRead for Gated {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.gate.poll_open(cx).is_pending() {
            return Poll::Pending;
        }
        let (before, left) = (buffer.filled().len(), self.gate.left.get());
        let polled = match buffer.remaining() <= left {
            true => Pin::new(&mut self.connection).poll_read(cx, buffer),
            false => self.as_mut().poll_read_part(cx, buffer, left),
        };
        self.gate.left.set(left - (buffer.filled().len() - before));
        polled
    }
}

impl AsyncWrite for Gated {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    /// A connection whose other side has sent more than anybody reads at once.
    async fn full() -> (Gated, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sender = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (receiver, _) = listener.accept().await.unwrap();
        let mut sent = 0;
        while sent < 4 * AT_ONCE {
            sender.writable().await.unwrap();
            sent += sender.try_write(&[7; AT_ONCE]).unwrap_or(0);
        }
        receiver.readable().await.unwrap();
        (Gated::new(receiver), sender)
    }

    /// What can be read now, in pieces as small as the framework's first.
    fn read(connection: &mut Gated) -> usize {
        let mut bytes = [0; 8 << 10];
        let mut all = 0;
        while let Some(read) = connection.read(&mut bytes).now_or_never() {
            all += read.unwrap();
        }
        all
    }

    #[actix_web::test]
    async fn what_nobody_asks_for_is_not_read() {
        let (mut connection, _sender) = full().await;
        let gate = connection.gate();
        gate.hold();
        assert_eq!(read(&mut connection), 0);
        for asked in [UNASKED, 2 * UNASKED, AT_ONCE, AT_ONCE] {
            gate.ask();
            assert_eq!(read(&mut connection), asked);
        }
    }

    #[actix_web::test]
    async fn what_comes_first_is_read_by_turns_so_that_its_body_can_be_held() {
        let (mut connection, _sender) = full().await;
        assert_eq!(read(&mut connection), UNASKED);
        assert_eq!(read(&mut connection), UNASKED);
    }

    #[actix_web::test]
    async fn whatever_comes_is_read_again_when_nobody_asks_any_more() {
        let (mut connection, _sender) = full().await;
        connection.gate().hold();
        assert_eq!(read(&mut connection), 0);
        connection.gate().release();
        assert_eq!(read(&mut connection), UNASKED);
    }
}
