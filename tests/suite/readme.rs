//! Every example of the README and of the docs is run: what is printed is compared, what is only
//! shown is understood by the program and works where its captures are there.

use crate::support::expected::{entries, root};
use std::path::Path;
use std::process::{Command, Output};

const PAGES: [&str; 6] = [
    "README.md",
    "docs/usage.md",
    "docs/report.md",
    "docs/tui.md",
    "docs/limits.md",
    "docs/tables.md",
];

/// A folder in which the examples find what they name.
fn place() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let samples = root().join("samples");
    let copy = |from: &str, to: &str| {
        let to = dir.path().join(to);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(samples.join(from), to).unwrap();
    };
    #[cfg(unix)]
    std::os::unix::fs::symlink(&samples, dir.path().join("samples")).unwrap();
    for file in ["director.pcap", "rs1.pcap"] {
        copy(&format!("hairpin-cloud-slb/{file}"), &format!("captures/{file}"));
    }
    for file in ["client.pcap", "director.pcap", "rs1.pcap", "rs2.pcap"] {
        copy(&format!("healthy-nat/{file}"), &format!("good/{file}"));
        copy(&format!("nat-one-rs-gateway-wrong/{file}"), &format!("bad/{file}"));
        copy(&format!("healthy-nat/{file}"), &format!("monday/{file}"));
        copy(&format!("nat-one-rs-gateway-wrong/{file}"), &format!("tuesday/{file}"));
        copy(&format!("healthy-nat/{file}"), file);
    }
    for name in ["eth0.pcap", "capture.pcapng.gz", "lb.pcap", "client.txt"] {
        copy("healthy-nat/director.pcap", name);
    }
    for folder in ["state", "states"] {
        let to = dir.path().join(folder);
        std::fs::create_dir_all(&to).unwrap();
        std::fs::copy(root().join("tests/states/healthy-nat/director.txt"), to.join("lb.txt"))
            .unwrap();
    }
    for day in ["good", "bad"] {
        let kept = shell(&format!("lbdiag -q --json -o {day}.json {day}/"), dir.path());
        assert!(kept.status.success(), "{kept:?}");
    }
    dir
}

/// Runs a line of a shell, with this program as `lbdiag`.
fn shell(line: &str, within: &Path) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_lbdiag"));
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("sh");
    for name in ["NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "LINES"] {
        command.env_remove(name);
    }
    command
        .args(["-c", line])
        .env("PATH", format!("{}:{path}", program.parent().unwrap().display()))
        .env("COLUMNS", "100")
        .stdin(std::process::Stdio::null())
        .current_dir(within)
        .output()
        .unwrap()
}

/// The fenced blocks of a page in a language, each with its place.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    let rest = page.split(&fence).skip(1);
    rest.map(|block| block.split("```").next().unwrap_or_default()).collect()
}

#[test]
fn what_an_example_prints_is_what_the_program_prints() {
    let update = std::env::var_os("INSTA_UPDATE").is_some_and(|how| how == "always");
    let mut seen = 0;
    for name in PAGES {
        let path = root().join(name);
        let mut page = std::fs::read_to_string(&path).unwrap();
        for block in blocks(&page.clone(), "text") {
            let Some((command, printed)) =
                block.strip_prefix("$ ").and_then(|b| b.split_once('\n'))
            else {
                continue;
            };
            seen += 1;
            let output = shell(&format!("{command} 2>/dev/null"), root());
            let text = String::from_utf8(output.stdout).unwrap();
            // What follows may be left out, by whole paragraphs.
            let kept = printed.trim_end().matches("\n\n").count() + 1;
            let now: Vec<&str> = text.trim_end().split("\n\n").take(kept).collect();
            let now = now.join("\n\n") + "\n";
            if update {
                page = page.replace(block, &format!("$ {command}\n{now}"));
            } else {
                assert!(now == printed, "{name}: `{command}` prints:\n{now}");
            }
        }
        if update {
            std::fs::write(&path, page).unwrap();
        }
    }
    assert!(seen >= 2, "the README shows what is printed");
}

/// The lines of shell blocks that call the program, up to what they hand the result to.
fn calls(page: &str) -> Vec<String> {
    let blocks = blocks(page, "sh");
    let lines = blocks.iter().flat_map(|block| {
        block.replace("\\\n", " ").lines().map(str::to_owned).collect::<Vec<_>>()
    });
    let calls = lines.filter(|line| line.starts_with("lbdiag "));
    let alone =
        |line: String| line.split(['|', '#', ';']).next().unwrap_or_default().trim().to_owned();
    // Those that wait for a person.
    let waits = |line: &String| line.starts_with("lbdiag tui") || line.ends_with(" -");
    calls.map(alone).filter(|line| !waits(line)).collect()
}

#[cfg(unix)]
#[test]
fn every_call_that_is_shown_is_understood() {
    let place = place();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for name in PAGES {
        let page = std::fs::read_to_string(root().join(name)).unwrap();
        for call in calls(&page) {
            seen += 1;
            let output = shell(&call, place.path());
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            // An address of nobody here, a time of no frame, or a bundle that is not here, is
            // understood all the same.
            let elsewhere = [
                "198.51.100.7",
                "10.0.0.1",
                "--since",
                "--connection",
                "--finding 2",
                "sosreport-",
            ];
            let fine = matches!(output.status.code(), Some(0 | 1))
                || elsewhere.iter().any(|part| call.contains(part)) && !said.contains("--help");
            if !fine {
                wrong.push(format!("{name}: {call}: {said}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 30, "{seen}");
}

#[test]
fn the_readme_names_every_command() {
    let page = std::fs::read_to_string(root().join("README.md")).unwrap();
    let help = shell("lbdiag --help", root());
    let help = String::from_utf8(help.stdout).unwrap();
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    // What goes on in a second line is set in further.
    let own = commands.lines().filter(|line| !line.starts_with("   "));
    let names = own.filter_map(|line| line.split_whitespace().next());
    let missing: Vec<&str> = names
        .filter(|name| {
            !page.contains(&format!("`{name}")) && !page.contains(&format!("lbdiag {name}"))
        })
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    // What it is, a picture, how to get it, and the first command, before any scrolling.
    let first = page.lines().take(24).collect::<Vec<_>>().join("\n");
    for part in ["lbdiag captures/", "![", "sudo dpkg -i", "says what is broken"] {
        assert!(first.contains(part), "{part} is not on the first screen");
    }
}

/// The headings of a page, as links name them.
fn anchors(page: &str) -> Vec<String> {
    let named = |heading: &str| -> String {
        let kept = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    page.lines().filter(|line| line.starts_with('#')).map(named).collect()
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut pages = entries(&root().join("docs"));
    pages.extend(entries(root()));
    pages.retain(|path| path.extension().is_some_and(|e| e == "md"));
    assert!(pages.len() > 14);
    let mut wrong = Vec::new();
    for path in &pages {
        let page = std::fs::read_to_string(path).unwrap();
        for link in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            if file.contains("://") {
                continue;
            }
            let to = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            let leads = to.exists()
                && (anchor.is_empty()
                    || anchors(&std::fs::read_to_string(&to).unwrap()).iter().any(|a| a == anchor));
            if !leads {
                wrong.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}
