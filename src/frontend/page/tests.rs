//! What the files of the page promise each other, and the visitor.

use super::files::{Embedded, Pages, embedded, is_template};
use super::language::Language;
use super::strings::Strings;
use std::collections::{BTreeMap, BTreeSet};

/// Those whose name ends in this, as text.
fn files(ending: &str) -> Vec<(String, String)> {
    let names = Embedded::iter().filter(|name| name.ends_with(ending));
    names
        .map(|name| (name.to_string(), String::from_utf8(embedded(&name).unwrap().into_owned()).unwrap()))
        .collect()
}

/// What stands behind each `start`, up to `end`.
fn between<'a>(text: &'a str, start: &str, end: char) -> Vec<&'a str> {
    text.split(start).skip(1).filter_map(|rest| Some(rest.split_once(end)?.0)).collect()
}

/// As [`between`] quotes of both kinds.
fn quoted<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    ['"', '\''].iter().flat_map(|quote| between(text, &format!("{before}{quote}"), *quote)).collect()
}

/// The path from the file `from` to `to`, which may begin with `./` or `../`.
fn resolved(from: &str, to: &str) -> String {
    let mut path: Vec<&str> = from.split('/').collect();
    path.pop();
    for step in to.split('/') {
        match step {
            "." => {}
            ".." => drop(path.pop().unwrap()),
            step => path.push(step),
        }
    }
    path.join("/")
}

/// Of the texts a page loads those of one language.
#[test]
fn all_that_a_page_loads_is_smaller_than_100_kilobytes() {
    let largest = Language::ALL.map(Strings::path).into_iter().max_by_key(|name| size(name)).unwrap();
    let names = Embedded::iter().filter(|name| !name.starts_with("strings/") || *name == largest);
    let sizes: BTreeMap<_, _> = names.map(|name| (name.clone(), size(&name))).collect();
    assert!(sizes.len() > 3 && sizes.contains_key(&*largest), "{sizes:?}");
    let total: usize = sizes.values().sum();
    assert!(total < 100_000, "{total}: {sizes:?}");
}

fn size(name: &str) -> usize {
    embedded(name).unwrap().len()
}

#[test]
fn every_file_that_a_file_of_the_page_refers_to_exists() {
    let mut named = BTreeSet::new();
    for (name, text) in files(".html") {
        for target in ["src=", "href="].iter().flat_map(|attribute| quoted(&text, attribute)) {
            assert!(
                !target.starts_with("/ui/") || target == "/ui/boot.js",
                "{target} in {name} lacks its version"
            );
            let target = target.strip_prefix("{{ assets }}/").or_else(|| target.strip_prefix("/ui/"));
            named.extend(target.map(str::to_owned));
        }
    }
    assert!(named.contains("style.css") && named.contains("boot.js"), "{named:?}");
    for (name, text) in files(".js") {
        for start in ["./", "../"] {
            let modules = ['"', '\''].map(|quote| between(&text, &format!("{quote}{start}"), quote)).concat();
            named.extend(modules.iter().map(|module| resolved(&name, &format!("{start}{module}"))));
        }
    }
    for (name, text) in files(".css") {
        let targets = between(&text, "url(", ')').into_iter().map(|target| target.trim_matches(['"', '\'']));
        named.extend(targets.map(|target| resolved(&name, target)));
    }
    for name in named {
        assert!(
            embedded(&name).is_some_and(|_| !is_template(&name)),
            "{name} is referred to and does not exist"
        );
    }
}

fn strings(language: Language) -> BTreeMap<String, String> {
    let strings = Strings::read(&Pages { dir: None }, language).unwrap();
    serde_json::from_value(serde_json::to_value(strings).unwrap()).unwrap()
}

#[test]
fn both_languages_have_the_same_texts_with_the_same_places_to_fill() {
    let [english, portuguese] = Language::ALL.map(strings);
    assert!(english.keys().eq(portuguese.keys()), "{:?} {:?}", english.keys(), portuguese.keys());
    // A language may say «one» where the other has a number.
    for (key, text) in english.iter().filter(|(key, _)| !key.ends_with("_one")) {
        let places = |text| between(text, "{", '}').into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
        assert_eq!(places(text), places(&portuguese[key]), "{key}");
        assert!(!text.is_empty() && !portuguese[key].is_empty(), "{key}");
    }
}

/// The names that stand behind `start` where that begins a word.
fn names_after<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
    let in_name = |c: char| c.is_alphanumeric() || c == '_';
    let starts =
        text.match_indices(start).filter(|(at, _)| !text[..*at].ends_with(|c| in_name(c) || c == '.'));
    starts
        .map(|(at, _)| {
            let rest = &text[at + start.len()..];
            &rest[..rest.find(|c| !in_name(c)).unwrap_or(rest.len())]
        })
        .collect()
}

#[test]
fn every_text_that_the_page_asks_for_exists() {
    let english = strings(Language::English);
    let mut asked = BTreeSet::new();
    for (_, text) in files(".html") {
        let code = [between(&text, "{{", '}'), between(&text, "{%", '%')].concat();
        asked.extend(code.iter().flat_map(|code| names_after(code, "t.")).map(str::to_owned));
    }
    assert!(asked.contains("tagline"), "{asked:?}");
    for (_, text) in files(".js") {
        asked.extend(["t(\"", "t('"].iter().flat_map(|call| names_after(&text, call)).map(str::to_owned));
    }
    // Texts that the script puts anew when the language changes.
    for attribute in ["data-t", "data-t-label", "data-t-placeholder"] {
        let html = files(".html").into_iter().map(|(_, text)| (text, format!("{attribute}=")));
        let scripts = files(".js").into_iter().map(|(_, text)| (text, format!("\"{attribute}\": ")));
        for (text, before) in html.chain(scripts) {
            let keys = quoted(&text, &before).into_iter().filter(|key| !key.contains('{'));
            asked.extend(keys.map(str::to_owned));
        }
    }
    for key in asked {
        let exists = english.contains_key(&key) || english.contains_key(&format!("{key}_one"));
        assert!(exists, "the page asks for the text {key:?}, which is in no language");
    }
}
