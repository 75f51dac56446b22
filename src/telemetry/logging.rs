use env_logger::{Builder, Env};
use log::Record;
use std::io::{self, Write};

/// `RUST_LOG` chooses what is logged (default: info); `LOG_FORMAT=json` gives a JSON object a line.
pub fn init() {
    let mut builder = Builder::from_env(Env::default().default_filter_or("info"));
    if std::env::var("LOG_FORMAT").is_ok_and(|format| format == "json") {
        builder.format(write_json);
    }
    // A second call in one process changes nothing.
    let _already = builder.try_init();
}

fn write_json(line: &mut env_logger::fmt::Formatter, record: &Record) -> io::Result<()> {
    let time = line.timestamp_millis().to_string();
    let object = serde_json::json!({
        "time": time,
        "level": record.level().as_str(),
        "target": record.target(),
        "message": record.args().to_string(),
    });
    writeln!(line, "{object}")
}
