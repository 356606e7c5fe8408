//! ANS-104 data items.

use tabellion_tlog::SigningKey;
use tabellion_tlog::anchor::ans104::{DataItem, DataItemError};
use tabellion_tlog::anchor::{AnchorFinding, AnchorKind, AnchorTrust, verify_evidence};
use tabellion_tlog::sha256;

pub(super) fn item() -> DataItem {
    let key = SigningKey::from_seed(&[5; 32]);
    DataItem::sign(
        sha256(b"checkpoint").as_bytes(),
        &[("Content-Type", "application/octet-stream")],
        None,
        &key,
    )
    .unwrap()
}

#[test]
fn an_item_verifies_and_no_changed_byte_does() {
    let bytes = item().to_bytes();
    let read = DataItem::parse(&bytes).unwrap();
    assert_eq!(read, item(), "an item would change on its way");
    assert_eq!(read.verify(), Ok(()), "our own item is refused");
    assert_eq!(read.id().len(), 43, "the id is not the base64url of 32 bytes");
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        let verified = DataItem::parse(&changed).is_ok_and(|item| item.verify().is_ok());
        assert!(!verified, "byte {place} of a data item can be changed unnoticed");
        assert!(
            DataItem::parse(&bytes[..place]).map_or(true, |item| item.verify().is_err()),
            "{place} bytes pass for an item"
        );
    }
}

/// Requirement: A15
#[test]
fn a_signed_item_is_not_yet_a_published_one() {
    let bytes = item().to_bytes();
    let digest = sha256(b"checkpoint");
    let finding = verify_evidence(AnchorKind::Arweave, &bytes, &digest, &AnchorTrust::default());
    assert!(
        matches!(finding, AnchorFinding::NotChecked(_)),
        "a signature passes for publication: {finding:?}"
    );
    let finding = verify_evidence(AnchorKind::Arweave, &bytes, &sha256(b"x"), &AnchorTrust::default());
    assert!(matches!(finding, AnchorFinding::Broken(_)), "an item of other data: {finding:?}");
    let mut other = bytes;
    other[0] = 1;
    assert_eq!(
        DataItem::parse(&other),
        Err(DataItemError::SignatureType(1)),
        "an unknown signature was skipped"
    );
}
