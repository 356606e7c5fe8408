//! Emergency stops in the console: ordered on a page, seen on every page, lifted by somebody else.

use tabellion_model::body::Role;

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
