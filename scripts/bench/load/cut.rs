//! A bad network: passes connections on to a server, and breaks each after its client has sent so many bytes.

use crate::arguments::Arguments;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

pub fn run(arguments: &Arguments) -> Result<(), String> {
    let (to, after): (u16, u64) = (arguments.need("to")?, arguments.need("after")?);
    let listener =
        TcpListener::bind(("127.0.0.1", arguments.need("listen")?)).map_err(|problem| problem.to_string())?;
    for client in listener.incoming().flatten() {
        // How a connection ends is what this is made for.
        thread::spawn(move || relay(&client, to, after));
    }
    Ok(())
}

fn relay(client: &TcpStream, to: u16, after: u64) -> io::Result<()> {
    let server = TcpStream::connect(("127.0.0.1", to))?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let close = || {
        let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            // Answers are not cut.
            let _ = pass(&server, client, u64::MAX);
            close();
        });
        if pass(client, &server, after).is_ok_and(|sent| sent >= after) {
            eprintln!("cut");
        }
        close();
    });
    Ok(())
}

/// Up to about `limit` bytes, or to the end.
fn pass(mut from: &TcpStream, mut to: &TcpStream, limit: u64) -> io::Result<u64> {
    let (mut buffer, mut sent) = (vec![0; 256 << 10], 0);
    while sent < limit {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        to.write_all(&buffer[..read])?;
        sent += read as u64;
    }
    Ok(sent)
}
