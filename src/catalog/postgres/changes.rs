//! What is to be changed, as the columns say it.

use super::sharing::Content;
use crate::catalog::Advance;
use crate::catalog::stored::{fold, signed};
use crate::db::Error;
use crate::domain::{Concat, Digest, NewUpload, Sha256Sum, UploadId};
use std::time::Duration;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

type Value<'a> = &'a (dyn ToSql + Sync);

/// A new upload, and its first chunk if there is one.
pub(super) struct Creation<'a> {
    pub(super) id: Uuid,
    new: &'a NewUpload,
    filename: &'a str,
    filename_key: String,
    length: Option<i64>,
    count: i64,
    digest: Vec<u8>,
    sha256: Option<Sha256Sum>,
    sum: Option<Vec<u8>>,
    ttl: f64,
    concat: Option<String>,
    backend: Option<String>,
    frontend: Option<String>,
    more: bool,
}

impl<'a> Creation<'a> {
    pub(super) fn of(new: &'a NewUpload, first: Option<&Advance>, ttl: Duration) -> Result<Self, Error> {
        let sha256 = first.and_then(|first| first.sha256);
        Ok(Self {
            id: new.id.as_uuid(),
            new,
            filename: new.filename.as_str(),
            filename_key: fold(new.filename.as_str()),
            length: first.and_then(|first| first.length).or(new.length).map(signed).transpose()?,
            count: signed(first.map_or(0, |first| first.count))?,
            digest: first.map_or_else(|| Digest::default().save(), |first| first.digest.save()),
            sha256,
            sum: sha256.map(|sum| sum.0.to_vec()),
            ttl: ttl.as_secs_f64(),
            concat: new.concat.as_ref().map(Concat::to_string),
            backend: first.map(|first| first.backend.to_string()),
            frontend: first.and_then(|first| first.frontend).map(|frontend| frontend.to_string()),
            more: first.is_some_and(|first| first.more),
        })
    }

    /// What it holds, if that is complete.
    pub(super) fn content(&self) -> Option<Content> {
        Content::of(self.count, self.sha256)
    }

    /// Those of [`super::queries::CREATE`].
    pub(super) fn values<'b>(&'b self, unless_shared: &'b bool) -> [Value<'b>; 15] {
        [
            &self.id,
            &self.filename,
            &self.filename_key,
            &self.new.content_type,
            &self.new.metadata,
            &self.length,
            &self.count,
            &self.digest,
            &self.sum,
            &self.ttl,
            &self.concat,
            &self.backend,
            &self.frontend,
            unless_shared,
            &self.more,
        ]
    }
}

/// A chunk: where it goes, who brings it, and what it makes of its upload.
pub(super) struct Chunk {
    pub(super) id: Uuid,
    pub(super) epoch: i64,
    pub(super) offset: i64,
    pub(super) from: i64,
    pub(super) count: i64,
    pub(super) digest: Vec<u8>,
    pub(super) ttl: f64,
    pub(super) backend: String,
    pub(super) frontend: Option<String>,
    pub(super) more: bool,
    length: Option<i64>,
    sha256: Option<Sha256Sum>,
    sum: Option<Vec<u8>>,
}

impl Chunk {
    pub(super) fn of(id: UploadId, advance: &Advance, ttl: Duration) -> Result<Self, Error> {
        Ok(Self {
            id: id.as_uuid(),
            epoch: advance.epoch.0,
            offset: signed(advance.offset)?,
            from: signed(advance.from)?,
            count: signed(advance.count)?,
            digest: advance.digest.save(),
            ttl: ttl.as_secs_f64(),
            backend: advance.backend.to_string(),
            frontend: advance.frontend.map(|frontend| frontend.to_string()),
            more: advance.more,
            length: advance.length.map(signed).transpose()?,
            sha256: advance.sha256,
            sum: advance.sha256.map(|sum| sum.0.to_vec()),
        })
    }

    /// What its upload holds then, if that is complete.
    pub(super) fn content(&self) -> Option<Content> {
        Content::of(self.end(), self.sha256)
    }

    pub(super) fn end(&self) -> i64 {
        self.from + self.count
    }

    /// Those of [`super::queries::PIN`].
    pub(super) fn place(&self) -> [Value<'_>; 4] {
        [&self.id, &self.epoch, &self.offset, &self.from]
    }

    /// Those of [`super::queries::ADVANCE`].
    pub(super) fn values<'a>(&'a self, unless_shared: &'a bool) -> [Value<'a>; 13] {
        [
            &self.id,
            &self.epoch,
            &self.offset,
            &self.from,
            &self.count,
            &self.length,
            &self.digest,
            &self.sum,
            &self.ttl,
            &self.backend,
            &self.frontend,
            unless_shared,
            &self.more,
        ]
    }
}
