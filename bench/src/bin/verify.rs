//! How fast a package of 100,000 entries verifies: the tree alone, and everything; beside one core's SHA-256 over the same bytes.
//!
//! `verify [--dir DIR] [--entries N] [--rounds N]`.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use sha2::{Digest as _, Sha256};
use tabellion_app::{ExportRequest, export};
use tabellion_bench::{machine, median};
use tabellion_ledger::disk::real::RealDisk;
use tabellion_ledger::{Draft, Ledger, NewLog, OpenOptions, OsEntropy, SystemClock};
use tabellion_model::DisclosurePolicy;
use tabellion_model::package::verify_tree;
use tabellion_model::{Env, Origin, Purpose, verify};
use tabellion_tlog::{Policy, VerifierKey};

/// Records are sealed on one thread and freed on another, which is what the system's allocator is slowest at; docs/benchmarks.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Drafts handed over at once.
const TOGETHER: usize = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let (mut dir, mut entries, mut rounds) = (std::env::temp_dir(), 100_000usize, 5usize);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let value = args.next().ok_or_else(|| format!("{arg} needs a value"))?;
        match arg.as_str() {
            "--dir" => dir = PathBuf::from(value),
            "--entries" => entries = value.parse()?,
            "--rounds" => rounds = value.parse()?,
            _ => return Err(format!("unknown option {arg}; there are --dir, --entries and --rounds").into()),
        }
    }
    println!("{}", machine());
    let scratch = tempfile::tempdir_in(dir)?;
    let (package, policy, entry_bytes) = make_package(scratch.path(), entries)?;
    let entries_alone = entry_bytes_of(&package)?;
    let (mut tree, mut full, mut hash) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        hash.push(timed(|| {
            std::hint::black_box(Sha256::digest(&entries_alone));
        }));
        tree.push(timed(|| {
            std::hint::black_box(verify_tree(&package).expect("a package just exported holds"));
        }));
        full.push(timed(|| {
            assert_eq!(verify(&package, Some(&policy)).exit_code(), 0, "a package just exported holds")
        }));
    }
    let (hash, tree, full) = (median(&mut hash), median(&mut tree), median(&mut full));
    let megabytes = entries_alone.len() as f64 / 1e6;
    println!(
        "package: {entries} records, {:.1} MB, of which {megabytes:.1} MB are entries of about {entry_bytes} bytes; rates are of entry bytes",
        package.len() as f64 / 1e6
    );
    println!("| what | seconds | MB/s | × one core's SHA-256 |");
    println!("|---|---|---|---|");
    for (what, seconds) in
        [("SHA-256 of the entries, one core", hash), ("tree only", tree), ("everything", full)]
    {
        println!("| {what} | {seconds:.3} | {:.0} | {:.2} |", megabytes / seconds, hash / seconds);
    }
    Ok(())
}

/// The bytes that both sides hash: all entries, one after the other.
fn entry_bytes_of(package: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut all = Vec::new();
    for file in tabellion_model::zip::ZipArchive::parse(package)?.files() {
        if file.name.starts_with("entries/") {
            for entry in tabellion_tlog::BundleReader::new(file.content) {
                all.extend_from_slice(entry?);
            }
        }
    }
    Ok(all)
}

fn timed(work: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    work();
    begin.elapsed().as_secs_f64()
}

fn make_package(dir: &std::path::Path, entries: usize) -> Result<(Vec<u8>, Policy, usize), Box<dyn Error>> {
    let disk = Arc::new(RealDisk::create(dir)?);
    let options = OpenOptions::new(Arc::new(SystemClock), Arc::new(OsEntropy));
    let origin = Origin::new("bench.example/log/verify")?;
    let ledger = Ledger::create(disk, &NewLog { origin: origin.clone(), env: Env::Sandbox }, &options)?;
    let mut draft = Draft::new("bench.appended");
    for field in 0..11 {
        draft =
            draft.with(&format!("field_{field}"), format!("value {field} of an ordinary length for a log"));
    }
    let drafts = vec![draft; TOGETHER];
    for _ in 0..entries / TOGETHER {
        ledger.append_all(&drafts)?;
    }
    let reader = ledger.reader();
    let package_key = {
        let keys = reader.keys();
        let key = keys.in_force(Purpose::Package, reader.size()).ok_or("no package key")?.key_id;
        ledger.key_pair(Purpose::Package, &key)?
    };
    let mut package = Vec::new();
    let request = ExportRequest {
        period: None,
        at: None,
        framework: None,
        references: Vec::new(),
        disclosure: DisclosurePolicy::All,
        content_of: None,
    };
    export(reader, &package_key, &request, &mut package)?;
    let root = VerifierKey::new(&format!("{origin}/root"), reader.keys().root().public)?;
    let policy = Policy::parse(format!("log {root}\nquorum none\n"))?;
    let entry_bytes = reader.entry(reader.size() / 2)?.bytes.len();
    ledger.close()?;
    Ok((package, policy, entry_bytes))
}
