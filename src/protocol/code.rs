use std::fmt;

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub status: u16,
    /// The name that programs compare; it never changes its meaning.
    pub code: &'static str,
    pub title: &'static str,
    /// What the client can do about it.
    pub advice: &'static str,
}

/// Makes the enum, the list of all codes and their rows out of one table, so that they cannot differ.
macro_rules! codes {
    ($($name:ident = $status:literal $code:literal $title:literal $advice:literal;)*) => {
        /// Everything that can go wrong for a client, by its stable name. [`Code::row`] is the one table of them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $($name),*
        }

        impl Code {
            pub const ALL: &[Code] = &[$(Code::$name),*];

            pub const fn row(self) -> Row {
                match self {
                    $(Code::$name => Row { status: $status, code: $code, title: $title, advice: $advice }),*
                }
            }
        }
    };
}

// In the order of their status. A 409 always means: ask where the upload stands (`HEAD`), then go on from there; tus clients
// do so by themselves. What no repetition can mend is therefore never a 409.
codes! {
    BadRequest = 400 "bad_request"
        "The request is malformed"
        "Compare the request with the API's description.";
    BadHeader = 400 "bad_header"
        "A header is missing or malformed"
        "Correct the header that the detail names.";
    BadQuery = 400 "bad_query"
        "The query is malformed"
        "Correct the parameter that the detail names.";
    BadBody = 400 "bad_body"
        "The body is malformed"
        "Send the body in the format of its content type.";
    BodyCutShort = 400 "body_cut_short"
        "The body ended early"
        "Send it again; a tus upload goes on at its offset.";
    NoFile = 400 "no_file"
        "The form holds no file"
        "Send a part with a filename; with curl: -F file=@name.";
    FilenameMissing = 400 "filename_missing"
        "The address lacks a file name"
        "Append the file's name; curl -T does if the address ends in a slash.";
    ContentRangeUnsupported = 400 "content_range_unsupported"
        "A part of a file cannot be put"
        "Send the whole file, or use the resumable uploads at /files/.";
    LengthKnown = 400 "length_known"
        "The upload's length is already known"
        "Leave Upload-Length out, or send the same length again.";
    ShortOfLength = 400 "short_of_length"
        "The body is shorter than the declared length"
        "Send the file again with its true length.";
    PartMissing = 400 "part_missing"
        "A part of the upload is not there"
        "Upload the part again, with Upload-Concat: partial; then create the final upload of those that are there.";
    NotAPart = 400 "not_a_part"
        "An upload is named as a part and is none"
        "Name uploads that were created with Upload-Concat: partial.";
    CrossSite = 403 "cross_site"
        "The request comes from another site's page"
        "Use this service's own page, or ask the operator to let the site in with --cors-origin.";
    FinalUpload = 403 "final_upload"
        "The upload is made of others"
        "Append to its parts while they are incomplete; nothing can be appended to it.";
    NotFound = 404 "not_found"
        "There is nothing here"
        "Check the address; what was removed long ago is forgotten.";
    MethodNotAllowed = 405 "method_not_allowed"
        "The method does not apply here"
        "Use one of the methods that the Allow header lists.";
    WrongOffset = 409 "wrong_offset"
        "The upload is at another offset"
        "Ask for the offset with HEAD and go on from there.";
    Superseded = 409 "superseded"
        "Another request has taken the upload over"
        "Ask for the offset with HEAD if this client is to go on instead.";
    Complete = 409 "complete"
        "The upload is complete"
        "Nothing is left to be sent.";
    Incomplete = 409 "incomplete"
        "The upload is not complete yet"
        "Read it once its state is complete.";
    Gone = 410 "gone"
        "The upload was removed"
        "It was deleted, or expired incomplete. Begin a new upload.";
    PreconditionFailed = 412 "precondition_failed"
        "A condition of the request does not hold"
        "Fetch the current state and decide anew.";
    UnsupportedTusVersion = 412 "unsupported_tus_version"
        "This version of tus is not spoken here"
        "Send Tus-Resumable with a version that Tus-Version lists.";
    TooLarge = 413 "too_large"
        "The file is too large"
        "Send at most as many bytes as limit says.";
    TooManyPieces = 413 "too_many_pieces"
        "The parts lie in too many pieces"
        "Send each part in fewer and larger requests.";
    PastTheEnd = 413 "past_the_end"
        "The bytes go past the upload's length"
        "Send no more than the declared length.";
    UnsupportedMediaType = 415 "unsupported_media_type"
        "The content type does not apply here"
        "Send the content type that the detail names.";
    RangeNotSatisfiable = 416 "range_not_satisfiable"
        "The range lies outside of the content"
        "Ask for bytes below the length that Content-Range says.";
    WrongChecksum = 460 "wrong_checksum"
        "The body's checksum is wrong"
        "Send it again; nothing of it was stored.";
    Internal = 500 "internal"
        "Something is broken on our side"
        "Try again; if it stays, give the operator the request id.";
    Unavailable = 503 "unavailable"
        "The service cannot do this now"
        "Try again after Retry-After; nothing acknowledged is lost.";
    NotReady = 503 "not_ready"
        "This replica is not ready"
        "Ask another replica until this one is.";
    StorageFull = 507 "storage_full"
        "There is no room left"
        "Delete uploads, or ask the operator for more room.";
}

impl Code {
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.row().code == text)
    }

    /// The most general code for a status that some other part of the server (its router, its parser) answered with.
    pub fn for_status(status: u16) -> Self {
        match status {
            404 => Code::NotFound,
            405 => Code::MethodNotAllowed,
            410 => Code::Gone,
            412 => Code::PreconditionFailed,
            413 => Code::TooLarge,
            415 => Code::UnsupportedMediaType,
            416 => Code::RangeNotSatisfiable,
            503 => Code::Unavailable,
            507 => Code::StorageFull,
            400..=499 => Code::BadRequest,
            _ => Code::Internal,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_code_has_a_name_of_its_own_in_snake_case() {
        let names: HashSet<_> = Code::ALL.iter().map(|code| code.row().code).collect();
        assert_eq!(names.len(), Code::ALL.len());
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
    }

    #[test]
    fn the_table_is_sorted_by_status_and_holds_errors_only() {
        let statuses: Vec<_> = Code::ALL.iter().map(|code| code.row().status).collect();
        assert!(statuses.is_sorted());
        assert!(statuses.iter().all(|status| (400..600).contains(status)));
    }

    #[test]
    fn the_documents_show_the_table() {
        let mut table = String::from("| status | `code` | what it means | what to do |\n|---|---|---|---|\n");
        for Row { status, code, title, advice } in Code::ALL.iter().map(|code| code.row()) {
            table += &format!("| {status} | `{code}` | {title} | {advice} |\n");
        }
        assert!(
            include_str!("../../docs/ERRORS.md").ends_with(&table),
            "docs/ERRORS.md is to end with:\n{table}"
        );
    }

    #[test]
    fn a_code_is_read_back_from_its_name() {
        for code in Code::ALL {
            assert_eq!(Code::parse(&code.to_string()), Some(*code));
        }
        assert_eq!(Code::parse("unheard_of"), None);
    }
}
