//! The counts, and the verdict.

use crate::Run;
use crate::metrics;
use crate::tally::{Counts, Goal, Kind, Sums};
use std::time::Duration;

pub struct Report {
    sums: Sums,
    replays: metrics::Counts,
    /// Bytes of uploads that went to backends, and those of them that were not answered with success.
    relayed: (u64, u64),
    took: Duration,
}

impl Report {
    pub fn new(run: &Run) -> Self {
        let counts = run.site.backends.iter().map(|backend| backend.proxy.counts());
        let relayed = counts.fold((0, 0), |sum, next| (sum.0 + next.bytes_in, sum.1 + next.bytes_in_vain));
        let (replays, took) = (run.site.replays.total(&run.site), run.clock.begun.elapsed());
        Self { sums: run.tally.sums(), replays, relayed, took }
    }

    /// Goals that were met, and those that were missed.
    pub fn counts(&self) -> (usize, usize) {
        let failed = Goal::ALL.iter().filter(|goal| self.sums.violations.contains_key(goal)).count();
        (Goal::ALL.len() - failed, failed)
    }

    pub fn print(&self) {
        let sums = &self.sums;
        println!("\nfaults: {}", sums.faults.values().sum::<u64>());
        sums.faults.iter().for_each(|(name, count)| println!("  {count:>6} {name}"));
        println!(
            "\n  {:<10}{:>8}{:>12}{:>6}{:>9}{:>8}  excused by",
            "", "done", "bytes", "cut", "excused", "failed"
        );
        sums.kinds.iter().for_each(|(kind, counts)| println!("  {}", line(*kind, counts)));
        let (retries, resumed, unknown) =
            (self.replays.retries, self.replays.downloads_resumed, self.replays.unknown);
        println!(
            "\nfrontends asked backends again {retries} times, and continued {resumed} downloads elsewhere"
        );
        println!("  (lives of frontends that could not be asked before their end: {unknown})");
        let (bytes, in_vain) = self.relayed;
        println!("frontends sent {} to backends, {} of that in vain", size(bytes), size(in_vain));
        let (again, most) = (size(sums.sent_again), size(sums.most_sent_again));
        println!(
            "clients resumed {} times and sent {again} again, {most} at most at once, more than a chunk {} times",
            sums.resumes, sums.large_resumes
        );
        println!(
            "clients followed {} conflicts, and found nobody listening {} times",
            sums.conflicts, sums.sent_elsewhere
        );
        println!(
            "{} files are complete whose clients broke off, or were cut off, before they were told",
            sums.untold
        );
        println!("clients sent content that was sent before {} times", sums.repeated);
        println!("\nthe service");
        sums.deeds.iter().for_each(|(name, count)| println!("  {count:>6} times {name}"));
        println!("\nafter {:.0} s:", self.took.as_secs_f64());
        for goal in Goal::ALL {
            let missed = sums.violations.get(&goal).map(Vec::as_slice).unwrap_or_default();
            println!("  {} {}", if missed.is_empty() { "ok    " } else { "MISSED" }, goal.says());
            missed.iter().take(20).for_each(|what| println!("         {what}"));
            if missed.len() > 20 {
                println!("         and {} more", missed.len() - 20);
            }
        }
    }
}

fn line(kind: Kind, counts: &Counts) -> String {
    let Counts { done, bytes, cut, excused, failed } = counts;
    let (name, bytes) = (format!("{kind:?}"), size(*bytes));
    let causes: Vec<_> = excused.iter().map(|(trouble, count)| format!("{trouble:?} {count}")).collect();
    let (sum, causes) = (excused.values().sum::<u64>(), causes.join(", "));
    format!("{name:<10}{done:>8}{bytes:>12}{cut:>6}{sum:>9}{failed:>8}  {causes}")
}

pub fn size(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
