//! Evidence of a root log: a receipt that should record a checkpoint of another log.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tabellion_model::{shard_checkpoint_of, verify_anchor};
use tabellion_tlog::anchor::{AnchorFinding, AnchorKind, AnchorTrust, digest};
use tabellion_tlog::{Hash, SigningKey, VerifierKey};

/// A reader who names a root log that signed none of the seeds.
static TRUST: LazyLock<AnchorTrust> = LazyLock::new(|| {
    let key = SigningKey::from_seed(&[7; 32]).public();
    let key = VerifierKey::new("root.example/log/all", key).expect("a name and a key");
    AnchorTrust::parse(AnchorTrust::root_log_line(&key).as_bytes()).expect("a line that was written")
});

fuzz_target!(|data: &[u8]| {
    // Of the very checkpoint that it is about, where it is about one, so that what comes after that comparison is reached.
    let of = shard_checkpoint_of(data).map_or(Hash([0; 32]), |said| digest(&said.checkpoint()));
    for trust in [&AnchorTrust::default(), &*TRUST] {
        let found = verify_anchor(AnchorKind::RootLog, data, &of, trust);
        assert!(
            !matches!(found, AnchorFinding::Holds { .. }),
            "a root log that nobody signed for dates a shard"
        );
    }
});
