//! One page of the list.

use super::{queries, rows};
use crate::catalog::stored::{fold, page as page_of, signed};
use crate::db::Error;
use crate::domain::{Listing, Page, SortKey};
use deadpool_postgres::ClientWrapper;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

type Result<T> = std::result::Result<T, Error>;
type Values = Vec<(Box<dyn ToSql + Sync + Send>, Type)>;

pub(super) async fn page(client: &ClientWrapper, listing: &Listing) -> Result<Page> {
    let rows = match listing.search.is_empty() {
        true => list(client, listing).await?,
        false => search(client, listing).await?,
    };
    let uploads = rows.iter().map(rows::upload).collect::<Result<_>>()?;
    Ok(page_of(uploads, listing.limit))
}

async fn list(client: &ClientWrapper, listing: &Listing) -> Result<Vec<Row>> {
    let mut values: Values = vec![wanted(listing)];
    values.extend(cursor(listing)?);
    let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|(value, _)| &**value as _).collect();
    let statement = client.prepare_cached(&queries::listing::list(listing)).await?;
    Ok(client.query(&statement, &values).await?)
}

/// Not prepared: a plan that is kept does not know the term, and how rare that is decides.
async fn search(client: &ClientWrapper, listing: &Listing) -> Result<Vec<Row>> {
    let mut values: Values = vec![wanted(listing)];
    values.push((Box::new(containing(&fold(&listing.search))), Type::TEXT));
    values.extend(cursor(listing)?);
    let values: Vec<(&(dyn ToSql + Sync), Type)> =
        values.iter().map(|(value, kind)| (&**value as _, kind.clone())).collect();
    let near = client.query_typed(&queries::listing::nearest(listing), &values).await?;
    if near.len() > listing.limit as usize {
        return Ok(near);
    }
    Ok(client.query_typed(&queries::listing::everywhere(listing), &values).await?)
}

/// One more than are shown tells whether there is another page.
fn wanted(listing: &Listing) -> (Box<dyn ToSql + Sync + Send>, Type) {
    (Box::new(i64::from(listing.limit) + 1), Type::INT8)
}

fn cursor(listing: &Listing) -> Result<Values> {
    let Some(after) = &listing.after else { return Ok(Values::new()) };
    let mut values: Values = vec![(Box::new(after.id.as_uuid()), Type::UUID)];
    match listing.sort {
        SortKey::Created => {}
        SortKey::Name => values.push((Box::new(fold(&after.name)), Type::TEXT)),
        SortKey::Size => values.push((Box::new(signed(after.size)?), Type::INT8)),
    }
    Ok(values)
}

/// The pattern of LIKE for what contains `text`, word for word.
fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}
