//! Where the result goes: stdout, or a file that is either whole or not there.
//!
//! A file is written beside its place and renamed, so that a reader never sees half a report and a
//! failed run leaves the old one. Refuses to write over a capture, since that cannot be taken
//! again.

use super::say::choice;
use super::terminal;
use anyhow::{Context, bail};
use clap::{ColorChoice, ValueEnum};
use lbdiag::capture::{self, Source};
use lbdiag::render::Style;
use lbdiag::shell::quote;
use lbdiag::unfinished::{self, Readers, Unfinished, folder};
use std::fs::{File, Metadata};
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

/// `-o` of every command that writes a result.
#[derive(Debug, clap::Args)]
pub(super) struct Target {
    /// Write to FILE instead of standard output (-)
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    #[arg(help_heading = "Report")]
    output: Option<PathBuf>,
}

impl Target {
    /// Checks that it can be written before any work is done.
    pub(super) fn open(&self) -> anyhow::Result<Output> {
        Output::new(self.output.as_deref())
    }

    /// What to write: what was asked for, else what the file's name says.
    pub(super) fn format<F: ValueEnum + Default>(&self, asked: Option<F>) -> F {
        asked.or_else(|| by_ending(self.output.as_deref()?)).unwrap_or_default()
    }
}

/// The format that a file of this name is expected to have, if it is one of those.
fn by_ending<F: ValueEnum>(path: &Path) -> Option<F> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    let name = match ending.as_str() {
        "htm" => "html",
        "md" => "markdown",
        "jsonl" => "ndjson",
        "mmd" => "mermaid",
        "puml" => "plantuml",
        "gv" => "dot",
        "sh" => "script",
        other => other,
    };
    F::from_str(name, true).ok()
}

/// Where the result goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Output {
    /// Standard output.
    Stdout,
    /// A device, pipe or socket, which is written as it is.
    Special(PathBuf),
    /// A file, which is replaced as a whole.
    File(PathBuf),
}

impl Output {
    /// Checks that a result can be written there before any work is done.
    fn new(path: Option<&Path>) -> anyhow::Result<Self> {
        Self::checked(path, false)
    }

    /// The same for frames: what was extracted once may be extracted again.
    pub(super) fn of_frames(path: Option<&Path>) -> anyhow::Result<Self> {
        Self::checked(path, true)
    }

    fn checked(path: Option<&Path>, of_frames: bool) -> anyhow::Result<Self> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else {
            return Ok(Self::Stdout);
        };
        let shown = path.display();
        match path.metadata() {
            Ok(there) if there.is_dir() => {
                let inside = path.join("report.txt").display().to_string();
                bail!("{shown} is a folder; name a file in it: -o {}", quote(&inside))
            }
            Ok(there) if !there.is_file() => return Ok(Self::Special(path.to_owned())),
            Ok(_) if of_frames && is_extract(path) => {}
            Ok(_) if capture::peek(&Source::Path(path.to_owned())).is_ok() => {
                let with = if of_frames { "-w" } else { "-o" };
                bail!("{shown} is a capture and would be lost; give another name with {with}")
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error).context(format!("{shown} cannot be written; give another -o"));
            }
        }
        // A link stays one: what it points to is replaced.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let folder = folder(&path);
        if !folder.is_dir() {
            let folder = folder.display().to_string();
            let command = quote(&folder);
            bail!(
                "{shown} cannot be written, there is no folder {folder}; make it: mkdir -p {command}"
            );
        }
        tempfile::tempfile_in(folder).with_context(|| {
            format!("no file can be written in {}; give another folder with -o", folder.display())
        })?;
        Ok(Self::File(path))
    }

    /// Whether a person sees the result as it is written.
    pub(super) fn is_terminal(&self) -> bool {
        *self == Self::Stdout && io::stdout().is_terminal()
    }

    /// Whether to write colour.
    pub(super) fn colour(&self, wanted: ColorChoice) -> bool {
        match self {
            Self::Stdout => terminal::colour(wanted, self.is_terminal()),
            // What the environment says of terminals is not meant for files.
            Self::Special(_) | Self::File(_) => wanted == ColorChoice::Always,
        }
    }

    /// How text is drawn for it.
    pub(super) fn style(&self, wanted: ColorChoice) -> Style {
        Style { colour: self.colour(wanted), width: self.width(), ..Style::default() }
    }

    /// Columns to draw for.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Stdout => terminal::width(),
            Self::Special(_) | Self::File(_) => terminal::file_width(),
        }
    }

    /// Writes the result. A reader that has closed its pipe has read enough: no error.
    pub(super) fn write(&self, text: &str, colour: bool) -> anyhow::Result<()> {
        self.write_with(colour, |out| out.write_all(text.as_bytes()))
    }

    /// The same for what is written piece by piece. Without `colour` a terminal gets the
    /// bytes without escape sequences, all else gets them as they are.
    pub(super) fn write_with(
        &self,
        colour: bool,
        mut write: impl FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        let written = match self {
            Self::Stdout if self.is_terminal() || colour => {
                let mut out = anstream::AutoStream::new(io::stdout().lock(), choice(colour));
                write(&mut out).and_then(|()| out.flush())
            }
            Self::Stdout => {
                let mut out = BufWriter::new(io::stdout().lock());
                write(&mut out).and_then(|()| out.flush())
            }
            Self::Special(path) => File::options().write(true).open(path).and_then(|file| {
                let mut out = BufWriter::new(file);
                write(&mut out).and_then(|()| out.flush())
            }),
            Self::File(path) => replace(path, &mut write),
        };
        match written {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context(match self {
                Self::Stdout => {
                    "the result cannot be written to standard output; give a file with -o"
                        .to_owned()
                }
                Self::Special(path) | Self::File(path) => {
                    format!("{} cannot be written; give another -o", path.display())
                }
            }),
            _ => Ok(()),
        }
    }
}

/// Whether a file begins as [`render::pcapng`] writes it: a section header whose first
/// option names this program.
fn is_extract(path: &Path) -> bool {
    let mut head = [0; 35];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) && head.ends_with(b"lbdiag ")
}

fn replace(
    path: &Path,
    write: &mut impl FnMut(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    unfinished::watch();
    let mut out = BufWriter::new(Unfinished::at(path, Readers::AsUsual)?);
    write(&mut out)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    if let Ok(old) = path.metadata() {
        keep_permissions(file.as_file(), &old);
    }
    file.replace(path)
}

/// The new file may be read by whom the old one could be; the report is worth more than the mode.
fn keep_permissions(file: &File, old: &Metadata) {
    let _ = file.set_permissions(old.permissions());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
    enum Format {
        #[default]
        Text,
        Html,
        Markdown,
    }

    #[test]
    fn a_name_says_what_is_written_unless_something_else_is_asked_for() {
        let format = |name: &str, asked| Target { output: Some(name.into()) }.format(asked);
        assert_eq!(format("ticket.md", None), Format::Markdown);
        assert_eq!(format("REPORT.HTML", None), Format::Html);
        assert_eq!(format("report.html", Some(Format::Text)), Format::Text);
        assert_eq!(format("report.svg", None), Format::Text);
        assert_eq!(Target { output: None }.format::<Format>(None), Format::Text);
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.txt");
        for text in ["first, and longer\n", "second\n"] {
            Output::new(Some(&path)).unwrap().write(text, false).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(dir.path().read_dir().unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn links_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        std::fs::write(&real, "old").unwrap();
        std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&real, &link).unwrap();
        Output::new(Some(&link)).unwrap().write("new", false).unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(std::fs::read_to_string(&real).unwrap(), "new");
        assert_eq!(real.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[cfg(unix)]
    #[test]
    fn devices_are_written_as_they_are() {
        let null = Output::new(Some(Path::new("/dev/null"))).unwrap();
        assert_eq!(null, Output::Special("/dev/null".into()));
        null.write("text", false).unwrap();
    }

    #[test]
    fn what_cannot_be_written_is_said_before_the_work() {
        let dir = tempfile::tempdir().unwrap();
        let told = |path: &Path| format!("{:#}", Output::new(Some(path)).unwrap_err());
        assert!(told(dir.path()).contains("is a folder"));
        assert!(told(&dir.path().join("no/report.txt")).contains("mkdir -p"));
        let capture = dir.path().join("x.pcap");
        let mut head = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
        head.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0]);
        std::fs::write(&capture, head).unwrap();
        assert!(told(&capture).contains("is a capture"));
        assert_eq!(Output::new(Some(Path::new("-"))).unwrap(), Output::Stdout);
    }
}
