//! SQL of the list, made for each kind of page, so that each has an index to walk along.
//!
//! A search is asked in two ways. Where many names have the term a page's worth of them is near: [`nearest`] walks along the
//! list's order, and not far. Where few have it, [`everywhere`] finds all of them by their trigrams, and sorts. Which of the two
//! is the quicker one no plan that is made before can know, and the statistics of a hundred names hardly; so the first is simply
//! tried. It reads nothing but an index that has the names.

use crate::domain::{Listing, SortKey};

/// How many records [`nearest`] looks at for each one wanted. Where fewer than one in so many has the term, as many as that are
/// fetched and sorted in about the time that the walk has taken.
const NEAR: u32 = 400;
/// And how many at most, for a large page: where few have the term they are looked at in vain.
const NEAR_AT_MOST: u32 = 50_000;

/// What is found, in the order of the list.
const CONTAINS: &str = r"filename_key LIKE $2 ESCAPE '\'";

/// $1 limit, then the cursor: its id, and its key if there is one.
pub(in crate::catalog::postgres) fn list(listing: &Listing) -> String {
    let (record, listed) = (record!(), listed(listing));
    let (beyond, order) = (beyond(listing, ["$2", "$3"]), order(listing, key(listing)));
    format!("SELECT {record} FROM uploads WHERE true{listed}{beyond} ORDER BY {order} LIMIT $1")
}

/// $1 limit, $2 the pattern, then the cursor. What is found among those that come next.
pub(in crate::catalog::postgres) fn nearest(listing: &Listing) -> String {
    let (record, listed, columns) = (record!(), listed(listing), columns(listing));
    let (beyond, order) = (beyond(listing, ["$3", "$4"]), order(listing, key(listing)));
    let sorted = self::order(listing, key(listing).map(|_| "sort_key"));
    format!(
        "SELECT {record} FROM (SELECT {columns}, filename_key FROM uploads WHERE true{beyond} ORDER BY {order} \
           LIMIT least($1 * {NEAR}, {NEAR_AT_MOST})) AS near \
         JOIN uploads USING (id) WHERE near.{CONTAINS}{listed} ORDER BY {sorted} LIMIT $1"
    )
}

/// The same of all that come next. What few have is found by its trigrams and sorted before any record is read; along what many
/// have, as far as the database's statistics tell, and none near, it walks on. A limit in there that no list reaches makes the
/// planner weigh both.
pub(in crate::catalog::postgres) fn everywhere(listing: &Listing) -> String {
    let (record, listed, columns) = (record!(), listed(listing), columns(listing));
    let (beyond, order) = (beyond(listing, ["$3", "$4"]), order(listing, key(listing)));
    let sorted = self::order(listing, key(listing).map(|_| "sort_key"));
    format!(
        "SELECT {record} FROM (SELECT {columns} FROM uploads WHERE {CONTAINS}{beyond} ORDER BY {order} \
           LIMIT 1000000000000) AS found \
         JOIN uploads USING (id) WHERE true{listed} ORDER BY {sorted} LIMIT $1"
    )
}

/// By what is sorted before the id.
fn key(listing: &Listing) -> Option<&'static str> {
    match listing.sort {
        SortKey::Created => None,
        SortKey::Name => Some("filename_key"),
        SortKey::Size => Some("coalesce(length_bytes, 0)"),
    }
}

fn columns(listing: &Listing) -> String {
    key(listing).map_or("id".into(), |key| format!("id, {key} AS sort_key"))
}

fn listed(listing: &Listing) -> &'static str {
    match listing.incomplete_too {
        true => "",
        false => " AND completed_at IS NOT NULL AND concat IS DISTINCT FROM 'partial'",
    }
}

/// What comes after the cursor of that id and key.
fn beyond(listing: &Listing, [id, value]: [&str; 2]) -> String {
    let beyond = if listing.descending { "<" } else { ">" };
    match (&listing.after, key(listing)) {
        (Some(_), Some(key)) => format!(" AND ({key}, id) {beyond} ({value}, {id})"),
        (Some(_), None) => format!(" AND id {beyond} {id}"),
        (None, _) => String::new(),
    }
}

fn order(listing: &Listing, key: Option<&str>) -> String {
    let order = if listing.descending { "DESC" } else { "ASC" };
    let key = key.map(|key| format!("{key} {order}, ")).unwrap_or_default();
    format!("{key}id {order}")
}
