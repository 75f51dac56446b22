//! The load of the benchmark: blocking threads over the standard library alone, so that it takes as little of the machine as it
//! can, and is built by `rustc` in a moment. Prints what became of its requests as one object of JSON.

mod arguments;
mod clients;
mod content;
mod cut;
mod disk;
mod get;
mod http;
mod outcome;
mod sink;
mod upload;

use arguments::Arguments;
use std::process::exit;

const USAGE: &str = "\
Usage: load get    --url URL [--clients N] (--count N | --seconds S) [--size BYTES] [--expect ID] [--range BYTES --total BYTES]
       load upload --url URL --by put|form|tus [--clients N] [--count N] --size BYTES [--first ID] [--patch BYTES]
                   [--file-field NAME] [--field NAME=VALUE]... [--header 'NAME: VALUE']...
       load disk   --folder DIR [--count N] --size BYTES [--clients N] [--sync none|data|all|folder]
       load sink   --listen PORT                     reads requests, drops their bodies, answers 200
       load cut    --listen PORT --to PORT --after BYTES
                                                     passes connections on, and breaks each once its client has sent so much";

fn main() {
    let mut words = std::env::args().skip(1);
    let run = match words.next().as_deref() {
        Some("get") => get::run,
        Some("upload") => upload::run,
        Some("disk") => disk::run,
        Some("sink") => sink::run,
        Some("cut") => cut::run,
        Some("--help" | "-h") => return println!("{USAGE}"),
        _ => fail("the first word is get, upload, disk, sink or cut"),
    };
    if let Err(problem) = Arguments::read(words).and_then(|arguments| run(&arguments)) {
        fail(&problem);
    }
}

fn fail(problem: &str) -> ! {
    eprintln!("load: {problem}\n{USAGE}");
    exit(2)
}
