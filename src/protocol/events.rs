//! Server-sent events as text (HTML standard, section 9.2).

use crate::domain::{InvalidMoment, Moment};
use serde::Serialize;

pub const MEDIA_TYPE: &str = "text/event-stream";

/// On a request: the id of the last event that its client was sent.
pub const LAST_EVENT_ID: &str = "Last-Event-ID";
/// The same as a query parameter.
pub const SINCE: &str = "since";

/// First in a stream: a client whose connection is lost waits a second before it connects again.
pub const RETRY: &str = "retry: 1000\n\n";

/// A comment, so that nobody on the way takes a stream without events for dead.
pub const ALIVE: &str = ": alive\n\n";

/// The names of the events.
pub const REPLICAS: &str = "replicas";
pub const TRAFFIC: &str = "traffic";
pub const UPLOADS: &str = "uploads";
/// What happened is more than can be told: the list is to be fetched anew.
pub const RELOAD: &str = "reload";
/// Nobody can be asked what happens. It is over with the next [`REPLICAS`].
pub const UNAVAILABLE: &str = "unavailable";

/// The data of events that say nothing but their name.
#[derive(Serialize)]
pub struct Nothing {}

/// One event. Its id is the moment up to which a client that got it knows what happened.
pub fn print(name: &str, id: Option<Moment>, data: &impl Serialize) -> String {
    let mut event = format!("event: {name}\n");
    if let Some(id) = id {
        event += &format!("id: {id}\n");
    }
    // JSON has no line break but between tokens, and there none is printed. Nothing of ours fails to be JSON.
    let data = serde_json::to_string(data).unwrap_or_default();
    event + "data: " + &data + "\n\n"
}

/// Reads the value of [`LAST_EVENT_ID`] or [`SINCE`].
pub fn parse_last_id(value: &str) -> Result<Moment, InvalidMoment> {
    value.trim().parse()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn an_event_is_its_name_its_id_and_one_line_of_data() {
        let id = Moment::from_micros(1_700_000_000_000_001);
        let event = print(UPLOADS, Some(id), &json!({"completed": ["a"]}));
        assert_eq!(event, "event: uploads\nid: 1700000000000001\ndata: {\"completed\":[\"a\"]}\n\n");
        assert_eq!(print(RELOAD, None, &Nothing {}), "event: reload\ndata: {}\n\n");
    }

    #[test]
    fn an_id_is_read_back_and_nothing_else() {
        assert_eq!(parse_last_id("1700000000000001"), Ok(Moment::from_micros(1_700_000_000_000_001)));
        for bad in ["", "abc", "-1", "17000000000000001", "1.5"] {
            assert!(parse_last_id(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        /// A line break in a name would end the data, and what follows it would be read as fields.
        #[test]
        fn whatever_a_text_holds_stays_in_one_line(text in "[\n\r\u{85}\u{2028}:a]{0,20}") {
            let event = print(UPLOADS, None, &text);
            let data = event.strip_prefix("event: uploads\ndata: ").unwrap().strip_suffix("\n\n").unwrap();
            prop_assert!(!data.contains(['\n', '\r']));
            prop_assert_eq!(serde_json::from_str::<String>(data).unwrap(), text);
        }
    }
}
