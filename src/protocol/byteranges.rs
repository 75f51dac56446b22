//! `multipart/byteranges` (RFC 9110, section 14.6): several ranges in one body.

use super::range::print_content_range;
use std::ops::Range;

/// The frame around the parts of one answer. The boundary must not occur in the content; a random one does not.
#[derive(Clone, Debug)]
pub struct Frame {
    pub boundary: String,
    /// The content's type.
    pub content_type: String,
    /// The content's whole length in bytes.
    pub length: u64,
}

impl Frame {
    /// The `Content-Type` of the answer.
    pub fn media_type(&self) -> String {
        format!("multipart/byteranges; boundary={}", self.boundary)
    }

    /// What comes before the bytes of a part.
    pub fn head(&self, part: &Range<u64>) -> String {
        let content_range = print_content_range(part, self.length);
        format!(
            "\r\n--{}\r\nContent-Type: {}\r\nContent-Range: {content_range}\r\n\r\n",
            self.boundary, self.content_type
        )
    }

    /// What comes after the last part.
    pub fn tail(&self) -> String {
        format!("\r\n--{}--\r\n", self.boundary)
    }

    /// Bytes of the whole answer, frame included: its `Content-Length`.
    pub fn size_bytes(&self, parts: &[Range<u64>]) -> u64 {
        let framed = parts.iter().map(|part| self.head(part).len() as u64 + (part.end - part.start));
        framed.sum::<u64>() + self.tail().len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_framed_as_in_the_rfc_and_their_size_is_known_before() {
        let frame = Frame {
            boundary: "THIS_STRING_SEPARATES".into(),
            content_type: "application/pdf".into(),
            length: 8000,
        };
        let parts = [500..1000, 7000..8000];
        let mut body = String::new();
        for part in &parts {
            body += &frame.head(part);
            body += &"x".repeat((part.end - part.start) as usize);
        }
        body += &frame.tail();
        assert!(body.starts_with(
            "\r\n--THIS_STRING_SEPARATES\r\nContent-Type: application/pdf\r\nContent-Range: bytes 500-999/8000\r\n\r\nxx"
        ));
        assert!(body.ends_with("x\r\n--THIS_STRING_SEPARATES--\r\n"));
        assert_eq!(frame.size_bytes(&parts), body.len() as u64);
    }
}
