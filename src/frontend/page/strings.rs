use super::files::Pages;
use super::language::Language;
use minijinja::value::{Kwargs, Value};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The page's texts in one language, by their keys.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Strings(BTreeMap<String, String>);

impl Strings {
    /// The file that they stand in.
    pub fn path(language: Language) -> String {
        format!("strings/{}.json", language.tag())
    }

    pub fn read(pages: &Pages, language: Language) -> Result<Self, String> {
        let name = Self::path(language);
        let content = pages.read(&name).ok_or_else(|| format!("{name} is missing"))?;
        serde_json::from_slice(&content).map_err(|error| format!("{name}: {error}"))
    }

    /// What problems are called in a language other than their own, English. Only who renders the page asks for these.
    pub fn of_problems(pages: &Pages, language: Language) -> Result<Self, String> {
        let name = format!("problems/{}.json", language.tag());
        let content = pages.read(&name).unwrap_or(Cow::Borrowed(b"{}"));
        serde_json::from_slice(&content).map_err(|error| format!("{name}: {error}"))
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}

/// The templates' filter `fill`: `{{ t.limit | fill(size=…) }}` puts the size where the text has `{size}`.
pub fn fill(text: &str, values: Kwargs) -> String {
    filled(text, |name| values.peek::<Option<Value>>(name).ok().flatten().map(|value| value.to_string()))
}

/// What is put in is not looked at again: it may be a file's name, and hold anything. A name that is not given stays.
fn filled(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let given = after.split_once('}').and_then(|(name, behind)| Some((value(name)?, behind)));
        match given {
            Some((value, behind)) => {
                filled.push_str(&value);
                rest = behind;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_name(text: &str, name: &str) -> String {
        filled(text, |asked| (asked == "name").then(|| name.to_owned()))
    }

    #[test]
    fn a_value_stands_where_its_name_stood() {
        assert_eq!(with_name("“{name}”, {name}", "a"), "“a”, a");
        assert_eq!(with_name("nothing", "a"), "nothing");
    }

    #[test]
    fn what_is_put_in_is_not_looked_at_again() {
        let named = |asked: &str| (asked == "name").then(|| "{size}".to_owned());
        let value = |asked: &str| named(asked).or_else(|| (asked == "size").then(|| "7".to_owned()));
        assert_eq!(filled("{name} has {size}", value), "{size} has 7");
        assert_eq!(with_name("{{name}}", "{"), "{{}");
    }

    #[test]
    fn a_name_that_is_not_given_stays() {
        for text in ["{other}", "{", "}{", "{name", "{{", "{ name }", "{}"] {
            assert_eq!(with_name(text, "a"), text);
        }
    }
}
