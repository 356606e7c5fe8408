//! Signed notes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_fuzz::one_form;
use tabellion_tlog::Note;

fuzz_target!(|data: &[u8]| one_form(data, Note::parse, |note| note.to_string().into_bytes()));
