//! Requests with bodies, sent at any speed and broken off at any point.

use super::Client;
use crate::support::client::{Answer, Request};
use rustix::net::sockopt::set_socket_linger;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

/// What became of a request.
pub enum Outcome {
    Answered(Answer),
    /// Nobody listens there; nothing was said.
    NotThere,
    Broken(io::Error),
    /// Broken off by the client itself.
    Cut,
}

/// How fast a client sends, and how far.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    piece: usize,
    pause: Duration,
    /// Breaks off after so many bytes, or having sent everything, without a look at the answer.
    cut: Option<u64>,
    /// Breaks off with a reset instead of in good order.
    reset: bool,
}

impl Pace {
    /// All at once.
    pub const PLAIN: Self = Self { piece: 256 << 10, pause: Duration::ZERO, cut: None, reset: false };
}

impl Client<'_> {
    /// Some clients send all at once, others take some seconds; one of `cuts` breaks off.
    pub fn pace(&mut self, length: u64, cuts: u32) -> Pace {
        let slow = self.rng.bool();
        let piece = self.rng.u64(1 << 10..256 << 10).max(length / 200) as usize;
        let pause = Duration::from_millis(if slow { self.rng.u64(0..25) } else { 0 });
        let cut = (self.rng.u32(0..cuts) == 0).then(|| self.rng.u64(0..=length));
        Pace { piece, pause, cut, reset: self.rng.bool() }
    }
}

/// Sends a body of `length` bytes. Says also how many of them went out.
pub fn send(request: Request, length: u64, body: impl Read, pace: Pace) -> (Outcome, u64) {
    let mut exchange = match request.header("Content-Length", length).begin() {
        Ok(exchange) => exchange,
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => return (Outcome::NotThere, 0),
        Err(error) => return (Outcome::Broken(error), 0),
    };
    let mut sent = 0;
    let wanted = pace.cut.unwrap_or(length);
    let going = pass(body.take(wanted), &mut exchange.stream, pace, &mut sent);
    if pace.cut.is_some() {
        if pace.reset {
            set_socket_linger(&exchange.stream, Some(Duration::ZERO)).unwrap();
        }
        return (Outcome::Cut, sent);
    }
    // A service may answer before it has read everything; then its answer counts, not that we could not go on.
    match (exchange.answer(), going) {
        (Ok(answer), _) => (Outcome::Answered(answer), sent),
        (Err(_), Err(error)) | (Err(error), Ok(())) => (Outcome::Broken(error), sent),
    }
}

/// Until the answer comes, or the end of the connection: the service would only throw away what is sent after it.
fn pass(mut body: impl Read, to: &mut TcpStream, pace: Pace, sent: &mut u64) -> io::Result<()> {
    let mut piece = vec![0; pace.piece];
    loop {
        let mut filled = 0;
        while filled < piece.len() {
            match body.read(&mut piece[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        if filled == 0 || is_answered(to)? {
            return Ok(());
        }
        to.write_all(&piece[..filled])?;
        *sent += filled as u64;
        thread::sleep(pace.pause);
    }
}

fn is_answered(stream: &TcpStream) -> io::Result<bool> {
    stream.set_nonblocking(true)?;
    let seen = stream.peek(&mut [0]);
    stream.set_nonblocking(false)?;
    Ok(!matches!(seen, Err(error) if error.kind() == ErrorKind::WouldBlock))
}
