//! `GET /api/uploads`: the list, a page at a time.

use super::{Asked, Problem, Service};
use crate::domain::{Listing, SortKey};
use crate::protocol::problem::Code;
use crate::protocol::record::{Records, parse_cursor};
use actix_web::{HttpResponse, web};
use serde::Deserialize;

const USUAL_PAGE: u32 = 50;
const LARGEST_PAGE: u32 = 1000;
/// Longer than any name.
const LONGEST_SEARCH: usize = 255;

#[derive(Debug, Deserialize)]
pub struct Query {
    limit: Option<String>,
    cursor: Option<String>,
    q: Option<String>,
    sort: Option<String>,
    state: Option<String>,
}

pub async fn get(
    service: web::Data<Service>,
    asked: Asked,
    query: web::Query<Query>,
) -> Result<HttpResponse, Problem> {
    let page = service.uploads.list(&asked, &listing(&query)?).await?;
    Ok(HttpResponse::Ok().json(Records::page(&page)))
}

fn listing(query: &Query) -> Result<Listing, Problem> {
    let bad = |name, allowed| Problem::because(Code::BadQuery, format!("{name} must be {allowed}."));
    let limit = match query.limit.as_deref().map(str::parse) {
        None => USUAL_PAGE,
        Some(Ok(limit @ 1..=LARGEST_PAGE)) => limit,
        Some(_) => return Err(bad("limit", "a number from 1 to 1000")),
    };
    let sort = query.sort.as_deref().unwrap_or("-created");
    let (key, descending) = match sort.strip_prefix('-') {
        Some(key) => (key, true),
        None => (sort, false),
    };
    let sort = match key {
        "created" => SortKey::Created,
        "name" => SortKey::Name,
        "size" => SortKey::Size,
        _ => return Err(bad("sort", "created, name or size, with - before it for the other way round")),
    };
    let incomplete_too = match query.state.as_deref() {
        None | Some("complete") => false,
        Some("all") => true,
        Some(_) => return Err(bad("state", "complete or all")),
    };
    let search = query.q.clone().unwrap_or_default();
    if search.len() > LONGEST_SEARCH {
        return Err(bad("q", "at most 255 bytes"));
    }
    let after = query.cursor.as_deref().filter(|text| !text.is_empty());
    let after =
        after.map(parse_cursor).transpose().map_err(|_| bad("cursor", "a next_cursor of this list"))?;
    Ok(Listing { limit, after, search, sort, descending, incomplete_too })
}
