//! The proxy itself, before a server of twenty lines: a fault that does not happen would let every other test pass.

use crate::support::chaos::{ALWAYS, ChaosProxy, Fault, chunks};
use crate::support::client::{Answer, Url};
use crate::support::wire::{Body, Framing, Head, write_end, write_piece};
use std::io::{self, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// Answers each request with the body it came with, framed as it came.
fn echo() -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url(format!("http://{}", listener.local_addr().unwrap()));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(|| serve(stream));
        }
    });
    url
}

fn serve(mut stream: TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(head) = Head::read(&mut reader)? {
        let framing = head.framing_of_request()?;
        let mut body = Vec::new();
        Body::new(&mut reader, framing).read_to_end(&mut body)?;
        let field = match framing {
            Framing::Chunked => "Transfer-Encoding: chunked".to_owned(),
            Framing::Length(_) | Framing::UntilClose => format!("Content-Length: {}", body.len()),
        };
        write!(stream, "HTTP/1.1 200 OK\r\n{field}\r\n\r\n")?;
        write_piece(&mut stream, framing, &body)?;
        write_end(&mut stream, framing)?;
    }
    Ok(())
}

fn send(proxy: &ChaosProxy) -> io::Result<Answer> {
    proxy.url.request("PATCH", "/files/x").try_send_body(BODY.len() as u64, &BODY[..])
}

static BODY: [u8; 300_000] = [b'x'; 300_000];

#[test]
fn without_a_fault_the_proxy_changes_nothing() {
    let proxy = ChaosProxy::before(echo());
    assert_eq!(send(&proxy).unwrap().expect(200).body, BODY);
    let mut exchange =
        proxy.url.request("PATCH", "/files/x").header("Transfer-Encoding", "chunked").begin().unwrap();
    exchange.write(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n").unwrap();
    assert_eq!(exchange.answer().unwrap().text(), "abcde");
    let counts = proxy.counts();
    assert_eq!((counts.connections, counts.chunks, counts.bytes_in, counts.faults), (2, 2, 300_005, 0));
}

#[test]
fn each_fault_takes_effect_once_and_only_on_what_it_is_meant_for() {
    for (fault, bytes_in) in [
        (Fault::CutRequest { after: 100_000 }, 100_000),
        (Fault::CutAnswer { after: 0 }, 300_000),
        (Fault::CutAnswer { after: 60 }, 300_000),
        (Fault::CutContent { after: 1000 }, 300_000),
        (Fault::Rubbish, 300_000),
    ] {
        let proxy = ChaosProxy::before(echo());
        proxy.inject(1, chunks, fault);
        proxy.url.get("/healthz").send().expect(200);
        assert!(send(&proxy).is_err(), "{fault:?}");
        proxy.wait_until("the fault", |counts| counts.faults == 1 && counts.bytes_in == bytes_in);
        send(&proxy).unwrap().expect(200);
    }
}

#[test]
fn a_connection_that_may_bring_so_much_is_cut_in_the_request_that_brings_it() {
    let proxy = ChaosProxy::before(echo());
    proxy.inject(ALWAYS, chunks, Fault::CutConnection { after: 400_000 });
    let mut stream = TcpStream::connect(proxy.url.authority()).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let request = [b"PATCH /files/x HTTP/1.1\r\nContent-Length: 300000\r\n\r\n", &BODY[..]].concat();
    stream.write_all(&request).unwrap();
    let framing = Head::read(&mut reader).unwrap().unwrap().framing_of_answer("PATCH").unwrap();
    assert_eq!(io::copy(&mut Body::new(&mut reader, framing), &mut io::sink()).unwrap(), 300_000);
    // The proxy may be gone before it has taken all of this.
    drop(stream.write_all(&request));
    assert!(Head::read(&mut reader).is_err(), "no answer");
    proxy.wait_until("the cut", |counts| counts.faults == 1 && counts.bytes_in == 400_000);
    for _ in 0..2 {
        send(&proxy).unwrap().expect(200);
    }
    assert_eq!(proxy.counts().faults, 1, "other connections have not brought so much");
}

#[test]
fn a_server_that_answers_early_and_closes_is_seen_to_close() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = ChaosProxy::before(Url(format!("http://{}", listener.local_addr().unwrap())));
    let request = proxy.url.request("PATCH", "/files/x").header("Content-Length", 3);
    let mut client = request.begin().unwrap();
    let (mut server, _) = listener.accept().unwrap();
    Head::read(&mut BufReader::new(server.try_clone().unwrap())).unwrap();
    server.write_all(b"HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n").unwrap();
    drop(server);
    let mut answer = String::new();
    client.stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 409 "), "{answer}");
}

#[test]
fn a_held_request_stands_still_at_the_byte_until_it_is_released() {
    let proxy = ChaosProxy::before(echo());
    proxy.inject(1, chunks, Fault::HoldRequest { after: 65_537 });
    thread::scope(|scope| {
        let sent = scope.spawn(|| send(&proxy));
        proxy.wait_until("the hold", |counts| counts.faults == 1);
        assert_eq!(proxy.counts().bytes_in, 65_537);
        proxy.release();
        sent.join().unwrap().unwrap().expect(200);
    });
}

#[test]
fn a_held_answer_has_been_given_but_does_not_arrive_until_it_is_released() {
    let proxy = ChaosProxy::before(echo());
    proxy.inject(1, chunks, Fault::HoldAnswer);
    thread::scope(|scope| {
        let sent = scope.spawn(|| send(&proxy));
        proxy.wait_until("the hold", |counts| counts.faults == 1);
        assert_eq!((proxy.counts().bytes_in, proxy.counts().bytes_out), (300_000, 0));
        proxy.release();
        assert_eq!(sent.join().unwrap().unwrap().expect(200).body, BODY);
    });
}

#[test]
fn a_black_hole_takes_everything_and_passes_on_nothing() {
    let proxy = ChaosProxy::before(echo());
    proxy.inject(ALWAYS, chunks, Fault::BlackHole);
    let mut exchange = proxy.url.request("PATCH", "/files/x").header("Content-Length", 3).begin().unwrap();
    exchange.write(b"abc").unwrap();
    proxy.wait_until("the fault", |counts| counts.faults == 1);
    assert_eq!(proxy.counts().bytes_in, 0);
    exchange.stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert_eq!(exchange.answer().unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn a_refusing_proxy_resets_what_is_open_and_can_come_back() {
    let proxy = ChaosProxy::before(echo());
    let mut exchange = proxy.url.request("PATCH", "/files/x").header("Content-Length", 3).begin().unwrap();
    proxy.wait_until("the request", |counts| counts.chunks == 1);
    proxy.refuse();
    assert!(exchange.write(b"abc").and_then(|()| exchange.answer()).is_err());
    assert_eq!(send(&proxy).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    proxy.accept_again();
    send(&proxy).unwrap().expect(200);
}

#[test]
fn a_proxy_keeps_its_address_while_the_server_behind_it_is_replaced() {
    let proxy = ChaosProxy::before(Url("http://127.0.0.1:1".into()));
    assert!(send(&proxy).is_err());
    proxy.refuse();
    let refused = TcpStream::connect(proxy.url.authority()).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    proxy.point_at(echo());
    proxy.accept_again();
    assert_eq!(send(&proxy).unwrap().expect(200).body, BODY);
    assert_eq!(proxy.counts().bytes_in_vain, 0);
    proxy.inject(1, chunks, Fault::CutRequest { after: 1000 });
    assert!(send(&proxy).is_err());
    assert_eq!(proxy.counts().bytes_in_vain, 1000);
}
