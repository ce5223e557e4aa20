//! Why a capture cannot be read at all, with what the user can do about it.
//!
//! Damage inside a file is no error: it is stated in [`super::CaptureFile::damage`].

use super::text::Form;
use crate::shell::quote;
use std::io;
use std::path::PathBuf;

/// Every message names the file and ends in a next step.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// No file or folder has this name.
    #[error("{path}: no such file or folder; check the name with: ls -l {}", parent(path))]
    Missing {
        /// The name as given.
        path: String,
    },
    /// The operating system refuses to open or read it.
    #[error("{path}: cannot be read ({source}); check its permissions with: ls -l {}", quote(path))]
    Io {
        /// The name as given.
        path: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file has no bytes.
    #[error(
        "{path}: the file is empty; check that the capture was running and take it again, for example: tcpdump -i any -s 0 -w {}",
        quote(path)
    )]
    Empty {
        /// The name as given.
        path: String,
    },
    /// The file ends inside the file header.
    #[error(
        "{path}: the file ends after {bytes} bytes, inside its {format} file header, so it holds no frames; copy it again from where it was taken, or take it again"
    )]
    HeaderCut {
        /// The name as given.
        path: String,
        /// The format that its first bytes announce.
        format: &'static str,
        /// Bytes that are there.
        bytes: u64,
    },
    /// A capture format that lbdiag does not read.
    #[error(
        "{path}: this is a capture in {format} format, which lbdiag does not read; convert it with: editcap -F pcap {} {}",
        quote(path),
        quote(&format!("{path}.pcap"))
    )]
    OtherFormat {
        /// The name as given.
        path: String,
        /// The format's name.
        format: &'static str,
    },
    /// A compression or an archive that lbdiag does not unpack.
    #[error(
        "{path}: this is {what}, which lbdiag does not unpack; unpack it first with: {command} {}",
        quote(path)
    )]
    OtherPacking {
        /// The name as given.
        path: String,
        /// What it is.
        what: &'static str,
        /// The command that unpacks it, without the file name.
        command: &'static str,
    },
    /// Text without a packet.
    #[error(
        "{path}: this is a text without a packet that could be read{}{}; a line that can be read looks like this: 12:00:00.000000 IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [S], seq 1, win 64240, length 0. Print one with: tcpdump -nn -e -v -i any",
        unread.as_ref().map(|line| format!(" ({line})")).unwrap_or_default(),
        form.as_ref().map(|f| format!("; it has {}: what can be read is {}", f.name, f.instead)).unwrap_or_default()
    )]
    Text {
        /// The name as given.
        path: String,
        /// What begins like a packet and is none, with its line.
        unread: Option<String>,
        /// What its lines are instead, where that is known.
        form: Option<Form>,
    },
    /// Nothing known.
    #[error(
        "{path}: the first bytes are of no capture format that lbdiag knows; see what it is with: capinfos {}",
        quote(path)
    )]
    Unknown {
        /// The name as given.
        path: String,
    },
    /// The compressed stream breaks before the first byte of the capture, or needs too much memory.
    #[error(
        "{path}: the {compression} stream cannot be unpacked ({source}); test it with: {} {}",
        unpack(compression),
        quote(path)
    )]
    Unpack {
        /// The name as given.
        path: String,
        /// `gzip` or `zstd`.
        compression: &'static str,
        /// What the decoder said.
        source: io::Error,
    },
    /// A folder without captures.
    #[error(
        "{path}: the folder holds no captures (pcap or pcapng, also gzip or zstd compressed; folders inside it are searched with -r); see what is there with: file {}/*",
        quote(path)
    )]
    NoCaptures {
        /// The folder as given.
        path: String,
    },
    /// A pattern that matches nothing, or is none.
    #[error("{path}: {why}; see what is there with: ls -l {}", parent(path))]
    Pattern {
        /// The pattern as given.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// `-` given twice.
    #[error(
        "standard input (-) can be read only once, but is named twice; write one of the streams to a file and give its name"
    )]
    StdinTwice,
    /// `NAME=` without a file.
    #[error(
        "{arg}: no file after the label; write it as NAME=FILE, for example: client=client.pcap"
    )]
    NoFile {
        /// The argument as given.
        arg: String,
    },
    /// Nothing given.
    #[error(
        "no capture is given; name at least one file, for example: lbdiag client.pcap director.pcap"
    )]
    NoInput,
    /// The tables of a capture cannot be used.
    #[error("{path}: {why}; {next}")]
    Tables {
        /// Their folder, or one of its files.
        path: String,
        /// What is wrong.
        why: String,
        /// A next step.
        next: String,
    },
    /// Only what was observed of it is here.
    #[error(
        "{path}: its frames are not in the tables that were read, but in that file on the host where it was indexed; name the capture in place of its tables"
    )]
    Elsewhere {
        /// The name that it had there.
        path: String,
    },
    /// The file is no longer what it was in the first pass.
    #[error(
        "{path}: the file changed while it was being read; wait until the capture has ended and run lbdiag again"
    )]
    Changed {
        /// The name as given.
        path: String,
    },
    /// This part of a stream was not kept.
    #[error(
        "{path}: this part of the stream could not be kept for a second reading ({why}, in {}); free space there, or set TMPDIR to another folder, or save the stream to a file and give its name",
        quote(&folder.display().to_string())
    )]
    Spool {
        /// The name as given.
        path: String,
        /// What the operating system said.
        why: String,
        /// The folder that was to hold it.
        folder: PathBuf,
    },
}

/// The folder that the name is in, quoted.
fn parent(name: &str) -> String {
    match name.rsplit_once('/') {
        Some(("", _)) => "/".to_owned(),
        Some((folder, _)) => quote(folder),
        None => ".".to_owned(),
    }
}

/// The command that tests a compressed file.
fn unpack(compression: &str) -> &'static str {
    if compression == "zstd" { "zstd -t --long=31" } else { "gzip -t" }
}

#[cfg(test)]
mod tests {
    use super::CaptureError;

    #[test]
    fn messages_quote_the_name_for_the_shell() {
        let e = CaptureError::OtherFormat { path: "a b's.snoop".into(), format: "snoop" };
        let text = e.to_string();
        assert!(
            text.ends_with(r"editcap -F pcap 'a b'\''s.snoop' 'a b'\''s.snoop.pcap'"),
            "{text}"
        );
    }

    #[test]
    fn a_missing_file_points_to_its_folder() {
        let e = CaptureError::Missing { path: "caps/x.pcap".into() };
        assert_eq!(
            e.to_string(),
            "caps/x.pcap: no such file or folder; check the name with: ls -l caps"
        );
    }
}
