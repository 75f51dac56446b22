//! Headers between our own replicas, and those that say who answered.
//!
//! The first group is trusted, so a frontend strips it from what comes through the edge, in both directions; only a backend
//! reads it, on a network that clients do not reach.

use super::{BadHeader, number};
use crate::domain::{ContainerId, Epoch, UploadId};

/// What is under it is for replicas among themselves, on backends only. What is done there does not count as traffic.
pub const INTERNAL: &str = "/internal/";

/// On a creation: the id that the frontend minted.
pub const UPLOAD_ID: &str = "X-Upload-Id";
/// On a `PATCH`: the epoch that the frontend holds. On answers: the epoch of the record.
pub const UPLOAD_EPOCH: &str = "X-Upload-Epoch";
/// On a `PATCH` that brings nothing: claims the epoch after this one.
pub const UPLOAD_CLAIM: &str = "X-Upload-Claim";
/// On a `PATCH` in an epoch that is held: its bytes do not count yet.
pub const UPLOAD_PENDING: &str = "X-Upload-Pending";
/// On a creation, and on a `PATCH` in an epoch that is held: this request may bring more than this.
pub const UPLOAD_MORE: &str = "X-Upload-More";
/// On a question for a record: asked for the offset at which a client goes on, so not while that may still move.
pub const UPLOAD_SETTLED: &str = "X-Upload-Settled";
/// The one value of [`UPLOAD_PENDING`], [`UPLOAD_MORE`] and [`UPLOAD_SETTLED`].
pub const YES: &str = "1";
/// On a request to a backend: who relays it. On answers: which frontend answered.
pub const FRONTEND_CONTAINER: &str = "X-Frontend-Container";

/// Which backend took part, on answers.
pub const BACKEND_CONTAINER: &str = "X-Backend-Container";
pub const REQUEST_ID: &str = "X-Request-Id";

/// What a frontend takes off requests from the edge.
pub const STRIPPED_FROM_REQUESTS: [&str; 7] =
    [UPLOAD_ID, UPLOAD_EPOCH, UPLOAD_CLAIM, UPLOAD_PENDING, UPLOAD_MORE, UPLOAD_SETTLED, FRONTEND_CONTAINER];

/// What a frontend takes off answers.
pub const STRIPPED_FROM_ANSWERS: [&str; 1] = [UPLOAD_EPOCH];

pub fn parse_upload_id(value: &str) -> Result<UploadId, BadHeader> {
    value.parse().map_err(|_| BadHeader { header: UPLOAD_ID, expected: "a UUIDv7" })
}

/// The value of `header`, which is [`UPLOAD_EPOCH`] or [`UPLOAD_CLAIM`].
pub fn parse_epoch(header: &'static str, value: &str) -> Result<Epoch, BadHeader> {
    let epoch = number::parse(value).and_then(|epoch| i64::try_from(epoch).ok());
    epoch.map(Epoch).ok_or(BadHeader { header, expected: "a number in digits" })
}

/// The value of `header`, which is one of those that say yes by being there.
pub fn parse_yes(header: &'static str, value: &str) -> Result<bool, BadHeader> {
    match value {
        YES => Ok(true),
        _ => Err(BadHeader { header, expected: "1 is the only value" }),
    }
}

pub fn parse_frontend(value: &str) -> Result<ContainerId, BadHeader> {
    value.parse().map_err(|_| BadHeader { header: FRONTEND_CONTAINER, expected: "a container id" })
}

/// A caller's request id is taken over if it is safe to log and to send on: 1 to 128 of `A-Z a-z 0-9 . _ -`.
pub fn sane_request_id(value: &str) -> Option<&str> {
    let sane = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    ((1..=128).contains(&value.len()) && value.bytes().all(sane)).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn what_one_replica_prints_the_other_parses() {
        let id = UploadId::mint();
        assert_eq!(parse_upload_id(&id.to_string()), Ok(id));
        assert_eq!(parse_epoch(UPLOAD_EPOCH, &Epoch(42).to_string()), Ok(Epoch(42)));
        let container = ContainerId::from_bits(7);
        assert_eq!(parse_yes(UPLOAD_PENDING, YES), Ok(true));
        assert_eq!(parse_frontend(container.as_str()), Ok(container));
    }

    #[test]
    fn a_request_id_that_could_forge_a_log_line_is_not_taken_over() {
        assert!(sane_request_id("0198c1f0-6d5e-7c3a_B.1").is_some());
        for bad in ["", "a b", "a\nb", "é", "a\"b", &"x".repeat(129)] {
            assert!(sane_request_id(bad).is_none(), "{bad:?}");
        }
    }

    /// A block with a `proxy_set_header` of its own would lose all of those above it.
    #[test]
    fn the_edge_strips_what_the_frontends_strip() {
        let config = include_str!("../../nginx/nginx.conf");
        let (above, servers) = config.split_once("\n    server {\n").unwrap();
        let names = |before: &str, after: &str| -> BTreeSet<String> {
            let name = |line: &str| Some(line.trim().strip_prefix(before)?.strip_suffix(after)?.to_owned());
            above.lines().filter_map(name).filter(|name| name.starts_with("X-")).collect()
        };
        // Nobody reads this one in a request; a client has no business to send it all the same.
        let requests = STRIPPED_FROM_REQUESTS.into_iter().chain([BACKEND_CONTAINER]);
        assert_eq!(names("proxy_set_header ", " \"\";"), requests.map(str::to_owned).collect());
        assert_eq!(names("proxy_hide_header ", ";"), STRIPPED_FROM_ANSWERS.map(str::to_owned).into());
        assert!(!servers.contains("proxy_set_header") && !servers.contains("proxy_hide_header"));
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_panic(text in any::<String>()) {
            let _ = (parse_upload_id(&text), parse_epoch(UPLOAD_CLAIM, &text), parse_frontend(&text));
            let _ = (parse_yes(UPLOAD_MORE, &text), sane_request_id(&text));
        }
    }
}
