//! Controls and the Statement of Applicability: all 70 and all 38, explained; decided, approved by a second person, as one document.

use tabellion_model::body::Role;

use super::browser::{Browser, form_of, plain};
use crate::api::house::House;

fn rows(page: &str) -> usize {
    page.matches("data-href=\"/controls/").count()
}

// Row V45: covered, partial or gap for every clause and control, never typed in, with its reasons.
#[test]
fn every_clause_and_control_is_listed_filtered_and_explained() {
    let house = House::new();
    let cleo = Browser::of(&house, "Cleo", &[Role::ComplianceOfficer]);
    let page = cleo.page("/controls");
    assert!(page.contains("38 controls, 32 clauses"), "{page}");
    assert_eq!(rows(&page), 70, "a clause or control is missing from the list");
    assert_eq!(rows(&cleo.page("/controls?kind=control")), 38);
    assert_eq!(rows(&cleo.page("/controls?kind=clause")), 32);
    assert_eq!(rows(&cleo.page("/controls?area=A.5")), 4, "an area shows others, or not all of its own");
    let (gaps, all) = (rows(&cleo.page("/controls?status=gap")), 70);
    assert!(gaps > 0 && gaps <= all);
    let unknown = cleo.page("/controls?qualifier=no_source");
    assert!(
        rows(&unknown) > 0 && unknown.contains("tag hatched"),
        "what has no source is not hatched: {unknown}"
    );
    let csv = cleo.page("/controls?format=csv");
    assert_eq!(csv.matches("\r\n").count(), 71, "the file lacks rows");
    for reference in ["4.1", "10.2", "A.2.2", "A.6.2.8", "A.10.4"] {
        let page = cleo.page(&format!("/controls/{reference}"));
        for part in ["Design", "Population", "Operation", "Sample", "Integrity", "Findings"] {
            assert!(
                page.contains(&format!("<h3>{part}</h3>")),
                "{reference} does not say how {part} stands: {page}"
            );
        }
        assert!(
            page.contains("The rule") && page.contains("by version"),
            "{reference}: by which rule? {page}"
        );
    }
    assert_eq!(cleo.get("/controls/A.99.1").status, 404);
}

// Row V46: every gap leads to at least one page, and every such page opens for whoever is led there.
#[test]
fn what_would_turn_a_control_green_leads_to_pages_that_open() {
    let house = House::new();
    let admin = Browser::of(&house, "Ada", &[Role::Administrator]);
    house.live_system(&house.session(&admin.person), "Loan support");
    let list = admin.page("/controls?status=gap");
    let references: Vec<&str> =
        list.split("data-href=\"/controls/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(references.len() > 10, "{references:?}");
    let mut seen = std::collections::BTreeSet::new();
    for reference in references {
        let page = admin.page(&format!("/controls/{reference}"));
        let Some(from) = page.find("class=\"next-steps\"") else {
            assert!(page.contains("Keep for the auditor"), "{reference} is a gap without a way out: {page}");
            continue;
        };
        let steps = &page[from..from + page[from..].find("</ol>").expect("its end")];
        let links: Vec<String> =
            steps.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(plain).collect();
        assert!(!links.is_empty(), "{reference}: nobody is led anywhere: {steps}");
        seen.extend(links);
    }
    for link in seen {
        assert_eq!(admin.get(&link).status, 200, "{link} does not open");
    }
    let home = admin.page("/");
    assert!(home.contains("What to do next") && home.contains("ISO/IEC 42001, as evidenced"), "{home}");
}

fn decide(browser: &Browser<'_>, control: &str, typed: &[(&str, &str)]) {
    browser.follow(&browser.send(&format!("/soa/{control}"), "row", typed));
}

// Row G11: one document, every control with its decision and reason, approved as a whole.
#[test]
#[expect(clippy::too_many_lines, reason = "one story from its beginning to its end")]
fn the_statement_is_decided_row_by_row_and_approved_by_a_second_person() {
    let house = House::new();
    let cleo = Browser::of(&house, "Cleo", &[Role::ComplianceOfficer]);
    let abe = Browser::of(&house, "Abe", &[Role::Approver]);
    let page = cleo.page("/soa");
    assert!(page.contains("Not decided yet: 38 of 38") && page.contains("Not complete"), "{page}");
    let row = cleo.page("/soa/A.5.2");
    assert!(!row.contains("checked"), "a decision is chosen beforehand: {row}");
    let bare = cleo.send("/soa/A.5.2", "row", &[("decision", "applied"), ("reason", " ")]);
    assert_eq!(bare.status, 400, "a control is decided without a reason");
    assert!(bare.text().contains("href=\"#row-reason\""), "{}", bare.text());
    let inherited = cleo.send("/soa/A.5.2", "row", &[("decision", "inherited"), ("reason", "by contract")]);
    assert!(
        inherited.text().contains("href=\"#row-evidence\""),
        "an inherited control needs no evidence: {}",
        inherited.text()
    );
    let controls: Vec<String> = page
        .split("href=\"/soa/A.")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .map(|rest| format!("A.{rest}"))
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect();
    assert_eq!(controls.len(), 38, "{controls:?}");
    let long = format!("{} <b>end of a long reason</b>", "By risk, law and contract. ".repeat(20));
    for control in &controls {
        decide(&cleo, control, &[("decision", "applied"), ("reason", &long)]);
    }
    let page = cleo.page("/soa");
    assert!(page.contains("Waits for approval") && !page.contains("Read and approve"), "{page}");
    assert_eq!(
        plain(&page).matches("<b>end of a long reason</b>").count(),
        38,
        "a reason is cut in the document"
    );
    assert!(!page.contains("<b>"), "a reason became markup");
    assert!(cleo.page("/soa/approve").contains("nobody approves their own work"), "an author may approve");
    assert!(
        abe.page("/inbox").contains("Approve the Statement of Applicability"),
        "nobody asks the approver"
    );

    let shown = abe.page("/soa/approve");
    let (action, fields) = form_of(&shown, "approval");
    assert!(!shown.contains("checked"), "the approval is given beforehand");
    let digest = &fields.iter().find(|(name, _)| name == "digest").expect("a digest").1;
    assert!(shown.contains(&format!("<bdi>{digest}</bdi>")), "what is approved is not named");
    let unread = abe.post(&action, &fields);
    assert_eq!(unread.status, 400, "an approval is taken without being given: {}", unread.text());
    // Somebody changes a row while it is read.
    decide(&cleo, "A.2.2", &[("decision", "excluded"), ("reason", "There is no AI here")]);
    let mut read = fields.clone();
    read.push(("read".to_owned(), "yes".to_owned()));
    let late = abe.post(&action, &read);
    assert_eq!(late.status, 409, "rows that nobody read were approved: {}", late.text());
    assert!(
        late.text().contains("There is no AI here") && !late.text().contains("checked"),
        "{}",
        late.text()
    );
    let page = abe.follow(&abe.send("/soa/approve", "approval", &[("read", "yes")]));
    assert!(page.contains("Recorded at") && page.contains("Digest approved"), "{page}");
    decide(&cleo, "A.2.2", &[("decision", "applied"), ("reason", "There is")]);
    let changed = cleo.page("/soa");
    assert!(changed.contains("It changed since its approval") && changed.contains("A.2.2"), "{changed}");
    let history = cleo.page("/soa/A.2.2");
    assert!(
        history.contains("There is no AI here") && history.contains("Excluded"),
        "an earlier decision is gone: {history}"
    );
    let csv = cleo.page("/soa?format=csv");
    assert_eq!(csv.matches("\r\n").count(), 39);
}

#[test]
fn whoever_does_not_decide_is_not_offered_to() {
    let house = House::new();
    let auditor = Browser::of(&house, "Au", &[Role::Auditor]);
    let page = auditor.page("/soa");
    assert!(!page.contains("class=\"edit\"") && !page.contains("Read and approve"), "{page}");
    assert!(!auditor.page("/soa/A.2.2").contains("id=\"form-row\""), "an auditor is offered to decide");
    assert_eq!(auditor.get("/soa/approve").status, 403);
    let developer = Browser::of(&house, "Dev", &[Role::Developer]);
    assert!(!developer.page("/").contains("as evidenced"), "a developer's first page is about controls");
    assert_eq!(developer.page("/controls").matches("data-href=\"/controls/").count(), 70);
    assert!(developer.page("/controls/9.1").contains("h3"), "a page breaks for whom a target is closed");
}

#[test]
fn deciding_goes_on_to_the_next_open_row_and_a_change_goes_back_to_its_own() {
    let house = House::new();
    let cleo = Browser::of(&house, "Cleo", &[Role::ComplianceOfficer]);
    let place =
        |answer: &crate::api::client::Answer| answer.header("location").unwrap_or_default().to_owned();
    let row = cleo.page("/soa/A.2.2");
    assert!(row.contains("go on to the next open one"), "nobody knows where the button leads: {row}");
    let first = cleo.send("/soa/A.2.2", "row", &[("decision", "applied"), ("reason", "by law")]);
    assert!(
        place(&first).starts_with("/soa/A.2.3?recorded="),
        "38 decisions are 38 ways back: {}",
        place(&first)
    );
    let changed =
        cleo.send("/soa/A.2.2", "row", &[("decision", "applied"), ("reason", "by law and contract")]);
    assert!(
        place(&changed).ends_with("#row-A.2.2"),
        "the place in the document is lost: {}",
        place(&changed)
    );
    assert!(cleo.page("/soa").contains("id=\"row-A.2.2\""), "the address leads to no row");
}

#[test]
fn several_open_rows_take_one_reason_together_or_not_at_all() {
    let house = House::new();
    let cleo = Browser::of(&house, "Cleo", &[Role::ComplianceOfficer]);
    assert!(cleo.page("/soa").contains("href=\"/soa/several\""), "nobody is offered it");
    let form = cleo.page("/soa/several");
    assert!(!form.contains("checked"), "something is chosen beforehand: {form}");
    let (action, fields) = form_of(&form, "several");
    let with = |controls: &[&str], reason: &str| {
        let mut fields = fields.clone();
        let typed = [("decision", "applied"), ("reason", reason)];
        fields.extend(typed.map(|(name, text)| (name.to_owned(), text.to_owned())));
        fields.extend(controls.iter().map(|control| ("controls".to_owned(), (*control).to_owned())));
        fields
    };
    assert_eq!(
        cleo.post(&action, &with(&[], "by law")).status,
        400,
        "nothing is decided, and nobody says so"
    );
    decide(&cleo, "A.2.3", &[("decision", "applied"), ("reason", "by itself")]);
    let size = house.ledger.reader().size();
    let late = cleo.post(&action, &with(&["A.2.2", "A.2.3"], "together"));
    assert_eq!(late.status, 409, "a decision that nobody looked at is overwritten: {}", late.text());
    assert!(late.text().contains("A.2.3 was decided meanwhile"), "{}", late.text());
    assert_eq!(house.ledger.reader().size(), size, "half of what was refused is recorded");
    let page = cleo.follow(&cleo.send(
        "/soa/several",
        "several",
        &[("controls", "A.2.2"), ("controls", "A.2.4"), ("decision", "applied"), ("reason", "together")],
    ));
    assert!(page.contains("Not decided yet: 35 of 38"), "{page}");
    assert!(cleo.page("/soa/A.2.4").contains("together") && cleo.page("/soa/A.2.3").contains("by itself"));
}

#[test]
fn whoever_approves_is_told_what_contradicts_an_exclusion() {
    let house = House::new();
    let ada = Browser::of(&house, "Ada", &[Role::Administrator]);
    let cleo = Browser::of(&house, "Cleo", &[Role::ComplianceOfficer]);
    let abe = Browser::of(&house, "Abe", &[Role::Approver]);
    decide(&cleo, "A.6.2.8", &[("decision", "excluded"), ("reason", "no logs are kept of AI")]);
    assert!(!cleo.page("/soa").contains("Excluded, and contradicted"), "a doubt that nothing gives rise to");
    house.live_system(&house.session(&ada.person), "Loan support");
    for path in ["/soa", "/soa/A.6.2.8"] {
        let page = cleo.page(path);
        assert!(page.contains("contradicts the exclusion"), "{path} says nothing: {page}");
    }
    let open = cleo.page("/soa/several");
    let controls: Vec<(&str, &str)> = open
        .split("name=\"controls\" value=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .map(|control| ("controls", control))
        .collect();
    assert_eq!(controls.len(), 37);
    let mut typed = controls.clone();
    typed.extend([("decision", "applied"), ("reason", "by law about AI")]);
    cleo.follow(&cleo.send("/soa/several", "several", &typed));
    let shown = abe.page("/soa/approve");
    assert!(
        shown.contains("Excluded, and contradicted: A.6.2.8"),
        "the approver signs what is known to be wrong, unwarned: {shown}"
    );
    let approved = abe.follow(&abe.send("/soa/approve", "approval", &[("read", "yes")]));
    assert!(approved.contains("Excluded, and contradicted: A.6.2.8"), "approved, it is stale in silence");
    assert!(
        approved.contains(">Abe<") && !approved.contains(">you<"),
        "a printed statement names nobody: {approved}"
    );
}

#[test]
fn the_search_finds_controls_clauses_registers_items_and_the_statement() {
    let house = House::new();
    let cleo = Browser::of(&house, "Cleo", &[Role::ComplianceOfficer]);
    for (typed, place) in [("8.4", "/controls/8.4"), ("a.5.2", "/controls/A.5.2")] {
        let answer = cleo.get(&format!("/search?q={typed}"));
        assert_eq!(answer.header("location"), Some(place), "a reference is not found");
    }
    for (typed, place) in [
        ("impact", "href=\"/registers/impact_assessment\""),
        ("impact", "href=\"/controls/A.5.2\""),
        ("soa", "href=\"/soa\""),
    ] {
        let page = cleo.page(&format!("/search?q={typed}"));
        let found = &page[page.find("id=\"table-found\"").unwrap_or_default()..];
        assert!(found.contains(place), "{typed} does not find {place}: {found}");
    }
}
