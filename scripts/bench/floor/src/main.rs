//! The yardstick: the least work that a server can do for a PUT, if it is to know what it has and have it after a power cut.
//! It receives, hashes, writes, syncs, notes a row, and answers. It has no routes, limits or errors: it is no server to use.
//!
//! Environment: PORT  where to listen, on 127.0.0.1
//!              DATA  the folder of the files
//!              FLOOR_ROW=1   notes each file in the database that PGHOST, PGPORT, PGUSER and PGDATABASE name
//!              FLOOR_BARE=1  neither hashes nor syncs
//!
//! With FLOOR_ROW, GET /rows/N writes N MiB into rows of a table, and answers when they are committed: the limit of a store that
//! keeps bytes in PostgreSQL.

mod database;
mod file;
mod request;
mod rows;

use database::Pool;
use request::{Reader, Received};
use std::env;
use std::error::Error;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread;

pub struct Floor {
    folder: PathBuf,
    bare: bool,
    pool: Option<Pool>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = env::var("PORT")?.parse()?;
    let is_set = |name| env::var(name).is_ok_and(|value| value == "1");
    let floor = Floor {
        folder: env::var("DATA")?.into(),
        bare: is_set("FLOOR_BARE"),
        pool: if is_set("FLOOR_ROW") { Some(Pool::open()?) } else { None },
    };
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    thread::scope(|scope| {
        for stream in listener.incoming().flatten() {
            let floor = &floor;
            thread::Builder::new().stack_size(256 << 10).spawn_scoped(scope, move || {
                if let Err(problem) = serve(&stream, floor) {
                    eprintln!("floor: {problem}");
                }
            })?;
        }
        Ok(())
    })
}

/// One connection to its end, a thread for each.
fn serve(mut stream: &TcpStream, floor: &Floor) -> Result<(), Box<dyn Error>> {
    stream.set_nodelay(true)?;
    let mut reader = Reader::new(stream);
    while let Some(request) = reader.request()? {
        let (status, body) = match request {
            Received::Put { name, length } => ("201 Created", floor.store(&name, length, &mut reader)?),
            Received::Get { path } => ("200 OK", answer(&path)?),
        };
        // In one piece, and so in one packet.
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes())?;
    }
    Ok(())
}

fn answer(path: &str) -> Result<String, Box<dyn Error>> {
    if let Some(mebibytes) = path.strip_prefix("/rows/") {
        rows::write(mebibytes.parse()?)?;
    }
    Ok("ok".to_owned())
}
