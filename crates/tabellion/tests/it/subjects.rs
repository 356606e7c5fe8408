//! A data subject is found by every spelling of what names them, also from the command line, and an identifier by itself alone.

use super::support::Notary;

/// Requirement: P48, G17.
#[test]
fn a_person_is_erased_by_the_spelling_that_was_typed() {
    let notary = Notary::new();
    let drafts = notary.drafts(
        "{\"type\":\"event.logged\",\"subjects\":[{\"subject\":\"ada@example.org\",\"fields\":{\"name\":\"Ada\"}}]}\n\
         {\"type\":\"event.logged\",\"subjects\":[{\"subject\":\"17\",\"fields\":{\"name\":\"Bruno\"}}]}\n",
    );
    let content = |number: usize| {
        let index = drafts[number]["index"].to_string();
        notary.run(&["log", "show", &index, "--json"]).ends(0).json()["units"][0]["content"].clone()
    };
    notary
        .run(&["erase", "--subject", "customer-17", "--reason", "r"])
        .refused(1, &["there is nothing to erase"]);
    let done =
        notary.run(&["erase", "--subject", "Ada@Example.org", "--reason", "r", "--json"]).ends(0).json();
    assert_eq!(done["erasures"][0]["units"], 1, "{done}");
    assert_eq!((content(0), content(1)), ("erased".into(), "shown".into()), "more or less than she went");
    notary.is_sound();
}
