//! Registers: rows, lives, and which models answered whom.

use tabellion_views::query::{ItemFilter, ItemPage, Page};

use crate::fixture::{Bench, REGISTER, credential, item, item_acted, item_saved, organisation, system};

fn of_register() -> ItemFilter {
    ItemFilter { register: Some(REGISTER.to_owned()), ..ItemFilter::default() }
}

#[test]
fn an_item_is_listed_as_it_stands_and_its_life_says_the_same() {
    let bench = Bench::new();
    bench.append(&item_acted(item(1), system(1), 0));
    let first = bench.append(&item_saved(item(1), system(1), "model 0"));
    for act in [0, 1, 3, 4, 5, 6] {
        bench.append(&item_acted(item(1), system(1), act));
    }
    bench.append(&item_saved(item(2), system(2), "model 1"));
    // The same item under another system would be in reach of another owner.
    bench.append(&item_saved(item(2), system(3), "model 2"));
    let views = bench.views();
    assert_eq!(
        views.unplaced(Page::default()).expect("rows").rows.len(),
        2,
        "an act on an item that was never saved, and an item that changes its system, have a place"
    );
    let rows = views.register_items(&of_register(), ItemPage::default()).expect("rows");
    assert_eq!(rows.total, 2, "{rows:?}");
    let row = &rows.rows[1];
    let life = views.register_life(REGISTER, &item(1)).expect("a life");
    let approval = row.approval.as_ref().expect("an approval");
    let approved = life.approved.as_ref().expect("an approval");
    assert_eq!(
        (row.review, approval.done.entry, approval.digest.as_str()),
        (life.review, approved.entry, approved.ruling.digest.as_str()),
        "a list and a status would say different things of one item"
    );
    assert_eq!(
        (row.moved.clone(), life.moved),
        (Some(Some("used".to_owned())), Some(Some("used".to_owned())))
    );
    assert!(row.refresh_open && life.refreshes.len() == 1, "a wish for a new look is lost");
    let facts = views.register_facts(None).expect("facts");
    assert_eq!(facts.len(), 2);
    assert_eq!(
        facts[0].life,
        views.register_life(REGISTER, &item(1)).expect("a life"),
        "two folds of one item"
    );
    assert_eq!(
        facts[0].life.approved.as_ref().map(|approved| approved.saving.models.clone()),
        Some(vec!["model 0".to_owned()])
    );
    assert!(views.register_content(first.index).expect("the log").is_some());
    bench.erase_record(&first);
    bench.catch_up(&views);
    let row = views.register_item(REGISTER, &item(1)).expect("rows").expect("an item");
    assert_eq!(
        (row.name, row.owner, row.due, row.references),
        (None, None, None, None),
        "erased content is still listed"
    );
    assert!(views.register_content(first.index).expect("the log").is_none());
    assert_eq!(
        views.register_life(REGISTER, &item(1)).expect("a life").approved,
        None,
        "nobody can say what is approved"
    );
}

#[test]
fn items_are_found_by_what_they_name_by_who_answers_and_by_their_day() {
    let bench = Bench::new();
    bench.append(&item_saved(item(1), system(1), "model 0"));
    bench.append(&item_saved(item(2), system(2), "model 1"));
    bench.append(&item_acted(item(2), system(2), 3));
    bench.append(&item_acted(item(2), system(2), 5));
    let views = bench.views();
    let found = |filter: ItemFilter| -> Vec<_> {
        let rows = views.register_items(&filter, ItemPage::default()).expect("rows").rows;
        rows.into_iter().map(|row| row.item).collect()
    };
    let day = tabellion_model::Micros::parse_date("2026-03-04").expect("a day");
    let row = views.register_item(REGISTER, &item(1)).expect("rows").expect("an item");
    assert_eq!((row.due, row.references), (Some(day), Some(vec!["8.4".to_owned()])));
    let (both, none) = (vec![item(2), item(1)], Vec::new());
    let named = |id: &str| ItemFilter { reference: Some(id.to_owned()), ..of_register() };
    assert_eq!((found(named("8.4")), found(named("8.40"))), (both.clone(), none.clone()));
    let before = |at: u64| ItemFilter { due_before: Some(tabellion_model::Micros(at)), ..of_register() };
    assert_eq!((found(before(day.0 + 1)), found(before(day.0))), (both.clone(), none.clone()));
    let open = ItemFilter { not_in: vec!["used".to_owned()], ..of_register() };
    assert_eq!(found(open), [item(1)], "what has ended is shown as open");
    let within = |owner| ItemFilter { within: Some([system(1)].into()), or_owner: owner, ..of_register() };
    assert_eq!(found(within(None)), [item(1)]);
    assert_eq!(found(within(Some(credential(9)))), both, "whoever answers for an item does not see it");
    assert_eq!(found(within(Some(credential(8)))), [item(1)], "somebody else's item is in reach");
    let acts = views.register_acts(REGISTER, &item(2)).expect("acts");
    let noted = acts.iter().find(|act| act.kind == "noted").expect("the remark");
    assert_eq!(noted.reason.as_deref(), Some("what somebody thinks of it"));
    let version = views.register_item(REGISTER, &item(2)).expect("rows").expect("an item").version;
    assert_eq!(version, 2, "a remark would disturb whoever is editing");
}

#[test]
fn the_models_that_answered_a_system_are_found_with_their_first_and_last_call() {
    let bench = Bench::new();
    let key = credential(1);
    organisation(&bench, system(1), key, credential(2));
    let mut calls = Vec::new();
    for (owner, count) in [(1, 3), (2, 2)] {
        for _ in 0..count {
            let call = bench.authorise(system(owner), key, "small");
            bench.complete(system(owner), key, &call, 1);
            calls.push(call);
        }
    }
    let erased = bench.authorise(system(3), key, "small");
    let end = bench.complete(system(3), key, &erased, 1);
    bench.authorise(system(4), key, "never answered");
    bench.erase_record(&end);
    let views = bench.views();
    let seen = views.models_seen().expect("pairs");
    let shown: Vec<_> = seen
        .iter()
        .map(|seen| (seen.system, seen.model.as_str(), seen.first.entry, seen.last.entry))
        .collect();
    assert_eq!(
        shown,
        [
            (system(1), "small-1", calls[0].index, calls[2].index),
            (system(2), "small-1", calls[3].index, calls[4].index)
        ],
        "a model would be used without anybody knowing, or one be named that nobody can show"
    );
    let from = calls[0].index + 1;
    let next = views.first_answer(&system(1), "small-1", from).expect("a call").expect("one");
    assert_eq!(
        next.entry, calls[1].index,
        "the call that asks for a new look is not the first since the approval"
    );
    assert_eq!(views.first_answer(&system(1), "small-2", 0).expect("no call"), None);
}
