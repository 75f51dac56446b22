//! The JSON of uploads. A backend prints it, clients read it, and a frontend's relay reads it back into an [`Upload`].

use crate::domain::{Concat, Cursor, Epoch, FileName, Page, Segment, Sha256Sum, State, Upload};
use crate::protocol::listing;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::serde::rfc3339;

/// One upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub id: String,
    pub filename: String,
    /// The whole upload; null while its length is deferred.
    pub size_bytes: Option<u64>,
    pub received_bytes: u64,
    pub state: State,
    pub content_type: Option<String>,
    /// `Upload-Metadata` as it came, left out if there was none, and in lists.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub metadata: String,
    pub sha256: Option<String>,
    /// `partial`, or `final;` and the URLs of its parts; left out for an upload that stands for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concat: Option<String>,
    #[serde(with = "rfc3339")]
    pub created_at: OffsetDateTime,
    #[serde(with = "rfc3339::option")]
    pub completed_at: Option<OffsetDateTime>,
    #[serde(with = "rfc3339::option")]
    pub expires_at: Option<OffsetDateTime>,
    /// Where the content is, as a path.
    pub url: String,
    /// Who stored which range. In the single record only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<Vec<Segment>>,
}

/// The answer of `POST` and `PUT` under `/api/uploads`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Records {
    pub uploads: Vec<Record>,
}

/// The answer of `GET /api/uploads`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordPage {
    pub uploads: Vec<Record>,
    /// Gives the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// Another replica's JSON is not that of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record's {0} is malformed")]
pub struct BadRecord(pub &'static str);

impl Record {
    pub fn with_segments(upload: &Upload, segments: Vec<Segment>) -> Self {
        Self { segments: Some(segments), ..Self::from(upload) }
    }

    /// As a list shows it: without the metadata and the URLs of parts, which may be a hundred times as long as all the rest.
    pub(super) fn listed(upload: &Upload) -> Self {
        let concat = upload.concat.as_ref().filter(|concat| **concat == Concat::Partial);
        Self { metadata: String::new(), concat: concat.map(Concat::to_string), ..Self::from(upload) }
    }

    /// The upload again. Its epoch is no client's business, so it travels in a header of its own.
    pub fn into_upload(self, epoch: Epoch) -> Result<Upload, BadRecord> {
        let sha256 = match self.sha256 {
            None => None,
            Some(hex) => Some(Sha256Sum::from_hex(&hex).ok_or(BadRecord("sha256"))?),
        };
        let concat = match self.concat {
            None => None,
            Some(text) => Some(Concat::parse(&text).ok_or(BadRecord("concat"))?),
        };
        Ok(Upload {
            id: self.id.parse().map_err(|_| BadRecord("id"))?,
            filename: FileName::clean(&self.filename),
            content_type: self.content_type,
            metadata: self.metadata,
            length: self.size_bytes,
            offset: self.received_bytes,
            pending: None,
            epoch,
            concat,
            sha256,
            created_at: self.created_at,
            completed_at: self.completed_at,
            expires_at: self.expires_at,
        })
    }
}

impl From<&Upload> for Record {
    fn from(upload: &Upload) -> Self {
        Self {
            id: upload.id.to_string(),
            filename: upload.filename.to_string(),
            size_bytes: upload.length,
            received_bytes: upload.offset,
            state: upload.state(),
            content_type: upload.content_type.clone(),
            metadata: upload.metadata.clone(),
            sha256: upload.sha256.map(|sum| sum.to_string()),
            concat: upload.concat.as_ref().map(Concat::to_string),
            created_at: upload.created_at,
            completed_at: upload.completed_at,
            expires_at: upload.expires_at,
            url: format!("/api/uploads/{}/content", upload.id),
            segments: None,
        }
    }
}

impl From<&[Upload]> for Records {
    fn from(uploads: &[Upload]) -> Self {
        Self { uploads: uploads.iter().map(Record::from).collect() }
    }
}

impl From<&Page> for RecordPage {
    fn from(page: &Page) -> Self {
        Self {
            uploads: page.uploads.iter().map(Record::listed).collect(),
            next_cursor: page.next.as_ref().map(listing::print_cursor),
        }
    }
}

impl RecordPage {
    /// The page again. Lists carry no epochs; whoever wants to write asks for the single record.
    pub fn into_page(self) -> Result<Page, BadRecord> {
        let uploads = self.uploads.into_iter().map(|record| record.into_upload(Epoch::FIRST));
        let next = self.next_cursor.map(|text| listing::parse_cursor(&text).ok_or(BadRecord("next_cursor")));
        let next: Option<Cursor> = next.transpose()?;
        Ok(Page { uploads: uploads.collect::<Result<_, _>>()?, next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ContainerId, UploadId};
    use serde_json::json;
    use time::format_description::well_known::Rfc3339;

    fn at(text: &str) -> OffsetDateTime {
        OffsetDateTime::parse(text, &Rfc3339).unwrap()
    }

    fn complete() -> Upload {
        Upload {
            id: "0198c1f0-6d5e-7c3a-8b1f-3f2a9c1d7b44".parse::<UploadId>().unwrap(),
            filename: FileName::clean("report.pdf"),
            content_type: Some("application/pdf".into()),
            metadata: "filename cmVwb3J0LnBkZg==".into(),
            length: Some(3),
            offset: 3,
            pending: None,
            epoch: Epoch(2),
            concat: None,
            sha256: Some(Sha256Sum([0xab; 32])),
            created_at: at("2030-01-02T03:04:05.678901Z"),
            completed_at: Some(at("2030-01-02T03:04:06Z")),
            expires_at: None,
        }
    }

    fn receiving() -> Upload {
        Upload {
            length: None,
            content_type: None,
            metadata: String::new(),
            sha256: None,
            completed_at: None,
            expires_at: Some(at("2030-01-03T03:04:06Z")),
            ..complete()
        }
    }

    #[test]
    fn a_record_has_the_documented_fields() {
        let segment = Segment {
            offset: 0,
            length: 3,
            backend_container_id: ContainerId::from_bits(0x1),
            frontend_container_id: None,
        };
        let printed = serde_json::to_value(Record::with_segments(&complete(), vec![segment])).unwrap();
        let expected = json!({
            "id": "0198c1f0-6d5e-7c3a-8b1f-3f2a9c1d7b44",
            "filename": "report.pdf",
            "size_bytes": 3,
            "received_bytes": 3,
            "state": "complete",
            "content_type": "application/pdf",
            "metadata": "filename cmVwb3J0LnBkZg==",
            "sha256": "ab".repeat(32),
            "created_at": "2030-01-02T03:04:05.678901Z",
            "completed_at": "2030-01-02T03:04:06Z",
            "expires_at": null,
            "url": "/api/uploads/0198c1f0-6d5e-7c3a-8b1f-3f2a9c1d7b44/content",
            "segments": [{"offset": 0, "length": 3, "backend_container_id": "100000000000", "frontend_container_id": null}],
        });
        assert_eq!(printed, expected);
    }

    #[test]
    fn a_deferred_length_is_null_and_segments_are_left_out_of_lists() {
        let printed = serde_json::to_value(Record::from(&receiving())).unwrap();
        assert_eq!(printed["size_bytes"], json!(null));
        assert_eq!(printed["state"], "receiving");
        assert!(printed.get("segments").is_none());
    }

    #[test]
    fn what_a_backend_prints_a_frontend_reads_back() {
        let part = Upload { concat: Some(Concat::Partial), ..receiving() };
        for upload in [complete(), receiving(), part] {
            let text = serde_json::to_string(&Record::from(&upload)).unwrap();
            let record: Record = serde_json::from_str(&text).unwrap();
            assert_eq!(record.into_upload(upload.epoch).unwrap(), upload);
        }
        let next = Some(Cursor { name: "é".into(), size: 7, id: complete().id });
        // Neither epochs nor metadata are told in lists.
        let listed = Upload { epoch: Epoch::FIRST, metadata: String::new(), ..complete() };
        let page = Page { uploads: vec![listed], next };
        let text = serde_json::to_string(&RecordPage::from(&page)).unwrap();
        assert_eq!(serde_json::from_str::<RecordPage>(&text).unwrap().into_page().unwrap(), page);
    }

    #[test]
    fn fields_of_a_newer_release_are_passed_over() {
        let mut value = serde_json::to_value(Record::from(&complete())).unwrap();
        value["colour"] = json!("blue");
        assert!(serde_json::from_value::<Record>(value).is_ok());
    }

    #[test]
    fn a_malformed_record_names_its_field() {
        let record = Record { sha256: Some("xyz".into()), ..Record::from(&complete()) };
        assert_eq!(record.into_upload(Epoch::FIRST), Err(BadRecord("sha256")));
        let record = Record { id: "1".into(), ..Record::from(&complete()) };
        assert_eq!(record.into_upload(Epoch::FIRST), Err(BadRecord("id")));
    }
}
