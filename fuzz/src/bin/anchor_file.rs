//! Anchor files of packages, and lines about anchors in trust files.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_fuzz::one_form;
use tabellion_model::AnchorFile;
use tabellion_tlog::anchor::AnchorTrust;

fuzz_target!(|data: &[u8]| {
    one_form(
        data,
        |data| AnchorFile::parse("x", data),
        |file| file.to_bytes().expect("a file that was read can be written"),
    );
    let _ = AnchorTrust::parse(data);
    let _ = AnchorTrust::certificates_in(data);
});
