//! Attestations, and what counting them says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_model::KeyDirectory;
use tabellion_model::attestation::{Attestation, QuorumAsked, quorum};

fuzz_target!(|data: &[u8]| {
    let signers = KeyDirectory::default();
    let bundles = vec![("input", data)];
    let counted =
        quorum(&QuorumAsked { bundles, signers: &signers, need: 1, level: 1, expected: Vec::new() });
    assert_ne!(counted.exit_code(), 0, "an entry is attested although no signer is known");
    let Ok(read) = Attestation::parse(data) else {
        assert_eq!(counted.exit_code(), 2, "what cannot be read was counted");
        return;
    };
    assert!(
        read.items.iter().all(|item| item.level() == 0 || !item.is_broken()),
        "something broken has a level"
    );
});
