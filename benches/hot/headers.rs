//! Text of requests into types.

use criterion::Criterion;
use std::hint::black_box;
use swarm_upload::domain::UploadId;
use swarm_upload::protocol::tus::{self, Metadata};
use swarm_upload::protocol::{BadHeader, internal, media_type, range};

const METADATA: &str =
    "filename d29ybGRfZG9taW5hdGlvbl9wbGFuLnBkZg==,filetype YXBwbGljYXRpb24vcGRm,is_confidential";
const RANGES: &str = "bytes=0-65535, 1048576-1114111, -500";
const LENGTH: u64 = 1 << 30;

pub fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    group.bench_function("Upload-Metadata", |bencher| {
        bencher.iter(|| Metadata::parse(black_box(METADATA)).map(|metadata| metadata.filename()));
    });
    group.bench_function("Range", |bencher| {
        bencher.iter(|| range::parse(black_box(RANGES)).map(|specs| range::select(&specs, LENGTH)));
    });
    let id = UploadId::mint().to_string();
    group.bench_function("what a relayed PATCH says", |bencher| bencher.iter(|| patch(black_box(&id))));
    group.finish();
}

/// All that a backend reads of the head of a chunk with a checksum.
fn patch(id: &str) -> Result<impl Sized, BadHeader> {
    let version = tus::check_version(Some(black_box("1.0.0")));
    let is_bytes =
        media_type::is(Some(black_box("application/offset+octet-stream")), "application/offset+octet-stream");
    let (id, offset) = (internal::parse_upload_id(id)?, tus::parse_offset(black_box("1073741824"))?);
    let (length, epoch) = (
        tus::parse_length(black_box("2147483648"))?,
        internal::parse_epoch(internal::UPLOAD_EPOCH, black_box("17"))?,
    );
    let checksum = tus::parse_checksum(black_box("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0="))?;
    let frontend = internal::parse_frontend(black_box("0123456789ab"))?;
    let request = internal::sane_request_id(black_box("01890a5d-ac96-774b-bcce-b302099a8057")).is_some();
    Ok((version, is_bytes, id, offset, length, epoch, checksum, frontend, request))
}
