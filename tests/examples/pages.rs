//! A page for each incident: every folder named is one set of captures, and gets a report.html
//! beside them. cargo run --example pages -- incidents/*

#![allow(clippy::print_stdout, clippy::print_stderr)]

use lbdiag::Analysis;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for folder in std::env::args_os().skip(1).map(PathBuf::from) {
        // What hosts said of themselves settles what packets leave open.
        let states = folder.join("state");
        let mut options = Analysis::options().all_connections();
        if states.is_dir() {
            options = options.host_state(states);
        }
        let analysis = options.analyze([&folder])?;
        std::fs::write(folder.join("report.html"), analysis.html())?;
        println!("{}: {}", folder.display(), analysis.report().verdict.summary);
    }
    Ok(())
}
