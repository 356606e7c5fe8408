//! Who asked what placeholders stand for: listed by call, without the reason once it is erased; values of placeholders are in no row and no file.

use serde_json::json;
use tabellion_views::VIEWS_FILE;
use tabellion_views::query::Page;

use crate::fixture::{Bench, authorised, credential, organisation, system, unmasked};

const VALUE: &str = "zebulon.quagmire@example.org";

/// Requirement: G17. The list is of one call, newest first; an erased reason is gone and the act stays; rebuilt equals live.
#[test]
fn unmaskings_are_listed_by_call_and_stay_when_their_reason_goes() {
    let bench = Bench::new();
    let (sys, key, officer) = (system(1), credential(2), credential(3));
    organisation(&bench, sys, key, officer);
    let call = bench.authorise(sys, key, "small");
    let other = bench.authorise(sys, key, "small");
    let first = bench.append(&unmasked(sys, officer, &call.record_id, "a complaint"));
    bench.append(&unmasked(sys, officer, &call.record_id, "an incident"));
    bench.append(&unmasked(sys, officer, &other.record_id, "another call"));
    let views = bench.views();
    let of = |call| views.unmaskings(call, Page::default()).expect("a list").rows;
    let rows = of(&call.record_id);
    let reasons: Vec<&str> =
        rows.iter().filter_map(|row| row.said.as_ref()).map(|(reason, _)| reason.as_str()).collect();
    assert_eq!(reasons, ["an incident", "a complaint"], "of one call, the newest first");
    let (_, placeholders) = rows[0].said.clone().expect("said");
    assert_eq!(placeholders, ["<EMAIL_7Q2K4F>", "<CARD_000000>"]);
    assert_eq!(rows[0].by, officer);

    bench.erase_record(&first);
    bench.catch_up(&views);
    let rows = of(&call.record_id);
    assert_eq!(
        (rows.len(), rows[1].said.clone()),
        (2, None),
        "an erased reason is shown, or the act is lost"
    );
    assert_eq!(
        views.digest().expect("a digest"),
        bench.rebuilt(),
        "a rebuilt view differs from the live one"
    );
}

/// Requirement: G17. What placeholders stand for is folded by no view.
#[test]
fn what_placeholders_stand_for_is_in_no_file_of_the_views() {
    let bench = Bench::new();
    let (sys, key) = (system(1), credential(2));
    organisation(&bench, sys, key, credential(3));
    let mut draft = authorised(sys, key, "small");
    draft.body.insert("pseudonyms".to_owned(), json!({"scope": "call", "given_back": true, "kept": 1}));
    let original = json!({"placeholder": "<EMAIL_7Q2K4F>", "class": "email", "value": VALUE});
    let draft = draft.about(VALUE, "original_email_7q2k4f", original);
    let call = bench.append(&draft);
    let views = bench.views();
    let detail = views.call(&call.record_id).expect("an answer").expect("the call");
    let kept = detail.authorised.and_then(|call| call.pseudonyms).and_then(|said| said.kept);
    assert_eq!(kept, Some(1), "the call is not read with a unit about a person beside it");
    let path = bench.dir.path().join(VIEWS_FILE);
    for file in std::fs::read_dir(path.parent().expect("a directory")).expect("a list") {
        let bytes = std::fs::read(file.expect("a file").path()).expect("readable");
        let found = bytes.windows(VALUE.len()).any(|window| window == VALUE.as_bytes());
        assert!(!found, "a value stands in the views");
    }
}
