//! `Range` requests for bytes (RFC 9110, section 14).

use std::ops::Range;

/// More ranges than this in one request are not worth serving piecewise: the whole content is sent instead, as section 14.2
/// allows ("many small ranges").
const MOST_RANGES: usize = 32;

/// What a `Range` header asks for, given the length of the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// No range, or one to be ignored: other units, malformed, too many.
    Whole,
    /// Non-empty ranges inside the content, as asked for: one or several.
    Ranges(Vec<Range<u64>>),
    /// Well-formed, but no byte of the content is in it.
    NotSatisfiable,
}

/// Resolves a `Range` header against a content of `length` bytes. A header that cannot be understood is ignored, as the RFC
/// wants it; so are overlapping ranges, which only waste.
pub fn resolve(header: &[u8], length: u64) -> Wanted {
    let Some(specs) = specs(header) else { return Wanted::Whole };
    let mut ranges = Vec::new();
    for spec in specs {
        match within(spec, length) {
            Some(Some(range)) => ranges.push(range),
            Some(None) => {}
            None => return Wanted::Whole,
        }
    }
    match ranges.len() {
        0 => Wanted::NotSatisfiable,
        count if count > MOST_RANGES || overlap(&ranges) => Wanted::Whole,
        _ => Wanted::Ranges(ranges),
    }
}

fn specs(header: &[u8]) -> Option<impl Iterator<Item = &str>> {
    let text = std::str::from_utf8(header).ok()?;
    let (unit, set) = text.split_once('=')?;
    let specs = || set.split(',').map(str::trim).filter(|spec| !spec.is_empty());
    (unit.trim().eq_ignore_ascii_case("bytes") && specs().next().is_some()).then(specs)
}

/// The range inside the content; `Some(None)` if it lies past its end, `None` if it is malformed.
fn within(spec: &str, length: u64) -> Option<Option<Range<u64>>> {
    let (first, last) = spec.split_once('-')?;
    let range = match (number(first)?, number(last)?) {
        (None, None) => return None,
        (None, Some(suffix)) => length.saturating_sub(suffix)..length,
        (Some(first), None) => first..length,
        (Some(first), Some(last)) if last < first => return None,
        (Some(first), Some(last)) => first..last.saturating_add(1).min(length),
    };
    Some((!range.is_empty()).then_some(range))
}

/// Digits, or nothing; a number too large to count is as good as the largest.
fn number(text: &str) -> Option<Option<u64>> {
    match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true if text.is_empty() => Some(None),
        true => Some(Some(text.parse().unwrap_or(u64::MAX))),
        false => None,
    }
}

fn overlap(ranges: &[Range<u64>]) -> bool {
    let mut sorted: Vec<_> = ranges.iter().collect();
    sorted.sort_by_key(|range| range.start);
    sorted.windows(2).any(|pair| pair[0].end > pair[1].start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ranges(header: &str) -> Wanted {
        resolve(header.as_bytes(), 100)
    }

    #[test]
    fn a_range_is_resolved_against_the_length() {
        for (header, range) in [
            ("bytes=0-9", 0..10),
            ("bytes=10-", 10..100),
            ("bytes=-10", 90..100),
            ("bytes=-1000", 0..100),
            ("bytes=90-1000", 90..100),
            ("BYTES = 99-99", 99..100),
            ("bytes=0-99999999999999999999999", 0..100),
        ] {
            assert_eq!(ranges(header), Wanted::Ranges(vec![range]), "{header}");
        }
    }

    #[test]
    fn several_ranges_keep_their_order() {
        assert_eq!(ranges("bytes=50-59, 0-9,200-"), Wanted::Ranges(vec![50..60, 0..10]));
    }

    #[test]
    fn a_range_past_the_end_is_not_satisfiable() {
        for header in ["bytes=100-", "bytes=100-200,300-", "bytes=-0"] {
            assert_eq!(ranges(header), Wanted::NotSatisfiable, "{header}");
        }
        assert_eq!(resolve(b"bytes=0-", 0), Wanted::NotSatisfiable);
    }

    #[test]
    fn what_is_not_understood_or_wasteful_is_ignored() {
        let many = format!("bytes={}", (0..40).map(|i| format!("{i}-{i}")).collect::<Vec<_>>().join(","));
        for header in
            ["", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "lines=0-1", "bytes=0-9,5-20", &many]
        {
            assert_eq!(ranges(header), Wanted::Whole, "{header}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_asked_stays_inside_the_content(header in "(bytes=)?[0-9,\\- ]{0,40}", length: u64) {
            if let Wanted::Ranges(ranges) = resolve(header.as_bytes(), length) {
                prop_assert!(ranges.iter().all(|range| range.start < range.end && range.end <= length));
            }
        }
    }
}
