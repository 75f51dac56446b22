//! One connection through the proxy: request by request, with the faults that are due.

use super::{Fault, Shared, changes, chunks};
use crate::support::wire::{Body, Framing, Head, write_end, write_piece};
use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// How a connection goes on after an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Keep,
    Close,
    Reset,
}

impl Shared {
    pub(super) fn serve(&self, id: u64, client: io::Result<TcpStream>) {
        let Ok(client) = client else { return };
        let to = self.upstream.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Ok(upstream) = TcpStream::connect(to.authority()) else {
            return reset_on_close(&client);
        };
        let pair = Pair::new(&client, &upstream);
        if let (Ok(mut pair), Ok(ends)) = (pair, clones(&client, &upstream)) {
            self.state.change(|state| state.open.insert(id, ends));
            let mut next = Next::Keep;
            while next == Next::Keep {
                next = self.exchange(&mut pair).unwrap_or(Next::Reset);
            }
            if next == Next::Reset {
                reset_on_close(&client);
                reset_on_close(&upstream);
            }
            self.state.change(|state| state.open.remove(&id));
        }
    }

    /// One request and its answer.
    fn exchange(&self, pair: &mut Pair) -> io::Result<Next> {
        let Some(head) = Head::read(&mut pair.from_client)? else { return Ok(Next::Close) };
        let fault = self.fault_for(&head);
        let framing = head.framing_of_request()?;
        let request = Body::new(&mut pair.from_client, framing);
        if let Some(Fault::BlackHole) = fault {
            self.fired();
            io::copy(&mut { request }, &mut io::sink())?;
            io::copy(&mut pair.from_client, &mut io::sink())?;
            return Ok(Next::Reset);
        }
        if let Some(Fault::HoldHead) = fault {
            self.fired();
            self.wait_for_release();
        }
        let (client, upstream) = (&pair.client, &pair.upstream);
        (&mut &*upstream).write_all(&head.to_bytes())?;
        let ends = |result: io::Result<Next>| {
            if !matches!(result, Ok(Next::Keep)) {
                // Wakes the other direction without telling the peers anything.
                drop(client.shutdown(Shutdown::Read));
                drop(upstream.shutdown(Shutdown::Read));
            }
            result
        };
        let from_upstream = &mut pair.from_upstream;
        let (brought, succeeded) = (&pair.brought, AtomicBool::new(false));
        let before = brought.load(Ordering::Relaxed);
        thread::scope(|scope| {
            let sent = scope.spawn(|| ends(self.pass_request(fault, framing, request, upstream, brought)));
            let answered = self.pass_answer(fault, &head, from_upstream, client, &succeeded);
            let answered = ends(answered.and_then(|next| match next {
                Next::Keep => stays_open(upstream, || sent.is_finished()),
                ended => Ok(ended),
            }));
            let sent = sent.join().unwrap_or(Ok(Next::Reset));
            self.state.change(|state| {
                if !succeeded.load(Ordering::Relaxed) {
                    state.counts.bytes_in_vain += brought.load(Ordering::Relaxed) - before;
                }
            });
            match answered {
                Ok(Next::Keep) => sent,
                // The cut of a request shows on this side as an answer that never came.
                answered => {
                    Ok(sent.ok().filter(|next| *next == Next::Reset).or(answered.ok()).unwrap_or(Next::Reset))
                }
            }
        })
    }

    fn pass_request(
        &self,
        fault: Option<Fault>,
        framing: Framing,
        mut body: impl Read,
        mut to: &TcpStream,
        brought: &AtomicU64,
    ) -> io::Result<Next> {
        let count = |bytes: u64| {
            brought.fetch_add(bytes, Ordering::Relaxed);
            self.state.change(|state| state.counts.bytes_in += bytes);
        };
        match fault {
            Some(Fault::CutRequest { after }) => {
                pass(&mut body.take(after), framing, to, count)?;
                self.fired();
                return Ok(Next::Reset);
            }
            Some(Fault::CutConnection { after }) => {
                let left = after.saturating_sub(brought.load(Ordering::Relaxed));
                pass(&mut body.by_ref().take(left), framing, to, count)?;
                if brought.load(Ordering::Relaxed) >= after {
                    self.fired();
                    return Ok(Next::Reset);
                }
            }
            Some(Fault::HoldRequest { after }) => {
                pass(&mut body.by_ref().take(after), framing, to, count)?;
                self.fired();
                self.wait_for_release();
            }
            Some(_) | None => {}
        }
        pass(&mut body, framing, to, count)?;
        write_end(&mut to, framing)?;
        Ok(Next::Keep)
    }

    fn pass_answer(
        &self,
        fault: Option<Fault>,
        request: &Head,
        from: &mut BufReader<TcpStream>,
        mut to: &TcpStream,
        succeeded: &AtomicBool,
    ) -> io::Result<Next> {
        let Some(head) = Head::read(from)? else { return Ok(Next::Close) };
        if changes(request) {
            self.state.change(|state| state.counts.changes += 1);
        }
        let framing = head.framing_of_answer(request.method())?;
        let mut body = Body::new(from, framing);
        let count = |bytes: u64| self.state.change(|state| state.counts.bytes_out += bytes);
        match fault {
            Some(Fault::CutAnswer { after }) => {
                let mut answer = head.to_bytes();
                body.read_to_end(&mut answer)?;
                to.write_all(&answer[..after.min(answer.len())])?;
                self.fired();
                return Ok(Next::Reset);
            }
            Some(Fault::Rubbish) => {
                io::copy(&mut body, &mut io::sink())?;
                to.write_all(b"\x00\xfe\xffHTP/9 what is this\r\n\r\n\r\n")?;
                self.fired();
                return Ok(Next::Close);
            }
            Some(Fault::CutContent { after } | Fault::ResetContent { after }) => {
                to.write_all(&head.to_bytes())?;
                pass(&mut body.take(after), framing, to, count)?;
                self.fired();
                let orderly = matches!(fault, Some(Fault::CutContent { .. }));
                return Ok(if orderly { Next::Close } else { Next::Reset });
            }
            Some(Fault::HoldAnswer) => {
                self.fired();
                self.wait_for_release();
            }
            Some(Fault::DelayAnswer(time)) => {
                self.fired();
                thread::sleep(time);
            }
            Some(
                Fault::CutRequest { .. }
                | Fault::CutConnection { .. }
                | Fault::HoldRequest { .. }
                | Fault::HoldHead
                | Fault::BlackHole,
            )
            | None => {}
        }
        to.write_all(&head.to_bytes())?;
        pass(&mut body, framing, to, count)?;
        write_end(&mut to, framing)?;
        succeeded.store((200..300).contains(&head.status()?), Ordering::Relaxed);
        Ok(if framing == Framing::UntilClose { Next::Close } else { Next::Keep })
    }

    fn fault_for(&self, head: &Head) -> Option<Fault> {
        self.state.change(|state| {
            state.counts.chunks += u64::from(chunks(head));
            let rule = state.rules.iter_mut().find(|rule| rule.times > 0 && (rule.applies)(head))?;
            rule.times -= 1;
            Some(rule.fault)
        })
    }

    fn fired(&self) {
        self.state.change(|state| state.counts.faults += 1);
    }

    fn wait_for_release(&self) {
        self.state.change(|state| state.counts.held += 1);
        self.state.wait_until("a hold is released", |state| state.released || state.ended);
    }
}

/// Who has answered before it had the whole request may close then: the client, which may wait for that, has to see it.
fn stays_open(upstream: &TcpStream, sent: impl Fn() -> bool) -> io::Result<Next> {
    upstream.set_read_timeout(Some(Duration::from_millis(1)))?;
    while !sent() {
        match upstream.peek(&mut [0]) {
            Ok(0) => return Ok(Next::Close),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            unexpected => return unexpected.map(|_| Next::Reset),
        }
    }
    upstream.set_read_timeout(None)?;
    Ok(Next::Keep)
}

/// A client's connection and the one it is passed on to.
struct Pair {
    client: TcpStream,
    upstream: TcpStream,
    from_client: BufReader<TcpStream>,
    from_upstream: BufReader<TcpStream>,
    /// Bytes of request bodies so far.
    brought: AtomicU64,
}

impl Pair {
    fn new(client: &TcpStream, upstream: &TcpStream) -> io::Result<Self> {
        client.set_nodelay(true)?;
        upstream.set_nodelay(true)?;
        let [from_client, from_upstream] = clones(client, upstream)?.map(BufReader::new);
        let [client, upstream] = clones(client, upstream)?;
        Ok(Self { client, upstream, from_client, from_upstream, brought: AtomicU64::new(0) })
    }
}

fn clones(client: &TcpStream, upstream: &TcpStream) -> io::Result<[TcpStream; 2]> {
    Ok([client.try_clone()?, upstream.try_clone()?])
}

fn pass(body: &mut impl Read, framing: Framing, mut to: &TcpStream, count: impl Fn(u64)) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match body.read(&mut buffer)? {
            0 => return Ok(()),
            length => {
                write_piece(&mut to, framing, &buffer[..length])?;
                count(length as u64);
            }
        }
    }
}

/// The peer sees a reset (RST) rather than an orderly end (FIN).
pub(super) fn reset_on_close(stream: &TcpStream) {
    let _ = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO));
}
