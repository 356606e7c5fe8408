//! Bytes that nobody meant well: every reader ends with a refusal, never with a panic.

use proptest::prelude::*;
use tabellion_tlog::anchor::{AnchorFinding, AnchorKind, AnchorTrust, verify_evidence};
use tabellion_tlog::sha256;

proptest! {
    #[test]
    fn random_bytes_never_hold(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        for kind in AnchorKind::ALL {
            let finding = verify_evidence(kind, &bytes, &sha256(b"x"), &AnchorTrust::default());
            let holds = matches!(finding, AnchorFinding::Holds { .. });
            prop_assert!(!holds, "noise passes for evidence of {kind}");
        }
    }
}
