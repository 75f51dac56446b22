//! The nouns of the program: what an upload is, how its bytes are counted, named and hashed.
//!
//! Pure: no I/O, no clock, no database, no HTTP. Everything here can be built and tested in memory. Start reading in
//! [`upload`], which holds the one record that all other rooms pass around.

mod changes;
mod checksum;
mod concat;
mod container;
mod digest;
mod epoch;
mod extent;
mod filename;
mod id;
mod origins;
mod upload;

pub use changes::{Changed, InvalidMoment, Moment, News};
pub use checksum::{Algorithm, Checksum, Summing};
pub use concat::{Concat, PartFault};
pub use container::{ContainerId, InvalidContainerId};
pub use digest::{Digest, InvalidDigest, Sha256Sum};
pub use epoch::Epoch;
pub use extent::{BlobEpoch, BlobId, Extent, Segment, merge_segments};
pub use filename::FileName;
pub use id::{CatalogId, InvalidUploadId, UploadId};
pub use origins::Origins;
pub use upload::{Cursor, Listing, NewUpload, Page, Refusal, SortKey, State, Upload};
