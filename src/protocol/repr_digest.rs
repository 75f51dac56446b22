//! `Repr-Digest` (RFC 9530): a digest of the whole content, with which a client checks a file however it came by its parts.

use crate::domain::Sha256Sum;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub const REPR_DIGEST: &str = "Repr-Digest";

/// A dictionary of structured fields with one member, a byte sequence (RFC 9651, section 3.3.5).
pub fn print(sum: &Sha256Sum) -> String {
    format!("sha-256=:{}:", STANDARD.encode(sum.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Digest;

    /// RFC 9530, appendix B.1.
    #[test]
    fn the_example_of_the_rfc_prints_as_it_says() {
        let mut digest = Digest::default();
        digest.update(b"{\"hello\": \"world\"}\n");
        assert_eq!(print(&digest.finish()), "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:");
    }
}
