//! `Range` (RFC 9110, section 14.2): which parts of the content are wanted.

use super::number;
use std::ops::Range;

/// One range-spec as it was asked for, before the length is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spec {
    /// `500-`
    From(u64),
    /// `500-999`, both inclusive.
    Between(u64, u64),
    /// `-500`: the last 500 bytes.
    Suffix(u64),
}

/// What a `Range` header comes to for content of a known length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// The header does not apply; the whole content is sent with 200.
    Whole,
    /// Never empty; none overlaps or touches another. In the order asked for, as section 15.3.7.2 wants it.
    Parts(Vec<Range<u64>>),
    /// 416.
    Unsatisfiable,
}

/// More ranges than this in one header are ignored, which section 14.2 allows: nobody reads a file so, and each range costs
/// a read of its own.
pub const MAX_RANGES: usize = 32;

/// Past the last byte of whatever can be stored: databases count in signed 64-bit integers.
pub const END: u64 = i64::MAX as u64;

/// `None` for anything but a well-formed set of byte ranges: "An origin server MUST ignore a Range header field that
/// contains a range unit it does not understand", and a malformed one is best treated alike.
pub fn parse(value: &str) -> Option<Vec<Spec>> {
    let (unit, set) = value.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    // The list syntax of section 5.6.1 lets elements be empty.
    let elements = set.split(',').map(|element| element.trim_matches([' ', '\t'])).filter(|e| !e.is_empty());
    let specs = elements.take(MAX_RANGES + 1).map(parse_spec).collect::<Option<Vec<_>>>()?;
    (1..=MAX_RANGES).contains(&specs.len()).then_some(specs)
}

fn parse_spec(text: &str) -> Option<Spec> {
    match text.split_once('-')? {
        ("", suffix) => number::parse(suffix).map(Spec::Suffix),
        (first, "") => number::parse(first).map(Spec::From),
        (first, last) => {
            let (first, last) = (number::parse(first)?, number::parse(last)?);
            (first <= last).then_some(Spec::Between(first, last))
        }
    }
}

/// What `specs` select of `length` bytes. Of empty content no range can be satisfied, but some clients add a `Range` to
/// every request, so for it the header is ignored.
pub fn select(specs: &[Spec], length: u64) -> Selection {
    if length == 0 {
        return Selection::Whole;
    }
    let mut parts: Vec<Range<u64>> = Vec::new();
    for part in specs.iter().filter_map(|spec| resolve(*spec, length)) {
        add(&mut parts, part);
    }
    match parts.is_empty() {
        true => Selection::Unsatisfiable,
        false => Selection::Parts(parts),
    }
}

/// What `specs` will most likely select, said before the length is known: nothing if that alone tells.
pub fn expected(specs: &[Spec]) -> Range<u64> {
    match *specs {
        [Spec::From(first)] => first..END,
        [Spec::Between(first, last)] => first..END.min(last + 1),
        _ => 0..0,
    }
}

fn resolve(spec: Spec, length: u64) -> Option<Range<u64>> {
    let range = match spec {
        Spec::From(first) => first..length,
        Spec::Between(first, last) => first..length.min(last + 1),
        Spec::Suffix(count) => length - count.min(length)..length,
    };
    (range.start < range.end).then_some(range)
}

/// Adds `part`, joined with all that it overlaps or touches, at the place of the first of them. So no byte is sent twice,
/// however often it was asked for.
fn add(parts: &mut Vec<Range<u64>>, mut part: Range<u64>) {
    let touches = |other: &Range<u64>, part: &Range<u64>| other.start <= part.end && part.start <= other.end;
    let place = parts.iter().position(|other| touches(other, &part)).unwrap_or(parts.len());
    while let Some(found) = parts.iter().position(|other| touches(other, &part)) {
        let other = parts.remove(found);
        part = part.start.min(other.start)..part.end.max(other.end);
    }
    parts.insert(place.min(parts.len()), part);
}

/// `Content-Range` of a part (section 14.4): `bytes 0-499/1234`. `range` is not empty.
pub fn print_content_range(range: &Range<u64>, length: u64) -> String {
    format!("bytes {}-{}/{length}", range.start, range.end.saturating_sub(1))
}

/// `Content-Range` of a 416.
pub fn print_unsatisfied(length: u64) -> String {
    format!("bytes */{length}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(parts: &[(u64, u64)]) -> Selection {
        Selection::Parts(parts.iter().map(|(start, end)| *start..*end).collect())
    }

    fn selected(value: &str, length: u64) -> Selection {
        parse(value).map_or(Selection::Whole, |specs| select(&specs, length))
    }

    /// The examples of section 14.1.2, for content of 10000 bytes.
    #[test]
    fn the_examples_of_the_rfc_select_what_it_says() {
        for (value, expected) in [
            ("bytes=0-499", &[(0, 500)][..]),
            ("bytes=500-999", &[(500, 1000)]),
            ("bytes=-500", &[(9500, 10000)]),
            ("bytes=9500-", &[(9500, 10000)]),
            ("bytes=0-0,-1", &[(0, 1), (9999, 10000)]),
            ("bytes= 0-0, 4500-5499, -2", &[(0, 1), (4500, 5500), (9998, 10000)]),
            ("bytes=500-600,601-999", &[(500, 1000)]),
            ("bytes=500-700,601-999", &[(500, 1000)]),
        ] {
            assert_eq!(selected(value, 10000), parts(expected), "{value}");
        }
    }

    #[test]
    fn a_range_is_cut_to_the_content() {
        assert_eq!(selected("bytes=5-100", 10), parts(&[(5, 10)]));
        assert_eq!(selected("bytes=-100", 10), parts(&[(0, 10)]));
        assert_eq!(selected("bytes=20-30,5-5", 10), parts(&[(5, 6)]));
    }

    #[test]
    fn a_range_past_the_content_is_416() {
        for value in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=10-,11-"] {
            assert_eq!(selected(value, 10), Selection::Unsatisfiable, "{value}");
        }
    }

    #[test]
    fn a_range_of_empty_content_is_ignored() {
        assert_eq!(selected("bytes=0-", 0), Selection::Whole);
    }

    #[test]
    fn what_is_not_well_formed_is_ignored() {
        for value in [
            "",
            "bytes",
            "bytes=",
            "bytes=a-b",
            "bytes=5-4",
            "bytes=-",
            "items=0-1",
            "bytes=1",
            "bytes=0-1;2-3",
        ] {
            assert_eq!(parse(value), None, "{value}");
        }
        let many = format!("bytes={}", "0-0,".repeat(MAX_RANGES + 1));
        assert_eq!(parse(&many), None);
    }

    #[test]
    fn ranges_keep_the_order_they_were_asked_in() {
        assert_eq!(selected("bytes=8-9,0-1,3-4", 10), parts(&[(8, 10), (0, 2), (3, 5)]));
        assert_eq!(selected("bytes=8-9,0-1,5-5,2-4", 10), parts(&[(8, 10), (0, 6)]));
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_panic(text in any::<String>(), length in 0u64..) {
            let _ = selected(&text, length);
        }

        #[test]
        fn exactly_the_bytes_asked_for_are_selected_each_once(
            asked in proptest::collection::vec((0u64..60, 0u64..20), 1..10),
            length in 1u64..50,
        ) {
            let specs: Vec<_> = asked.iter().map(|(first, more)| Spec::Between(*first, first + more)).collect();
            let parts = match select(&specs, length) {
                Selection::Parts(parts) => parts,
                Selection::Whole | Selection::Unsatisfiable => Vec::new(),
            };
            for byte in 0..length {
                let wanted = asked.iter().any(|(first, more)| (*first..=first + more).contains(&byte));
                let sent = parts.iter().filter(|part| part.contains(&byte)).count();
                prop_assert_eq!(sent, usize::from(wanted));
            }
            prop_assert!(parts.iter().all(|part| part.start < part.end && part.end <= length));
        }
    }
}
