//! Lines of a trust file about anchors.

use tabellion_tlog::anchor::{AnchorFinding, AnchorKind, AnchorTrust, verify_evidence};
use tabellion_tlog::{Hash, Policy};

fn kept(name: &str) -> Vec<u8> {
    let place = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/anchor");
    std::fs::read(place.join(name)).unwrap()
}

/// A kept authority's certificate.
fn authority(key: &str) -> Vec<u8> {
    kept(&format!("authority-{key}.der"))
}

#[test]
fn lines_about_anchors_are_comments_to_a_policy_and_never_quietly_without_effect() {
    let text = format!(
        "# a comment\n{}#! evm 1 20000000 0x{}\nquorum none\n",
        AnchorTrust::authority_line("stamps", &authority("p256")),
        "ab".repeat(32)
    );
    assert!(Policy::parse(&text).is_ok(), "a trust file with anchors could not be read elsewhere");
    let trust = AnchorTrust::parse(text.as_bytes()).unwrap();
    assert_eq!(trust.roots(), [authority("p256")], "an authority was lost");
    assert_eq!(trust.evm[0].number, 20_000_000, "a block was lost");
    for line in
        ["#! rfc3161 x", "#! rfc3162 x AAAA", "#!", "#! bitcoin 1 00", "#! evm 1 01 00", "#! rfc3161 x *"]
    {
        let refused = AnchorTrust::parse(format!("\n{line}\n").as_bytes()).unwrap_err();
        assert_eq!(refused.line, 2, "the operator has to search for the line {line:?}");
    }
}

/// Requirement: A19
#[test]
fn a_mistyped_certificate_is_a_fault_of_its_line_and_never_of_the_evidence() {
    let imprint = String::from_utf8(kept("stamped.sha256")).unwrap();
    let imprint = Hash::from_hex(imprint.trim()).unwrap();
    for key in ["p256", "rsa"] {
        let (whole, stamp) = (authority(key), kept(&format!("stamp-{key}.tsr")));
        let mut passed = 0;
        for place in 0..whole.len() {
            let mut mistyped = whole.clone();
            mistyped[place] ^= 1;
            let text = format!("# mine\n{}", AnchorTrust::authority_line("stamps", &mistyped));
            match AnchorTrust::parse(text.as_bytes()) {
                Err(error) => assert_eq!(error.line, 2, "the operator has to search for the line"),
                // One that no longer names itself as its issuer may be another authority's: nobody below it is found, and no more is said.
                Ok(trust) => {
                    passed += 1;
                    let finding = verify_evidence(AnchorKind::Rfc3161, &stamp, &imprint, &trust);
                    let blamed = matches!(finding, AnchorFinding::Broken(_));
                    assert!(
                        !blamed,
                        "byte {place} of a certificate ({key}) is mistyped and the stamp is blamed"
                    );
                }
            }
        }
        // What passes stands in one of its two names: they differ, and then it may be another authority's certificate.
        assert!(passed < 80, "{passed} of {} mistyped bytes are taken", whole.len());
        let cut = AnchorTrust::authority_line("stamps", &whole[..whole.len() - 1]);
        assert!(AnchorTrust::parse(cut.as_bytes()).is_err(), "a certificate that was cut off is taken");
        let good = AnchorTrust::authority_line("stamps", &whole);
        assert!(AnchorTrust::parse(good.as_bytes()).is_ok(), "a good authority is refused");
    }
}
