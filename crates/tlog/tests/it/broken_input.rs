//! Every parser of outside bytes, fed with mutated golden files and with noise: none panics, and whatever one accepts it would have
//! written itself, byte for byte. `make fuzz` goes deeper; this runs with every test.
//!
//! `BROKEN_INPUT_SEED` and `BROKEN_INPUT_ROUNDS` choose another run.

use std::collections::BTreeMap;
use std::fs;
use std::str;

use tabellion_tlog::{
    AddCheckpoint, BundleReader, CoseReceipt, Note, Policy, Sign1, SignedCheckpoint, TileId, TlogProof,
    VerifierKey, bundle_path, detach_receipts, parse_bundle_path, parse_signature_lines, push_entry,
};

use crate::policy::{log_key, witness_key};
use crate::reference::Numbers;

/// Inputs per parser and run: two seconds on one core.
const ROUNDS: u64 = 200_000;
const SEED: u64 = 0x0007_ab31_1104;
/// Most mutations of one input.
const MAX_MUTATIONS: u64 = 4;

/// What a parser made of an input: refused, or the bytes it would write.
type Parser = fn(&[u8]) -> Option<Vec<u8>>;

fn text(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok()
}

const PARSERS: [(&str, Parser); 13] = [
    ("note", |bytes| Some(Note::parse(bytes).ok()?.to_string().into_bytes())),
    ("checkpoint", |bytes| Some(SignedCheckpoint::parse(bytes).ok()?.bytes.into_bytes())),
    ("proof", |bytes| Some(TlogProof::parse(bytes).ok()?.to_string().into_bytes())),
    ("add-checkpoint", |bytes| Some(AddCheckpoint::parse(bytes).ok()?.to_string().into_bytes())),
    ("signature lines", |bytes| {
        let lines = parse_signature_lines(bytes).ok()?;
        Some((lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n") + "\n").into_bytes())
    }),
    ("vkey", |bytes| Some(text(bytes)?.parse::<VerifierKey>().ok()?.to_string().into_bytes())),
    ("tile path", |bytes| Some(TileId::parse(text(bytes)?).ok()?.path().into_bytes())),
    ("bundle path", |bytes| {
        let (index, width) = parse_bundle_path(text(bytes)?).ok()?;
        Some(bundle_path(index, width).into_bytes())
    }),
    ("bundle", |bytes| {
        let mut again = Vec::new();
        for entry in BundleReader::new(bytes) {
            push_entry(&mut again, entry.ok()?).ok()?;
        }
        Some(again)
    }),
    ("cose", |bytes| Some(Sign1::parse(bytes).ok()?.encode())),
    ("receipt", |bytes| Some(CoseReceipt::parse(bytes).ok()?.encode())),
    ("transparent statement", |bytes| {
        let (statement, receipts) = detach_receipts(bytes).ok()?;
        tabellion_tlog::attach_receipts(&statement, &receipts).ok()
    }),
    // A policy may be written in many ways; the one that is written has to stay.
    ("policy", |bytes| {
        let canonical = Policy::parse(bytes).ok()?.to_string();
        let again = Policy::parse(&canonical).map(|policy| policy.to_string());
        assert_eq!(again, Ok(canonical), "a policy reads differently once written");
        Some(bytes.to_vec())
    }),
];

fn seeds() -> Vec<Vec<u8>> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    let mut seeds: Vec<_> = files.into_iter().map(|path| fs::read(path).unwrap()).collect();
    let request = crate::add_checkpoint::request(3, 7);
    let line = format!("{}\n", request.checkpoint.note.signatures[0]);
    let keys = [log_key(1), witness_key(11), crate::cosignature::witness(3)].map(|key| key.to_string());
    seeds.extend(keys.into_iter().chain([request.to_string(), line]).map(String::into_bytes));
    seeds.extend(
        ["tile/0/x001/x234/067", "tile/2/000.p/1", "tile/entries/x273/112.p/7"]
            .map(|path| path.as_bytes().to_vec()),
    );
    seeds
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |value| value.parse().unwrap())
}

#[test]
fn no_parser_panics_or_accepts_a_second_form() {
    let mut numbers = Numbers::new(setting("BROKEN_INPUT_SEED", SEED));
    let seeds = seeds();
    let mut accepted = BTreeMap::new();
    for seed in &seeds {
        try_all(seed, &mut accepted);
    }
    let unread: Vec<_> =
        PARSERS.iter().map(|(name, _)| *name).filter(|name| !accepted.contains_key(name)).collect();
    assert!(unread.is_empty(), "no seed is accepted by {unread:?}, so mutating seeds tests nothing there");
    let rounds = setting("BROKEN_INPUT_ROUNDS", ROUNDS);
    for _ in 0..rounds {
        let input = if numbers.below(10) == 0 { noise(&mut numbers) } else { mutated(&seeds, &mut numbers) };
        try_all(&input, &mut accepted);
    }
    println!("{rounds} inputs for each parser; accepted: {accepted:?}");
}

fn try_all(input: &[u8], accepted: &mut BTreeMap<&'static str, u64>) {
    for (name, parser) in PARSERS {
        if let Some(again) = parser(input) {
            assert!(again == input, "{name}: accepted a second form of {}", again.escape_ascii());
            *accepted.entry(name).or_default() += 1;
        }
    }
}

fn noise(numbers: &mut Numbers) -> Vec<u8> {
    let length = numbers.below(200);
    (0..length).map(|_| numbers.next().to_le_bytes()[0]).collect()
}

fn mutated(seeds: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let pick = |numbers: &mut Numbers| usize::try_from(numbers.below(seeds.len() as u64)).unwrap();
    let mut input = seeds[pick(numbers)].clone();
    for _ in 0..=numbers.below(MAX_MUTATIONS) {
        let place = |numbers: &mut Numbers| usize::try_from(numbers.below(input.len() as u64 + 1)).unwrap();
        let (one, two) = (place(numbers), place(numbers));
        let (from, to) = (one.min(two), one.max(two));
        let byte = numbers.next().to_le_bytes()[0];
        match numbers.below(7) {
            0 => input.iter_mut().skip(from).take(1).for_each(|at| *at ^= 1 << (byte % 8)),
            1 => input.iter_mut().skip(from).take(1).for_each(|at| *at = byte),
            2 => input.insert(from, byte),
            3 => drop(input.drain(from..to.min(from + 8))),
            4 => input.truncate(from),
            5 => {
                let part = input[from..to.min(from + 64)].to_vec();
                drop(input.splice(to..to, part));
            }
            _ => {
                let other = &seeds[pick(numbers)];
                let cut = from.min(other.len());
                input.truncate(cut);
                input.extend_from_slice(&other[cut..]);
            }
        }
    }
    input
}
