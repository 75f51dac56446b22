//! Options, each a name and a value.

use std::str::FromStr;

pub struct Arguments(Vec<(String, String)>);

impl Arguments {
    pub fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut pairs = Vec::new();
        while let Some(word) = words.next() {
            let name = word.strip_prefix("--").ok_or(format!("{word} is no option"))?.to_owned();
            let value = words.next().ok_or(format!("{word} needs a value"))?;
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |pair| pair.0 == name).map(|pair| pair.1.as_str())
    }

    /// The last one counts.
    pub fn find<T: FromStr>(&self, name: &str) -> Result<Option<T>, String> {
        let text = self.all(name).last();
        text.map(|text| text.parse().map_err(|_| format!("--{name} {text}: not a value of this option")))
            .transpose()
    }

    pub fn need<T: FromStr>(&self, name: &str) -> Result<T, String> {
        self.find(name)?.ok_or(format!("--{name} is missing"))
    }

    pub fn or<T: FromStr>(&self, name: &str, default: T) -> Result<T, String> {
        Ok(self.find(name)?.unwrap_or(default))
    }
}
