//! A gate for a pipeline: fails where captures of a test run show broken traffic, and says which
//! frames prove it. cargo run --example gate -- captures/

#![allow(clippy::print_stdout, clippy::print_stderr)]

use lbdiag::Analysis;
use lbdiag::report::Status;
use std::process::ExitCode;

fn main() -> ExitCode {
    let analysis = match Analysis::of(std::env::args_os().skip(1)) {
        Ok(analysis) => analysis,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let report = analysis.report();
    println!("{}", report.verdict.summary);
    for finding in &report.findings {
        let proof = finding.evidence.first().map(|e| format!("{} #{}", e.vantage, e.frame));
        println!("  {}: {} ({})", finding.id, finding.title, proof.unwrap_or_default());
    }
    match report.verdict.status {
        Status::Healthy => ExitCode::SUCCESS,
        // What the captures cannot tell is for people to look at.
        Status::Inconclusive => ExitCode::from(3),
        Status::Degraded | Status::Failing => ExitCode::from(1),
    }
}
