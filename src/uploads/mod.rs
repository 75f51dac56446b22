//! The use-cases: create, stat, append, terminate, list, open.
//!
//! [`Uploads`] is what the `http` room serves, whichever role it is mounted in. A backend serves [`LocalUploads`] (a catalog
//! and a blob store), a frontend its `RelayUploads` (the same, over backends). This room knows nothing of HTTP, and nothing
//! of which database or store there is.

mod arriving;
mod budget;
mod changes;
mod checking;
mod chunker;
mod incoming;
mod local;
mod pieces;
mod position;
mod sweeper;

pub use budget::{Budget, Grant};
pub use changes::{Changes, TOLD_AT_ONCE};
pub use chunker::{Chunk, Chunker, LARGEST as LARGEST_CHUNK, Took};
pub use incoming::Incoming;
pub use local::{Finisher, LocalUploads};
pub use position::Position;
pub use sweeper::{SweepError, Sweeper, Swept, pair};

use crate::domain::{
    Checksum, ContainerId, Epoch, Extent, Listing, NewUpload, Page, PartFault, Refusal, Segment, Upload,
    UploadId,
};
use async_trait::async_trait;
use bytes::Bytes;
use checking::Checking;
use futures_util::stream::LocalBoxStream;
use std::cell::Cell;
use std::ops::Range;
use std::time::Duration;

/// Bytes on their way in. An error means that the client went away or sent what is not a body; what came before it was sent.
pub type Body = LocalBoxStream<'static, Result<Bytes, BodyError>>;

/// Bytes on their way out.
pub type Content = LocalBoxStream<'static, Result<Bytes, UploadError>>;

/// The client's body could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    #[error("the request's body ended early")]
    CutShort,
    #[error("the request's body is malformed: {0}")]
    Malformed(String),
    /// The replica ends, and the rest of the body should go to another.
    #[error("the replica ends")]
    Draining,
    /// The file is larger than the service takes.
    #[error("the body is larger than {limit} bytes")]
    TooLarge { limit: u64 },
}

/// One client request, as the use-cases see it: who asked, and (on a frontend) who answered.
#[derive(Debug, Default)]
pub struct Call {
    pub request_id: String,
    /// The frontend that relays the request; `None` when a client talks to a backend directly.
    pub frontend: Option<ContainerId>,
    /// The last backend asked, for `X-Backend-Container`.
    pub backend: Cell<Option<ContainerId>>,
}

/// An upload that is to be read, and where its bytes are, as far as that came along.
#[derive(Clone, Debug)]
pub struct Sought {
    pub upload: Upload,
    extents: Vec<Extent>,
}

/// What comes with the creation of an upload.
pub enum First {
    /// Nothing yet.
    Nothing,
    /// The first bytes; more may follow in later requests.
    Part(Body),
    /// All bytes: where the body ends the upload ends, whether its length was known or not.
    Whole(Body),
    /// A relay's first chunk of `count` bytes, which is stored whole, with the record, or not at all. Its client's request may
    /// bring `more`.
    Chunk { body: Body, count: u64, more: bool },
}

/// Where a request appends, and by what right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Append {
    pub offset: u64,
    pub writer: Writer,
    /// The upload's length, declared by this request.
    pub length: Option<u64>,
    /// How many bytes the request says it brings.
    pub count: Option<u64>,
    /// A relay's chunk that does not count before one in the same epoch comes that does.
    pub pending: bool,
    /// The client's request may bring more than this: a relay says so of each chunk but the last.
    pub more: bool,
    /// What a client says its bytes sum up to. If they do not, none of them count.
    pub checksum: Option<Checksum>,
}

impl Append {
    /// The first `count` bytes of an upload, which come with its creation.
    pub fn first(count: u64, length: Option<u64>) -> Self {
        let writer = Writer::Holds(Epoch::FIRST);
        Self { offset: 0, writer, length, count: Some(count), pending: false, more: false, checksum: None }
    }

    /// Of a relay whose request has come to its end, and which has not said so with its last chunk.
    pub fn nothing_more(upload: &Upload) -> Self {
        let (writer, pending) = (Writer::Holds(upload.epoch), upload.pending.is_some());
        Self {
            offset: upload.end(),
            writer,
            length: None,
            count: Some(0),
            pending,
            more: false,
            checksum: None,
        }
    }
}

/// By what right a request writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// A client's request: takes the next epoch first, so that every earlier request is fenced.
    Claims,
    /// A relay's claim for its client's request: takes the epoch after this one, if that is still the record's. So a claim
    /// that was asked twice, and of which one comes late, fences nobody who came after it.
    ClaimsAfter(Epoch),
    /// A relay's request, one chunk, which is stored whole or not at all: the relay took this epoch before.
    Holds(Epoch),
}

#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    #[error("there is no such upload")]
    NotFound,
    #[error("the upload was removed")]
    Gone,
    #[error("the upload is at offset {offset}")]
    WrongOffset { offset: u64, epoch: Epoch },
    /// Another request writes to the upload now.
    #[error("another request has taken the upload over")]
    Superseded { offset: u64, epoch: Epoch },
    #[error("the upload is complete")]
    Complete { offset: u64, epoch: Epoch },
    #[error("the upload is not complete")]
    Incomplete { offset: u64 },
    #[error("the bytes go past the upload's length of {length}")]
    PastTheEnd { length: u64 },
    #[error("the upload's length is already known to be {length}")]
    LengthIsKnown { length: u64 },
    #[error("the body's checksum is another than the request says")]
    WrongChecksum,
    #[error("the upload is made of its parts, and takes no bytes itself")]
    FinalUpload,
    #[error("the upload {part} {fault}")]
    BadPart { part: UploadId, fault: PartFault },
    #[error("the body ended after {received} bytes, short of the length of {length}")]
    ShortOfLength { received: u64, length: u64 },
    #[error("the upload is larger than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("the parts lie in more than {limit} pieces together")]
    TooManyPieces { limit: u64 },
    #[error(transparent)]
    Body(BodyError),
    /// Try again after a while; nothing is lost.
    #[error("the service cannot do this now")]
    Unavailable { retry_after: Duration },
    #[error("there is no room left")]
    Full,
    /// A defect. The cause is logged where it was seen.
    #[error("an internal error")]
    Internal,
}

/// What can be done with uploads.
///
/// Not `Send`: a request's body and the HTTP client both belong to one worker thread.
#[async_trait(?Send)]
pub trait Uploads {
    /// Creates the upload `new.id`, with what comes along. Asked again with the same id (a replay), it is one upload.
    /// On an error part of the upload may exist; who sent it whole terminates it. One that is final is complete if its parts
    /// are, and comes with [`First::Nothing`].
    async fn create(&self, call: &Call, new: NewUpload, first: First) -> Result<Upload, UploadError>;

    /// Appends `body`. Bytes that came before an error stay, for a client that resumes; unless the writer holds an epoch or
    /// gives a checksum: then it is all or nothing.
    async fn append(
        &self,
        call: &Call,
        id: UploadId,
        append: Append,
        body: Body,
    ) -> Result<Upload, UploadError>;

    /// The record.
    async fn stat(&self, call: &Call, id: UploadId) -> Result<Upload, UploadError>;

    /// The record, for a client that is about to go on at its offset. A request that was broken off may not have stored yet all
    /// that came of it; it is given a moment to do so. It may as well be dead, so that moment is short.
    async fn settled(&self, call: &Call, id: UploadId) -> Result<Upload, UploadError>;

    /// The record, and who stored which range.
    async fn inspect(&self, call: &Call, id: UploadId) -> Result<(Upload, Vec<Segment>), UploadError>;

    async fn list(&self, call: &Call, listing: &Listing) -> Result<Page, UploadError>;

    /// The record, for who is about to open a range of it, most likely this one. It may be one that was remembered: only
    /// [`Uploads::open`] tells whether a complete upload is still there.
    async fn seek(&self, call: &Call, id: UploadId, range: Range<u64>) -> Result<Sought, UploadError>;

    /// The bytes of `range`, which lies inside the complete upload. Yields exactly these or ends with an error.
    async fn open(&self, call: &Call, sought: &Sought, range: Range<u64>) -> Result<Content, UploadError>;

    /// Removes the upload and frees its bytes.
    async fn terminate(&self, call: &Call, id: UploadId) -> Result<(), UploadError>;
}

impl From<Upload> for Sought {
    fn from(upload: Upload) -> Self {
        Self { upload, extents: Vec::new() }
    }
}

impl From<Refusal> for UploadError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::WrongOffset { offset, epoch } => Self::WrongOffset { offset, epoch },
            Refusal::Superseded { offset, epoch } => Self::Superseded { offset, epoch },
            Refusal::Complete { offset, epoch } => Self::Complete { offset, epoch },
            Refusal::PastTheEnd { length } => Self::PastTheEnd { length },
            Refusal::LengthIsKnown { length } => Self::LengthIsKnown { length },
            Refusal::Final => Self::FinalUpload,
        }
    }
}
