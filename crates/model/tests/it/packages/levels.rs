//! What a receipt shows by itself: the levels that its evidence reaches for a reader, and a live copy held against it.

use serde_json::{Value, json};
use tabellion_model::{Outcome, Reader, Receipt, ReceiptAnchor, Report, verify_for};
use tabellion_tlog::anchor::{AnchorKind, AnchorTrust};
use tabellion_tlog::{Policy, SignatureType, SignedCheckpoint, SigningKey, VerifierKey, cosign};

use super::anchors::anchor;
use super::fixture::{Log, START};

const WITNESS: &str = "w.example";

fn witness() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

/// A log of one batch, and its first record.
fn log() -> (Log, u64) {
    let mut log = Log::new("notary.example", "a");
    log.open_epoch(1);
    let index = log.record("loan file");
    log.seal();
    (log, index)
}

fn trust_of(log: &Log) -> Policy {
    Policy::parse(log.trust()).unwrap()
}

fn cosigned(receipt: &Receipt) -> Receipt {
    let signed = SignedCheckpoint::parse(receipt.checkpoint.as_bytes()).unwrap();
    let line = cosign(&signed.note.text, WITNESS, START / 1_000_000 + 7_200, &witness()).unwrap();
    Receipt { checkpoint: signed.with_signatures(&[line]).bytes, ..receipt.clone() }
}

fn judged(receipt: &Receipt, trust: Option<&Policy>, anchors: Option<&AnchorTrust>) -> Report {
    verify_for(&receipt.to_bytes().unwrap(), &Reader { trust, anchors, ..Reader::default() })
}

fn levels(report: &Report) -> Vec<&str> {
    report.facts["levels"].as_array().unwrap().iter().map(|level| level.as_str().unwrap()).collect()
}

/// A receipt with the evidence of an anchor, and a trust file that names the anchor's block.
pub(super) fn anchored_receipt() -> (Vec<u8>, String) {
    let (mut log, index) = log();
    let own = log.receipt(index);
    let block = anchor(&mut log, 7, 1, 1);
    let evidence = ReceiptAnchor { anchor: AnchorKind::Evm, evidence: block.evidence };
    let receipt = Receipt { anchors: vec![evidence], ..own };
    (receipt.to_bytes().unwrap(), format!("{}{}", log.trust(), block.line))
}

#[test]
fn a_receipt_reaches_the_levels_that_its_own_evidence_shows_to_this_reader_and_no_others() {
    let (mut log, index) = log();
    let own = log.receipt(index);
    let block = anchor(&mut log, 7, 1, 1);
    let trust = trust_of(&log);
    assert_eq!(levels(&judged(&own, None, None)), [""; 0], "a level without anybody to trust");
    assert_eq!(levels(&judged(&own, Some(&trust), None)), ["included"]);

    let key = VerifierKey::with_type(WITNESS, witness().public(), SignatureType::CosignatureV1).unwrap();
    let asks = trust.to_string().replace("quorum none", &format!("witness w {key}\nquorum w"));
    let asks = Policy::parse(asks).unwrap();
    let both = cosigned(&own);
    assert_eq!(levels(&judged(&both, Some(&asks), None)), ["included", "witnessed"]);
    assert_eq!(
        levels(&judged(&both, Some(&trust), None)),
        ["included"],
        "a witness that the reader does not know"
    );
    let unmet = judged(&own, Some(&asks), None);
    assert_eq!((levels(&unmet).len(), unmet.exit_code()), (0, 3), "a reader who asks for witnesses got none");

    let evidence = ReceiptAnchor { anchor: AnchorKind::Evm, evidence: block.evidence.clone() };
    let anchored = Receipt { anchors: vec![evidence.clone()], ..both.clone() };
    let block_known = AnchorTrust::parse(block.line.as_bytes()).unwrap();
    let whole = judged(&anchored, Some(&asks), Some(&block_known));
    assert_eq!(levels(&whole), ["included", "witnessed", "anchored"], "{}", whole.to_text());
    assert!(whole.facts["time_bounds"][0]["not_after"]["source"].is_string(), "an anchor that dates nothing");
    let stranger = judged(&anchored, Some(&asks), None);
    assert_eq!(levels(&stranger), ["included", "witnessed"], "evidence that nobody checked counts");
    assert_eq!(stranger.exit_code(), 0, "evidence that cannot be checked here breaks what can");
    assert!(
        Receipt::parse(&anchored.to_bytes().unwrap()).unwrap() == anchored,
        "a receipt does not come back"
    );

    // Evidence of another checkpoint says nothing of this one.
    let later = Receipt { anchors: vec![evidence.clone()], ..log.receipt(index) };
    let foreign = judged(&later, Some(&trust), Some(&block_known));
    assert_eq!(foreign.check("anchors").unwrap().outcome, Outcome::Broken, "{}", foreign.to_text());
    assert!(!levels(&foreign).contains(&"anchored"), "another tree's anchor was counted");
    for anchors in [vec![evidence.clone(), evidence.clone()], vec![evidence; 9]] {
        let refused = judged(&Receipt { anchors, ..own.clone() }, Some(&trust), None);
        assert_eq!(refused.exit_code(), 2, "repeated evidence makes a second form of the same receipt");
    }
}

fn live((log, index): &(Log, u64), live: &Value) -> Report {
    let bytes = log.receipt(*index).to_bytes().unwrap();
    let (trust, live) = (trust_of(log), live.to_string());
    verify_for(&bytes, &Reader { trust: Some(&trust), live: Some(live.as_bytes()), ..Reader::default() })
}

/// Requirement: A01, R17
#[test]
fn a_live_copy_that_was_altered_is_named_field_by_field() {
    let log = log();
    let receipt = log.0.receipt(log.1);
    let fields: serde_json::Map<String, Value> = receipt
        .disclosures
        .iter()
        .map(|encoded| tabellion_model::Disclosure::parse(encoded).unwrap())
        .map(|field| (field.name().to_owned(), field.value().clone()))
        .collect();
    assert!(!fields.is_empty(), "nothing is shown, so the test shows nothing");
    let same = live(&log, &Value::Object(fields.clone()));
    let aspect = |report: &Report| {
        report.aspects.iter().find(|one| one.name == "live source").unwrap().standing.as_str()
    };
    assert_eq!(
        (aspect(&same), same.check("live source").unwrap().outcome),
        ("holds", Outcome::Holds),
        "{}",
        same.to_text()
    );

    let name = fields.keys().next().unwrap().clone();
    let mut changed = fields.clone();
    changed.insert(name.clone(), json!({"now": "another"}));
    changed.insert("added".to_owned(), json!(1));
    let report = live(&log, &Value::Object(changed));
    let said = &report.check("live source").unwrap().detail;
    assert_eq!((aspect(&report), report.exit_code()), ("broken", 1), "{}", report.to_text());
    assert!(said.contains(&format!("/{name}: is")) && said.contains("recorded was"), "which field? {said}");
    let mut less = fields;
    less.remove(&name);
    let said = live(&log, &Value::Object(less));
    assert!(
        said.check("live source").unwrap().detail.contains(&format!("/{name}: is gone")),
        "{}",
        said.to_text()
    );
    assert_eq!(live(&log, &json!([])).exit_code(), 2, "no copy of a record was taken for one");
}

/// Requirement: R18. One verifier: what was not asked is not checked, and what an operator asks is required.
#[test]
fn an_auditor_without_the_live_system_and_an_operator_with_it_require_different_checks() {
    let log = log();
    let bytes = log.0.receipt(log.1).to_bytes().unwrap();
    let trust = trust_of(&log.0);
    let offline = verify_for(&bytes, &Reader { trust: Some(&trust), ..Reader::default() });
    assert!(offline.check("live source").is_none(), "a check that nobody asked for");
    assert_eq!(
        (offline.exit_code(), offline.aspects[3].standing.as_str()),
        (0, "not checked"),
        "never reported as fine"
    );
    let operator = live(&log, &json!({}));
    assert!(operator.check("live source").unwrap().required, "an operator's live system decides nothing");
    assert_eq!(operator.exit_code(), 1, "a live system that lost the record passes");
    let silent = Receipt { disclosures: Vec::new(), ..Receipt::parse(&bytes).unwrap() }.to_bytes().unwrap();
    let unknown =
        verify_for(&silent, &Reader { trust: Some(&trust), live: Some(b"{}"), ..Reader::default() });
    assert_eq!(unknown.exit_code(), 3, "required and not run is a pass");
}

/// Requirement: R19
#[test]
fn the_report_as_a_page_needs_nothing_else_and_no_text_of_the_evidence_becomes_markup() {
    let log = log();
    let report = live(&log, &json!({"<img src=x onerror=alert(1)>": "</td><script>"}));
    let page = report.to_html("\"><script>alert(1)</script>.receipt");
    for never in ["<script", "<img", "<link", "<iframe", "http://", "https://", "url(", "@import"] {
        assert!(!page.contains(never), "the page holds {never:?}, which would run or fetch something");
    }
    for tag in page.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()) {
        let fetches = [" src", " href", " on"].iter().any(|name| tag.contains(name));
        assert!(!fetches, "the tag <{tag}> would run or fetch something");
    }
    for said in
        ["Something is broken", "live source", "exit status 1", "&lt;img src=x", "not a certification body"]
    {
        assert!(page.contains(said), "the page does not say {said:?}:\n{page}");
    }
    assert!(
        page.starts_with("<!doctype html>") && page.contains("lang=\"en\""),
        "no reader knows its language"
    );
}
