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

/// As browsers get it.
pub(super) fn embedded(name: &str) -> Option<Cow<'static, [u8]>> {
    let data = Embedded::get(name)?.data;
    match name.rsplit_once('.') {
        Some((_, "js" | "css")) => Some(Cow::Owned(shortened(&String::from_utf8_lossy(&data)).into_bytes())),
        _ => Some(data),
    }
}

/// Comments and indentation are for those who work on the page. The lines stay, so that an error names the one that it is in.
fn shortened(text: &str) -> String {
    let mut inside = false;
    let mut kept = String::with_capacity(text.len());
    for line in text.lines() {
        let start = line.trim_start();
        let block = inside || start.starts_with("/*");
        inside = block && !line.contains("*/");
        if !block && !start.starts_with("//") {
            kept += start;
        }
        kept.push('\n');
    }
    kept
}

/// Templates are for this program alone.
pub(super) fn is_template(name: &str) -> bool {
    name.ends_with(".html")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_comments_are_left_empty_and_others_lose_their_indentation() {
        let text = "// Why.\nlet a = 1; // b\n/** One\n * two. */\n  /* three */\n  let c = \"//\";\n";
        assert_eq!(shortened(text), "\nlet a = 1; // b\n\n\n\nlet c = \"//\";\n");
    }

    #[test]
    fn nothing_but_comments_is_left_out_of_the_page() {
        for name in Embedded::iter().filter(|name| name.ends_with(".js") || name.ends_with(".css")) {
            let text = String::from_utf8(Embedded::get(&name).unwrap().data.into_owned()).unwrap();
            // A text over several lines could have one that looks like a comment.
            assert!(
                !text.lines().any(|line| line.matches('`').count() % 2 == 1),
                "{name} has a text over several lines"
            );
            let closes = text.lines().filter(|line| line.contains("*/"));
            assert!(
                closes.clone().all(|line| line.trim_end().ends_with("*/")),
                "{name}: code behind a comment"
            );
        }
    }
}
