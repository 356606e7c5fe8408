//! One example of each kind of evidence, byte for byte; `scripts/peers/anchors.sh` shows the same kinds to others' programs.

use std::path::Path;

use tabellion_tlog::anchor::ans104::DataItem;
use tabellion_tlog::anchor::evm::Evidence;
use tabellion_tlog::anchor::ots::OtsProof;

use super::{ans104, evm, ots};

fn compare(name: &str, bytes: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/anchor").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, bytes).unwrap();
    }
    let kept = std::fs::read(&path).unwrap_or_default();
    assert_eq!(
        kept, bytes,
        "{name}: evidence would be written otherwise than it was (UPDATE_GOLDEN=1 to accept)"
    );
}

#[test]
fn evidence_keeps_its_bytes() {
    let digest = tabellion_tlog::sha256(b"checkpoint");
    let item = ans104::item().to_bytes();
    compare("item.ans104", &item);
    assert!(DataItem::parse(&item).is_ok(), "a kept item cannot be read");
    let (proof, header) = ots::confirmed(digest);
    compare("proof.ots", &proof.to_bytes());
    compare("proof.header", hex::encode(header).as_bytes());
    assert!(OtsProof::parse(&proof.to_bytes()).is_ok(), "a kept proof cannot be read");
    let evidence = evm::evidence(&digest, 3, 9).to_bytes();
    compare("transaction.evm", &evidence);
    assert!(Evidence::parse(&evidence).is_ok(), "kept evidence cannot be read");
}
