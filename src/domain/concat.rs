use std::fmt;

/// What an upload is to others (tus, "Concatenation").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Concat {
    /// To be a part of others. It is not listed, and does not stay for ever.
    Partial,
    /// Made of others. `urls` is how its creator named them, word for word, since whoever asks is told so again.
    Final { urls: String },
}

/// Why an upload cannot be made part of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartFault {
    /// It does not exist, or no longer.
    Missing,
    /// It was not created to be one.
    NotPartial,
}

const PARTIAL: &str = "partial";
const FINAL: &str = "final;";

impl Concat {
    /// Reads what [`Concat`] prints.
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix(FINAL) {
            Some(urls) => Some(Self::Final { urls: urls.to_owned() }),
            None => (text == PARTIAL).then_some(Self::Partial),
        }
    }
}

/// Said of an upload.
impl fmt::Display for PartFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "does not exist, or was removed",
            Self::NotPartial => "was not created as a part",
        })
    }
}

/// As `Upload-Concat` says it.
impl fmt::Display for Concat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partial => f.write_str(PARTIAL),
            Self::Final { urls } => write!(f, "{FINAL}{urls}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_back() {
        for concat in [Concat::Partial, Concat::Final { urls: "/files/a /files/b".into() }] {
            assert_eq!(Concat::parse(&concat.to_string()), Some(concat));
        }
        for bad in ["", "Partial", "final", "partial;"] {
            assert_eq!(Concat::parse(bad), None);
        }
    }
}
