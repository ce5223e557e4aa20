//! Which captures a fleet's folders hold: by their manifests, in folders and in object stores.
//!
//! Nothing is trusted: what a manifest lists must be there, as long as it says, and below its folder. What
//! is wrong is said of its capture, and costs no other.

use crate::row::day;
use crate::tables::{self, Manifest, TablesError};
use datafusion::datasource::listing::ListingTableUrl;
use datafusion::prelude::SessionContext;
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStoreExt;
use object_store::path::Path as Key;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use url::Url;

/// Levels of folders below an argument: captures of one host, hosts.
const DEPTH: usize = 2;
/// The manifest of a capture.
const MANIFEST: &str = "manifest.json";
/// Manifests that are asked of a store at one time.
const AT_ONCE: usize = 16;

/// One file of a table.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) url: ListingTableUrl,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// The day of its rows, where they are of one.
    pub(super) day: Option<i64>,
}

/// The tables of one capture.
#[derive(Debug, Clone)]
pub(super) struct Tables {
    /// The capture, as its folder is named and rows name it.
    pub(super) id: String,
    /// Its folder, for who is told of it.
    pub(super) folder: String,
    /// By table.
    pub(super) files: BTreeMap<String, Vec<File>>,
    /// Rows of `streams`.
    pub(super) streams: u64,
}

/// Finds the captures of folders and object stores, and says what is wrong with others.
pub(super) async fn find(
    context: &SessionContext,
    args: &[String],
) -> (Vec<Tables>, Vec<TablesError>) {
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    for arg in args {
        let (some, wrong) = match Url::parse(arg)
            .ok()
            .filter(|url| arg.contains("://") && url.scheme() != "file")
        {
            Some(url) => match in_store(context, &url).await {
                Ok(read) => read,
                Err(fault) => (Vec::new(), vec![fault]),
            },
            None => in_folder(Path::new(arg.strip_prefix("file://").unwrap_or(arg))),
        };
        if some.is_empty() && wrong.is_empty() {
            let next = "name folders that lbdiag index wrote, or that hold such ones";
            faults.push(TablesError::new(Path::new(arg), "holds no tables", next));
        }
        found.extend(some);
        faults.extend(wrong);
    }
    (once(found, &mut faults), faults)
}

/// Leaves out captures that are there already.
fn once(found: Vec<Tables>, faults: &mut Vec<TablesError>) -> Vec<Tables> {
    let mut known: HashMap<String, String> = HashMap::new();
    let mut kept = Vec::new();
    for tables in found {
        if let Some(other) = known.get(&tables.id) {
            let why = format!("its capture is there twice: that in {other} is read once");
            faults.push(TablesError::new(
                Path::new(&tables.folder),
                why,
                "leave one of the two out",
            ));
            continue;
        }
        known.insert(tables.id.clone(), tables.folder.clone());
        kept.push(tables);
    }
    kept
}

fn in_folder(folder: &Path) -> (Vec<Tables>, Vec<TablesError>) {
    let (places, mut faults) = tables::find(folder);
    let mut found = Vec::new();
    for place in places {
        match of_place(&place.folder) {
            Ok(tables) => found.push(tables),
            Err(fault) => faults.push(fault),
        }
    }
    (found, faults)
}

fn of_place(folder: &Path) -> Result<Tables, TablesError> {
    let manifest = Manifest::read(folder)?;
    let mut files = BTreeMap::new();
    for table in manifest.tables.keys() {
        let mut list = Vec::new();
        for (path, part) in manifest.files(folder, table)? {
            let long = path.metadata().map_or(0, |file| file.len());
            check(folder, &part.file, long, part.bytes)?;
            let fault =
                |why: String| TablesError::new(&path, why, "name its folder by another path");
            let whole = path.canonicalize().map_err(|e| fault(e.to_string()))?;
            let url =
                Url::from_file_path(whole).map_err(|()| fault("has no address".to_owned()))?;
            let url = ListingTableUrl::try_new(url, None).map_err(|e| fault(e.to_string()))?;
            list.push(File { url, rows: part.rows, bytes: part.bytes, day: day_of(&part.file) });
        }
        files.insert(table.clone(), list);
    }
    Ok(of_manifest(folder.display().to_string(), &manifest, files))
}

fn of_manifest(folder: String, manifest: &Manifest, files: BTreeMap<String, Vec<File>>) -> Tables {
    let streams = files.get("streams").map_or(0, |list| list.iter().map(|file| file.rows).sum());
    Tables { id: manifest.capture.clone(), folder, files, streams }
}

/// A file must be as long as its manifest says.
fn check(folder: &Path, file: &str, long: u64, listed: u64) -> Result<(), TablesError> {
    if long == listed {
        return Ok(());
    }
    let why = format!("{file} has {long} bytes, and its manifest lists {listed}");
    Err(TablesError::new(folder, why, "copy the folder again from where it was indexed"))
}

/// The day that a file's name states.
fn day_of(file: &str) -> Option<i64> {
    let text = file.split('/').find_map(|part| part.strip_prefix("day="))?;
    let midnight = format!("{text}T00:00:00Z").parse::<jiff::Timestamp>().ok()?;
    Some(day(midnight.as_second().checked_mul(1_000_000_000)?))
}

/// Captures in an object store, below a prefix.
async fn in_store(
    context: &SessionContext,
    url: &Url,
) -> Result<(Vec<Tables>, Vec<TablesError>), TablesError> {
    let fault = |path: &str, why: String| {
        TablesError::new(
            Path::new(path),
            why,
            "name s3://BUCKET/PREFIX, with AWS_ENDPOINT_URL, AWS_REGION and keys in the environment, and AWS_ALLOW_HTTP=true where the store has no TLS",
        )
    };
    let stores = &context.runtime_env().object_store_registry;
    let store = stores.get_store(url).map_err(|e| fault(url.as_str(), e.to_string()))?;
    let prefix = Key::from_url_path(url.path()).map_err(|e| fault(url.as_str(), e.to_string()))?;
    let listed: Vec<_> = store
        .list(Some(&prefix))
        .try_collect()
        .await
        .map_err(|e| fault(url.as_str(), e.to_string()))?;
    let sizes: HashMap<&str, u64> =
        listed.iter().map(|object| (object.location.as_ref(), object.size)).collect();
    let mut manifests: Vec<&Key> = listed
        .iter()
        .map(|object| &object.location)
        .filter(|key| key.filename() == Some(MANIFEST))
        .filter(|key| key.prefix_match(&prefix).is_some_and(|rest| rest.count() <= DEPTH + 1))
        .collect();
    manifests.sort();
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    let texts = futures::stream::iter(manifests).map(|key| {
        let store = Arc::clone(&store);
        async move { (key, async { store.get(key).await?.bytes().await }.await) }
    });
    let mut texts = texts.buffered(AT_ONCE);
    while let Some((key, text)) = texts.next().await {
        let folder = key.as_ref().strip_suffix(MANIFEST).unwrap_or_default().to_owned();
        let shown = format!("{}://{}/{folder}", url.scheme(), url.host_str().unwrap_or_default());
        let read = match text {
            Ok(text) => Manifest::parse(Path::new(&shown), &String::from_utf8_lossy(&text)),
            Err(e) => Err(fault(&shown, e.to_string())),
        };
        match read.and_then(|manifest| of_objects(url, &folder, &shown, &manifest, &sizes)) {
            Ok(tables) => found.push((tables.1, tables.0)),
            Err(fault) => faults.push(fault),
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok((found.into_iter().map(|(_, tables)| tables).collect(), faults))
}

/// Those that were indexed together stand in the order of their arguments.
type Order = (String, u32, String);

fn of_objects(
    url: &Url,
    folder: &str,
    shown: &str,
    manifest: &Manifest,
    sizes: &HashMap<&str, u64>,
) -> Result<(Tables, Order), TablesError> {
    let mut files = BTreeMap::new();
    for (table, parts) in &manifest.tables {
        let mut list = Vec::new();
        for part in parts {
            tables::plain(Path::new(shown), &part.file)?;
            let key = format!("{folder}{}", part.file);
            let long = sizes.get(key.as_str()).copied().unwrap_or(0);
            check(Path::new(shown), &part.file, long, part.bytes)?;
            let mut whole = url.clone();
            // Names are plain but for `%`, which stands for itself in a key.
            whole.set_path(&format!("/{}", key.replace('%', "%25")));
            let url = ListingTableUrl::try_new(whole, None).map_err(|e| {
                TablesError::new(Path::new(shown), e.to_string(), "name another prefix")
            })?;
            list.push(File { url, rows: part.rows, bytes: part.bytes, day: day_of(&part.file) });
        }
        files.insert(table.clone(), list);
    }
    let above = folder.trim_end_matches('/').rsplit_once('/').map_or("", |(above, _)| above);
    let order = (above.to_owned(), manifest.place, manifest.label.clone());
    Ok((of_manifest(shown.to_owned(), manifest, files), order))
}

/// Of all files.
pub(super) fn sum(members: &[Tables], of: impl Fn(&File) -> u64) -> u64 {
    let files = members.iter().flat_map(|member| member.files.values().flatten());
    files.map(of).fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_tells_its_day() {
        assert_eq!(day_of("streams/day=1970-01-03/vantage=a/1.parquet"), Some(2));
        assert_eq!(day_of("streams/day=__HIVE_DEFAULT_PARTITION__/vantage=a/1.parquet"), None);
        assert_eq!(day_of("hops.parquet"), None);
    }
}
