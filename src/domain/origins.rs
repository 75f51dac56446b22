/// The origins whose pages may use the service from a browser, besides its own: `https://host` or `https://host:port`, in
/// small letters and without the port that the scheme implies, as browsers write them (RFC 6454, section 6.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    Any,
    These(Vec<String>),
}

impl Origins {
    pub fn none() -> Self {
        Self::These(Vec::new())
    }

    pub fn is_none(&self) -> bool {
        *self == Self::none()
    }

    /// `origin` as a browser sends it.
    pub fn allow(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::These(origins) => origins.iter().any(|known| known == origin),
        }
    }
}
