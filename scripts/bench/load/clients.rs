//! Many clients at once, a thread each.

use crate::outcome::Outcome;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

/// Small, since there may be a thousand of them.
const STACK: usize = 256 << 10;

/// All begin at the same moment. Prints what became of it.
pub fn run(count: u64, client: impl Fn(u64, &mut Outcome) + Sync) -> Result<(), String> {
    let start = Barrier::new(count as usize);
    let work = |number| {
        let mut outcome = Outcome::default();
        start.wait();
        let begun = Instant::now();
        client(number, &mut outcome);
        outcome.worked(begun);
        outcome
    };
    let work = &work;
    let mut all = Outcome::default();
    thread::scope(|scope| {
        let spawn =
            |number| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, move || work(number));
        let threads: Vec<_> = (0..count).map(|number| spawn(number).expect("a thread")).collect();
        for thread in threads {
            all.add(thread.join().expect("a client does not panic"));
        }
    });
    println!("{}", all.json());
    Ok(())
}
