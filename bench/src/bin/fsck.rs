//! How fast a data directory is checked: the tree alone over stored bundles, and everything; beside one core's SHA-256 over the same bytes.
//!
//! `fsck [--dir DIR] [--entries N] [--bytes N] [--rounds N]`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use sha2::{Digest as _, Sha256};
use tabellion_bench::{machine, median};
use tabellion_ledger::disk::Disk;
use tabellion_ledger::disk::real::RealDisk;
use tabellion_ledger::{Draft, Ledger, NewLog, OpenOptions, OsEntropy, SystemClock, fsck, fsck_tree};
use tabellion_model::{Env, Origin};

/// Drafts handed over at once.
const TOGETHER: usize = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let (mut dir, mut entries, mut bytes, mut rounds) =
        (std::env::temp_dir(), 100_000usize, 512usize, 5usize);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let value = args.next().ok_or_else(|| format!("{arg} needs a value"))?;
        match arg.as_str() {
            "--dir" => dir = PathBuf::from(value),
            "--entries" => entries = value.parse()?,
            "--bytes" => bytes = value.parse()?,
            "--rounds" => rounds = value.parse()?,
            _ => {
                return Err(format!(
                    "unknown option {arg}; there are --dir, --entries, --bytes and --rounds"
                )
                .into());
            }
        }
    }
    println!("{}", machine());
    let scratch = tempfile::tempdir_in(dir)?;
    let disk = make_log(scratch.path(), entries, bytes)?;
    let bundles = stored_bundles(&scratch.path().join("log/tiles/tile/entries"))?;
    let (mut hash, mut tree, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        hash.push(timed(|| {
            std::hint::black_box(Sha256::digest(&bundles));
        }));
        tree.push(timed(|| {
            let report = fsck_tree(&disk, &[], &|_| true);
            assert!(report.is_sound(), "a log just made holds: {:?}", report.findings);
        }));
        if round == 0 {
            whole.push(timed(|| assert!(fsck(&disk, &options(), &[]).is_sound(), "a log just made holds")));
        }
    }
    let (hash, tree, whole) = (median(&mut hash), median(&mut tree), median(&mut whole));
    let megabytes = bundles.len() as f64 / 1e6;
    println!("{entries} records, {megabytes:.1} MB of stored bundles; rates are of bundle bytes");
    println!("| what | seconds | MB/s | × one core's SHA-256 |");
    println!("|---|---|---|---|");
    for (what, seconds) in [
        ("SHA-256 of the bundles, one core", hash),
        ("fsck --tree: hashes, tiles, roots", tree),
        ("fsck: signatures, content and tiles too", whole),
    ] {
        println!("| {what} | {seconds:.3} | {:.0} | {:.2} |", megabytes / seconds, hash / seconds);
    }
    Ok(())
}

fn timed(work: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    work();
    begin.elapsed().as_secs_f64()
}

fn options() -> OpenOptions {
    OpenOptions::new(Arc::new(SystemClock), Arc::new(OsEntropy))
}

/// A log whose bundles are all derived.
fn make_log(dir: &Path, entries: usize, bytes: usize) -> Result<Arc<dyn Disk>, Box<dyn Error>> {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::create(dir)?);
    let log = NewLog { origin: Origin::new("bench.example/log/fsck")?, env: Env::Sandbox };
    let ledger = Ledger::create(Arc::clone(&disk), &log, &options())?;
    // A body field of its own digest each: the entries have about this many bytes.
    let fields = (bytes / 48).clamp(1, 400);
    let mut left = entries;
    while left > 0 {
        let count = left.min(TOGETHER);
        let drafts: Vec<Draft> = (0..count)
            .map(|n| {
                (0..fields)
                    .fold(Draft::new("event.logged"), |draft, field| draft.with(&format!("f{field}"), n))
            })
            .collect();
        ledger.append_all(&drafts)?;
        left -= count;
    }
    let whole = ledger.reader().size() / 256 * 256;
    // A few thousand entries a second: derived files never get in the way of commits.
    let mark = dir.join("log/tiles/derived");
    while std::fs::read_to_string(&mark).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0u64)
        < whole
    {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    ledger.close()?;
    Ok(disk)
}

/// Every stored bundle, one after the other.
fn stored_bundles(dir: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut all = Vec::new();
    let mut waiting = vec![dir.to_owned()];
    while let Some(dir) = waiting.pop() {
        for file in std::fs::read_dir(dir)? {
            let path = file?.path();
            if path.is_dir() { waiting.push(path) } else { all.extend(std::fs::read(path)?) }
        }
    }
    Ok(all)
}
