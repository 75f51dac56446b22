//! Holds the import table of docs/ARCHITECTURE.md over `src/`.
//!
//! The check is textual: it reads tokens, not types. That is enough, because a room (a folder or file directly under
//! `src`) can reach another one only by a path from the crate's root, and a crate only by its name.

#![allow(unreachable_pub, clippy::unwrap_used, reason = "a test exports nothing and may panic")]

#[path = "architecture/source.rs"]
mod source;

use source::Source;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Which rooms a room may import. A new room needs a row.
const ROOMS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("telemetry", &[]),
    ("cli", &[]),
    ("db", &[]),
    ("discovery", &[]),
    ("healthcheck", &[]),
    ("protocol", &["domain"]),
    ("replica", &["domain", "protocol"]),
    ("catalog", &["db", "domain", "replica"]),
    ("blobs", &["db", "domain"]),
    ("uploads", &["blobs", "catalog", "db", "domain"]),
    ("balance", &["discovery", "domain"]),
    ("http", &["domain", "protocol", "replica", "telemetry", "uploads"]),
    ("config", &["cli", "domain"]),
    (
        "backend",
        &[
            "blobs",
            "catalog",
            "cli",
            "config",
            "db",
            "domain",
            "http",
            "protocol",
            "replica",
            "telemetry",
            "uploads",
        ],
    ),
    (
        "frontend",
        &["balance", "config", "discovery", "domain", "http", "protocol", "replica", "telemetry", "uploads"],
    ),
    ("standalone", &["backend", "config", "frontend", "replica"]),
    ("lib", &["backend", "cli", "config", "frontend", "healthcheck", "standalone", "telemetry"]),
    ("main", &["lib"]),
];

/// What the files of a room that are compiled for tests only may import besides: the PostgreSQL catalog's transaction is one
/// with that of the rows that hold bytes, and is tested with them.
const OF_TESTS: &[(&str, &[&str])] = &[("catalog", &["blobs"])];

/// Which rooms may use a crate. Test code may use any.
const CRATES: &[(&str, &[&str])] = &[
    ("actix_web", &["http", "backend", "frontend", "standalone", "main"]),
    ("actix_cors", &["http"]),
    ("awc", &["frontend", "healthcheck"]),
    ("clap", &["cli"]),
    ("deadpool_postgres", &["db", "catalog", "blobs"]),
    ("tokio_postgres", &["db", "catalog", "blobs"]),
    ("rusqlite", &["db", "catalog"]),
    ("refinery", &["db"]),
    ("metrics_exporter_prometheus", &["telemetry"]),
];

/// Concrete implementations and the rooms that define them; elsewhere only [`ASSEMBLERS`] name them.
const CONCRETE: &[(&str, &str)] = &[
    ("PostgresCatalog", "catalog"),
    ("SqliteCatalog", "catalog"),
    ("LocalBlobs", "blobs"),
    ("PostgresBlobs", "blobs"),
    ("LocalUploads", "uploads"),
];

const ASSEMBLERS: &[&str] = &["backend/assemble.rs", "frontend/assemble.rs", "standalone/"];

const MAX_LINES: usize = 400;
const MAX_LINES_OF_MAIN: usize = 40;

/// One file of the program.
struct File {
    /// Relative to `src`.
    path: String,
    room: String,
    text: String,
    /// Compiled for tests only.
    is_test: bool,
}

impl File {
    /// How many modules lie between the file and the crate's root.
    fn depth(&self) -> usize {
        match self.path.as_str() {
            "lib.rs" | "main.rs" => 0,
            path => path.trim_end_matches("/mod.rs").split('/').count(),
        }
    }

    fn opens_a_room(&self) -> bool {
        self.path.ends_with("mod.rs") || !self.path.contains('/')
    }
}

/// All violations of the rules in the tree under `src`, each as one line.
fn violations(src: &Path) -> Vec<String> {
    let files = read_tree(src);
    let rooms: BTreeSet<&str> = files.iter().map(|file| file.room.as_str()).collect();
    let mut found: Vec<String> = rooms
        .iter()
        .filter(|room| row(ROOMS, room).is_none())
        .map(|room| format!("{room}: a room without a row in the import table"))
        .collect();
    for file in &files {
        check_shape(file, &mut found);
        let source = Source::read(&file.text, file.depth());
        check_imports(file, &source, &rooms, &mut found);
        if !file.is_test {
            check_names(file, &source, &mut found);
        }
    }
    found
}

fn check_shape(file: &File, found: &mut Vec<String>) {
    let lines = file.text.lines().count();
    let limit = if file.path == "main.rs" { MAX_LINES_OF_MAIN } else { MAX_LINES };
    if lines > limit {
        found.push(format!("{}: {lines} lines, more than {limit}", file.path));
    }
    if file.path != "main.rs" && file.opens_a_room() && !file.text.starts_with("//!") {
        found.push(format!("{}: does not open with what the room is for (//!)", file.path));
    }
}

fn check_imports(file: &File, source: &Source, rooms: &BTreeSet<&str>, found: &mut Vec<String>) {
    let allowed = row(ROOMS, &file.room).unwrap_or_default();
    let besides = row(OF_TESTS, &file.room).filter(|_| file.is_test).unwrap_or_default();
    for import in source.imports_from_root(rooms) {
        // What is not a room stands in lib.rs.
        let target = if rooms.contains(import.name) { import.name } else { "lib" };
        if target != file.room && !allowed.contains(&target) && !besides.contains(&target) {
            found.push(format!("{}:{}: {} must not import {target}", file.path, import.line, file.room));
        }
    }
}

fn check_names(file: &File, source: &Source, found: &mut Vec<String>) {
    for name in source.names_outside_of_tests() {
        if let Some(allowed) = row(CRATES, name.text)
            && !allowed.contains(&file.room.as_str())
            && name.begins_a_path
        {
            found.push(format!("{}:{}: {} must not use {}", file.path, name.line, file.room, name.text));
        }
        let home = CONCRETE.iter().find(|(concrete, _)| *concrete == name.text).map(|(_, home)| *home);
        let assembles = ASSEMBLERS.iter().any(|path| file.path.starts_with(path));
        if home.is_some_and(|home| home != file.room) && !assembles {
            found.push(format!("{}:{}: only an assembler names {}", file.path, name.line, name.text));
        }
    }
}

fn row(table: &[(&str, &'static [&'static str])], name: &str) -> Option<&'static [&'static str]> {
    table.iter().find(|(row, _)| *row == name).map(|(_, allowed)| *allowed)
}

fn read_tree(src: &Path) -> Vec<File> {
    let mut paths = Vec::new();
    collect(src, &mut paths);
    paths.sort();
    let mut files: Vec<File> = paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(src).unwrap().to_str().unwrap().replace('\\', "/");
            let room = path.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
            File { path, room, text, is_test: false }
        })
        .collect();
    let of_tests: Vec<String> = files.iter().flat_map(modules_of_tests).collect();
    for file in &mut files {
        let module = file.path.trim_end_matches(".rs").trim_end_matches("/mod");
        file.is_test = of_tests.iter().any(|test| module == test || module.starts_with(&format!("{test}/")));
    }
    files
}

/// The modules that a file declares with `#[cfg(test)] mod name;`, as paths relative to `src` without an ending.
fn modules_of_tests(file: &File) -> Vec<String> {
    let folder = match file.path.as_str() {
        "lib.rs" => "",
        path => path.trim_end_matches("mod.rs").trim_end_matches(".rs"),
    };
    let source = Source::read(&file.text, file.depth());
    source.test_modules().map(|name| format!("{folder}/{name}").replace("//", "/")).collect()
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn every_room_imports_only_what_the_table_allows() {
    let found = violations(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(found.is_empty(), "{} violations:\n{}", found.len(), found.join("\n"));
}

fn documentation() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ARCHITECTURE.md")).unwrap()
}

#[test]
fn the_import_table_is_the_one_in_the_documentation() {
    let text = documentation();
    let (_, table) = text.split_once("| room | may import |\n|---|---|\n").unwrap();
    let documented: Vec<(&str, Vec<&str>)> = table
        .lines()
        .map_while(|line| line.strip_prefix("| `")?.strip_suffix('|')?.split_once("` |"))
        .map(|(room, list)| (room, list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect()))
        .collect();
    let enforced: Vec<_> = ROOMS.iter().map(|(room, allowed)| (*room, allowed.to_vec())).collect();
    assert_eq!(documented, enforced);
}

#[test]
fn every_test_that_the_documentation_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    collect(&root.join("src"), &mut paths);
    collect(&root.join("tests"), &mut paths);
    let code: String = paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let text = documentation();
    let named = text.split('`').skip(1).step_by(2).filter(|name| name.matches('_').count() >= 2);
    let missing: Vec<&str> = named.filter(|name| !code.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Writes `files` into a temporary tree and checks it.
fn violations_in(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    violations(folder.path())
}

#[test]
fn a_tree_that_keeps_the_rules_has_no_violation() {
    let found = violations_in(&[
        ("main.rs", "fn main() { swarm_upload::run() }"),
        (
            "lib.rs",
            "//! Map.\npub mod domain;\npub mod http;\npub mod uploads;\npub mod backend;\nfn run() { backend::run() }",
        ),
        ("domain/mod.rs", "//! Nouns.\nmod id;\npub use id::Id; // crate::http::x\n"),
        ("domain/id.rs", "use super::Other;\nconst A: &str = r#\"crate::http::x\"#; const B: char = '\"';"),
        (
            "uploads/mod.rs",
            "//! Use-cases.\n#[cfg(test)]\nmod suite;\nuse crate::domain::{Id, other};\n#[cfg(test)]\nmod tests { use super::*; use super::super::domain::Id; #[actix_web::test] async fn t() {} }",
        ),
        ("uploads/suite.rs", "use actix_web::rt; use crate::uploads::LocalUploads;"),
        ("http/mod.rs", "//! Web.\nuse actix_web::web; use crate::{domain::Id, uploads::{self, Uploads}};"),
        ("backend/mod.rs", "//! Wiring.\nmod assemble; use crate::http;"),
        ("backend/assemble.rs", "use crate::catalog::PostgresCatalog;"),
        ("catalog/mod.rs", "//! Records.\npub struct PostgresCatalog; use tokio_postgres::Row;"),
    ]);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn each_violation_is_caught() {
    let rest = "\n".repeat(MAX_LINES + 1);
    for (path, text, complaint) in [
        ("domain/mod.rs", "//! X.\nuse crate::http::Y;", "domain/mod.rs:2: domain must not import http"),
        (
            "domain/id.rs",
            "use crate::{\n    domain::Z, http};",
            "domain/id.rs:2: domain must not import http",
        ),
        ("domain/id.rs", "fn f() {\n  g!(crate::http::h()) }", "domain/id.rs:2: domain must not import http"),
        ("domain/mod.rs", "//! X.\nuse super::http::Y;", "domain/mod.rs:2: domain must not import http"),
        ("domain/id.rs", "use super::super::http::Y;", "domain/id.rs:1: domain must not import http"),
        ("domain/id.rs", "use crate::*;", "domain/id.rs:1: domain must not import lib"),
        ("domain/id.rs", "use crate::run;", "domain/id.rs:1: domain must not import lib"),
        (
            "domain/id.rs",
            "#[cfg(test)] mod tests { use crate::http::Y; }",
            "domain/id.rs:1: domain must not import http",
        ),
        (
            "backend/mod.rs",
            "//! X.\nuse crate::frontend::Y;",
            "backend/mod.rs:2: backend must not import frontend",
        ),
        (
            "frontend/mod.rs",
            "//! X.\nuse crate::backend::Y;",
            "frontend/mod.rs:2: frontend must not import backend",
        ),
        ("lib.rs", "//! X.\nfn run() { http::serve() }", "lib.rs:2: lib must not import http"),
        ("main.rs", "fn main() { swarm_upload::http::serve() }", "main.rs:1: main must not import http"),
        ("utils/mod.rs", "//! X.", "utils: a room without a row in the import table"),
        ("uploads/a.rs", "use actix_web::web;", "uploads/a.rs:1: uploads must not use actix_web"),
        ("http/a.rs", "fn f(c: &awc::Client) {}", "http/a.rs:1: http must not use awc"),
        (
            "uploads/a.rs",
            "type C = deadpool_postgres::Pool;",
            "uploads/a.rs:1: uploads must not use deadpool_postgres",
        ),
        ("http/a.rs", "use tokio_postgres as p;", "http/a.rs:1: http must not use tokio_postgres"),
        ("config.rs", "//! X.\nuse clap::Parser;", "config.rs:2: config must not use clap"),
        (
            "http/a.rs",
            "use metrics_exporter_prometheus::X;",
            "http/a.rs:1: http must not use metrics_exporter_prometheus",
        ),
        (
            "backend/routes.rs",
            "use crate::blobs::LocalBlobs;",
            "backend/routes.rs:1: only an assembler names LocalBlobs",
        ),
        ("http/mod.rs", "mod range;", "http/mod.rs: does not open with what the room is for (//!)"),
        ("db/a.rs", &rest, "db/a.rs: 401 lines, more than 400"),
        ("main.rs", &rest, "main.rs: 401 lines, more than 40"),
    ] {
        let mut files = vec![
            ("frontend/mod.rs", "//! X."),
            ("backend/mod.rs", "//! X."),
            ("blobs/mod.rs", "//! X."),
            ("http/mod.rs", "//! X."),
        ];
        files.retain(|(room, _)| *room != path);
        files.push((path, text));
        assert_eq!(violations_in(&files), [complaint], "{path}: {text:.80}");
    }
}
