//! Lines of a trust file about anchors.

use tabellion_tlog::Policy;
use tabellion_tlog::anchor::AnchorTrust;

#[test]
fn lines_about_anchors_are_comments_to_a_policy_and_never_quietly_without_effect() {
    let text = format!(
        "# a comment\n{}#! evm 1 20000000 0x{}\nquorum none\n",
        AnchorTrust::authority_line("stamps", b"certificate"),
        "ab".repeat(32)
    );
    assert!(Policy::parse(&text).is_ok(), "a trust file with anchors could not be read elsewhere");
    let trust = AnchorTrust::parse(text.as_bytes()).unwrap();
    assert_eq!(trust.roots(), [b"certificate".to_vec()], "an authority was lost");
    assert_eq!(trust.evm[0].number, 20_000_000, "a block was lost");
    for line in
        ["#! rfc3161 x", "#! rfc3162 x AAAA", "#!", "#! bitcoin 1 00", "#! evm 1 01 00", "#! rfc3161 x *"]
    {
        let refused = AnchorTrust::parse(format!("\n{line}\n").as_bytes()).unwrap_err();
        assert_eq!(refused.line, 2, "the operator has to search for the line {line:?}");
    }
}
