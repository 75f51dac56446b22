//! The queries of `GET /api/uploads` (`limit`, `cursor`, `q`, `sort`, `state`) and of one record (`segments`).

use crate::domain::{Cursor, Listing, SortKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

pub const DEFAULT_LIMIT: u32 = 50;
pub const MAX_LIMIT: u32 = 1000;

/// As long as a name can be.
const MAX_TEXT_BYTES: usize = 255;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{parameter}: {expected}")]
pub struct BadQuery {
    pub parameter: &'static str,
    pub expected: &'static str,
}

/// Reads a query string. A parameter that is empty or missing has its default; one that we do not know is passed over.
pub fn parse(query: &str) -> Result<Listing, BadQuery> {
    let bad = |parameter, expected| BadQuery { parameter, expected };
    let mut listing = Listing {
        limit: DEFAULT_LIMIT,
        after: None,
        search: String::new(),
        sort: SortKey::Created,
        descending: true,
        incomplete_too: false,
    };
    for (name, value) in form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| !value.is_empty()) {
        match &*name {
            "limit" => listing.limit = parse_limit(&value).ok_or(bad("limit", "a number from 1 to 1000"))?,
            "cursor" => {
                let cursor =
                    parse_cursor(&value).ok_or(bad("cursor", "the next_cursor of an earlier page"))?;
                listing.after = Some(cursor);
            }
            "q" => listing.search = parse_search(&value).ok_or(bad("q", "at most 255 bytes of text"))?,
            "sort" => {
                let expected = "created, name or size, with - before it for descending order";
                (listing.sort, listing.descending) = parse_sort(&value).ok_or(bad("sort", expected))?;
            }
            "state" => {
                listing.incomplete_too = match &*value {
                    "complete" => false,
                    "all" => true,
                    _ => return Err(bad("state", "complete or all")),
                }
            }
            _ => {}
        }
    }
    Ok(listing)
}

/// Reads the query string of one record: `segments=false` leaves out who stored which range.
pub fn without_segments(query: &str) -> Result<bool, BadQuery> {
    let bad = BadQuery { parameter: "segments", expected: "true or false" };
    let given = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "segments");
    match given.as_ref().map(|(_, value)| &**value) {
        None | Some("" | "true") => Ok(false),
        Some("false") => Ok(true),
        Some(_) => Err(bad),
    }
}

/// The query string that [`parse`] reads back as `listing`.
pub fn print(listing: &Listing) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", &listing.limit.to_string());
    query.append_pair("sort", &print_sort(listing.sort, listing.descending));
    if let Some(cursor) = &listing.after {
        query.append_pair("cursor", &print_cursor(cursor));
    }
    if !listing.search.is_empty() {
        query.append_pair("q", &listing.search);
    }
    if listing.incomplete_too {
        query.append_pair("state", "all");
    }
    query.finish()
}

fn parse_limit(text: &str) -> Option<u32> {
    text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit))
}

fn parse_search(text: &str) -> Option<String> {
    is_storable(text).then(|| text.to_owned())
}

/// PostgreSQL's text cannot hold a NUL, and no name does.
fn is_storable(text: &str) -> bool {
    text.len() <= MAX_TEXT_BYTES && !text.contains('\0')
}

fn parse_sort(text: &str) -> Option<(SortKey, bool)> {
    let (key, descending) = text.strip_prefix('-').map_or((text, false), |key| (key, true));
    let key = match key {
        "created" => SortKey::Created,
        "name" => SortKey::Name,
        "size" => SortKey::Size,
        _ => return None,
    };
    Some((key, descending))
}

/// As `sort` has it.
pub fn print_sort(key: SortKey, descending: bool) -> String {
    let key = match key {
        SortKey::Created => "created",
        SortKey::Name => "name",
        SortKey::Size => "size",
    };
    format!("{}{key}", if descending { "-" } else { "" })
}

/// What is inside of a cursor. To clients it is opaque.
#[derive(Serialize, Deserialize)]
struct Place {
    n: String,
    s: u64,
    i: String,
}

pub fn print_cursor(cursor: &Cursor) -> String {
    let place = Place { n: cursor.name.clone(), s: cursor.size, i: cursor.id.to_string() };
    // Strings and numbers have no way to fail; an empty cursor would be the first page.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&place).unwrap_or_default())
}

pub fn parse_cursor(text: &str) -> Option<Cursor> {
    let place: Place = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    // Databases count in signed 64-bit integers.
    let valid = i64::try_from(place.s).is_ok() && is_storable(&place.n);
    valid.then_some(Cursor { name: place.n, size: place.s, id: place.i.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::UploadId;
    use proptest::prelude::*;

    #[test]
    fn without_parameters_it_is_the_newest_complete_uploads() {
        let listing = parse("").unwrap();
        assert_eq!((listing.limit, listing.sort, listing.descending), (50, SortKey::Created, true));
        assert!(!listing.incomplete_too && listing.after.is_none() && listing.search.is_empty());
        assert_eq!(parse("limit=&cursor=&q=&sort=&state=&colour=blue").unwrap(), listing);
    }

    #[test]
    fn segments_are_left_out_only_where_that_is_asked_for() {
        for (query, without) in [("", false), ("segments=true", false), ("a=b&segments=false", true)] {
            assert_eq!(without_segments(query), Ok(without), "{query}");
        }
        assert_eq!(without_segments("segments=no").unwrap_err().parameter, "segments");
    }

    #[test]
    fn a_minus_sorts_descending() {
        let listing = parse("sort=-size").unwrap();
        assert_eq!((listing.sort, listing.descending), (SortKey::Size, true));
        let listing = parse("sort=name").unwrap();
        assert_eq!((listing.sort, listing.descending), (SortKey::Name, false));
    }

    #[test]
    fn a_bad_parameter_is_named() {
        let long = format!("q={}", "x".repeat(256));
        for (query, parameter) in [
            ("limit=0", "limit"),
            ("limit=1001", "limit"),
            ("limit=ten", "limit"),
            ("cursor=!", "cursor"),
            ("cursor=e30", "cursor"),
            ("sort=colour", "sort"),
            ("state=receiving", "state"),
            (&long, "q"),
            ("q=a%00b", "q"),
        ] {
            assert_eq!(parse(query).unwrap_err().parameter, parameter, "{query}");
        }
    }

    proptest! {
        #[test]
        fn any_query_is_parsed_without_panic(query in any::<String>()) {
            let _ = (parse(&query), parse_cursor(&query));
        }

        #[test]
        fn what_is_printed_is_parsed_back(
            limit in 1u32..=1000,
            search in "\\PC{0,60}",
            name in "\\PC{0,60}",
            size in 0..=i64::MAX as u64,
            sort in prop_oneof![Just(SortKey::Created), Just(SortKey::Name), Just(SortKey::Size)],
            descending: bool,
            incomplete_too: bool,
        ) {
            let after = Some(Cursor { name, size, id: UploadId::mint() });
            let listing = Listing { limit, after, search, sort, descending, incomplete_too };
            prop_assert_eq!(parse(&print(&listing)), Ok(listing));
        }
    }
}
