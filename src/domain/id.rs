use std::fmt;
use std::str::FromStr;
use uuid::{Uuid, Version};

/// The id of an upload: a UUIDv7 (RFC 9562, section 5.7), so ids sort by the time of creation.
///
/// The frontend mints it before the first byte is stored, which makes creation idempotent: asked twice, it is one upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UploadId(Uuid);

/// Which catalog it is: random, and made with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogId(pub Uuid);

#[derive(Debug, thiserror::Error)]
#[error("an upload id is a UUIDv7 in its hyphenated lower-case form")]
pub struct InvalidUploadId;

impl UploadId {
    pub fn mint() -> Self {
        Self(Uuid::now_v7())
    }

    pub fn as_uuid(&self) -> Uuid {
        self.0
    }

    /// Takes an id that the catalog stored, so it was checked before.
    pub fn from_stored(id: Uuid) -> Self {
        Self(id)
    }
}

impl FromStr for UploadId {
    type Err = InvalidUploadId;

    fn from_str(text: &str) -> Result<Self, InvalidUploadId> {
        let id = Uuid::try_parse(text).map_err(|_| InvalidUploadId)?;
        // One id has one spelling, or it could not be compared as text in URLs and caches.
        match id.get_version() == Some(Version::SortRand) && id.hyphenated().to_string() == text {
            true => Ok(Self(id)),
            false => Err(InvalidUploadId),
        }
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = UploadId::mint();
        assert_eq!(id.to_string().parse::<UploadId>().unwrap(), id);
        assert!(id.to_string().to_uppercase().parse::<UploadId>().is_err());
        assert!(id.as_uuid().simple().to_string().parse::<UploadId>().is_err());
        assert!(Uuid::nil().to_string().parse::<UploadId>().is_err());
    }

    #[test]
    fn ids_sort_by_the_time_they_were_minted() {
        let ids: Vec<_> = (0..100).map(|_| UploadId::mint()).collect();
        assert!(ids.is_sorted());
    }
}
