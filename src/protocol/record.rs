//! The JSON of upload records and of lists of them, read and written: a frontend reads what a backend wrote.

use crate::domain::{Cursor, Epoch, FileName, Page, Segment, Sha256Sum, State, Upload, UploadId};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// An upload record, as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub id: String,
    pub filename: String,
    /// Null while the length is deferred.
    pub size_bytes: Option<u64>,
    pub received_bytes: u64,
    pub state: State,
    pub content_type: Option<String>,
    /// 64 hexadecimal digits; null until complete.
    pub sha256: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    pub completed_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub expires_at: Option<OffsetDateTime>,
    /// Where the record is found; its content is below.
    pub url: String,
    /// tus `Upload-Metadata` as the client sent it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub metadata: String,
    /// Who stored which range; in the single record only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<Vec<Segment>>,
}

/// `{"uploads":[…]}`, with `next_cursor` where there may be more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Records {
    pub uploads: Vec<Record>,
    /// Present in lists, null on the last page; absent in answers to uploads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<Option<String>>,
}

/// Text that is not what this program writes.
#[derive(Debug, thiserror::Error)]
#[error("not a {0} as this service writes it")]
pub struct Malformed(&'static str);

impl Record {
    pub fn new(upload: &Upload, segments: Option<Vec<Segment>>) -> Self {
        Self {
            id: upload.id.to_string(),
            filename: upload.filename.to_string(),
            size_bytes: upload.length,
            received_bytes: upload.offset,
            state: upload.state(),
            content_type: upload.content_type.clone(),
            sha256: upload.sha256.map(|sum| sum.to_string()),
            created_at: upload.created_at,
            completed_at: upload.completed_at,
            expires_at: upload.expires_at,
            url: record_url(upload.id),
            metadata: upload.metadata.clone(),
            segments,
        }
    }

    /// The upload that the record tells of. The epoch is not shown to clients; it comes in a header.
    pub fn into_upload(self, epoch: Epoch) -> Result<Upload, Malformed> {
        let sha256 = match self.sha256.as_deref().map(Sha256Sum::from_hex) {
            Some(None) => return Err(Malformed("record")),
            Some(sum) => sum,
            None => None,
        };
        Ok(Upload {
            id: self.id.parse().map_err(|_| Malformed("record"))?,
            filename: FileName::clean(&self.filename),
            content_type: self.content_type,
            metadata: self.metadata,
            length: self.size_bytes,
            offset: self.received_bytes,
            epoch,
            sha256,
            created_at: self.created_at,
            completed_at: self.completed_at,
            expires_at: self.expires_at,
        })
    }
}

impl Records {
    /// The answer to an upload.
    pub fn of(uploads: &[Upload]) -> Self {
        Self { uploads: uploads.iter().map(|upload| Record::new(upload, None)).collect(), next_cursor: None }
    }

    pub fn page(page: &Page) -> Self {
        let next = page.next.as_ref().map(print_cursor);
        Self { next_cursor: Some(next), ..Self::of(&page.uploads) }
    }

    /// The page that was written. Epochs are not told in lists; nobody writes by a list.
    pub fn into_page(self) -> Result<Page, Malformed> {
        let next = self.next_cursor.flatten().as_deref().map(parse_cursor).transpose()?;
        let uploads = self.uploads.into_iter().map(|record| record.into_upload(Epoch::FIRST));
        Ok(Page { uploads: uploads.collect::<Result<_, _>>()?, next })
    }
}

pub fn record_url(id: UploadId) -> String {
    format!("/api/uploads/{id}")
}

pub fn content_url(id: UploadId) -> String {
    format!("/api/uploads/{id}/content")
}

#[derive(Serialize, Deserialize)]
struct CursorBody(String, u64, String);

/// A place in a list as opaque text, fit for a URL.
pub fn print_cursor(cursor: &Cursor) -> String {
    let body = CursorBody(cursor.name.clone(), cursor.size, cursor.id.to_string());
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&body).unwrap_or_default())
}

pub fn parse_cursor(text: &str) -> Result<Cursor, Malformed> {
    let malformed = || Malformed("cursor");
    let json = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed())?;
    let CursorBody(name, size, id) = serde_json::from_slice(&json).map_err(|_| malformed())?;
    Ok(Cursor { name, size, id: id.parse().map_err(|_| malformed())? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn upload() -> Upload {
        Upload {
            id: UploadId::mint(),
            filename: FileName::clean("ä b.txt"),
            content_type: Some("text/plain".into()),
            metadata: "filename YQ==".into(),
            length: Some(10),
            offset: 10,
            epoch: Epoch(7),
            sha256: Some(Sha256Sum([3; 32])),
            created_at: OffsetDateTime::UNIX_EPOCH,
            completed_at: Some(OffsetDateTime::UNIX_EPOCH),
            expires_at: None,
        }
    }

    #[test]
    fn a_record_that_was_written_is_read_back() {
        let upload = upload();
        let json = serde_json::to_string(&Record::new(&upload, None)).unwrap();
        let record: Record = serde_json::from_str(&json).unwrap();
        assert_eq!(record.into_upload(Epoch(7)).unwrap(), upload);
    }

    #[test]
    fn a_list_says_where_it_goes_on_and_an_answer_to_an_upload_does_not() {
        let upload = upload();
        let last = Records::page(&Page { uploads: vec![upload.clone()], next: None });
        assert!(serde_json::to_string(&last).unwrap().contains(r#""next_cursor":null"#));
        assert!(!serde_json::to_string(&Records::of(&[upload])).unwrap().contains("next_cursor"));
    }

    #[test]
    fn a_record_with_a_broken_digest_is_refused() {
        let record = Record { sha256: Some("abc".into()), ..Record::new(&upload(), None) };
        assert!(record.into_upload(Epoch(1)).is_err());
    }

    proptest! {
        #[test]
        fn a_cursor_that_was_printed_is_parsed_back(name: String, size: u64) {
            let cursor = Cursor { name, size, id: UploadId::mint() };
            prop_assert_eq!(parse_cursor(&print_cursor(&cursor)).unwrap(), cursor);
        }

        #[test]
        fn any_other_text_is_not_a_cursor(text: String) {
            prop_assert!(parse_cursor(&text).is_err());
        }
    }
}
