//! A file put on record for the auditor.

use base64::Engine as _;
use tabellion_model::body::Role;

use super::browser::{Browser, form_of};
use crate::api::house::House;

const DIGEST: &str = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";

fn typed() -> Vec<(&'static str, &'static str)> {
    vec![
        ("kind", "document"),
        ("name", "minutes.pdf"),
        ("sha256", DIGEST),
        ("size_bytes", "11"),
        ("note", "The review, in the minutes of March"),
    ]
}

#[test]
fn a_file_is_kept_by_its_digest_for_the_control_that_it_was_kept_for() {
    let house = House::new();
    let cleo = Browser::of(&house, "Cleo", &[Role::ComplianceOfficer]);
    let control = cleo.page("/controls/9.3.1");
    assert!(control.contains("href=\"/records/new?serves=9.3.1\""), "nothing leads to it: {control}");
    let form = cleo.page("/records/new?serves=9.3.1");
    assert!(
        form.contains("name=\"serves\" value=\"9.3.1\""),
        "what it is kept for has to be typed again: {form}"
    );
    let mut fields = typed();
    fields.push(("serves", "9.3.1"));
    let kept = cleo.send("/records/new?serves=9.3.1", "keep", &fields);
    let page = cleo.follow(&kept);
    assert!(page.contains("You put a file on record"), "{page}");
    let place = kept.header("location").expect("a place");
    assert!(place.starts_with("/controls/9.3.1?"), "nobody is brought back to what it was kept for: {place}");
    let entry = place.rsplit('=').next().expect("an entry");
    let shown = cleo.page(&format!("/ledger/{entry}"));
    for said in ["document.captured", "minutes.pdf", DIGEST, "9.3.1", "in the minutes of March"] {
        assert!(shown.contains(said), "an auditor does not find {said} in the record: {shown}");
    }
}

#[test]
fn a_file_that_is_kept_whole_has_the_digest_that_was_said() {
    let house = House::new();
    let cleo = Browser::of(&house, "Cleo", &[Role::ComplianceOfficer]);
    let (action, mut fields) = form_of(&cleo.page("/records/new"), "keep");
    fields.retain(|(name, _)| {
        name != "content" && name != "whole" && !typed().iter().any(|(other, _)| other == name)
    });
    fields.extend(typed().into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())));
    fields.push(("whole".to_owned(), "yes".to_owned()));
    let without = cleo.post(&action, &fields);
    assert_eq!(without.status, 400, "a file is called kept that never came: {}", without.text());
    let mut other = fields.clone();
    other.push(("content".to_owned(), base64::engine::general_purpose::STANDARD.encode("something else")));
    let refused = cleo.post(&action, &other);
    assert!(refused.status >= 400, "the record names another file than it holds");
    assert!(refused.text().contains("href=\"#keep-sha256\""), "{}", refused.text());
    let (_, again) = form_of(&refused.text(), "keep");
    let once = again.into_iter().find(|(name, _)| name == "once").expect("a key");
    fields.retain(|(name, _)| name != "once");
    fields.push(once);
    fields.push(("content".to_owned(), base64::engine::general_purpose::STANDARD.encode("hello world")));
    cleo.follow(&cleo.post(&action, &fields));
}

#[test]
fn nobody_keeps_a_file_for_a_system_that_is_not_theirs_or_a_control_that_is_not_there() {
    let house = House::new();
    let ada = Browser::of(&house, "Ada", &[Role::Administrator]);
    let system = house.live_system(&house.session(&ada.person), "Loan support");
    let developer = Browser::of(&house, "Dev", &[Role::Developer]);
    let mut fields = typed();
    fields.push(("system", &system));
    let refused = developer.send("/records/new", "keep", &fields);
    assert!(refused.status >= 400, "somebody records for a system of others");
    let mut fields = typed();
    fields.push(("serves", "A.99.1"));
    let refused = ada.send("/records/new", "keep", &fields);
    assert!(refused.status >= 400 && refused.text().contains("href=\"#keep-serves\""), "{}", refused.text());
    let auditor = Browser::of(&house, "Au", &[Role::Auditor]);
    assert_eq!(auditor.get("/records/new").status, 403, "whoever changes nothing records a file");
    assert!(!auditor.page("/controls/8.4").contains("/records/new"), "an auditor is led to a closed page");
}
