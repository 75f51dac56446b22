//! A server that does nothing with what it is sent: the limit of loopback, and of this load itself.

use crate::arguments::Arguments;
use crate::http::Connection;
use std::io::{self, Write};
use std::net::TcpListener;
use std::thread;

pub fn run(arguments: &Arguments) -> Result<(), String> {
    let listener =
        TcpListener::bind(("127.0.0.1", arguments.need("listen")?)).map_err(|problem| problem.to_string())?;
    for stream in listener.incoming().flatten() {
        // How a client's connection ends is the client's affair.
        thread::spawn(move || Connection::over(stream, 256 << 10).and_then(serve));
    }
    Ok(())
}

fn serve(mut connection: Connection) -> io::Result<()> {
    loop {
        let mut length = 0;
        connection.line()?;
        loop {
            let line = connection.line()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        connection.exactly(length, &mut |_| {})?;
        connection.writer().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?;
    }
}
