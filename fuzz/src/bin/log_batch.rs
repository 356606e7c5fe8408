//! Batches of the log as they lie on disk: read whole and as they were written, or not at all. Frames get their right checksums here, so that inputs reach what is behind them.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../../crates/ledger/src/wal/batch.rs"]
#[expect(dead_code, reason = "the log takes more of it than a reader")]
mod batch;
#[path = "../../../crates/ledger/src/wal/frame.rs"]
mod frame;

use batch::{Batch, BatchHeader};
use frame::{FrameKind, push_frame};

const KINDS: [FrameKind; 6] = [
    FrameKind::Segment,
    FrameKind::Batch,
    FrameKind::Entry,
    FrameKind::Unit,
    FrameKind::Fingerprint,
    FrameKind::Checkpoint,
];

/// Frames of the kinds and lengths that the input says: one byte for the kind and the log, one for the length, and so many for the payload.
fn frames(mut input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let [kind, length, rest @ ..] = input {
        let (payload, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        let kind = KINDS[usize::from(*kind) % KINDS.len()];
        push_frame(&mut out, kind, u32::from(*length > 250), payload);
        input = rest;
    }
    out
}

/// A batch frame that announces what follows it.
fn announced(entries: u8, body: &[u8]) -> Vec<u8> {
    let total = u32::try_from(BatchHeader::size() + body.len()).expect("an input is short");
    let payload =
        [&7_u64.to_le_bytes()[..], &u32::from(entries).to_le_bytes(), &total.to_le_bytes()].concat();
    let mut out = Vec::new();
    push_frame(&mut out, FrameKind::Batch, 0, &payload);
    out.extend_from_slice(body);
    out
}

fn check(bytes: &[u8]) {
    let Some(batch) = Batch::read(bytes) else { return };
    let size = batch.header.bytes as usize;
    let whole = bytes.get(..size).expect("a batch ends with the bytes that there are");
    assert_eq!(batch.entries.len(), batch.header.entries as usize, "indexes would shift");
    assert!(Batch::read(whole).is_some(), "what follows a batch counts");
    assert!(Batch::read(&whole[..size - 1]).is_none(), "a torn batch is taken for a whole one");
    let units = batch.entries.iter().flat_map(|entry| entry.units.iter().chain([&entry.entry]));
    let payloads: usize = units.map(|payload| payload.len()).sum();
    assert!(payloads + batch.checkpoint.len() < size, "a payload is read twice");
}

fuzz_target!(|data: &[u8]| {
    check(data);
    let Some((entries, rest)) = data.split_first() else { return };
    let body = frames(rest);
    check(&body);
    check(&announced(*entries, &body));
});
