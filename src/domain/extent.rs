use super::{ContainerId, Epoch};
use std::ops::Range;
use uuid::Uuid;

/// Names the bytes that one upload brought. Another record may refer to them too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobId(pub Uuid);

/// The bytes that one epoch brought to a blob: what a store keeps apart, and can delete by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobEpoch {
    pub blob: BlobId,
    pub epoch: Epoch,
}

/// Which stored bytes count for a range of an upload. The extents of a record, in order, are its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// First byte's offset in the upload.
    pub offset: u64,
    /// Bytes; never 0.
    pub length: u64,
    pub blob: BlobId,
    /// The epoch in which the bytes were written: part of the key they are stored under.
    pub epoch: Epoch,
    /// Where the bytes begin in what (`blob`, `epoch`) names. Equal to `offset` unless the extent was taken over from
    /// another upload (concatenation, equal content).
    pub start: u64,
}

impl Extent {
    pub fn end(&self) -> u64 {
        self.offset + self.length
    }

    /// The part of this extent that lies inside `range` (offsets in the upload), or `None`.
    pub fn within(&self, range: &Range<u64>) -> Option<Extent> {
        let offset = self.offset.max(range.start);
        let end = self.end().min(range.end);
        (offset < end).then(|| Extent {
            offset,
            length: end - offset,
            start: self.start + (offset - self.offset),
            ..self.clone()
        })
    }
}

/// Which backend stored a range of an upload, and which frontend sent it there: the proof of balancing, per file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Segment {
    pub offset: u64,
    pub length: u64,
    pub backend_container_id: ContainerId,
    pub frontend_container_id: Option<ContainerId>,
}

/// Joins neighbouring segments of the same backend and frontend. `segments` are in order of their offsets.
pub fn merge_segments(segments: impl IntoIterator<Item = Segment>) -> Vec<Segment> {
    let mut merged: Vec<Segment> = Vec::new();
    for next in segments {
        match merged.last_mut() {
            Some(last)
                if last.offset + last.length == next.offset
                    && last.backend_container_id == next.backend_container_id
                    && last.frontend_container_id == next.frontend_container_id =>
            {
                last.length += next.length;
            }
            _ => merged.push(next),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(offset: u64, length: u64) -> Extent {
        Extent { offset, length, blob: BlobId(Uuid::nil()), epoch: Epoch::FIRST, start: offset + 1000 }
    }

    #[test]
    fn an_extent_is_cut_to_the_range_asked_for() {
        let part = extent(10, 20).within(&(15..100)).unwrap();
        assert_eq!((part.offset, part.length, part.start), (15, 15, 1015));
        assert_eq!(extent(10, 20).within(&(0..11)).unwrap().length, 1);
        assert_eq!(extent(10, 20).within(&(30..40)), None);
        assert_eq!(extent(10, 20).within(&(0..10)), None);
    }

    #[test]
    fn neighbouring_segments_of_one_pair_are_merged() {
        let segment = |offset, length, backend| Segment {
            offset,
            length,
            backend_container_id: ContainerId::from_bits(backend),
            frontend_container_id: None,
        };
        let merged =
            merge_segments([segment(0, 4, 1), segment(4, 4, 1), segment(8, 4, 2), segment(12, 1, 1)]);
        assert_eq!(merged, [segment(0, 8, 1), segment(8, 4, 2), segment(12, 1, 1)]);
    }
}
