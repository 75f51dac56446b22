//! One line on stderr for each event: for people by default, as JSON with `LOG_FORMAT=json`.

use env_logger::fmt::style::Style;
use env_logger::{Builder, Env};
use log::Record;
use serde::Serialize;
use std::io::Write;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

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

/// Installs the logger. What is logged is set by `RUST_LOG`. A logger that is there already stays.
pub fn install(format: Format) {
    let mut builder = Builder::from_env(Env::default().default_filter_or(FILTER));
    match format {
        Format::Text => {
            builder.format(|out, record| {
                let style = out.default_level_style(record.level());
                writeln!(out, "{}", text_line(record, style, OffsetDateTime::now_utc()))
            });
        }
        Format::Json => {
            builder.format(|out, record| writeln!(out, "{}", json_line(record, OffsetDateTime::now_utc())));
        }
    }
    // An error says that there is one already: in tests, or where several replicas share a process.
    let _ = builder.try_init();
}

/// As the logger itself writes it but for the colour of its brackets; its clock would bring a library of calendars with it. What
/// follows a line break is set in, so that it does not pass for an event of its own.
fn text_line(record: &Record, style: Style, time: OffsetDateTime) -> String {
    // Only a year past 9999 has no RFC 3339 form.
    let time = time.truncate_to_second().format(&Rfc3339).unwrap_or_default();
    let (level, target) = (record.level(), record.target());
    let message = record.args().to_string().replace('\n', "\n    ");
    format!("[{time} {style}{level:<5}{style:#} {target}] {message}")
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
    use ::time::Duration;
    use serde_json::{Value, json};

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
    fn a_line_of_text_says_when_how_bad_and_where_and_what_follows_a_line_break_is_set_in() {
        let args = format_args!("two\n[2026-01-01T00:00:00Z ERROR forged] lines");
        let record = Record::builder().level(log::Level::Warn).target("room").args(args).build();
        let line =
            text_line(&record, Style::new(), OffsetDateTime::UNIX_EPOCH + Duration::milliseconds(1999));
        assert_eq!(
            line,
            "[1970-01-01T00:00:01Z WARN  room] two\n    [2026-01-01T00:00:00Z ERROR forged] lines"
        );
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
