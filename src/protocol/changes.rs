//! What became of the list, in JSON: as browsers are told it, and as a frontend is that asks a backend.

use crate::domain::{Changed, Epoch, Moment, News, UploadId};
use crate::protocol::listing::BadQuery;
use crate::protocol::record::{BadRecord, Record};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

/// The data of the event `uploads`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewsRecords {
    /// As lists show them.
    pub completed: Vec<Record>,
    pub removed: Vec<String>,
}

/// The answer of `GET /internal/changes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedRecords {
    /// In microseconds.
    pub upto: i64,
    /// Null where it is more than can be told.
    pub news: Option<NewsRecords>,
}

impl From<&News> for NewsRecords {
    fn from(news: &News) -> Self {
        Self {
            completed: news.completed.iter().map(Record::listed).collect(),
            removed: news.removed.iter().map(UploadId::to_string).collect(),
        }
    }
}

impl From<&Changed> for ChangedRecords {
    fn from(changed: &Changed) -> Self {
        Self { upto: changed.upto.micros(), news: changed.news.as_ref().map(NewsRecords::from) }
    }
}

impl ChangedRecords {
    /// What was printed, but for what lists leave out.
    pub fn into_changed(self) -> Result<Changed, BadRecord> {
        let news = self.news.map(NewsRecords::into_news).transpose()?;
        Ok(Changed { upto: Moment::from_micros(self.upto), news })
    }
}

impl NewsRecords {
    fn into_news(self) -> Result<News, BadRecord> {
        let completed = self.completed.into_iter().map(|record| record.into_upload(Epoch::FIRST));
        let removed = self.removed.iter().map(|id| id.parse().map_err(|_| BadRecord("id")));
        Ok(News {
            completed: completed.collect::<Result<_, _>>()?,
            removed: removed.collect::<Result<_, _>>()?,
        })
    }
}

/// The query string that [`parse_since`] reads back.
pub fn print_since(since: Option<Moment>) -> String {
    since.map(|since| format!("since={since}")).unwrap_or_default()
}

pub fn parse_since(query: &str) -> Result<Option<Moment>, BadQuery> {
    let bad = BadQuery { parameter: "since", expected: "microseconds since 1970" };
    let given = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "since");
    given.map(|(_, value)| value.parse().map_err(|_| bad)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{FileName, Upload};
    use proptest::prelude::*;
    use time::OffsetDateTime;

    fn upload() -> Upload {
        Upload {
            id: UploadId::mint(),
            filename: FileName::clean("report.pdf"),
            content_type: None,
            metadata: String::new(),
            length: Some(3),
            offset: 3,
            pending: None,
            epoch: Epoch::FIRST,
            concat: None,
            sha256: None,
            created_at: OffsetDateTime::UNIX_EPOCH,
            completed_at: Some(OffsetDateTime::UNIX_EPOCH),
            expires_at: None,
        }
    }

    #[test]
    fn what_a_backend_tells_a_frontend_reads_back() {
        let upto = Moment::from_micros(1_700_000_000_000_001);
        let news = News { completed: vec![upload()], removed: vec![UploadId::mint()] };
        for news in [Some(news), Some(News::default()), None] {
            let changed = Changed { upto, news };
            let printed = serde_json::to_string(&ChangedRecords::from(&changed)).unwrap();
            let read: ChangedRecords = serde_json::from_str(&printed).unwrap();
            assert_eq!(read.into_changed(), Ok(changed));
        }
    }

    #[test]
    fn lists_and_their_changes_show_the_same_of_an_upload() {
        let upload = Upload { metadata: "filename cmVwb3J0LnBkZg==".into(), ..upload() };
        let news = News { completed: vec![upload], removed: Vec::new() };
        let printed = serde_json::to_value(NewsRecords::from(&news)).unwrap();
        assert!(printed["completed"][0].get("metadata").is_none());
        assert_eq!(printed["completed"][0]["filename"], "report.pdf");
    }

    #[test]
    fn a_moment_that_is_none_is_refused() {
        for since in [None, Some(Moment::from_micros(7))] {
            assert_eq!(parse_since(&print_since(since)), Ok(since));
        }
        for bad in ["since=", "since=yesterday", "since=-1"] {
            assert_eq!(parse_since(bad).unwrap_err().parameter, "since", "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_query_is_parsed_without_panic(query in any::<String>()) {
            let _ = parse_since(&query);
        }
    }
}
