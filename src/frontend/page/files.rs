use crate::domain::Digest;
use rust_embed::RustEmbed;
use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::LazyLock;

/// What stands for the version of a folder's files, which change.
pub const DEV: &str = "dev";

#[derive(RustEmbed)]
#[folder = "src/frontend/ui"]
pub(super) struct Embedded;

/// Says of the files in the binary which they are, so that browsers may keep them under that name for ever.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut names: Vec<_> = Embedded::iter().collect();
    names.sort();
    let mut digest = Digest::default();
    for name in &names {
        let content = embedded(name).unwrap_or_default();
        // With their lengths, or a byte might go over from one to the other unseen.
        digest.update(format!("{} {}\n{name}", name.len(), content.len()).as_bytes());
        digest.update(&content);
    }
    let mut version = digest.finish().to_string();
    version.truncate(12);
    version
});

/// Where the page's files come from: the binary, or a folder while one works on them.
#[derive(Clone)]
pub struct Pages {
    pub dir: Option<PathBuf>,
}

impl Pages {
    pub(super) fn version(&self) -> &'static str {
        match self.dir {
            Some(_) => DEV,
            None => &VERSION,
        }
    }

    /// Where the page finds its files.
    pub(super) fn assets(&self) -> String {
        format!("/ui/{}", self.version())
    }

    /// `name` is not a stranger's: in a folder it may be any path.
    pub(super) fn read(&self, name: &str) -> Option<Cow<'static, [u8]>> {
        match &self.dir {
            Some(dir) => std::fs::read(dir.join(name)).ok().map(Cow::Owned),
            None => embedded(name),
        }
    }

    pub(super) fn read_text(&self, name: &str) -> Option<String> {
        String::from_utf8(self.read(name)?.into_owned()).ok()
    }
}

pub(super) fn embedded(name: &str) -> Option<Cow<'static, [u8]>> {
    Embedded::get(name).map(|file| file.data)
}

/// Templates are for this program alone.
pub(super) fn is_template(name: &str) -> bool {
    name.ends_with(".html")
}
