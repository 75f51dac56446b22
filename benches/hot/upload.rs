//! Uploads of pieces of 1 MiB, to whatever stores them.

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use std::time::Duration;
use swarm_upload::domain::{FileName, NewUpload, Upload, UploadId};
use swarm_upload::uploads::{Append, Body, Call, First, Uploads, Writer};

pub const PIECE: usize = 1 << 20;
pub const BUDGET: u32 = 64 << 20;
pub const TTL: Duration = Duration::from_secs(3600);

/// Nothing that anything below could compress, and another one for each `number`: equal content is stored once.
pub fn piece(number: u64) -> Bytes {
    let mut random = fastrand::Rng::with_seed(number);
    (0..PIECE).map(|_| random.u8(..)).collect()
}

fn body(piece: &Bytes) -> Body {
    stream::iter([Ok(piece.clone())]).boxed_local()
}

/// An upload that begins with a piece, and is complete with it if its `length` is that of the piece.
pub async fn begin(uploads: &dyn Uploads, piece: &Bytes, length: Option<u64>) -> Upload {
    let new = NewUpload {
        id: UploadId::mint(),
        filename: FileName::clean("piece"),
        content_type: None,
        metadata: String::new(),
        length,
        concat: None,
        parts: Vec::new(),
    };
    uploads.create(&Call::default(), new, First::Part(body(piece))).await.expect("the piece is stored")
}

/// One more piece at the end of an upload.
pub async fn go_on(uploads: &dyn Uploads, upload: &Upload, piece: &Bytes) -> Upload {
    let append = Append {
        offset: upload.offset,
        writer: Writer::Holds(upload.epoch),
        count: Some(piece.len() as u64),
        length: None,
        pending: false,
        more: false,
        checksum: None,
    };
    uploads.append(&Call::default(), upload.id, append, body(piece)).await.expect("the piece is stored")
}
