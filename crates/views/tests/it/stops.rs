//! Emergency stops: obeyed by headers alone, counted by headers alone, whatever is erased.

use tabellion_ledger::{Ack, Draft, SubjectFields};
use tabellion_model::StopId;
use tabellion_model::body::StopScope;
use tabellion_views::query::Page;

use crate::fixture::{Bench, completed, credential, denied, stop_lifted, stop_ordered, system};

const STOP: StopId = StopId::from_bytes([7; 16]);

fn naming(bench: &Bench, mut draft: Draft, stop: &Ack) -> Draft {
    draft.parents.push(bench.parent(stop.record_id, stop.index, "stop"));
    draft
}

/// Requirement: N11. Orders and liftings reach the gateway; one that cannot be read holds for everybody, and no erasure lifts one.
#[test]
fn a_stop_is_in_force_from_its_order_to_its_lifting_whatever_is_erased() {
    let bench = Bench::new();
    let views = bench.views();
    let order = bench.append(&stop_ordered(STOP, StopScope::System(system(1))));
    let other = bench.append(&stop_ordered(StopId::from_bytes([8; 16]), StopScope::Tenant));
    bench.catch_up(&views);
    let gate = views.gate_now();
    assert_eq!(gate.stops.len(), 2, "a stop is not obeyed");
    let first = &gate.stops[0];
    assert_eq!((first.stop, &first.scope), (STOP, &Some(StopScope::System(system(1)))));
    assert_eq!((first.ordered.entry, first.ordered.record_id), (order.index, order.record_id));
    assert_eq!(first.ordered.hash.to_hex(), bench.parent(order.record_id, order.index, "stop").hash);

    bench.erase_record(&order);
    bench.catch_up(&views);
    let gate = views.gate_now();
    assert_eq!((gate.stops.len(), &gate.stops[0].scope), (2, &None), "an erasure narrows a stop");
    let notes = bench.notes.lock().expect("no test panics with this lock").join("\n");
    assert!(notes.contains("holds for every call"), "the operator is not told why nothing goes: {notes}");

    let lift = bench.append(&stop_lifted(STOP, &order));
    bench.erase_record(&lift);
    bench.catch_up(&views);
    let stops = views.gate_now().stops.clone();
    assert_eq!(stops.iter().map(|stop| stop.ordered.entry).collect::<Vec<_>>(), [other.index]);
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt(), "a rebuild would stop others");
    let row = views.emergency_stop(&STOP).expect("an answer").expect("the stop");
    assert_eq!((row.scope, row.reason, row.drill), (None, None, None), "what was erased is shown");
    assert_eq!(row.lifted.map(|lifted| (lifted.entry, lifted.reason)), Some((lift.index, None)));
}

/// Requirement: N11. A report is the count of records that name the stop, and erasing what they say changes nothing of it.
#[test]
fn what_a_stop_did_is_counted_from_headers() {
    let bench = Bench::new();
    let (sys, key) = (system(1), credential(2));
    let running = bench.authorise(sys, key, "small");
    let order = bench.append(&stop_ordered(STOP, StopScope::Tenant));
    let mut cut = completed(sys, key, 3);
    cut.parents.push(bench.parent(running.record_id, running.index, "authorised"));
    let cut = bench.append(&naming(&bench, cut, &order));
    let refuse = || bench.append(&naming(&bench, denied(sys, key, "stopped"), &order));
    let (first, second) = (refuse(), refuse());
    bench.append(&denied(sys, key, "policy_denied"));
    for ack in [&cut, &first, &second] {
        bench.erase_record(ack);
    }
    let views = bench.views();
    let row = views.emergency_stop(&STOP).expect("an answer").expect("the stop");
    assert_eq!((row.refused, row.cut), (2, 1), "an erasure changes a report: {row:?}");
    assert_eq!(row.first_refused.map(|effect| effect.entry), Some(first.index));
    assert_eq!(row.last_cut.map(|effect| effect.entry), Some(cut.index));
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt(), "a rebuild would count otherwise");
    // As of before the refusals the report is the one of then.
    let past = views.past(cut.size, 1000).expect("a past").expect("a short log");
    let then = past.views.stops(Page::default()).expect("an answer").rows.remove(0);
    assert_eq!((then.refused, then.first_refused, then.cut), (0, None, 1), "{then:?}");
}

/// Requirement: N11, G04. A stop of a person or an agent reaches the gateway as it was ordered, over a rebuild too; one whose content was erased is everybody's.
#[test]
fn a_stop_of_a_person_or_agent_reaches_the_gateway() {
    let bench = Bench::new();
    let views = bench.views();
    let scopes = [StopScope::Person("corp|4711".to_owned()), StopScope::Agent("corp|loans".to_owned())];
    let orders = [STOP, StopId::from_bytes([8; 16])]
        .into_iter()
        .zip(scopes.clone())
        .map(|(stop, scope)| bench.append(&stop_ordered(stop, scope)))
        .collect::<Vec<_>>();
    bench.catch_up(&views);
    let obeyed = || views.gate_now().stops.iter().map(|stop| stop.scope.clone()).collect::<Vec<_>>();
    assert_eq!(obeyed(), scopes.clone().map(Some), "somebody else is stopped");
    let row = views.emergency_stop(&STOP).expect("an answer").expect("the stop");
    assert_eq!(row.scope.as_ref(), Some(&scopes[0]));
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt(), "a rebuild would stop others");
    bench.erase_record(&orders[0]);
    bench.catch_up(&views);
    assert_eq!(obeyed(), [None, Some(scopes[1].clone())], "erasing who is stopped lets them call");
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt());
}

/// Requirement: N11, G04. The content of a stop of somebody stands in a unit about them; it goes with them, the stop does not, and a rebuild says the same.
#[test]
fn what_a_stop_says_goes_with_whom_it_is_about() {
    let bench = Bench::new();
    let views = bench.views();
    let whom = credential(9);
    let mut draft = stop_ordered(STOP, StopScope::Person(whom.to_hex()));
    let fields = std::mem::take(&mut draft.body);
    draft.subjects = vec![SubjectFields { subject: whom.to_hex(), fields }];
    bench.append(&draft);
    bench.append(&stop_ordered(StopId::from_bytes([8; 16]), StopScope::System(system(1))));
    bench.catch_up(&views);
    let obeyed = || views.gate_now().stops.iter().map(|stop| stop.scope.clone()).collect::<Vec<_>>();
    assert_eq!(
        obeyed()[0],
        Some(StopScope::Person(whom.to_hex())),
        "what stands in a unit about somebody is not read"
    );
    bench.erase_subject(whom);
    bench.catch_up(&views);
    assert_eq!(
        obeyed(),
        [None, Some(StopScope::System(system(1)))],
        "an erasure lets somebody through, or takes more"
    );
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt(), "a rebuild would stop others");
}
