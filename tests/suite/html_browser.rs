//! The page in a browser: what it shows, what its controls do, that it complains of
//! nothing, and that 10,000 connections do not hold it up.
//!
//! Skipped where Chromium is not installed, unless `LBDIAG_REQUIRE_TOOLS` is set.

use crate::generator::World;
use crate::generator::world::Mode;
use crate::support::browser::Browser;
use crate::support::expected::root;
use crate::support::program::run;
use lbdiag::report::topology::topology;
use lbdiag::report::{self, ConnectionFilter, Report};
use lbdiag::topology::StatedRoles;
use lbdiag::{capture, diagnose, ladder, load, render};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

/// The page of a sample, as the program writes it.
fn page(dir: &Path, sample: &str) -> PathBuf {
    let out = dir.join("report.html");
    let captures = root().join("samples").join(sample);
    let output =
        run(&["-q", "--format", "html", "-o", out.to_str().unwrap(), captures.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    out
}

/// A page of 10,000 connections, every 50th of which failed, and its report.
fn large(dir: &Path) -> (PathBuf, Report) {
    let world = World { connections: 10_000, real_servers: 4, ..World::new(Mode::Nat) };
    world.write(dir).unwrap();
    let inputs = capture::inputs(&[dir.display().to_string()]).unwrap();
    let loaded = load::load(&inputs.inputs, &StatedRoles::default(), &AtomicU64::new(0));
    let diagnosis = diagnose::diagnose(&loaded.trace);
    let options =
        report::Options { connections: ConnectionFilter::All, ..report::Options::default() };
    let mut report = report::build(&loaded.trace, &diagnosis, &options);
    for connection in report.connections.iter_mut().step_by(50) {
        connection.outcome = "unanswered".to_owned();
        connection.fate = "failed".to_owned();
    }
    let ladders = ladder::of_findings(&loaded.trace, &diagnosis);
    let path = dir.join("report.html");
    std::fs::write(
        &path,
        render::html(
            &report,
            &topology(&loaded.trace, &lbdiag::breaks::Breaks::of(&loaded.trace)),
            &ladders,
        ),
    )
    .unwrap();
    (path, report)
}

const ROWS: &str = "document.querySelectorAll('#table tbody tr').length";
const SHOWN: &str = "document.getElementById('shown').textContent";

/// The cells of a column of the page of the table that is shown.
fn column(n: usize) -> String {
    format!(
        "[...document.querySelectorAll('#table tbody tr')].map(r => r.cells[{n}].textContent).join(' ')"
    )
}

fn choose(browser: &mut Browser, id: &str, value: &str) {
    browser.eval(&format!(
        "(() => {{ const e = document.getElementById('{id}'); e.value = '{value}'; \
         e.dispatchEvent(new Event('input', {{ bubbles: true }})); }})()"
    ));
}

#[test]
fn ten_thousand_connections_open_at_once_and_can_be_sorted_and_filtered() {
    let Some(mut browser) = Browser::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (path, report) = large(dir.path());
    assert_eq!(report.connections.len(), 10_000);
    browser.open(&path);
    let took = browser.eval("performance.getEntriesByType('navigation')[0].loadEventEnd");
    assert!(took.as_f64().unwrap() < 2_000.0, "opened after {took} ms");
    assert_eq!(browser.eval(ROWS), 50);
    assert_eq!(browser.text(SHOWN), "10,000 connections.");
    // Many elements are what makes a page slow.
    let elements = browser.eval("document.querySelectorAll('*').length");
    assert!(elements.as_u64().unwrap() < 8_000, "{elements} elements");

    let sorted = |browser: &mut Browser, column: usize| {
        browser.eval(&format!(
            "(() => {{ const t = performance.now(); \
             document.querySelectorAll('#table th button')[{column}].click(); \
             return performance.now() - t; }})()"
        ))
    };
    let order = |browser: &mut Browser, column: usize| {
        browser.text(&format!(
            "document.querySelectorAll('#table th')[{column}].getAttribute('aria-sort')"
        ))
    };
    sorted(&mut browser, 0);
    assert_eq!(order(&mut browser, 0), "ascending");
    let first: u32 = report.connections.iter().map(|c| c.id).min().unwrap();
    assert!(browser.text(&column(0)).starts_with(&format!("{first} ")));
    sorted(&mut browser, 0);
    assert_eq!(order(&mut browser, 0), "descending");
    assert_eq!(order(&mut browser, 1), "");
    let last: u32 = report.connections.iter().map(|c| c.id).max().unwrap();
    assert!(browser.text(&column(0)).starts_with(&format!("{last} ")));
    // Addresses by their numbers, not by their letters.
    sorted(&mut browser, 2);
    let clients: Vec<String> = browser.text(&column(2)).split(' ').map(str::to_owned).collect();
    let number = |client: &String| client.parse::<std::net::SocketAddr>().unwrap();
    assert!(clients.is_sorted_by_key(number), "{clients:?}");

    let failed = report.connections.iter().filter(|c| c.failed()).count();
    assert!(failed >= 200);
    choose(&mut browser, "fate", "1");
    assert_eq!(browser.text(SHOWN), format!("{failed} of 10,000 connections match."));
    assert!(!browser.text(&column(5)).contains("did well"));
    let one = &report.connections[50];
    choose(&mut browser, "client", &one.client);
    let own = report.connections.iter().filter(|c| c.failed() && c.client.contains(&one.client));
    assert_eq!(browser.eval(ROWS), own.count());
    assert!(browser.text(&column(2)).contains(&one.client));
    browser.eval("document.querySelector('#filter [type=reset]').click()");
    browser.eval("new Promise(done => setTimeout(done, 20))");
    assert_eq!(browser.text(SHOWN), "10,000 connections.");
    let server = browser.text("document.querySelectorAll('#server option')[2].textContent");
    let value = browser.text("document.querySelectorAll('#server option')[2].value");
    choose(&mut browser, "server", &value);
    let of = report.connections.iter().filter(|c| {
        let end = c.real_server.as_ref().unwrap();
        format!("{}:{}", end.address.as_ref().unwrap(), end.port.unwrap()) == server
    });
    let of = of.count();
    assert!(of > 2_000 && of < 3_000);
    let shown = browser.text(SHOWN).replace(',', "");
    assert_eq!(shown, format!("{of} of 10000 connections match."));
    choose(&mut browser, "search", "no such thing");
    assert_eq!(browser.eval(ROWS), 0);
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn pages_are_turned() {
    let Some(mut browser) = Browser::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (path, report) = large(dir.path());
    browser.open(&path);
    assert_eq!(browser.eval("document.getElementById('before').disabled"), true);
    browser.eval("document.getElementById('after').click()");
    assert_eq!(browser.text("document.getElementById('page').textContent"), "Page 2 of 200");
    assert!(browser.text(&column(0)).starts_with(&format!("{} ", report.connections[50].id)));
    browser.eval("document.getElementById('before').click()");
    assert!(browser.text(&column(0)).starts_with(&format!("{} ", report.connections[0].id)));
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn findings_fold_copy_and_lead_to_their_connections() {
    let Some(mut browser) = Browser::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    browser.open(&page(dir.path(), "hairpin-cloud-slb"));
    assert_eq!(browser.eval("document.getElementById('finding-1').open"), true);
    assert_eq!(browser.eval("document.getElementById('finding-2').open"), false);
    // A link opens what it leads to.
    browser.eval("document.querySelector('a[href=\"#finding-2\"]').click()");
    browser.eval("new Promise(done => setTimeout(done, 50))");
    assert_eq!(browser.eval("document.getElementById('finding-2').open"), true);
    // By the keyboard.
    browser.eval("document.querySelector('#finding-3 > summary').focus()");
    browser.press("Enter");
    assert_eq!(browser.eval("document.getElementById('finding-3').open"), true);
    browser.press(" ");
    assert_eq!(browser.eval("document.getElementById('finding-3').open"), false);
    // The first stop leads past the contents; what has the focus shows it.
    browser.eval("document.activeElement.blur(); document.body.focus(); scrollTo(0, 0)");
    browser.eval("location.hash = ''; getSelection().removeAllRanges()");
    browser.open(&page(dir.path(), "hairpin-cloud-slb"));
    browser.press("Tab");
    assert_eq!(browser.text("document.activeElement.className"), "skip");
    browser.press("Tab");
    assert_eq!(browser.text("document.activeElement.id"), "theme");
    assert_ne!(browser.text("getComputedStyle(document.activeElement).outlineStyle"), "none");
    let paper = "getComputedStyle(document.body).backgroundColor";
    let light = browser.text(paper);
    browser.press("Enter");
    assert_ne!(browser.text(paper), light);

    // Every command can be copied, and is there as text besides.
    assert_eq!(
        browser.eval("document.querySelectorAll('.command pre').length"),
        browser.eval("document.querySelectorAll('.command button').length")
    );
    browser.eval("document.querySelector('.command button').click()");
    browser.eval("new Promise(done => setTimeout(done, 200))");
    let said = browser.text("document.querySelector('.command button').textContent");
    assert!(said == "Copied" || said.starts_with("Marked"), "{said}");

    browser.eval("document.querySelector('#finding-1 a[data-finding]').click()");
    browser.eval("new Promise(done => setTimeout(done, 50))");
    assert_eq!(browser.text(SHOWN), "3 of 6 connections match.");
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn on_paper_every_finding_is_open() {
    let Some(mut browser) = Browser::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    browser.open(&page(dir.path(), "hairpin-cloud-slb"));
    let closed = "document.querySelectorAll('details.finding:not([open])').length";
    let before = browser.eval(closed);
    assert!(before.as_u64().unwrap() > 0);
    browser.eval("dispatchEvent(new Event('beforeprint'))");
    assert_eq!(browser.eval(closed), 0);
    browser.eval("dispatchEvent(new Event('afterprint'))");
    assert_eq!(browser.eval(closed), before);
    browser.ask("Emulation.setEmulatedMedia", serde_json::json!({ "media": "print" }));
    assert_eq!(browser.text("getComputedStyle(document.querySelector('nav')).display"), "none");
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn the_policy_stops_what_is_not_the_pages_own() {
    let Some(mut browser) = Browser::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    browser.open(&page(dir.path(), "hairpin-cloud-slb"));
    browser.eval(
        "(() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1'; \
         document.body.append(s); const i = document.createElement('img'); \
         i.setAttribute('onerror', 'window.ran = 1'); i.src = 'file:///nowhere.png'; \
         document.body.append(i); })()",
    );
    browser.eval("new Promise(done => setTimeout(done, 100))");
    assert_eq!(browser.text("typeof window.ran"), "undefined");
    assert!(browser.complaints.iter().any(|c| c.contains("Content Security Policy")));
}
