use percent_encoding::percent_decode;

/// A header's value with its parameters: `form-data; name="file"; filename="a.txt"`. In bytes, since what clients write there
/// need not even be text.
pub(super) struct Parameters {
    pub value: Vec<u8>,
    list: Vec<(String, Vec<u8>)>,
}

impl Parameters {
    /// Reads what is there; what is no parameter is passed over.
    pub fn of(header: &[u8]) -> Self {
        let (value, mut rest) = cut(header, b';');
        let mut list = Vec::new();
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| matches!(byte, b'=' | b';')).unwrap_or(rest.len());
            let (name, after) = (rest[..end].trim_ascii().to_ascii_lowercase(), &rest[end..]);
            let Some(after) = after.strip_prefix(b"=") else {
                rest = after.get(1..).unwrap_or_default();
                continue;
            };
            let (value, after) = match after.trim_ascii_start().strip_prefix(b"\"") {
                Some(quoted) => unquote(quoted),
                None => {
                    let (token, after) = cut(after, b';');
                    (token.trim_ascii().to_vec(), after)
                }
            };
            list.push((String::from_utf8_lossy(&name).into_owned(), value));
            rest = after;
        }
        Self { value: value.trim_ascii().to_vec(), list }
    }

    /// Of a parameter that comes twice, the first.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.list.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_slice())
    }

    /// `name*=UTF-8''na%c3%afve` (RFC 8187), decoded. Other charsets are not read: nobody is asked to send them.
    pub fn extended(&self, name: &str) -> Option<Vec<u8>> {
        let value = self.get(&format!("{name}*"))?;
        let (charset, rest) = cut(value, b'\'');
        let (_language, encoded) = cut(rest, b'\'');
        charset.eq_ignore_ascii_case(b"utf-8").then(|| percent_decode(encoded).collect())
    }
}

/// What stands before and after `at`.
fn cut(bytes: &[u8], at: u8) -> (&[u8], &[u8]) {
    match bytes.iter().position(|byte| *byte == at) {
        Some(place) => (&bytes[..place], &bytes[place + 1..]),
        None => (bytes, &[]),
    }
}

/// The text up to the closing quote, and what follows the next semicolon. Only quotes and backslashes are taken for escaped:
/// some browsers write whole paths, with backslashes as they are.
fn unquote(quoted: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut text = Vec::new();
    let mut rest = quoted;
    loop {
        match rest {
            [b'\\', escaped @ (b'"' | b'\\'), after @ ..] => {
                text.push(*escaped);
                rest = after;
            }
            [b'"', after @ ..] => return (text, cut(after, b';').1),
            [byte, after @ ..] => {
                text.push(*byte);
                rest = after;
            }
            [] => return (text, &[]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn filename(header: &str) -> String {
        let parameters = Parameters::of(header.as_bytes());
        String::from_utf8(parameters.get("filename").unwrap_or(b"(none)").to_vec()).unwrap()
    }

    #[test]
    fn a_value_is_a_token_or_quoted() {
        for (header, value) in [
            ("form-data; filename=a.txt; name=x", "a.txt"),
            ("form-data;FileName = \"a;b=c.txt\" ; name=x", "a;b=c.txt"),
            (r#"form-data; filename="a\"b\\c""#, r#"a"b\c"#),
            (r#"form-data; filename="C:\dir\a.txt""#, r"C:\dir\a.txt"),
            ("form-data; filename=\"never closed; name=x", "never closed; name=x"),
            ("form-data; x; ;=; filename=\"\"", ""),
            ("form-data; filename=first; filename=second", "first"),
            ("filename=a", "(none)"),
            ("", "(none)"),
        ] {
            assert_eq!(filename(header), value, "{header}");
        }
    }

    #[test]
    fn an_extended_value_is_decoded() {
        let extended = |header: &str| Parameters::of(header.as_bytes()).extended("filename");
        assert_eq!(extended("form-data; filename*=utf-8'de'%C3%A9 %zz").unwrap(), "é %zz".as_bytes());
        for bad in ["form-data; filename*=latin1''%E9", "form-data; filename*=plain", "form-data"] {
            assert_eq!(extended(bad), None, "{bad}");
        }
    }
}
