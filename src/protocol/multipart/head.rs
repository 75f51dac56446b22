use super::BadForm;
use super::parameters::Parameters;
use crate::protocol::media_type;

/// What the head of a part says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// As the client wrote it, for which no bytes are too strange; `None` if the part is no file.
    pub filename: Option<Vec<u8>>,
    pub content_type: Option<String>,
}

impl Part {
    pub(super) fn parse(head: &[u8]) -> Result<Self, BadForm> {
        let mut disposition = None;
        let mut content_type = None;
        for line in head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
        {
            let colon = line.iter().position(|byte| *byte == b':');
            let colon = colon.ok_or(BadForm::Malformed("a line in the head of a part is no header"))?;
            let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
            if name.eq_ignore_ascii_case(b"content-disposition") {
                disposition = Some(Parameters::of(value));
            } else if name.eq_ignore_ascii_case(b"content-type") {
                content_type = std::str::from_utf8(value).ok();
            }
        }
        let form_data = |found: &Parameters| found.value.eq_ignore_ascii_case(b"form-data");
        let disposition = disposition.filter(form_data);
        let disposition =
            disposition.ok_or(BadForm::Malformed("a part lacks Content-Disposition: form-data"))?;
        if disposition.get("name").is_none() {
            return Err(BadForm::Malformed("a part lacks the name of its field"));
        }
        if content_type.is_some_and(|kind| starts_with(media_type::essence(kind), "multipart/")) {
            return Err(BadForm::Malformed(
                "a part is itself multipart; send each file as a part of its own",
            ));
        }
        Ok(Self {
            filename: filename(&disposition),
            content_type: content_type.and_then(media_type::declared).map(str::to_owned),
        })
    }
}

/// `filename*` should not be here (RFC 7578, section 4.2), but some clients send it, with the better name.
fn filename(disposition: &Parameters) -> Option<Vec<u8>> {
    if let Some(extended) = disposition.extended("filename") {
        return Some(extended);
    }
    // Browsers and curl write a quote so (the HTML standard's "multipart/form-data encoding algorithm"). Line breaks, the only
    // other characters they encode, have no place in a name anyway.
    let plain = disposition.get("filename")?;
    Some(replace(plain, b"%22", b'"'))
}

fn replace(mut text: &[u8], what: &[u8], by: u8) -> Vec<u8> {
    let mut replaced = Vec::new();
    while let Some(at) = memchr::memmem::find(text, what) {
        replaced.extend_from_slice(&text[..at]);
        replaced.push(by);
        text = &text[at + what.len()..];
    }
    replaced.extend_from_slice(text);
    replaced
}

fn starts_with(text: &str, what: &str) -> bool {
    text.get(..what.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(what))
}
