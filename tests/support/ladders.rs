//! Ladders of samples, and one in which every string is hostile.

use lbdiag::report::ladder::{Column, Fold, Ladder, Step, StepKind};
use lbdiag::topology::StatedRoles;
use lbdiag::{capture, diagnose, ladder, load};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

/// What a host name, a label or a payload could hold to become markup.
pub const EVIL: &str = "a;b#c%%{init: {}}%% <img src=x onerror=alert(1)> \"q\" `t` #quot; \
     $$x^2$$ style x:#y; wrap: end </svg> [[http://x.y z]] !include /etc/passwd %date() <U+0041> \
     ~~s~~ &lt; &#60; \\n @startuml\n@enduml c0->>c1: y";

/// The folders of all samples, by name.
pub fn samples() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let mut found: Vec<PathBuf> = std::fs::read_dir(root)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.join("expected.toml").is_file())
        .collect();
    found.sort();
    found
}

/// The most telling ladder of captures; `full` folds nothing.
pub fn most_telling(path: &Path, full: bool) -> Ladder {
    let inputs = capture::inputs(&[path.display().to_string()]).unwrap();
    let loaded = load::load(&inputs.inputs, &StatedRoles::default(), &AtomicU64::new(0));
    let diagnosis = diagnose::diagnose(&loaded.trace);
    let chosen = ladder::most_telling(&loaded.trace, &diagnosis).unwrap();
    ladder::draw(&loaded.trace, &diagnosis, chosen, full).unwrap()
}

/// One step of each kind, [`EVIL`] in place of every string.
pub fn hostile() -> Ladder {
    let column = || Column { name: EVIL.to_owned(), role: EVIL.to_owned() };
    let kinds = [StepKind::Arrow, StepKind::Lost, StepKind::ToSelf, StepKind::Remark];
    let step = |(n, kind): (usize, StepKind)| Step {
        at_ns: n as i64 * 1_000_000,
        uncertainty_ns: 2_000_000,
        packet: n,
        kind,
        from: 0,
        to: usize::from(kind == StepKind::Arrow || kind == StepKind::Lost),
        label: EVIL.to_owned(),
        frames: vec![(EVIL.to_owned(), 7)],
        rewrite: Some(EVIL.to_owned()),
        marked: n % 2 == 0,
        remark: Some(EVIL.to_owned()),
    };
    Ladder {
        connection: 1,
        title: EVIL.to_owned(),
        columns: vec![column(), column()],
        steps: kinds.into_iter().enumerate().map(step).collect(),
        folded: 3,
        folds: vec![Fold { before: 2, packets: 3 }],
        start: Some("2026-11-20T07:41:51.529293000Z".to_owned()),
        time_note: EVIL.to_owned(),
    }
}
