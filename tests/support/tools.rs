//! Programs that are not part of the build: run where they are installed.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The program `name` of the search path. Where it is missing the test that asks
/// has nothing to run: an error where `LBDIAG_REQUIRE_TOOLS` is set, else `None`,
/// and it says so.
pub fn tool(name: &str) -> Option<PathBuf> {
    let found = on_path(name);
    if found.is_none() {
        assert!(std::env::var_os("LBDIAG_REQUIRE_TOOLS").is_none(), "{name} is not installed");
        println!("skipped: {name} is not installed");
    }
    found
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|p| p.is_file())
}

/// Chromium, by whatever name; as [`tool`].
pub fn chromium() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names.into_iter().find_map(on_path).or_else(|| tool("chromium"))
}

/// Draws every Mermaid block of a Markdown text; gives the SVG of each.
/// `None` where mermaid-cli is not installed.
pub fn mermaid(dir: &Path, markdown: &str) -> Option<Vec<String>> {
    let mmdc = tool("mmdc")?;
    // In a container Chromium has no sandbox to start.
    let mut config = serde_json::json!({ "args": ["--no-sandbox"] });
    if let Some(path) = chromium() {
        config["executablePath"] = path.display().to_string().into();
    }
    let (source, browser) = (dir.join("in.md"), dir.join("browser.json"));
    std::fs::write(&source, markdown).unwrap();
    std::fs::write(&browser, config.to_string()).unwrap();
    let output = Command::new(mmdc)
        .current_dir(dir)
        .args(["-p", "browser.json", "-i", "in.md", "-o", "out.md"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let blocks = markdown.matches("```mermaid\n").count();
    let svg = |n: usize| {
        std::fs::read_to_string(dir.join(format!("out-{n}.svg")))
            .unwrap_or_else(|why| panic!("block {n} of {blocks}: {why}: {said}"))
    };
    Some((1..=blocks).map(svg).collect())
}

/// Draws every diagram of a PlantUML source; gives the text that each SVG shows.
/// `None` where PlantUML is not installed.
pub fn plantuml(dir: &Path, source: &str) -> Option<Vec<String>> {
    let plantuml = tool("plantuml")?;
    std::fs::write(dir.join("in.puml"), source).unwrap();
    let output = Command::new(plantuml)
        .current_dir(dir)
        .args(["-Djava.awt.headless=true", "-charset", "UTF-8", "-tsvg", "-failfast2", "in.puml"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("Exception"), "{said}");
    let blocks = source.matches("@startuml\n").count();
    let name = |n: usize| match n {
        0 => "in.svg".to_owned(),
        n => format!("in_{n:03}.svg"),
    };
    let shown = |n: usize| {
        let svg = std::fs::read_to_string(dir.join(name(n)))
            .unwrap_or_else(|why| panic!("diagram {n} of {blocks}: {why}: {said}"));
        text_of(&svg)
    };
    Some((0..blocks).map(shown).collect())
}

/// The text elements of an SVG, one after the other, as a reader sees them.
fn text_of(svg: &str) -> String {
    let mut out = String::new();
    // The source that PlantUML adds as a comment is not shown.
    let shown = svg.split("<!--").next().unwrap_or_default();
    for part in shown.split("<text").skip(1) {
        let inner = part.split_once('>').map_or("", |(_, rest)| rest);
        out.push_str(inner.split("</text>").next().unwrap_or_default());
        out.push(' ');
    }
    let out = out.replace("&#160;", " ").replace('\u{a0}', " ");
    let out = out.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    out.replace("&amp;", "&")
}
