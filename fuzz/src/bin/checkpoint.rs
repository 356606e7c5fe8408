//! Signed checkpoints: the note around them, and the three lines in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_fuzz::one_text;
use tabellion_tlog::{Checkpoint, SignedCheckpoint};

fuzz_target!(|data: &[u8]| {
    one_text(data, Checkpoint::parse, Checkpoint::text);
    if let Ok(signed) = SignedCheckpoint::parse(data) {
        assert_eq!(signed.checkpoint.text(), signed.note.text, "the checkpoint is not what the note signs");
        assert_eq!(signed.note.to_string().as_bytes(), data, "a second form of one checkpoint");
    }
});
