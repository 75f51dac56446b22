//! Conditional requests (RFC 9110, section 13): is the content still what the client has?

use std::time::{Duration, SystemTime};

/// The headers of one request, as they came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conditions<'a> {
    pub if_match: Option<&'a str>,
    pub if_none_match: Option<&'a str>,
    pub if_modified_since: Option<&'a str>,
    pub if_unmodified_since: Option<&'a str>,
    pub if_range: Option<&'a str>,
}

/// What the content is now.
#[derive(Clone, Copy, Debug)]
pub struct Validators<'a> {
    /// The opaque tag without its quotes. It is a strong one.
    pub etag: &'a str,
    pub last_modified: SystemTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Proceed,
    /// 304
    NotModified,
    /// 412
    PreconditionFailed,
}

impl Conditions<'_> {
    /// Evaluates for `GET` and `HEAD`, in the order of section 13.2.2.
    pub fn evaluate(&self, now: Validators) -> Verdict {
        let modified_since =
            |date: &str| parse_date(date).map(|date| whole_seconds(now.last_modified) > date);
        let holds = match (self.if_match, self.if_unmodified_since) {
            (Some(tags), _) => lists(tags, now.etag, Comparison::Strong),
            (None, Some(date)) => modified_since(date) != Some(true),
            (None, None) => true,
        };
        if !holds {
            return Verdict::PreconditionFailed;
        }
        let unchanged = match (self.if_none_match, self.if_modified_since) {
            (Some(tags), _) => lists(tags, now.etag, Comparison::Weak),
            (None, Some(date)) => modified_since(date) == Some(false),
            (None, None) => false,
        };
        match unchanged {
            true => Verdict::NotModified,
            false => Verdict::Proceed,
        }
    }

    /// Whether a `Range` header counts (section 13.1.5): there is no `If-Range`, or it names the content as it is now. A
    /// date must match exactly.
    pub fn range_applies(&self, now: Validators) -> bool {
        match self.if_range.map(str::trim) {
            None => true,
            // Not 'W' alone: so begin the dates of Wednesdays, too.
            Some(tag) if tag.starts_with('"') || tag.starts_with("W/") => {
                tag.strip_prefix('"') == Some(&format!("{}\"", now.etag))
            }
            Some(date) => parse_date(date) == Some(whole_seconds(now.last_modified)),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Strong,
    Weak,
}

/// Whether a list of entity tags (`*`, or `"a", W/"b"`) holds `etag` (section 8.8.3.2). Reading stops at what is no tag.
fn lists(mut rest: &str, etag: &str, comparison: Comparison) -> bool {
    if rest.trim() == "*" {
        return true;
    }
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (weak, quoted) = rest.strip_prefix("W/").map_or((false, rest), |quoted| (true, quoted));
        let Some((tag, after)) = quoted.strip_prefix('"').and_then(|text| text.split_once('"')) else {
            return false;
        };
        if tag == etag && (!weak || comparison == Comparison::Weak) {
            return true;
        }
        rest = after;
    }
}

pub fn print_date(time: SystemTime) -> String {
    httpdate::fmt_http_date(time.max(SystemTime::UNIX_EPOCH))
}

/// "A recipient MUST ignore the If-Modified-Since header field if the received field value is not a valid HTTP-date."
fn parse_date(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text.trim()).ok()
}

/// HTTP dates count whole seconds.
fn whole_seconds(time: SystemTime) -> SystemTime {
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since_epoch.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 1994-11-06 08:49:37.5 UTC, the RFC's example and half a second.
    fn now() -> Validators<'static> {
        Validators {
            etag: "v1",
            last_modified: SystemTime::UNIX_EPOCH + Duration::from_millis(784_111_777_500),
        }
    }

    const THEN: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";

    #[test]
    fn a_known_tag_is_304() {
        for tags in ["\"v1\"", "W/\"v1\"", "\"v0\", \"v1\"", "*", " \"a,b\" ,W/\"v1\""] {
            let conditions = Conditions { if_none_match: Some(tags), ..Default::default() };
            assert_eq!(conditions.evaluate(now()), Verdict::NotModified, "{tags}");
        }
        for tags in ["\"v2\"", "v1", "", "\"v1", "\"v\"1\""] {
            let conditions = Conditions { if_none_match: Some(tags), ..Default::default() };
            assert_eq!(conditions.evaluate(now()), Verdict::Proceed, "{tags}");
        }
    }

    #[test]
    fn a_date_counts_whole_seconds_and_less_than_a_tag() {
        let since = |date| Conditions { if_modified_since: Some(date), ..Default::default() };
        assert_eq!(since(THEN).evaluate(now()), Verdict::NotModified);
        assert_eq!(since(EARLIER).evaluate(now()), Verdict::Proceed);
        assert_eq!(since("yesterday").evaluate(now()), Verdict::Proceed);
        let both = Conditions { if_none_match: Some("\"v2\""), ..since(THEN) };
        assert_eq!(both.evaluate(now()), Verdict::Proceed);
    }

    #[test]
    fn a_failed_precondition_is_412() {
        let matches = |tags| Conditions { if_match: Some(tags), ..Default::default() };
        assert_eq!(matches("\"v1\"").evaluate(now()), Verdict::Proceed);
        assert_eq!(matches("W/\"v1\"").evaluate(now()), Verdict::PreconditionFailed);
        assert_eq!(matches("\"v2\"").evaluate(now()), Verdict::PreconditionFailed);
        let unmodified = |date| Conditions { if_unmodified_since: Some(date), ..Default::default() };
        assert_eq!(unmodified(THEN).evaluate(now()), Verdict::Proceed);
        assert_eq!(unmodified(EARLIER).evaluate(now()), Verdict::PreconditionFailed);
    }

    #[test]
    fn a_range_counts_only_for_the_very_same_content() {
        let if_range = |value| Conditions { if_range: Some(value), ..Default::default() };
        assert!(Conditions::default().range_applies(now()));
        assert!(if_range("\"v1\"").range_applies(now()));
        assert!(if_range(THEN).range_applies(now()));
        let wednesday = "Wed, 09 Nov 1994 08:49:37 GMT";
        let then = Validators { last_modified: parse_date(wednesday).unwrap(), ..now() };
        assert!(if_range(wednesday).range_applies(then));
        for other in ["\"v2\"", "W/\"v1\"", "\"v1", "*", EARLIER, "Sun, 06 Nov 1994 08:49:38 GMT"] {
            assert!(!if_range(other).range_applies(now()), "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_headers_are_evaluated_without_panic(a in any::<String>(), b in "[\"W/*,v1 ]{0,20}") {
            for text in [&a, &b] {
                let conditions = Conditions {
                    if_match: Some(text),
                    if_none_match: Some(text),
                    if_modified_since: Some(text),
                    if_unmodified_since: Some(text),
                    if_range: Some(text),
                };
                let _ = (conditions.evaluate(now()), conditions.range_applies(now()));
            }
        }
    }
}
