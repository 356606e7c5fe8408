//! Evidence from outside, with the tools that everybody has: `curl` at the control plane, then the verifier.

use std::process::Command;

use serde_json::{Value, json};
use tabellion_testkit::upstream::Answer;

use super::organisation::Organisation;

/// What `curl` gets for a body that it sends as docs/api.md shows.
fn curl(organisation: &Organisation, key: &str, more: &[&str], body: &str) -> Value {
    let url = format!("http://{}/api/v1/records", organisation.control);
    let bearer = format!("authorization: Bearer {key}");
    let output = Command::new("curl")
        .args(["-s", &url, "-H", &bearer, "-H", "content-type: application/json", "-d", body])
        .args(more)
        .output()
        .expect("curl is installed: docs/api.md and the README use it");
    assert!(output.status.success(), "curl: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stdout)))
}

/// Requirement: A11. A file is recorded by its digest alone, or whole; a retry is the same record; the receipt proves it offline.
/// Requirement: A13. Impact assessments, technical documents, event logs and audit reports are record types of their own.
#[test]
fn files_are_captured_with_curl_by_digest_or_whole_in_each_kind() {
    let organisation = Organisation::new(Answer::silence());
    let key = organisation.key(&organisation.system("Loan support"), &json!({})).secret;
    let auditor = organisation.person("Ida", "auditor").token;
    // SHA-256 of "hello".
    let digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    for kind in ["impact_assessment", "technical_document", "event_log", "audit_report"] {
        let by_digest =
            json!({"kind": kind, "file": {"name": "loans.pdf", "sha256": digest, "size_bytes": 5}})
                .to_string();
        let retried = format!("idempotency-key: {kind}-7");
        let first = curl(&organisation, &key, &["-H", &retried], &by_digest);
        assert_eq!(first["type"], format!("{kind}.captured"), "each kind has a type of its own: {first}");
        assert_eq!(first["content_kept"], false, "by digest, the file stays where it is");
        let again = curl(&organisation, &key, &["-H", &retried], &by_digest);
        assert_eq!(
            (&again["recorded"]["index"], &again["recorded"]["repeated"]),
            (&first["recorded"]["index"], &json!(true)),
            "a retry became a second record"
        );
        let whole = json!({"kind": kind, "file": {"name": "notes.txt", "content": "aGVsbG8="}}).to_string();
        let kept = curl(&organisation, &key, &[], &whole);
        assert_eq!(
            (&kept["sha256"], &kept["content_kept"]),
            (&json!(digest), &json!(true)),
            "whole, its digest is computed"
        );
        let entry = organisation.read(&auditor, &format!("/api/v1/entries/{}", kept["recorded"]["index"]));
        assert_eq!(entry["units"][0]["fields"]["content"], "aGVsbG8=", "what was kept is not there: {entry}");
        let index = first["recorded"]["index"].to_string();
        let receipt = organisation.notary.beside_text(&format!("{kind}.receipt"));
        organisation.notary.run(&["log", "prove", &index, "--out", &receipt]).ends(0);
        organisation.notary.verify(&receipt).ends(0);
    }
    let wrong =
        json!({"kind": "document", "file": {"name": "a", "content": "aGVsbG8=", "sha256": "0".repeat(64)}});
    let refused = curl(&organisation, &key, &[], &wrong.to_string());
    assert_eq!(refused["code"], "digest_mismatch", "a file was recorded under another's digest: {refused}");
    let unknown = json!({"kind": "call.authorised", "file": {"name": "a", "content": "aGVsbG8="}});
    let refused = curl(&organisation, &key, &[], &unknown.to_string());
    assert_eq!(refused["code"], "malformed", "anybody could forge the gateway's own records: {refused}");
    let nobody = curl(&organisation, "tbl_nobody", &[], &wrong.to_string());
    assert_eq!(nobody["code"], "not_signed_in", "anybody could record: {nobody}");
}
