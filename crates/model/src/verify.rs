//! One door for every file that Tabellion hands out: looks at the first bytes and calls the verifier of that form.

use tabellion_tlog::Policy;
use tabellion_tlog::anchor::AnchorTrust;

use crate::package::verify_package_with_anchors;
use crate::receipt::{RECEIPT_MAGIC, verify_receipt};
use crate::transparent::verify_transparent;
use crate::verdict::{CheckPlan, Outcome, Report, Subject};

const FORM: &str = "form";
/// First bytes of a ZIP file, whatever part of it comes first: one that is cut right after them is a damaged package.
const ZIP_MAGIC: &[u8] = b"PK";
/// First byte of a tagged `COSE_Sign1`.
const COSE_SIGN1_TAG: u8 = 0xd2;
const SCOPE: &str = "Nothing was verified. Tabellion is not a certification body.";
const UNKNOWN: [CheckPlan; 1] = [CheckPlan {
    name: FORM,
    proves: "The file is a package, a receipt or a transparent statement.",
    does_not_prove: "Anything about its content.",
}];

/// Verifies a package, a receipt or a transparent statement, whichever the bytes are. `trust` says whom the reader believes;
/// without it the best outcome is undetermined. Reads no file, no clock and no network.
pub fn verify(bytes: &[u8], trust: Option<&Policy>) -> Report {
    verify_with_anchors(bytes, trust, &AnchorTrust::default())
}

/// The same for a reader who also names time-stamp authorities and blocks: a package's anchors are checked against them.
pub fn verify_with_anchors(bytes: &[u8], trust: Option<&Policy>, anchors: &AnchorTrust) -> Report {
    if bytes.starts_with(ZIP_MAGIC) {
        return verify_package_with_anchors(bytes, trust, anchors);
    }
    if bytes.starts_with(RECEIPT_MAGIC.as_bytes()) {
        return verify_receipt(bytes, trust);
    }
    if bytes.first() == Some(&COSE_SIGN1_TAG) {
        return verify_transparent(bytes, trust);
    }
    let mut report = Report::planned(Subject::Unknown, &UNKNOWN, SCOPE);
    report.set(FORM, Outcome::Malformed, describe(bytes));
    report
}

fn describe(bytes: &[u8]) -> String {
    let wanted = "a package begins with the bytes PK, a receipt with the line c2sp.org/tlog-proof@v1, a transparent statement with byte 0xd2";
    match bytes {
        [] => format!("the file is empty; {wanted}"),
        [b'{', ..] => format!(
            "this is bare JSON, perhaps a single record; a record proves nothing by itself, ask for its .receipt file or a package ({wanted})"
        ),
        _ => format!(
            "{wanted}; this file begins otherwise, so it is damaged, cut at the front or something else"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_of_which_two_bytes_are_left_is_a_damaged_package() {
        let report = verify(b"PK", None);
        assert_eq!(report.exit_code(), 2, "what is left of a package passes as evidence");
        assert_eq!(report.subject, Subject::Package, "the browser's verifier would say something else");
    }

    #[test]
    fn a_file_of_another_kind_is_malformed_and_says_what_would_be_read() {
        for bytes in [&b""[..], b"{}", b"\x00", b"c2sp.org/tlog-proof@v2\n"] {
            let report = verify(bytes, None);
            assert_eq!(report.exit_code(), 2, "a stranger's file passes as evidence");
            assert!(report.to_text().contains("begins with"), "the holder is not told what is accepted");
        }
    }
}
