//! Just enough of Rust's grammar to see what a file names: words and marks, without comments and literals; which of them
//! belong to tests; and how deep in inline modules they stand.

use std::collections::BTreeSet;

/// One file's tokens.
pub struct Source<'a> {
    tokens: Vec<Token<'a>>,
}

struct Token<'a> {
    text: &'a str,
    line: usize,
    /// Part of an item under `#[cfg(test)]`.
    in_test: bool,
    /// How many modules lie between the token and the crate's root.
    depth: usize,
}

/// A path's first step below the crate's root.
pub struct Import<'a> {
    pub name: &'a str,
    pub line: usize,
}

pub struct Name<'a> {
    pub text: &'a str,
    pub line: usize,
    /// Not a step further down a path, not a field or a method.
    pub begins_a_path: bool,
}

impl<'a> Source<'a> {
    /// `depth` is the file's own: 0 for lib.rs and main.rs, 1 for a room's first file.
    pub fn read(text: &'a str, depth: usize) -> Self {
        let mut tokens = lex(text);
        mark_tests(&mut tokens);
        mark_depths(&mut tokens, depth);
        Self { tokens }
    }

    /// What stands behind `crate::`, behind enough `super::`, and, in the crate's root files, behind nothing or the crate's
    /// own name.
    pub fn imports_from_root(&self, rooms: &BTreeSet<&str>) -> Vec<Import<'_>> {
        let mut imports = Vec::new();
        for (at, token) in self.tokens.iter().enumerate() {
            if self.is_step(at) {
                continue;
            }
            match token.text {
                "crate" | "swarm_upload" if self.text(at + 1) == "::" => self.tree(at + 2, &mut imports),
                "super" => {
                    let steps = (0..).take_while(|n| self.text(at + 2 * n) == "super").count();
                    if steps >= token.depth {
                        self.tree(at + 2 * steps, &mut imports);
                    }
                }
                name if token.depth == 0 && rooms.contains(name) && self.text(at + 1) == "::" => {
                    imports.push(Import { name, line: token.line });
                }
                _ => {}
            }
        }
        imports
    }

    pub fn names_outside_of_tests(&self) -> impl Iterator<Item = Name<'_>> {
        let tokens = self.tokens.iter().enumerate().filter(|(_, token)| !token.in_test);
        tokens.map(|(at, token)| Name {
            text: token.text,
            line: token.line,
            begins_a_path: !self.is_step(at),
        })
    }

    /// The files that are compiled for tests only: `#[cfg(test)] mod name;`.
    pub fn test_modules(&self) -> impl Iterator<Item = &str> {
        self.tokens.windows(3).filter_map(|window| match window {
            [keyword, name, end] if keyword.in_test && keyword.text == "mod" && end.text == ";" => {
                Some(name.text)
            }
            _ => None,
        })
    }

    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text)
    }

    fn is_step(&self, at: usize) -> bool {
        at > 0 && matches!(self.text(at - 1), "::" | ".")
    }

    /// The first steps of the paths that begin at `at`: one, or several in braces.
    fn tree<'s>(&'s self, at: usize, imports: &mut Vec<Import<'s>>) {
        if self.text(at) != "{" {
            imports.extend(self.tokens.get(at).map(|token| Import { name: token.text, line: token.line }));
            return;
        }
        let mut open = 0;
        for (i, token) in self.tokens.iter().enumerate().skip(at) {
            match token.text {
                "{" => open += 1,
                "}" => open -= 1,
                name if open == 1 && matches!(self.text(i - 1), "{" | ",") => {
                    imports.push(Import { name, line: token.line });
                }
                _ => {}
            }
            if open == 0 {
                return;
            }
        }
    }
}

fn lex(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let (mut rest, mut line) = (text, 1);
    while let Some(first) = rest.chars().next() {
        let (length, is_token) = measure(rest, first);
        let (token, after) = rest.split_at(length);
        if is_token {
            tokens.push(Token { text: token, line, in_test: false, depth: 0 });
        }
        line += token.matches('\n').count();
        rest = after;
    }
    tokens
}

/// How many bytes the next piece of source takes, and whether it is a token or something to skip.
fn measure(rest: &str, first: char) -> (usize, bool) {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    if let Some(length) = string_length(rest) {
        return (length, false);
    }
    match first {
        '/' if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), false),
        '/' if rest.starts_with("/*") => (block_comment_length(rest), false),
        '\'' => (quote_length(rest), false),
        ':' if rest.starts_with("::") => (2, true),
        c if is_word(c) => (rest.find(|c| !is_word(c)).unwrap_or(rest.len()), true),
        c => (c.len_utf8(), !c.is_whitespace()),
    }
}

/// The length of the string literal that begins here (`"`, `b"`, `r#"`, ...), if one does.
fn string_length(rest: &str) -> Option<usize> {
    let prefix = ["", "b", "c", "r", "br", "cr"].into_iter().rev().find(|prefix| {
        rest.strip_prefix(prefix).is_some_and(|body| {
            let body = if prefix.contains('r') { body.trim_start_matches('#') } else { body };
            body.starts_with('"')
        })
    })?;
    let body = &rest[prefix.len()..];
    if prefix.contains('r') {
        let hashes = body.find('"')?;
        let end = format!("\"{}", &body[..hashes]);
        let inner = body[hashes + 1..].find(&end)?;
        return Some(prefix.len() + hashes + 1 + inner + end.len());
    }
    let mut escaped = false;
    let inner = body[1..].find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    Some(prefix.len() + inner + 2)
}

fn block_comment_length(rest: &str) -> usize {
    let (mut open, mut at) = (0, 0);
    loop {
        match &rest[at..] {
            "" => return at,
            inner if inner.starts_with("/*") => (open, at) = (open + 1, at + 2),
            inner if inner.starts_with("*/") => (open, at) = (open - 1, at + 2),
            inner => at += inner.chars().next().map_or(0, char::len_utf8),
        }
        if open == 0 {
            return at;
        }
    }
}

/// A character literal's length; 1 if the quote begins a lifetime.
fn quote_length(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some(_)) => 3 + rest[3..].find('\'').unwrap_or_default() + 1,
        (Some(_), Some((end, '\''))) => end + 1,
        _ => 1,
    }
}

/// Marks the items under `#[cfg(test)]`: each ends with its `;`, or with the brace that closes it.
fn mark_tests(tokens: &mut [Token<'_>]) {
    let attribute = ["#", "[", "cfg", "(", "test", ")", "]"];
    for at in 0..tokens.len() {
        let begins = tokens[at..].iter().map(|token| token.text).take(attribute.len()).eq(attribute);
        if !begins {
            continue;
        }
        let mut open = 0;
        for token in &mut tokens[at..] {
            token.in_test = true;
            match token.text {
                "(" | "[" | "{" => open += 1,
                ")" | "]" | "}" => open -= 1,
                _ => {}
            }
            if open == 0 && matches!(token.text, ";" | "}") {
                break;
            }
        }
    }
}

fn mark_depths(tokens: &mut [Token<'_>], file: usize) {
    // For each open brace, whether it is a module's.
    let mut braces: Vec<bool> = Vec::new();
    for at in 0..tokens.len() {
        tokens[at].depth = file + braces.iter().filter(|is_module| **is_module).count();
        match tokens[at].text {
            "{" => braces.push(at >= 2 && tokens[at - 2].text == "mod"),
            "}" => drop(braces.pop()),
            _ => {}
        }
    }
}
