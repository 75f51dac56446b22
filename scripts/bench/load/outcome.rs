//! What became of the requests of one client, or of all.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

#[derive(Default)]
pub struct Outcome {
    pub bytes: u64,
    pub reconnects: u64,
    pub failures: u64,
    /// Where the last upload is, and what it was called.
    pub location: String,
    pub name: String,
    durations: Vec<Duration>,
    statuses: BTreeMap<u16, u64>,
    problem: String,
    span: Option<(Instant, Instant)>,
}

impl Outcome {
    pub fn status(&mut self, status: u16) {
        *self.statuses.entry(status).or_default() += 1;
    }

    pub fn succeeded(&mut self, begun: Instant) {
        self.durations.push(begun.elapsed());
    }

    /// The first problem is the one that is told.
    pub fn failed(&mut self, problem: impl ToString) {
        self.failures += 1;
        if self.problem.is_empty() {
            self.problem = problem.to_string();
        }
    }

    /// When the client was at work, by its own clock: with few cores the thread that waits for it may get its turn late.
    pub fn worked(&mut self, begun: Instant) {
        self.span = Some((begun, Instant::now()));
    }

    pub fn add(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.reconnects += other.reconnects;
        self.failures += other.failures;
        self.durations.extend(other.durations);
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        if self.problem.is_empty() {
            self.problem = other.problem;
        }
        if !other.name.is_empty() {
            (self.name, self.location) = (other.name, other.location);
        }
        self.span = match (self.span, other.span) {
            (Some(ours), Some(theirs)) => Some((ours.0.min(theirs.0), ours.1.max(theirs.1))),
            (ours, theirs) => ours.or(theirs),
        };
    }

    pub fn json(mut self) -> String {
        self.durations.sort_unstable();
        let seconds = self.span.map_or(0.0, |(begin, end)| (end - begin).as_secs_f64());
        let statuses: Vec<String> =
            self.statuses.iter().map(|(status, count)| format!("\"{status}\": {count}")).collect();
        let per_second = |amount: f64| if seconds > 0.0 { amount / seconds } else { 0.0 };
        let fields = [
            ("ok", self.durations.len().to_string()),
            ("failures", self.failures.to_string()),
            ("seconds", format!("{seconds:.4}")),
            ("bytes", self.bytes.to_string()),
            ("per_s", format!("{:.2}", per_second(self.durations.len() as f64))),
            ("mb_per_s", format!("{:.2}", per_second(self.bytes as f64 / 1e6))),
            ("p50_ms", self.quantile(0.5)),
            ("p90_ms", self.quantile(0.9)),
            ("p99_ms", self.quantile(0.99)),
            ("max_ms", self.quantile(1.0)),
            ("load_cpu_s", format!("{:.2}", cpu_seconds())),
            ("reconnects", self.reconnects.to_string()),
            ("statuses", format!("{{{}}}", statuses.join(", "))),
            ("problem", quoted(&self.problem)),
            ("name", quoted(&self.name)),
            ("location", quoted(&self.location)),
        ];
        let fields: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
        format!("{{{}}}", fields.join(", "))
    }

    /// In milliseconds, of sorted durations.
    fn quantile(&self, part: f64) -> String {
        let last = self.durations.len().saturating_sub(1);
        let duration = self.durations.get((last as f64 * part) as usize).copied().unwrap_or_default();
        format!("{:.3}", duration.as_secs_f64() * 1e3)
    }
}

fn quoted(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    format!("\"{}\"", plain.collect::<String>().replace('\\', "\\\\").replace('"', "\\\""))
}

/// What this process has used. Linux counts it in hundredths of a second, here as everywhere.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(") ").map(|(_, fields)| fields).unwrap_or_default();
    fields.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}
