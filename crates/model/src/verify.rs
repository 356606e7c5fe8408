//! One door for every file that Tabellion hands out: looks at the first bytes and calls the verifier of that form.

use tabellion_tlog::Policy;
use tabellion_tlog::anchor::AnchorTrust;

use crate::directory::KeyDirectory;
use crate::package::verify_package_for;
use crate::receipt::{RECEIPT_MAGIC, verify_receipt_for};
use crate::transparent::verify_transparent_for;
use crate::verdict::{CheckPlan, Outcome, Report, Subject};
use crate::verification_run::{RUN_MAGIC, verify_run_for};

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

/// Who reads: whom they believe, and which keys they know. By default nobody and none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reader<'a> {
    /// The logs and witnesses that they believe; without any the best outcome is undetermined.
    pub trust: Option<&'a Policy>,
    /// The time-stamp authorities and blocks that they believe: a package's anchors are checked against them.
    pub anchors: Option<&'a AnchorTrust>,
    /// Their own list of keys: with one, every signing key has to be in it.
    pub keys: Option<&'a KeyDirectory>,
    /// What the live system gave of the record now, to be compared with a receipt; other files are not compared.
    pub live: Option<&'a [u8]>,
}

/// Verifies a package, a receipt or a transparent statement, whichever the bytes are. `trust` says whom the reader believes;
/// without it the best outcome is undetermined. Reads no file, no clock and no network.
pub fn verify(bytes: &[u8], trust: Option<&Policy>) -> Report {
    verify_for(bytes, &Reader { trust, ..Reader::default() })
}

/// The same for a reader who says more about whom they believe.
pub fn verify_for(bytes: &[u8], reader: &Reader<'_>) -> Report {
    if bytes.starts_with(ZIP_MAGIC) {
        return verify_package_for(bytes, reader);
    }
    if bytes.starts_with(RECEIPT_MAGIC.as_bytes()) {
        return verify_receipt_for(bytes, reader);
    }
    if bytes.starts_with(RUN_MAGIC.as_bytes()) {
        return verify_run_for(bytes, reader);
    }
    if bytes.first() == Some(&COSE_SIGN1_TAG) {
        return verify_transparent_for(bytes, reader);
    }
    let mut report = Report::planned(Subject::Unknown, &UNKNOWN, SCOPE);
    report.set(FORM, Outcome::Malformed, describe(bytes));
    report
}

fn describe(bytes: &[u8]) -> String {
    let wanted = "a package begins with the bytes PK, a receipt with the line c2sp.org/tlog-proof@v1, a transparent statement with byte 0xd2, a verification run with its format's name";
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
