//! One line on stderr for each event: for people by default, as JSON with `LOG_FORMAT=json`.

use env_filter::Filter;
use log::{Level, Log, Metadata, Record};
use serde::Serialize;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::time::SystemTime;
use time::OffsetDateTime;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
}

impl Format {
    /// Reads `LOG_FORMAT`; anything but `json` is text, because a misspelt log format should not keep a service down.
    pub fn of_this_process() -> Self {
        Self::parse(std::env::var("LOG_FORMAT").ok().as_deref())
    }

    fn parse(value: Option<&str>) -> Self {
        match value.is_some_and(|value| value.eq_ignore_ascii_case("json")) {
            true => Format::Json,
            false => Format::Text,
        }
    }
}

/// Unless `RUST_LOG` says otherwise. That an answer was cut short is said by us, with the request's id.
const FILTER: &str = "info,actix_http::h1::dispatcher=off";

/// Installs the logger. What is logged is set by `RUST_LOG`. A logger that is there already stays, in tests, or where several
/// replicas share a process.
pub fn install(format: Format) {
    let filter = std::env::var("RUST_LOG").unwrap_or_else(|_| FILTER.into());
    let filter = env_filter::Builder::new().parse(&filter).build();
    // Without a stderr there is nowhere to log to, nor to say so.
    let Ok(stderr) = io::stderr().as_fd().try_clone_to_owned() else { return };
    let coloured = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let level = filter.filter();
    if log::set_boxed_logger(Box::new(Logger { filter, format, coloured, out: stderr.into() })).is_ok() {
        log::set_max_level(level);
    }
}

struct Logger {
    filter: Filter,
    format: Format,
    coloured: bool,
    /// The kernel keeps lines of several threads apart that are written at once. They need not wait for each other, as they
    /// would for the lock of the standard library's stderr.
    out: File,
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata) -> bool {
        self.filter.enabled(metadata)
    }

    fn log(&self, record: &Record) {
        if !self.filter.matches(record) {
            return;
        }
        let mut line = match self.format {
            Format::Text => text_line(record, SystemTime::now(), self.coloured),
            Format::Json => json_line(record, OffsetDateTime::now_utc()),
        };
        line.push('\n');
        // Nobody reads it: no reason to serve nobody either.
        let _ = (&self.out).write_all(line.as_bytes());
    }

    fn flush(&self) {}
}

/// What is logged may be a stranger's words: they look like no other line, and say nothing to a terminal.
fn text_line(record: &Record, time: SystemTime, coloured: bool) -> String {
    let (colour, plain) = match coloured {
        true => (colour(record.level()), "\x1b[0m"),
        false => ("", ""),
    };
    let mut line = String::with_capacity(256);
    let time = humantime::format_rfc3339_seconds(time);
    // Writing to a string fails only if a value refuses to be printed.
    let _ = write!(line, "[{time} {colour}{:<5}{plain} {}] ", record.level(), record.target());
    let message = line.len();
    let _ = write!(line, "{}", record.args());
    if line[message..].bytes().any(|byte| byte.is_ascii_control()) {
        let message = line.split_off(message);
        for character in message.chars() {
            match character {
                '\n' => line.push_str("\n    "),
                other if other.is_control() => line.extend(other.escape_default()),
                other => line.push(other),
            }
        }
    }
    line
}

fn colour(level: Level) -> &'static str {
    match level {
        Level::Error => "\x1b[31m",
        Level::Warn => "\x1b[33m",
        Level::Info => "\x1b[32m",
        Level::Debug => "\x1b[34m",
        Level::Trace => "\x1b[36m",
    }
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(with = "time::serde::rfc3339")]
    time: OffsetDateTime,
    level: &'static str,
    target: &'a str,
    message: String,
}

fn json_line(record: &Record, time: OffsetDateTime) -> String {
    let line = Line {
        time,
        level: record.level().as_str(),
        target: record.target(),
        message: record.args().to_string(),
    };
    // Only a year past 9999 has no RFC 3339 form.
    serde_json::to_string(&line).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::time::Duration;

    #[test]
    fn a_text_line_is_no_other_line_whatever_is_logged() {
        let args = format_args!("one\n[2026-01-01T00:00:00Z INFO  forged] \x1b[2Jtwo");
        let record = Record::builder().level(Level::Info).target("room").args(args).build();
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1999);
        assert_eq!(
            text_line(&record, time, false),
            "[1970-01-01T00:00:01Z INFO  room] one\n    [2026-01-01T00:00:00Z INFO  forged] \\u{1b}[2Jtwo"
        );
        let coloured = text_line(&record, time, true);
        assert!(coloured.starts_with("[1970-01-01T00:00:01Z \x1b[32mINFO \x1b[0m room] one\n"), "{coloured}");
    }

    #[test]
    fn a_json_line_is_one_line_whatever_is_logged() {
        let args = format_args!("two\nlines and a \"quote\"");
        let record = Record::builder().level(log::Level::Warn).target("room").args(args).build();
        let line = json_line(&record, OffsetDateTime::UNIX_EPOCH);
        assert!(!line.contains('\n'));
        let expected = json!({
            "time": "1970-01-01T00:00:00Z",
            "level": "WARN",
            "target": "room",
            "message": "two\nlines and a \"quote\"",
        });
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), expected);
    }

    #[test]
    fn only_json_is_json() {
        assert_eq!(Format::parse(Some("JSON")), Format::Json);
        assert_eq!(Format::parse(Some("logfmt")), Format::Text);
        assert_eq!(Format::parse(None), Format::Text);
    }

    #[test]
    fn installing_twice_is_harmless() {
        install(Format::Text);
        install(Format::Json);
    }
}
