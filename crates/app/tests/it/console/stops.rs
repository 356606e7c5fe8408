//! Emergency stops in the console: ordered on a page, seen on every page, lifted by somebody else.

use serde_json::json;
use tabellion_ledger::{Clock as _, Draft, DraftParent};
use tabellion_model::body::{Body as _, CallDenied, Role};

use super::browser::Browser;
use crate::api::house::House;

/// Requirement: N11.
#[test]
fn a_stop_is_ordered_on_a_page_seen_on_every_page_and_lifted_by_somebody_else() {
    let house = House::new();
    let ada = Browser::of(&house, "Ada", &[Role::Administrator]);
    let abe = Browser::of(&house, "Abe", &[Role::Approver]);
    let before = house.ledger.reader().size();
    assert!(ada.page("/stops").contains("Nothing was ever stopped"), "an empty page says nothing");
    assert!(!abe.page("/stops").contains("form-order-stop"), "a form is shown that can only be refused");
    let typed = |scope, subject| {
        [("scope", scope), ("subject", subject), ("reason", "it tells <secrets>"), ("drill", "yes")]
    };
    let refused = ada.send("/stops", "order-stop", &typed("system", "loans"));
    assert!(
        refused.status == 400 && refused.text().contains("32 lower-case hex digits"),
        "{}",
        refused.text()
    );
    let page = ada.follow(&ada.send("/stops", "order-stop", &typed("model", "small<1>")));
    for part in [
        "Exercise, in force",
        "model small&#60;1&#62;",
        "it tells &#60;secrets&#62;",
        "no call was refused",
        "no call was cut",
    ] {
        assert!(page.contains(part), "{part} is not shown: {page}");
    }
    let from = page.find("/stops/").expect("its address");
    let path = &page[from..from + "/stops/".len() + 32];
    for page in ["/", "/inbox", "/policies", "/stops", path] {
        assert!(abe.page(page).contains("data-testid=\"stops\""), "{page} hides that a stop is in force");
    }
    let nobody = Browser::of(&house, "Nix", &[]);
    assert!(!nobody.page("/").contains("data-testid=\"stops\""), "what is stopped is shown to anybody");

    let why = [("reason", "it was mended")];
    let own = ada.send(path, "lift-stop", &why);
    assert!(own.status == 403 && own.text().contains("second person"), "{}", own.text());
    let page = abe.follow(&abe.send(path, "lift-stop", &why));
    assert!(page.contains("Exercise, lifted") && page.contains("it was mended"), "{page}");
    assert!(!page.contains("data-testid=\"stops\""), "the banner stays when nothing is stopped: {page}");
    assert!(!page.contains("form-lift-stop"), "what is lifted can be lifted again");
    // As of an earlier moment the list is the one of then.
    let then = ada.page(&format!("/stops?as_of={before}"));
    assert!(then.contains("Nothing was ever stopped") && !then.contains("form-order-stop"), "{then}");
    assert!(ada.page("/stops").contains("small&#60;1&#62;"), "a stop that was lifted is forgotten");
}

/// Requirement: N11.
#[test]
fn a_system_or_key_is_stopped_from_its_page_and_a_stopped_call_names_its_stop() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let abe = Browser::of(&house, "Abe", &[Role::Administrator]);
    for (path, label, scope, subject) in [
        (format!("/systems/{system}"), "Stop this system", "system", &system),
        (format!("/keys/{key}"), "Stop this key", "key", &key),
    ] {
        let page = abe.page(&path);
        let form = format!("/stops?scope={scope}&#38;subject={subject}");
        assert!(page.contains(label) && page.contains(&form), "{path} offers no stop: {page}");
        let filled = abe.page(&format!("/stops?scope={scope}&subject={subject}"));
        assert!(filled.contains(&format!("value=\"{subject}\"")), "the form is not filled in: {filled}");
    }
    let auditor = Browser::of(&house, "Au", &[Role::Auditor]);
    assert!(
        !auditor.page(&format!("/systems/{system}")).contains("Stop this system"),
        "offered what is refused"
    );
    let typed = [("scope", "system"), ("subject", system.as_str()), ("reason", "it tells secrets")];
    let page = abe.follow(&abe.send("/stops", "order-stop", &typed));
    assert!(page.contains("Who may lift it") && page.contains("compliance officer or approver"), "{page}");
    let stop = house.desk.stop_rows().expect("stops").into_iter().next().expect("one");
    let denied: CallDenied = serde_json::from_value(json!({
        "code": "stopped", "reason": "a stop is in force", "status": 403, "surface": "openai.chat_completions", "model": "small",
        "received_bytes": 3, "received_sha256": "f".repeat(64), "policies": [], "rules": [], "retry": 0,
    }))
    .expect("a body");
    let mut draft = Draft::new(CallDenied::TYPE);
    draft.body = denied.fields().expect("fields");
    (draft.actor, draft.system) = (Some(key.clone()), Some(system.clone()));
    draft.observed_at = Some(house.clock.now().0);
    let bytes = house.ledger.reader().entry(stop.entry).expect("the order").bytes;
    draft.parents = vec![DraftParent {
        hash: tabellion_tlog::leaf_hash(&bytes).to_hex(),
        record_id: stop.record_id.to_hex(),
        role: "stop".to_owned(),
    }];
    let call = house.ledger.append(&draft).expect("a record").record_id;
    let page = abe.page(&format!("/calls/{call}"));
    let link = format!("/stops/{}", stop.stop);
    assert!(page.contains("Refused by") && page.contains(&link), "the call does not say which stop: {page}");
    let page = auditor.page(&format!("/systems/{system}"));
    assert!(page.contains("Stopped now by") && page.contains(&link), "{page}");
}
