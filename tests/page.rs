//! The HTML report in a real browser: it draws, it complains of nothing, it asks for nothing.
//!
//! The pages are the golden files, which the renderer's own tests hold to what it writes.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::{Case, Sandbox, Way, cases};

pub fn cases() -> Vec<Case> {
    cases![&[Way::Bare], needs ["chromium"]; a_page_loads_nothing, names_in_a_page_do_nothing, a_bad_page_is_caught]
}

/// What a page did when a browser opened it.
struct Seen {
    /// Lines that the page caused on the console.
    console: Vec<String>,
    /// Who asked for something over the network, the browser itself left out.
    askers: Vec<String>,
    picture: usize,
}

fn open(page: &str) -> Seen {
    let dir = tempfile::tempdir().expect("a directory");
    let at = |name: &str| dir.path().join(name);
    fs::write(at("page.html"), page).expect("the page is written");
    let flag = |flag: &str, name: &str| format!("{flag}={}", at(name).display());
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--disable-dev-shm-usage", "--window-size=1100,2400", "--enable-logging=stderr"])
        .arg(flag("--user-data-dir", "profile"))
        .arg(flag("--log-net-log", "net.json"))
        .arg(flag("--screenshot", "page.png"))
        .arg(format!("file://{}", at("page.html").display()))
        .env("HOME", dir.path())
        .stdin(Stdio::null())
        .output()
        .expect("chromium starts");
    let said = String::from_utf8_lossy(&output.stderr);
    let log = fs::read_to_string(at("net.json")).unwrap_or_else(|_| panic!("no log of the network: {said}"));
    // The browser has pages of its own, which complain about slow networks.
    let is_said = |line: &&str| line.contains("CONSOLE") && !line.contains("source: chrome://");
    Seen {
        console: said.lines().filter(is_said).map(str::to_owned).collect(),
        askers: log
            .split("\"initiator\":\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            // What the browser wants for itself, it does not ask for on behalf of an origin.
            .filter(|asker| *asker != "not an origin")
            .map(str::to_owned)
            .collect(),
        picture: fs::read(at("page.png")).map_or(0, |picture| picture.len()),
    }
}

fn golden(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    fs::read_to_string(path).expect("a golden file")
}

fn is_quiet(page: &str) {
    let seen = open(page);
    assert_eq!(seen.console, [""; 0]);
    assert_eq!(seen.askers, [""; 0]);
    assert!(seen.picture > 10_000, "nothing was drawn");
}

fn a_page_loads_nothing(_: &Sandbox) {
    is_quiet(&golden("report.html"));
}

fn names_in_a_page_do_nothing(_: &Sandbox) {
    is_quiet(&golden("hostile.html"));
}

/// The checks above can fail: without the policy a picture is asked for, with it the console tells.
fn a_bad_page_is_caught(_: &Sandbox) {
    let picture = "<img src=\"http://127.0.0.1:9/x.png\" alt=\"\">";
    assert_ne!(open(&format!("<!doctype html><title>bad</title>{picture}")).askers, [""; 0]);
    let script = "<script>console.error('bad')</script>";
    assert_ne!(open(&format!("<!doctype html><title>bad</title>{script}")).console, [""; 0]);
    let page = golden("report.html");
    for bad in [picture, script] {
        assert_ne!(open(&page.replace("</main>", &format!("{bad}</main>"))).console, [""; 0], "{bad}");
    }
}
