//! Which files a package holds: the exact set of formats §11, with a limit for each.
//!
//! Looks at names and sizes only; borrows everything.

use tabellion_tlog::MAX_NOTE_BYTES;

use crate::zip::{ZipArchive, ZipFile, ZipReadError};

/// Entries per bundle file.
pub const BUNDLE_ENTRIES: u64 = 4_096;

/// The files that stand once, with the most bytes each may have and why.
const SINGLE_FILES: [(&str, usize); 8] = [
    ("VERIFY.txt", 256 << 10),      // a page of text
    ("checkpoint", MAX_NOTE_BYTES), // one signed note
    ("manifest.cose", 1 << 10),     // one signature
    ("manifest.json", 32 << 20),    // 65,535 file rows of 150 bytes, and epochs
    ("proof.json", 256 << 20),      // a thousand entries of 64 KiB in base64, with paths
    ("report.html", 64 << 20),
    ("verify.html", 16 << 20),
    ("erasures.jsonl", usize::MAX), // a line for each erased unit of the range
];

/// Files about a framework, with the most bytes each may have: all of them are there, or none. What they say was computed by the exporter; the
/// manifest lists them as it lists every file.
pub const FRAMEWORK_FILES: [(&str, usize); 5] = [
    ("framework/index.json", 64 << 20),   // a line for each clause and control
    ("framework/rules.toml", 4 << 20),    // the rules that statuses were computed by
    ("framework/soa.json", 4 << 20),      // 38 rows of text
    ("framework/status.json", 64 << 20),  // reasons for each clause and control
    ("framework/systems.json", 64 << 20), // a row for each system
];

/// Most anchor files: a month of hourly ones, or years of daily ones.
pub const MAX_ANCHOR_FILES: usize = 1_024;
/// Largest anchor file: evidence and a record in base64, and paths.
const MAX_ANCHOR_BYTES: usize = 1 << 20;

/// Why a container is not a package.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContainerError {
    /// Not the one byte form of a container.
    #[error("{0}")]
    Zip(#[from] ZipReadError),
    /// A file that must be there is not.
    #[error("file {name:?} is missing")]
    Missing {
        /// Its name.
        name: String,
    },
    /// A file that no package holds.
    #[error("file {name:?} is not part of a package")]
    Unknown {
        /// Its name.
        name: String,
    },
    /// A file beyond its limit.
    #[error("file {name:?} has {bytes} bytes; at most {limit} are allowed")]
    TooLarge {
        /// Its name.
        name: String,
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A disclosures file whose entries file is not there.
    #[error("file {name:?} has no entries file of the same number")]
    Orphan {
        /// Its name.
        name: String,
    },
    /// A disclosures file without a line, which is left out instead.
    #[error("file {name:?} is empty; without a disclosure it is left out")]
    Empty {
        /// Its name.
        name: String,
    },
}

/// One bundle of entries and what is disclosed of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BundleFiles<'a> {
    pub(crate) entries: ZipFile<'a>,
    pub(crate) disclosures: Option<ZipFile<'a>>,
}

/// The files of a package by their role.
#[derive(Clone, Debug)]
pub(crate) struct Container<'a> {
    pub(crate) zip: ZipArchive<'a>,
    pub(crate) checkpoint: &'a [u8],
    pub(crate) manifest: &'a [u8],
    pub(crate) signature: &'a [u8],
    pub(crate) proof: &'a [u8],
    pub(crate) erasures: &'a [u8],
    pub(crate) bundles: Vec<BundleFiles<'a>>,
    /// Evidence of outside times.
    pub(crate) anchors: Vec<ZipFile<'a>>,
}

/// Name of anchor file `number`.
pub(crate) fn anchor_name(number: u64) -> String {
    format!("anchors/{number:08}.json")
}

/// Name of entries file `number`.
pub(crate) fn entries_name(number: u64) -> String {
    format!("entries/{number:08}.bundle")
}

/// Name of disclosures file `number`.
pub(crate) fn disclosures_name(number: u64) -> String {
    format!("disclosures/{number:08}.jsonl")
}

impl<'a> Container<'a> {
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, ContainerError> {
        let zip = ZipArchive::parse(bytes)?;
        let single = |name: &str| {
            let file = zip.get(name).ok_or_else(|| ContainerError::Missing { name: name.to_owned() })?;
            Ok::<_, ContainerError>(file.content)
        };
        for (name, limit) in SINGLE_FILES {
            let bytes = single(name)?.len();
            if bytes > limit {
                return Err(ContainerError::TooLarge { name: name.to_owned(), bytes, limit });
            }
        }
        check_framework(&zip)?;
        let anchors = anchor_files(&zip)?;
        let bundles = bundle_files(&zip)?;
        Ok(Self {
            checkpoint: single("checkpoint")?,
            manifest: single("manifest.json")?,
            signature: single("manifest.cose")?,
            proof: single("proof.json")?,
            erasures: single("erasures.jsonl")?,
            bundles,
            anchors,
            zip,
        })
    }
}

fn check_framework(zip: &ZipArchive<'_>) -> Result<(), ContainerError> {
    if !FRAMEWORK_FILES.iter().any(|(name, _)| zip.get(name).is_some()) {
        return Ok(());
    }
    for (name, limit) in FRAMEWORK_FILES {
        let file = zip.get(name).ok_or_else(|| ContainerError::Missing { name: name.to_owned() })?;
        let bytes = file.content.len();
        if bytes > limit {
            return Err(ContainerError::TooLarge { name: name.to_owned(), bytes, limit });
        }
    }
    Ok(())
}

/// The anchor files, which are numbered without a gap.
fn anchor_files<'a>(zip: &ZipArchive<'a>) -> Result<Vec<ZipFile<'a>>, ContainerError> {
    let mut anchors = Vec::new();
    for file in zip.files().iter().filter(|file| file.name.starts_with("anchors/")) {
        if file.name != anchor_name(anchors.len() as u64) || anchors.len() == MAX_ANCHOR_FILES {
            return Err(ContainerError::Unknown { name: file.name.to_owned() });
        }
        let (name, bytes, limit) = (file.name.to_owned(), file.content.len(), MAX_ANCHOR_BYTES);
        if bytes > limit {
            return Err(ContainerError::TooLarge { name, bytes, limit });
        }
        anchors.push(*file);
    }
    Ok(anchors)
}

/// Pairs entries and disclosures by number; everything else must be one of the single files.
fn bundle_files<'a>(zip: &ZipArchive<'a>) -> Result<Vec<BundleFiles<'a>>, ContainerError> {
    let mut bundles: Vec<BundleFiles<'a>> = Vec::new();
    for file in zip.files() {
        let known = SINGLE_FILES.iter().chain(&FRAMEWORK_FILES).any(|(name, _)| *name == file.name);
        if known || file.name.starts_with("disclosures/") || file.name.starts_with("anchors/") {
            continue;
        }
        // Ascending names and consecutive numbers: the next one is the only one that can stand here.
        let due = entries_name(bundles.len() as u64);
        if file.name != due {
            return Err(if file.name.starts_with("entries/") {
                ContainerError::Missing { name: due }
            } else {
                ContainerError::Unknown { name: file.name.to_owned() }
            });
        }
        bundles.push(BundleFiles {
            entries: *file,
            disclosures: zip.get(&disclosures_name(bundles.len() as u64)),
        });
    }
    let paired = bundles.iter().filter_map(|bundle| bundle.disclosures).map(|file| file.name);
    let mut paired = paired.peekable();
    for file in zip.files().iter().filter(|file| file.name.starts_with("disclosures/")) {
        if file.content.is_empty() {
            return Err(ContainerError::Empty { name: file.name.to_owned() });
        }
        if paired.peek() == Some(&file.name) {
            paired.next();
        } else {
            return Err(ContainerError::Orphan { name: file.name.to_owned() });
        }
    }
    Ok(bundles)
}
