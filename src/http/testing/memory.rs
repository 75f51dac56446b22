use crate::domain::{
    Changed, Checksum, Concat, Cursor, Digest, Epoch, Listing, Moment, NewUpload, News, Page, PartFault,
    Segment, SortKey, State, Upload, UploadId,
};
use crate::uploads::{Append, Body, Call, Changes, Content, First, Sought, UploadError, Uploads, Writer};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;
use time::OffsetDateTime;

/// Uploads in memory: a real, simple implementation, shared by all clones.
#[derive(Clone, Default)]
pub(in crate::http) struct Memory {
    store: Arc<(Mutex<Store>, Condvar)>,
}

#[derive(Default)]
pub(in crate::http) struct Store {
    pub uploads: BTreeMap<UploadId, (Upload, Vec<u8>)>,
    pub removed: HashMap<UploadId, Moment>,
    /// What is remembered for readers.
    pub sought: HashMap<UploadId, Upload>,
    /// While set, more has changed than can be told.
    pub too_many: bool,
    /// While set, every call fails with it.
    pub unavailable: Option<Duration>,
    /// The upload whose content cannot be opened now.
    pub unreadable: Option<UploadId>,
}

impl Memory {
    /// What is stored now.
    pub(in crate::http) fn look(&self) -> MutexGuard<'_, Store> {
        self.store.0.lock().unwrap()
    }

    /// Waits until what is stored is as a test expects it.
    pub(in crate::http) fn until(&self, expected: impl Fn(&Store) -> bool) -> MutexGuard<'_, Store> {
        let patience = Duration::from_secs(10);
        let (store, waited) =
            self.store.1.wait_timeout_while(self.look(), patience, |store| !expected(store)).unwrap();
        assert!(!waited.timed_out(), "what was expected did not happen");
        store
    }

    fn change<T>(&self, change: impl FnOnce(&mut Store) -> Result<T, UploadError>) -> Result<T, UploadError> {
        let mut store = self.look();
        if let Some(retry_after) = store.unavailable {
            return Err(UploadError::Unavailable { retry_after });
        }
        let changed = change(&mut store);
        self.store.1.notify_all();
        changed
    }

    fn write(&self, id: UploadId, bytes: &[u8], append: Append) -> Result<Upload, UploadError> {
        let Writer::Holds(epoch) = append.writer else { return Err(UploadError::Internal) };
        self.change(|store| {
            let (upload, content) = store.find(id)?;
            upload.length = upload
                .admit(append.offset, epoch, bytes.len() as u64, append.length)
                .map_err(UploadError::from)?;
            content.extend_from_slice(bytes);
            upload.offset += bytes.len() as u64;
            if upload.length == Some(upload.offset) {
                let mut digest = Digest::default();
                digest.update(content);
                upload.sha256 = Some(digest.finish());
                upload.completed_at = Some(OffsetDateTime::now_utc());
                upload.expires_at = None;
            }
            Ok(upload.clone())
        })
    }

    /// Appends piece by piece, so that what came before an error stays.
    async fn fill(&self, id: UploadId, append: Append, mut body: Body) -> Result<Upload, UploadError> {
        let mut upload = self.write(id, b"", append)?;
        while let Some(piece) = body.next().await {
            let append = Append { offset: upload.offset, ..append };
            upload = self.write(id, &piece.map_err(UploadError::Body)?, append)?;
        }
        Ok(upload)
    }
}

impl Store {
    fn find(&mut self, id: UploadId) -> Result<&mut (Upload, Vec<u8>), UploadError> {
        if self.removed.contains_key(&id) {
            return Err(UploadError::Gone);
        }
        self.uploads.get_mut(&id).ok_or(UploadError::NotFound)
    }
}

impl Store {
    /// The content of these parts, one after the other, if they are complete.
    fn join(&mut self, parts: &[UploadId]) -> Result<Option<Vec<u8>>, UploadError> {
        let mut joined = Some(Vec::new());
        for part in parts {
            let bad = |fault| UploadError::BadPart { part: *part, fault };
            let (upload, content) = self.find(*part).map_err(|_| bad(PartFault::Missing))?;
            if upload.concat != Some(Concat::Partial) {
                return Err(bad(PartFault::NotPartial));
            }
            joined = joined.filter(|_| upload.state() == State::Complete);
            joined.iter_mut().for_each(|joined| joined.extend_from_slice(content));
        }
        Ok(joined)
    }
}

#[async_trait(?Send)]
impl Uploads for Memory {
    async fn create(&self, _: &Call, new: NewUpload, first: First) -> Result<Upload, UploadError> {
        let (id, length) = (new.id, new.length);
        let fresh = self.change(|store| {
            if let Ok((upload, _)) = store.find(id) {
                return Ok(Err(upload.clone()));
            }
            if !new.parts.is_empty() {
                let content = store.join(&new.parts)?;
                let upload = joined(recorded(new), content.as_deref());
                store.uploads.insert(id, (upload.clone(), content.unwrap_or_default()));
                return Ok(Err(upload));
            }
            store.uploads.insert(id, (recorded(new), Vec::new()));
            Ok(Ok(()))
        })?;
        if let Err(existing) = fresh {
            return Ok(existing);
        }
        let append = Append::first(0, None);
        match first {
            First::Nothing => self.write(id, b"", append),
            First::Part(body) | First::Chunk { body, .. } => self.fill(id, append, body).await,
            First::Whole(body) => {
                let upload = self.fill(id, append, body).await?;
                match length {
                    Some(length) if upload.offset < length => {
                        Err(UploadError::ShortOfLength { received: upload.offset, length })
                    }
                    Some(_) => Ok(upload),
                    None => {
                        let end = Append { offset: upload.offset, length: Some(upload.offset), ..append };
                        self.write(id, b"", end)
                    }
                }
            }
        }
    }

    async fn append(
        &self,
        _: &Call,
        id: UploadId,
        append: Append,
        mut body: Body,
    ) -> Result<Upload, UploadError> {
        match append.writer {
            Writer::Claims | Writer::ClaimsAfter(_) => {
                let epoch = self.change(|store| {
                    let (upload, _) = store.find(id)?;
                    upload.admit(append.offset, upload.epoch, 0, append.length).map_err(UploadError::from)?;
                    upload.epoch = upload.epoch.next();
                    Ok(upload.epoch)
                })?;
                let append = Append { writer: Writer::Holds(epoch), ..append };
                match append.checksum {
                    Some(checksum) => self.write(id, &right(body, checksum).await?, append),
                    None => self.fill(id, append, body).await,
                }
            }
            Writer::Holds(_) => {
                let mut chunk = Vec::new();
                while let Some(piece) = body.next().await {
                    chunk.extend_from_slice(&piece.map_err(UploadError::Body)?);
                }
                self.write(id, &chunk, append)
            }
        }
    }

    async fn stat(&self, _: &Call, id: UploadId) -> Result<Upload, UploadError> {
        self.change(|store| store.find(id).map(|(upload, _)| upload.clone()))
    }

    async fn settled(&self, call: &Call, id: UploadId) -> Result<Upload, UploadError> {
        self.stat(call, id).await
    }

    async fn inspect(&self, call: &Call, id: UploadId) -> Result<(Upload, Vec<Segment>), UploadError> {
        Ok((self.stat(call, id).await?, Vec::new()))
    }

    async fn list(&self, _: &Call, listing: &Listing) -> Result<Page, UploadError> {
        self.change(|store| Ok(page(store.uploads.values().map(|(upload, _)| upload), listing)))
    }

    /// Remembers what was complete, whatever has become of it.
    async fn seek(&self, _: &Call, id: UploadId, _: Range<u64>) -> Result<Sought, UploadError> {
        self.change(|store| {
            if let Some(known) = store.sought.get(&id) {
                return Ok(known.clone().into());
            }
            let upload = store.find(id)?.0.clone();
            if upload.state() == State::Complete && upload.offset > 0 {
                store.sought.insert(id, upload.clone());
            }
            Ok(upload.into())
        })
    }

    /// In pieces of 3 bytes. Where content is missing it ends with an error.
    async fn open(&self, _: &Call, sought: &Sought, range: Range<u64>) -> Result<Content, UploadError> {
        let upload = &sought.upload;
        self.change(|store| {
            if store.unreadable == Some(upload.id) {
                return Err(UploadError::Unavailable { retry_after: Duration::from_secs(1) });
            }
            let (_, content) = store.find(upload.id)?;
            let (start, end) = (range.start as usize, range.end as usize);
            let there = content.get(start..end.min(content.len())).unwrap_or_default();
            let mut pieces: Vec<_> = there.chunks(3).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
            if end > content.len() {
                pieces.push(Err(UploadError::Internal));
            }
            Ok(stream::iter(pieces).boxed_local())
        })
    }

    async fn terminate(&self, _: &Call, id: UploadId) -> Result<(), UploadError> {
        self.change(|store| {
            store.find(id)?;
            store.uploads.remove(&id);
            store.removed.insert(id, now());
            Ok(())
        })
    }
}

#[async_trait(?Send)]
impl Changes for Memory {
    /// Looks back further than it is asked to, as every catalog does.
    async fn since(&self, _: &str, since: Option<Moment>) -> Result<Changed, UploadError> {
        self.change(|store| {
            let from = since.map(|since| since.earlier_by(Duration::from_secs(10)));
            let lately = |moment: Moment| from.is_some_and(|from| moment >= from);
            let completed = store.uploads.values().map(|(upload, _)| upload).filter(|upload| {
                upload.completed_at.is_some_and(|at| lately(Moment::of(at)))
                    && upload.concat != Some(Concat::Partial)
            });
            let removed = store.removed.iter().filter(|(_, at)| lately(**at)).map(|(id, _)| *id);
            let news = News { completed: completed.cloned().collect(), removed: removed.collect() };
            Ok(Changed { upto: now(), news: (!store.too_many).then_some(news) })
        })
    }
}

fn now() -> Moment {
    Moment::of(OffsetDateTime::now_utc())
}

/// A body whose checksum is right.
async fn right(mut body: Body, checksum: Checksum) -> Result<Vec<u8>, UploadError> {
    let (mut bytes, mut summing) = (Vec::new(), checksum.summing());
    while let Some(piece) = body.next().await {
        bytes.extend_from_slice(&piece.map_err(UploadError::Body)?);
    }
    summing.update(&bytes);
    match summing.finish() == checksum {
        true => Ok(bytes),
        false => Err(UploadError::WrongChecksum),
    }
}

/// A final upload of which this is the content, if it is complete. Its digest stays unknown.
fn joined(upload: Upload, content: Option<&[u8]>) -> Upload {
    let Some(content) = content else { return upload };
    let (length, completed_at) = (content.len() as u64, Some(OffsetDateTime::now_utc()));
    Upload { offset: length, length: Some(length), completed_at, expires_at: None, ..upload }
}

fn recorded(new: NewUpload) -> Upload {
    Upload {
        id: new.id,
        filename: new.filename,
        content_type: new.content_type,
        metadata: new.metadata,
        length: new.length,
        offset: 0,
        pending: None,
        epoch: Epoch::FIRST,
        concat: new.concat,
        sha256: None,
        created_at: OffsetDateTime::now_utc(),
        completed_at: None,
        expires_at: Some(OffsetDateTime::now_utc() + Duration::from_secs(3600)),
    }
}

fn page<'a>(uploads: impl Iterator<Item = &'a Upload>, listing: &Listing) -> Page {
    let place = |upload: &Upload| Cursor {
        name: upload.filename.to_string(),
        size: upload.length.unwrap_or_default(),
        id: upload.id,
    };
    let order = |a: &Cursor, b: &Cursor| {
        let by_key = match listing.sort {
            SortKey::Created => Ordering::Equal,
            SortKey::Name => a.name.cmp(&b.name),
            SortKey::Size => a.size.cmp(&b.size),
        };
        let order = by_key.then(a.id.cmp(&b.id));
        if listing.descending { order.reverse() } else { order }
    };
    let wanted = |upload: &&Upload| {
        let listed = upload.state() == State::Complete && upload.concat != Some(Concat::Partial);
        (listing.incomplete_too || listed)
            && upload.filename.as_str().contains(&listing.search)
            && listing.after.as_ref().is_none_or(|after| order(after, &place(upload)) == Ordering::Less)
    };
    let mut uploads: Vec<_> = uploads.filter(wanted).cloned().collect();
    uploads.sort_by(|a, b| order(&place(a), &place(b)));
    let more = uploads.len() > listing.limit as usize;
    uploads.truncate(listing.limit as usize);
    let next = uploads.last().filter(|_| more).map(place);
    Page { uploads, next }
}
