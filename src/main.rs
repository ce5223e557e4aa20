//! temp
fn main() {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let json = args.iter().any(|a| a=="json");
    args.retain(|a| !a.starts_with("--") && a!="json" && a!="all" && a != "none" && a != "-o" && a!="/dev/null");
    let inputs = lbdiag::capture::inputs(&args).unwrap();
    let p = std::sync::atomic::AtomicU64::new(0);
    let l = lbdiag::load::load(&inputs.inputs, &Default::default(), &p);
    let t = &l.trace;
    let d = lbdiag::diagnose::diagnose(t);
    let r = lbdiag::report::build(t, &d, &lbdiag::report::Options { connections: lbdiag::report::ConnectionFilter::All, notes: vec![] });
    if json { print!("{}", lbdiag::render::json(&r)); } else { print!("{}", lbdiag::render::text(&r, None, &Default::default())); }
}
