//! Says to the program which revision it was built from, to cargo that a new migration or file of the page is a reason to build
//! again, and to the linker how to note what is to be relocated.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=src/frontend/ui");
    // Changes with each commit and each checkout, as HEAD itself does not.
    println!("cargo:rerun-if-changed=.git/logs/HEAD");
    println!("cargo:rerun-if-env-changed=GIT_REVISION");
    let given = std::env::var("GIT_REVISION").ok().filter(|revision| !revision.is_empty());
    let revision = given.or_else(checked_out).unwrap_or_else(|| "unknown".into());
    println!("cargo:rustc-env=GIT_REVISION={revision}");
    // Some bytes for each address instead of 24, all of which are read as the program starts and then stay in its memory.
    if built_for_this_machine() && glibc().is_some_and(|version| version >= PACKED_SINCE) {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// The first glibc that knows such relocations. An older one refuses the program.
const PACKED_SINCE: (u32, u32) = (2, 36);

fn built_for_this_machine() -> bool {
    std::env::var("HOST").ok() == std::env::var("TARGET").ok()
}

/// The version of this machine's, unless it has another C library.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// None where this is not a checkout, as in a container that builds an image.
fn checked_out() -> Option<String> {
    let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
