//! Captured prompts and answers: shown after a reason is on record, and to whoever gave it; and what belongs to an entry.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use serde_json::json;
use tabellion_ledger::{Clock as _, ErasureTarget};
use tabellion_model::Micros;
use tabellion_model::body::Role;
use tabellion_testkit::{Change, Fate};

use super::browser::Browser;
use crate::api::house::House;

const SAID: &str = "what the provider saw";

// Requirement: A10.
#[test]
fn a_prompt_is_shown_to_whoever_said_why_and_that_is_on_record() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, secret) = house.key(&admin, &system);
    let (answered, denied) = house.calls(&system, &key);
    let path = format!("/calls/{answered}");
    let officer = Browser::of(&house, "Cleo Marsh", &[Role::ComplianceOfficer]);
    let page = officer.page(&path);
    assert!(!page.contains(SAID), "a prompt is shown to whoever opens the call: {page}");
    assert!(page.contains("Nobody has looked"), "nobody is told that nobody looked");
    let empty = officer.send(&path, "content", &[("reason", "  ")]);
    assert_eq!(empty.status, 400, "no reason is taken for one: {}", empty.text());
    assert!(!empty.text().contains(SAID), "a refusal shows what it refuses");
    let size = house.ledger.reader().size();
    let shown = officer.follow(&officer.send(&path, "content", &[("reason", "Complaint 2026-114")]));
    assert!(shown.contains(SAID), "who gave a reason is not shown it: {shown}");
    assert!(shown.contains("Complaint 2026-114"), "who looked before is not shown");
    let entry = house.get(&admin, &format!("/api/v1/entries/{size}")).ok().json();
    assert_eq!(
        (entry["type"].as_str(), entry["actor"].as_str(), entry["system"].as_str()),
        (Some("content.viewed"), Some(officer.person.as_str()), Some(system.as_str())),
        "that somebody looked is not on record: {entry}"
    );
    assert!(officer.page(&path).contains(SAID), "the reason is asked for at every click");
    let auditor = Browser::of(&house, "Noor", &[Role::Auditor]);
    let theirs = auditor.page(&path);
    assert!(
        !theirs.contains(SAID) && theirs.contains("Complaint 2026-114") && theirs.contains("Cleo Marsh"),
        "one's reason opens it for another, or who looked is hidden: {theirs}"
    );
    // The same rule behind the API, the entry and its receipt; a program reads with its key.
    let call = house.get(&house.person("Ida", &[Role::Auditor]).1, &format!("/api/v1{path}")).ok().json();
    assert_eq!(
        (call["evidence"]["prompt"].as_str(), call["evidence"]["withheld"].as_str()),
        (None, Some("reason_needed")),
        "the API gives what the page keeps back: {call}"
    );
    let index = call["proof"]["decided"]["index"].as_u64().expect("an index");
    assert!(
        !auditor.page(&format!("/ledger/{index}")).contains(SAID),
        "the entry gives what the call keeps back"
    );
    let (_, other) = house.person("Ino", &[Role::Auditor]);
    let receipt = house.get(&other, &format!("/api/v1/entries/{index}/receipt")).ok();
    assert!(!receipt.text().contains("prompt"), "the receipt gives what the call keeps back");
    let read = house.get(&secret, &format!("/api/v1{path}")).ok().json();
    assert_eq!(
        read["evidence"]["prompt"].as_str(),
        Some(SAID),
        "a program cannot read its own calls: {read}"
    );
    house.clock.set(Micros(house.clock.now().0 + 2 * 60 * 60 * 1_000_000));
    assert!(!officer.page(&path).contains(SAID), "a reason of this morning counts for ever");
    let nothing = officer.post(&format!("/calls/{denied}/content"), &[]);
    assert_ne!(nothing.status, 303, "a reason is recorded for a call of which nothing is kept");
    let administrator = Browser::of(&house, "Ines", &[Role::Administrator]);
    assert!(
        !administrator.page(&path).contains("id=\"form-content\""),
        "somebody who may not see it is asked for a reason"
    );
}

// Requirement: A10.
#[test]
fn a_prompt_whose_reason_could_not_be_recorded_is_not_shown() {
    for (broken, kind) in [(Change::Write, io::ErrorKind::StorageFull), (Change::Sync, io::ErrorKind::Other)]
    {
        let fails = Arc::new(AtomicU8::new(0));
        let failing = Arc::clone(&fails);
        let house = House::hooked(move |path, change| {
            if failing.load(Ordering::SeqCst) > 0 && change == broken && path.starts_with("log/") {
                failing.fetch_add(1, Ordering::SeqCst);
                return Err(kind.into());
            }
            Ok(Fate::Made)
        });
        let (_, admin) = house.person("Ada", &[Role::Administrator]);
        let system = house.live_system(&admin, "Loan support");
        let (key, _) = house.key(&admin, &system);
        let (answered, _) = house.calls(&system, &key);
        let path = format!("/calls/{answered}");
        let officer = Browser::of(&house, "Cleo Marsh", &[Role::ComplianceOfficer]);
        let (_, auditor) = house.person("Noor", &[Role::Auditor]);
        fails.store(1, Ordering::SeqCst);
        let size = house.ledger.reader().size();
        let refused = officer.send(&path, "content", &[("reason", "Complaint 2026-114")]);
        assert!(
            fails.load(Ordering::SeqCst) > 1,
            "{broken:?}: the disk failed nothing, and nothing is tried"
        );
        assert!(
            refused.status >= 500,
            "{broken:?}: what is on no disk is taken for recorded: {}",
            refused.status
        );
        assert!(
            !refused.text().contains(SAID),
            "{broken:?}: the answer shows what nobody knows to be asked for"
        );
        let body = json!({"reason": "Complaint 2026-114"});
        let tried = house.post(&auditor, &format!("/api/v1{path}/viewings"), &body);
        assert!(
            tried.status >= 500 && !tried.text().contains(SAID),
            "{broken:?}: the API shows it: {}",
            tried.text()
        );
        let page = officer.get(&path);
        assert!(!page.text().contains(SAID), "{broken:?}: a reason that is on no record opens the call");
        let call = house.get(&auditor, &format!("/api/v1{path}"));
        assert!(!call.text().contains(SAID), "{broken:?}: the API opens the call: {}", call.text());
        assert_eq!(house.ledger.reader().size(), size, "{broken:?}: something is counted that is on no disk");
    }
}

#[test]
fn an_entry_leads_to_its_file_and_to_what_it_follows_from() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, secret) = house.key(&admin, &system);
    let (answered, _) = house.calls(&system, &key);
    let file = json!({"kind": "document", "system": system, "file": {"name": "../plan <b>.txt", "media_type": "text/html", "content": "PGI+aGVsbG88L2I+"}});
    let made = house.post(&secret, "/api/v1/records", &file).ok().json();
    let index = made["recorded"]["index"].as_u64().expect("an index");
    let officer = Browser::of(&house, "Cleo", &[Role::ComplianceOfficer]);
    let page = officer.page(&format!("/ledger/{index}"));
    assert!(
        page.contains("The file") && page.contains("Download the file"),
        "nobody gets to the file: {page}"
    );
    let bytes = officer.get(&format!("/ledger/{index}/file"));
    assert_eq!(bytes.body, b"<b>hello</b>", "the file is another");
    assert_eq!(
        (bytes.header("content-type"), bytes.header("content-disposition")),
        (Some("application/octet-stream"), Some("attachment; filename=\"_plan__b_.txt\"")),
        "a browser would run what somebody recorded"
    );
    assert_eq!(officer.get("/ledger/1/file").status, 404, "an entry without a file gives one");
    let call = house.get(&admin, &format!("/api/v1/calls/{answered}")).ok().json();
    let ended = call["proof"]["ended"]["index"].as_u64().expect("an index");
    let end = officer.page(&format!("/ledger/{ended}"));
    assert!(
        end.contains(&format!("/calls/{answered}")),
        "the end of a call does not lead to the call: {end}"
    );
}

/// Requirement: A10. Whoever sees calls of every system and content of their own alone is shown the page of any call, with what is kept from them and why.
#[test]
fn two_roles_open_the_page_of_a_call_that_one_of_them_may_not_see_all_of() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let both = Browser::of(&house, "Bea", &[Role::GovernanceEngineer, Role::Developer]);
    let token = house.session(&both.person);
    let (theirs, own) = (house.live_system(&admin, "Somebody else's"), house.live_system(&token, "Own"));
    let ((of_theirs, _), (of_own, _)) = (house.key(&admin, &theirs), house.key(&admin, &own));
    let ((foreign, _), (mine, _)) = (house.calls(&theirs, &of_theirs), house.calls(&own, &of_own));
    let path = format!("/calls/{foreign}");
    let page = both.page(&path);
    assert!(page.contains("you do not answer for this one"), "nobody is told why it is kept back: {page}");
    assert!(
        !page.contains(SAID) && !page.contains("form-content"),
        "it is offered to whoever may not: {page}"
    );
    let of_mine = both.page(&format!("/calls/{mine}"));
    assert!(of_mine.contains("form-content") && of_mine.contains("Nobody has looked"), "{of_mine}");
    // What is erased is told to everybody; who looked at it is not.
    let officer = Browser::of(&house, "Cleo", &[Role::ComplianceOfficer]);
    officer.follow(&officer.send(&path, "content", &[("reason", "Complaint 2026-114")]));
    let call = house.get(&token, &format!("/api/v1{path}")).ok().json();
    let index = call["proof"]["decided"]["index"].as_u64().expect("an index");
    house.ledger.erase(&ErasureTarget::Record(index), "asked for").expect("it is erasable alone");
    let page = both.page(&path);
    assert!(page.contains("It was erased"), "the page of an erased call is refused or says nothing: {page}");
    assert!(page.contains("Who looked at it before is for"), "nobody is told what is kept back: {page}");
    assert!(
        !page.contains("Complaint 2026-114"),
        "who looked is shown to somebody who may not see it: {page}"
    );
}
