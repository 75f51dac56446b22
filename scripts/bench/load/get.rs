//! Downloads of one URL again and again, whole or ranges of it at random offsets.

use crate::arguments::Arguments;
use crate::clients;
use crate::content::{self, Comparison};
use crate::http::{Connection, Head, Url};
use crate::outcome::Outcome;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A server that fails so often is not waited for.
const ENOUGH_FAILURES: u64 = 100;

struct Plan {
    url: Url,
    buffer: usize,
    headers: String,
    size: Option<u64>,
    expected: Option<u64>,
    range: Option<(u64, u64)>,
}

pub fn run(arguments: &Arguments) -> Result<(), String> {
    let clients = arguments.or("clients", 1)?;
    let count: Option<u64> = arguments.find("count")?;
    let time = arguments.find("seconds")?.map(Duration::from_secs_f64);
    if count.is_none() && time.is_none() {
        return Err("--count or --seconds says when to end".into());
    }
    let range: Option<u64> = arguments.find("range")?;
    let plan = Plan {
        url: Url::parse(&arguments.need::<String>("url")?)?,
        buffer: if clients > 8 { 64 << 10 } else { 256 << 10 },
        headers: arguments.all("header").map(|header| format!("{header}\r\n")).collect(),
        size: arguments.find("size")?,
        expected: arguments.find("expect")?,
        range: range.map(|length| arguments.need("total").map(|total| (length, total))).transpose()?,
    };
    let left = AtomicU64::new(count.unwrap_or(u64::MAX));
    let begun = Instant::now();
    let goes_on = || {
        time.is_none_or(|time| begun.elapsed() < time)
            && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    };
    clients::run(clients, |number, outcome| {
        let mut connection = None;
        let mut chance = content::next(number + 1);
        while outcome.failures < ENOUGH_FAILURES && goes_on() {
            chance = content::next(chance);
            if let Err(problem) = plan.once(&mut connection, chance, outcome) {
                connection = None;
                outcome.failed(problem);
            }
        }
    })
}

impl Plan {
    fn once(
        &self,
        connection: &mut Option<Connection>,
        chance: u64,
        outcome: &mut Outcome,
    ) -> io::Result<()> {
        let request = self.request(chance);
        let begun = Instant::now();
        let head = self.ask(connection, &request, outcome)?;
        let mut comparison = self.expected.map(Comparison::new);
        let open = connection.as_mut().expect("an answer came over it");
        let size = match &mut comparison {
            Some(comparison) => open.body(&head, |bytes| comparison.take(bytes))?,
            None => open.body(&head, |_| {})?,
        };
        if head.closes {
            *connection = None;
        }
        outcome.status(head.status);
        outcome.bytes += size;
        let same = comparison.is_none_or(|comparison| comparison.same);
        if same && self.is_good(&head, size) {
            outcome.succeeded(begun);
        } else {
            outcome.failed(format!(
                "status {}, {size} bytes{}",
                head.status,
                if same { "" } else { ", not those sent" }
            ));
        }
        Ok(())
    }

    fn request(&self, chance: u64) -> String {
        let range = self.range.map(|(length, total)| {
            let first = chance % (total / length) * length;
            format!("Range: bytes={first}-{}\r\n", first + length - 1)
        });
        let (path, host, headers) = (&self.url.path, &self.url.host, &self.headers);
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}{}\r\n", range.unwrap_or_default())
    }

    /// A kept connection may have been closed meanwhile: that is no failure, but counted, and tried once more.
    fn ask(
        &self,
        connection: &mut Option<Connection>,
        request: &str,
        outcome: &mut Outcome,
    ) -> io::Result<Head> {
        if let Some(kept) = connection {
            match kept.writer().write_all(request.as_bytes()).and_then(|()| kept.head()) {
                Ok(head) => return Ok(head),
                Err(problem) if kept.was_closed(&problem) => outcome.reconnects += 1,
                Err(problem) => return Err(problem),
            }
        }
        let open = connection.insert(Connection::open(&self.url.host, self.buffer)?);
        open.writer().write_all(request.as_bytes())?;
        open.head()
    }

    fn is_good(&self, head: &Head, size: u64) -> bool {
        match self.range {
            Some((length, _)) => head.status == 206 && size == length,
            None => head.status == 200 && self.size.is_none_or(|expected| expected == size),
        }
    }
}
