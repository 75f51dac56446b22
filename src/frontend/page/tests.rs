//! What the files of the page promise each other, and the visitor.

use super::files::{Embedded, Pages, embedded, is_template};
use super::language::Language;
use super::strings::Strings;
use crate::protocol::code::Code;
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
    let names = Embedded::iter()
        .filter(|name| !name.starts_with("problems/") && (!name.starts_with("strings/") || *name == largest));
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

/// What stands behind `start` where that begins a word.
fn after<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
    // `...` spreads a list, and is no part of a name.
    let before = |at: usize| text[..at].strip_suffix("...").map_or(&text[..at], |_| "");
    let begins = |at: usize| !before(at).ends_with(|c: char| in_name(c) || c == '.');
    text.match_indices(start).filter(|(at, _)| begins(*at)).map(|(at, _)| &text[at + start.len()..]).collect()
}

fn in_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// As [`after`], up to where a name ends.
fn names_after<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
    after(text, start).into_iter().map(|rest| rest.split(|c| !in_name(c)).next().unwrap()).collect()
}

/// The first argument of a call, as it is written.
fn first_argument(rest: &str) -> &str {
    let (mut quote, mut depth) = (None, 0);
    let end = rest.find(|c: char| match (quote, c) {
        (Some(open), c) => {
            quote = quote.filter(|_| c != open);
            false
        }
        (None, '"' | '`') => {
            quote = Some(c);
            false
        }
        (None, ',' | ')') if depth == 0 => true,
        (None, c) => {
            depth += i32::from(c == '(') - i32::from(c == ')');
            false
        }
    });
    &rest[..end.unwrap()]
}

/// The texts that are asked for by what is no text itself, as it is written.
const BUILT: &[(&str, &[&str])] = &[
    ("t[key]", &["sort_newest", "sort_oldest", "sort_name", "sort_largest", "sort_smallest"]),
    ("act", &["details", "copy_link", "download", "delete"]),
    ("key", &["pause", "resume", "retry", "choose_again", "cancel", "clear", "discard", "copy", "copy_link"]),
    ("reason", &["lost", "busy", "full"]),
    ("role", &["frontend", "backend"]),
    ("heading", &["frontends", "backends"]),
    ("`${role}s`", &["frontends", "backends"]),
    ("`${role}s_count`", &["frontends_count", "backends_count"]),
    ("`${who}s_count`", &["frontends_count", "backends_count"]),
    ("`by_${who}s`", &["by_frontends", "by_backends"]),
    ("`bytes_${name}`", &["bytes_in", "bytes_out"]),
    (
        "`is_${state}`",
        &["is_waiting", "is_sending", "is_paused", "is_elsewhere", "is_missing", "is_complete"],
    ),
    ("`failed_${code}`", &["failed_too_large", "failed_unreadable"]),
    ("`state_${state}`", &["state_starting", "state_ready", "state_draining", "state_silent", "state_gone"]),
    (
        "`history_${what}`",
        &[
            "history_joined",
            "history_left",
            "history_starting",
            "history_ready",
            "history_draining",
            "history_silent",
            "history_heard",
        ],
    ),
];

/// The texts that the page asks for, and of [`BUILT`] what it asks for them with.
fn asked() -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut keys, mut built) = (BTreeSet::new(), BTreeSet::new());
    for (_, text) in files(".html") {
        for code in [between(&text, "{{", '}'), between(&text, "{%", '%')].concat() {
            keys.extend(names_after(code, "t.").iter().map(|&key| key.to_owned()));
            built.extend(code.contains("t[key]").then(|| "t[key]".to_owned()));
        }
    }
    // That is where `t` itself is, and what puts the texts below anew when the language changes.
    for (_, text) in files(".js").iter().filter(|(name, _)| name != "i18n.js") {
        for argument in ["t(", "named("].iter().flat_map(|call| after(text, call)).map(first_argument) {
            let written: Vec<_> = argument.split('"').skip(1).step_by(2).collect();
            built.extend(written.is_empty().then(|| argument.to_owned()));
            keys.extend(written.into_iter().map(str::to_owned));
        }
    }
    for attribute in ["data-t", "data-t-label", "data-t-placeholder"] {
        let html = files(".html").into_iter().map(|(_, text)| (text, format!("{attribute}=")));
        let scripts = files(".js").into_iter().map(|(_, text)| (text, format!("\"{attribute}\": ")));
        for (text, before) in html.chain(scripts) {
            let named = quoted(&text, &before).into_iter().filter(|key| !key.contains('{'));
            keys.extend(named.map(str::to_owned));
        }
    }
    (keys, built)
}

#[test]
fn every_text_that_the_page_asks_for_exists() {
    let english = strings(Language::English);
    let (mut keys, built) = asked();
    assert!(keys.contains("tagline") && keys.contains("pause_all"), "{keys:?}");
    let listed: BTreeSet<_> = BUILT.iter().map(|(written, _)| (*written).to_owned()).collect();
    assert_eq!(built, listed, "list in BUILT what these can be");
    keys.extend(BUILT.iter().flat_map(|(_, keys)| *keys).map(|&key| key.to_owned()));
    for key in &keys {
        assert!(english.contains_key(key), "the page asks for the text {key:?}, which is in no language");
    }
    for key in english.keys() {
        let asked = keys.contains(key) || key.strip_suffix("_one").is_some_and(|key| keys.contains(key));
        assert!(asked, "nobody asks for the text {key:?}");
    }
}

#[test]
fn every_problem_has_a_name_in_every_language_and_no_other() {
    let members = ["title", "advice"];
    let codes = Code::ALL
        .iter()
        .flat_map(|code| members.map(|member| format!("problem_{}_{member}", code.row().code)));
    let wanted: BTreeSet<_> = codes.collect();
    // In English a problem says it itself.
    for language in Language::ALL.into_iter().filter(|language| *language != Language::English) {
        let known = Strings::of_problems(&Pages { dir: None }, language).unwrap();
        let known: BTreeMap<String, String> =
            serde_json::from_value(serde_json::to_value(known).unwrap()).unwrap();
        assert_eq!(known.keys().cloned().collect::<BTreeSet<_>>(), wanted);
        assert!(known.values().all(|text| !text.is_empty()));
    }
}
