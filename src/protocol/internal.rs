//! Headers of our own. Those between a frontend and a backend are ignored by a frontend and stripped at the edge: a client's
//! word must not fence another client's upload.

use crate::domain::{ContainerId, Epoch};

/// Names of headers, in lower case.
pub const REQUEST_ID: &str = "x-request-id";
/// On a response: which frontend relayed it. On a frontend's request to a backend: which frontend asks.
pub const FRONTEND_CONTAINER: &str = "x-frontend-container";
/// On a response: which backend answered, the last one if several were asked.
pub const BACKEND_CONTAINER: &str = "x-backend-container";
/// On a frontend's `POST /files/`: the id that it minted for the upload.
pub const UPLOAD_ID: &str = "x-upload-id";
/// On a frontend's `PATCH`: the epoch it holds. On a backend's answer: the epoch of the record.
pub const UPLOAD_EPOCH: &str = "x-upload-epoch";

/// Reads a container id out of a header's value.
pub fn container(value: &[u8]) -> Option<ContainerId> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// Reads an epoch out of a header's value.
pub fn epoch(value: &[u8]) -> Option<Epoch> {
    std::str::from_utf8(value).ok()?.parse().ok().map(Epoch)
}
