//! Tables of a sample of which one is changed: bytes of its file, or values of its columns, which are
//! then written as whole tables are; or any bytes as a table. Read back, with every report.
#![no_main]
use lbdiag::load::{self, How};
use lbdiag::parquet::{Column, GROUP, Reader, Values, Writer};
use lbdiag::topology::StatedRoles;
use lbdiag::window::Window;
use lbdiag::{capture, tables};
use lbdiag_fuzz::check;
use libfuzzer_sys::fuzz_target;
use std::fs;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;

const SAMPLES: [&str; 4] = [
    "samples/healthy-nat",
    "samples/dr-arp-vip-conflict",
    "samples/l7-backend-refused",
    "samples/vrrp-split-brain",
];

/// The folder of all tables, and the files in it with what they hold.
type Place = (PathBuf, Vec<(PathBuf, Vec<u8>)>);

fn place() -> &'static Place {
    static PLACE: OnceLock<Place> = OnceLock::new();
    PLACE.get_or_init(|| {
        let folder = check::scratch("tables");
        let _ = fs::remove_dir_all(&folder);
        let samples = SAMPLES.map(str::to_owned).to_vec();
        let inputs = capture::inputs(&samples).expect("the samples are there").inputs;
        let origins = load::Origin::captures(&inputs);
        let seen = load::see(&origins, &Window::default(), &AtomicU64::new(0));
        tables::write(&folder, &seen.captures, seen.vantages).expect("there is room");
        let mut files = Vec::new();
        let mut open = vec![folder.clone()];
        while let Some(at) = open.pop() {
            let mut below: Vec<PathBuf> =
                fs::read_dir(&at).expect("a folder").flatten().map(|e| e.path()).collect();
            below.sort();
            for path in below {
                if path.is_dir() {
                    open.push(path);
                } else {
                    let bytes = fs::read(&path).expect("a file");
                    files.push((path, bytes));
                }
            }
        }
        (folder, files)
    })
}

fuzz_target!(|data: &[u8]| {
    let [which, how, rest @ ..] = data else { return };
    if *how == 0 {
        return any(rest);
    }
    let (folder, files) = place();
    let (path, whole) = &files[usize::from(*which) % files.len()];
    let changed = match how % 2 {
        0 => bytes(whole, rest),
        _ => values(whole, rest),
    };
    let Some(changed) = changed else { return };
    fs::write(path, changed).expect("there is room");
    let sorted = load::sort_out(&[folder.display().to_string()]);
    let how = How { stated: &StatedRoles::default(), window: &Window::default(), align: true };
    let loaded = load::load_all(&sorted.origins(&[], 0), &how, &AtomicU64::new(0));
    fs::write(path, whole).expect("there is room");
    check::concluded(&loaded.trace);
});

/// Any bytes as a table.
fn any(bytes: &[u8]) {
    let Ok(mut reader) = Reader::open(Cursor::new(bytes)) else { return };
    for group in 0..reader.groups() {
        for at in 0..reader.fields().len() {
            let _ = reader.column(group, at);
        }
    }
}

/// Some bytes of a file are others.
fn bytes(whole: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let mut changed = whole.to_vec();
    for change in data.chunks_exact(3).take(16) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % changed.len();
        changed[at] ^= change[2];
    }
    Some(changed)
}

/// Some values of a table are others.
fn values(whole: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader::open(Cursor::new(whole)).ok()?;
    let fields = reader.fields().to_vec();
    if reader.groups() == 0 || reader.rows_of(0) > GROUP {
        return None;
    }
    let columns = (0..fields.len()).map(|at| reader.column(0, at).ok());
    let mut columns: Vec<Column> = columns.collect::<Option<_>>()?;
    for change in data.chunks_exact(12).take(16) {
        let at = usize::from(change[0]) % columns.len();
        let row = usize::from(u16::from_le_bytes([change[1], change[2]]));
        let value = i64::from_le_bytes(change[4..12].try_into().ok()?);
        match &mut columns[at].values {
            Values::Numbers(list) if !list.is_empty() => {
                let row = row % list.len();
                // Near what was there, an edge, or anything.
                list[row] = match change[3] % 4 {
                    0 => list[row].wrapping_add(i64::from(change[4] as i8)),
                    1 => list[(row + 1) % list.len()],
                    2 => [0, -1, i64::MAX, i64::MIN, u32::MAX.into()][usize::from(change[4]) % 5],
                    _ => value,
                };
            }
            Values::Texts(list, of) if !of.is_empty() => {
                let row = row % of.len();
                of[row] = u32::from(change[4]) % list.len() as u32;
                if change[3] % 4 == 0 {
                    list[of[row] as usize] = String::from_utf8_lossy(&change[4..]).into_owned();
                }
            }
            _ => {}
        }
    }
    let mut writer = Writer::new(Vec::new(), fields).ok()?;
    writer.group(&columns).ok()?;
    writer.finish(&[], &[]).ok()
}
