//! Time-stamps made by `openssl ts`, whole and spoilt.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tabellion_tlog::anchor::rfc3161::{Expected, NONCE_BYTES, TimeStampError, query, verify};
use tabellion_tlog::anchor::{AnchorFinding, AnchorKind, AnchorTrust, verify_evidence};
use tabellion_tlog::{Hash, sha256};

const NONCE: [u8; NONCE_BYTES] = [0, 0x9a, 3, 4, 5, 6, 7, 8];
const POLICY: &str = "1.3.6.1.4.1.99999.2";

/// Authorities made by `scripts/peers/tsa.sh`, once.
fn authorities() -> &'static Path {
    static DIR: OnceLock<tempfile::TempDir> = OnceLock::new();
    DIR.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/peers/tsa.sh");
        run(Command::new("bash").arg(script).arg(dir.path()));
        dir
    })
    .path()
}

fn run(command: &mut Command) {
    let out = command.output().unwrap();
    assert!(out.status.success(), "{command:?}: {}", String::from_utf8_lossy(&out.stderr));
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(authorities().join(name)).unwrap()
}

/// The authority counts its stamps in one file; tests run side by side.
static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// What `openssl ts` answers to a query.
fn answer(section: &str, query: &[u8]) -> Vec<u8> {
    let scratch = tempfile::tempdir().unwrap();
    let place = |name: &str| -> PathBuf { scratch.path().join(name) };
    std::fs::write(place("q"), query).unwrap();
    let guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    run(Command::new("openssl")
        .args(["ts", "-reply", "-section", section, "-config"])
        .arg(authorities().join("tsa.cnf"))
        .arg("-queryfile")
        .arg(place("q"))
        .arg("-out")
        .arg(place("r")));
    drop(guard);
    std::fs::read(place("r")).unwrap()
}

fn stamped(section: &str) -> (Hash, Vec<u8>) {
    let imprint = sha256(b"origin\n7\nroot\n");
    (imprint, answer(section, &query(&imprint, &NONCE, Some(POLICY)).unwrap()))
}

fn expected(imprint: &Hash) -> Expected<'_> {
    Expected { imprint, nonce: Some(&NONCE), policy: Some(POLICY) }
}

/// A token that another certificate of the same authority signed with `openssl cms`, over the content of a good one.
fn resigned(response: &[u8], signer: &str) -> Vec<u8> {
    let scratch = tempfile::tempdir().unwrap();
    let place = |name: &str| scratch.path().join(name);
    std::fs::write(place("r"), response).unwrap();
    run(Command::new("openssl")
        .args(["ts", "-reply", "-token_out", "-in"])
        .arg(place("r"))
        .arg("-out")
        .arg(place("t")));
    run(Command::new("openssl")
        .args(["cms", "-verify", "-noverify", "-inform", "DER", "-in"])
        .arg(place("t"))
        .arg("-out")
        .arg(place("info")));
    run(Command::new("openssl")
        .args(["cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-cades", "-md", "sha256"])
        .args(["-econtent_type", "1.2.840.113549.1.9.16.1.4", "-in"])
        .arg(place("info"))
        .arg("-signer")
        .arg(authorities().join(format!("{signer}.pem")))
        .arg("-inkey")
        .arg(authorities().join(format!("{signer}.key")))
        .arg("-out")
        .arg(place("signed")));
    let token = std::fs::read(place("signed")).unwrap();
    let body = [&[0x30, 0x03, 0x02, 0x01, 0x00][..], &token].concat();
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&[0x30, 0x82, length[0], length[1]][..], &body].concat()
}

/// Requirement: P04, B05
#[test]
fn a_stamp_of_an_authority_that_is_trusted_dates_the_checkpoint() {
    for (section, authority) in [("good", "ca.der"), ("rsa", "rsa-ca.der")] {
        let (imprint, response) = stamped(section);
        let stamp = verify(&response, &expected(&imprint), &[file(authority)]).unwrap();
        assert_eq!(
            stamp.accuracy_us, 1_500_000,
            "the span would be narrower or wider than the authority says"
        );
        assert_eq!(stamp.policy, POLICY, "the stamp would be shown under other rules");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let apart = u64::try_from(now.as_micros()).unwrap().abs_diff(stamp.time_us);
        assert!(apart < 600_000_000, "the checkpoint would be dated {apart} µs from when it was stamped");
    }
}

#[test]
fn a_stamp_of_something_else_or_under_other_rules_is_refused_by_name() {
    let (imprint, response) = stamped("good");
    let roots = [file("ca.der")];
    let other = sha256(b"other");
    let refused = verify(&response, &Expected { imprint: &other, ..expected(&imprint) }, &roots).unwrap_err();
    assert!(
        matches!(refused, TimeStampError::Imprint { .. }),
        "another checkpoint would be dated: {refused}"
    );
    let nonce = [1; NONCE_BYTES];
    let refused =
        verify(&response, &Expected { nonce: Some(&nonce), ..expected(&imprint) }, &roots).unwrap_err();
    assert_eq!(refused, TimeStampError::Nonce, "an old answer could be replayed");
    let refused =
        verify(&response, &Expected { policy: Some("1.2.3"), ..expected(&imprint) }, &roots).unwrap_err();
    assert!(matches!(refused, TimeStampError::Policy { .. }), "weaker rules would pass: {refused}");
    let bad_digest = query(&imprint, &NONCE, Some("1.3.6.1.4.1.99999.7")).unwrap();
    let refused = verify(&answer("good", &bad_digest), &expected(&imprint), &roots).unwrap_err();
    assert!(matches!(refused, TimeStampError::Refused { status: 2, .. }), "a refusal would count: {refused}");
}

#[test]
fn a_signer_that_may_not_stamp_then_or_at_all_is_refused_by_name() {
    let (imprint, response) = stamped("good");
    let roots = [file("ca.der")];
    let refused = verify(&response, &expected(&imprint), &[file("other-ca.der")]).unwrap_err();
    assert_eq!(refused, TimeStampError::UnknownAuthority, "anybody's authority would be believed");
    let refused = verify(&response, &expected(&imprint), &[]).unwrap_err();
    assert!(matches!(refused, TimeStampError::Roots(_)), "no authority at all would do: {refused}");
    let refused = verify(&resigned(&response, "plain"), &expected(&imprint), &roots).unwrap_err();
    assert!(matches!(refused, TimeStampError::Signer(_)), "any certificate could stamp: {refused}");
    let refused = verify(&resigned(&response, "expired"), &expected(&imprint), &roots).unwrap_err();
    assert!(
        matches!(&refused, TimeStampError::Chain(text) if text.contains("expired")),
        "a key from 2020 could stamp: {refused}"
    );
}

#[test]
fn no_byte_of_a_stamp_can_be_changed_without_being_noticed_or_meaning_the_same() {
    let (imprint, response) = stamped("good");
    let roots = [file("ca.der")];
    let whole = verify(&response, &expected(&imprint), &roots).unwrap();
    for place in 0..response.len() {
        let mut changed = response.clone();
        changed[place] ^= 1;
        if let Ok(stamp) = verify(&changed, &expected(&imprint), &roots) {
            assert_eq!(stamp, whole, "byte {place} changed what the stamp says");
        }
    }
    for length in 0..response.len() {
        assert!(
            verify(&response[..length], &expected(&imprint), &roots).is_err(),
            "{length} bytes of a stamp pass for one"
        );
    }
}

/// Requirement: A19
#[test]
fn what_the_reader_cannot_check_is_never_reported_as_fine() {
    let (imprint, response) = stamped("good");
    let nobody = AnchorTrust::default();
    let finding = verify_evidence(AnchorKind::Rfc3161, &response, &imprint, &nobody);
    assert!(matches!(finding, AnchorFinding::NotChecked(_)), "nobody is trusted and it holds: {finding:?}");
    let trust = |name: &str| {
        AnchorTrust::parse(AnchorTrust::authority_line("stamps", &file(name)).as_bytes()).unwrap()
    };
    let finding = verify_evidence(AnchorKind::Rfc3161, &response, &imprint, &trust("other-ca.der"));
    assert!(matches!(finding, AnchorFinding::NotChecked(_)), "a stranger's stamp: {finding:?}");
    let finding = verify_evidence(AnchorKind::Rfc3161, &response, &imprint, &trust("ca.der"));
    assert!(
        matches!(finding, AnchorFinding::Holds { unforeseeable: true, .. }),
        "a good stamp is lost: {finding:?}"
    );
    let finding = verify_evidence(AnchorKind::Rfc3161, &response, &sha256(b"x"), &trust("ca.der"));
    assert!(matches!(finding, AnchorFinding::Broken(_)), "a stamp of other data: {finding:?}");
}

fn golden(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/anchor").join(name)).unwrap()
}

#[test]
fn stamps_that_were_kept_are_read_for_ever() {
    let imprint = Hash::from_hex(String::from_utf8(golden("stamped.sha256")).unwrap().trim()).unwrap();
    let expected = Expected { imprint: &imprint, nonce: None, policy: None };
    for key in ["p256", "rsa"] {
        let roots = [golden(&format!("authority-{key}.der"))];
        let stamp = verify(&golden(&format!("stamp-{key}.tsr")), &expected, &roots).unwrap();
        assert_eq!(stamp.policy, "1.3.6.1.4.1.99999.1", "an old stamp is read as something else");
    }
}

/// Kept for every verifier: `lent` has its certificate from an authority whose key may not sign certificates (RFC 5280 §6.1.4 (n)).
#[test]
fn an_authority_between_has_to_be_one_whose_key_may_sign_certificates() {
    let imprint = sha256(b"checkpoint");
    let expected = Expected { imprint: &imprint, nonce: None, policy: None };
    let roots = [golden("authority-deep.der")];
    verify(&golden("stamp-deep.tsr"), &expected, &roots)
        .expect("a chain over an authority below another is no longer read");
    let refused = verify(&golden("stamp-lent.tsr"), &expected, &roots).unwrap_err();
    assert!(
        matches!(refused, TimeStampError::Chain(_)),
        "whoever holds a certificate for something else makes time-stamps of this authority: {refused}"
    );
    let (imprint, response) = stamped("lent");
    assert!(
        verify(&response, &self::expected(&imprint), &[file("ca.der")]).is_err(),
        "openssl's own is accepted"
    );
}
