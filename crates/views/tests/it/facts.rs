//! Facts for the rules of clauses and controls: what they count, and that no erasure turns anything greener.

use serde_json::{Value, json};
use tabellion_ledger::{Ack, Draft};
use tabellion_model::body::{
    RegisterDecided, RegisterMoved, RegisterSaved, RegisterSubmitted, Role, RoleGranted, SoaApproved,
    SoaDecided,
};
use tabellion_model::catalogue::Reference;
use tabellion_model::register::{Content, Decision as Ruled, Registers, content_digest};
use tabellion_model::status::facts::{Decision, Facts};
use tabellion_model::status::rules::{Rules, Window};
use tabellion_model::status::{Mark, Overall, Part, Status, evaluate_all};
use tabellion_model::{CredentialId, ItemId, Micros, SystemId};
use tabellion_views::{Views, as_of};

use crate::fixture::{
    Bench, START, added, completed, credential, denied, draft, on, organisation, published, registered,
    staged, system,
};

const DAY: u64 = 24 * 60 * 60 * 1_000_000;
const AUTHOR: u8 = 3;
const APPROVER: u8 = 4;

fn registers() -> Registers {
    Registers::built_in().expect("the registers are sound")
}

fn facts(bench: &Bench, views: &Views, now: Micros) -> Facts {
    bench.catch_up(views);
    views.facts(&registers(), now).expect("facts")
}

fn by(mut draft: Draft, person: CredentialId) -> Draft {
    draft.actor = Some(person.to_hex());
    draft
}

/// An item of `register` about `about`, written, put forward and approved by a second person: its records.
fn approved_item(bench: &Bench, register: &str, about: SystemId, number: u32, models: &[&str]) -> Vec<Ack> {
    let content = json!({"name": "Loan support", "models": models, "result": "acceptable"});
    approved_content(bench, register, about, number, &content)
}

fn approved_content(
    bench: &Bench,
    register: &str,
    about: SystemId,
    number: u32,
    content: &Value,
) -> Vec<Ack> {
    let (author, approver) = (credential(AUTHOR), credential(APPROVER));
    let mut id = [9; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    let item = ItemId::from_bytes(id);
    let stream = format!("register/{register}/{item}");
    let content: Content = content.as_object().expect("an object").clone();
    let digest = content_digest(register, &item, 1, &content).expect("a digest").to_hex();
    let saved = RegisterSaved {
        register: register.to_owned(),
        item,
        revision: 1,
        content,
        definition: "ab".repeat(32),
        missing: Vec::new(),
    };
    let submitted =
        RegisterSubmitted { register: register.to_owned(), item, revision: 1, digest: digest.clone() };
    let decided = RegisterDecided {
        register: register.to_owned(),
        item,
        revision: 1,
        digest,
        decision: Ruled::Approved,
        conditions: String::new(),
        reason: "it is sound".to_owned(),
        role: Role::Approver,
        next_review_at: Some(Micros(START + 300 * DAY)),
    };
    let drafts = [by(draft(&saved), author), by(draft(&submitted), author), by(draft(&decided), approver)];
    let drafts = drafts.into_iter().map(|mut draft| {
        draft.system = Some(about.to_hex());
        on(draft, stream.clone())
    });
    drafts.map(|draft| bench.append(&draft)).collect()
}

/// The inventory entry of this number goes into production.
fn in_production(bench: &Bench, about: SystemId, number: u32) -> Ack {
    let mut id = [9; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    let item = ItemId::from_bytes(id);
    let body = RegisterMoved {
        register: "ai_system".to_owned(),
        item,
        state: "production".to_owned(),
        reason: "it is assessed".to_owned(),
    };
    let mut draft = on(by(draft(&body), credential(APPROVER)), format!("register/ai_system/{item}"));
    draft.system = Some(about.to_hex());
    bench.append(&draft)
}

fn statement(bench: &Bench) -> Vec<Ack> {
    let mut acks = Vec::new();
    for control in Reference::controls() {
        let decision = if control.as_str() == "A.7.3" { Decision::Excluded } else { Decision::Applied };
        let body = SoaDecided { control, decision, reason: "by risk".to_owned(), evidence: None };
        let stream = format!("soa/{}", control.as_str().to_ascii_lowercase());
        acks.push(bench.append(&by(on(draft(&body), stream), credential(AUTHOR))));
    }
    let body = SoaApproved { digest: "ab".repeat(32) };
    acks.push(bench.append(&by(on(draft(&body), "soa/approval".to_owned()), credential(APPROVER))));
    acks
}

/// A house in order: one live system with a call, both registers approved before it, roles held, a statement approved. Its content records.
fn in_order(bench: &Bench) -> Vec<Ack> {
    let (about, key) = (system(1), credential(2));
    organisation(bench, about, key, credential(AUTHOR));
    bench.append(&added(credential(APPROVER), "Anna Approver"));
    let mut acks = Vec::new();
    for role in Role::ALL {
        let person = credential(if role == Role::Approver { APPROVER } else { AUTHOR });
        acks.push(bench.append(&on(draft(&RoleGranted { person, role }), format!("person/{person}"))));
    }
    acks.extend(approved_item(bench, "ai_system", about, 21, &["small-1"]));
    acks.push(in_production(bench, about, 21));
    acks.extend(approved_item(bench, "impact_assessment", about, 22, &["small-1"]));
    acks.extend(statement(bench));
    bench.clock.set(Micros(START + DAY));
    let call = bench.authorise(about, key, "small");
    acks.push(bench.complete(about, key, &call, 7));
    acks.push(call);
    acks.push(bench.append(&denied(about, key, "policy_denied")));
    acks
}

fn statuses(bench: &Bench, views: &Views, now: Micros) -> Vec<Status> {
    evaluate_all(Rules::built_in(), &facts(bench, views, now), now)
}

fn named(statuses: &[Status], wanted: Overall) -> Vec<&'static str> {
    let those = statuses.iter().filter(|status| status.overall == wanted);
    those.map(|status| status.reference.as_str()).collect()
}

#[test]
fn a_house_in_order_is_evidenced_from_its_records() {
    let bench = Bench::new();
    in_order(&bench);
    let views = bench.views();
    let now = Micros(START + 2 * DAY);
    let facts = facts(&bench, &views, now);
    assert_eq!(facts.size, bench.ledger.reader().size());
    assert_eq!(facts.systems_counted, Some(1));
    let calls = facts.systems[0].calls_in(Window::Rolling);
    assert_eq!((calls.permitted, calls.completed, calls.denied, calls.broken), (1, 1, 1, 0));
    assert_eq!(
        facts.systems[0].models[0].model.as_deref(),
        Some("small-1"),
        "the model that answered is what counts"
    );
    assert_eq!(
        facts.ledger.proved,
        Some(facts.size),
        "the tree of what was read is not the one that was signed"
    );
    assert_eq!(facts.ledger.missing, Some(0));
    let found = evaluate_all(Rules::built_in(), &facts, now);
    assert_eq!(named(&found, Overall::Covered), ["8.4", "A.5.3", "A.5.4", "A.5.5"]);
    let operation = |statuses: &[Status], reference: &str| {
        let of = |status: &&Status| status.reference.as_str() == reference;
        statuses.iter().find(of).map(|status| status.part(Part::Operation))
    };
    assert_eq!(
        operation(&found, "A.9.2"),
        Some(Mark::Holds),
        "the approvals and the step to production came first"
    );
    assert_eq!(named(&found, Overall::NotApplicable), ["A.7.3"]);
    // A month and a day later the call counts no more: what looks at thirty days has nothing to test.
    let later = statuses(&bench, &views, Micros(START + 33 * DAY));
    assert_eq!(operation(&later, "A.9.2"), Some(Mark::Short), "there was nothing to test");
    assert_eq!(named(&later, Overall::Covered), ["8.4", "A.5.3", "A.5.4", "A.5.5"], "the year is not over");
    let expired = statuses(&bench, &views, Micros(START + 331 * DAY));
    assert!(named(&expired, Overall::Covered).is_empty(), "assessments that ran out a month ago still count");
}

#[test]
fn tallies_follow_days_and_systems_that_only_calls_know_are_counted() {
    let bench = Bench::new();
    let (known, unknown, key) = (system(1), system(9), credential(2));
    organisation(&bench, known, key, credential(AUTHOR));
    for day in [0, 1, 40, 100, 200] {
        bench.clock.set(Micros(START + day * DAY));
        bench.authorise(known, key, "small");
    }
    bench.append(&denied(unknown, key, "system_not_live"));
    let call = bench.authorise(unknown, key, "small");
    bench.break_off(unknown, key, &call);
    let views = bench.views();
    let facts = facts(&bench, &views, Micros(START + 201 * DAY));
    let permitted = |at: usize| Window::ALL.map(|window| facts.systems[at].calls_in(window).permitted);
    assert_eq!(permitted(0), [1, 1, 3, 5], "30, 92, 183 and 365 days");
    assert_eq!(permitted(1), [1, 1, 1, 1], "calls of a system that nobody registered are lost");
    assert_eq!(facts.systems[1].calls_in(Window::Rolling).broken, 1);
    assert_eq!(facts.systems_counted, Some(2));
    assert_eq!(facts.ledger.calls_without_end, Some(5), "a call without an end would count as ended");
    assert_eq!(bench.rebuilt(), views.digest().expect("a digest"), "counts depend on when they were folded");
}

/// Requirement: V45
#[test]
fn whatever_is_erased_nothing_turns_greener() {
    let bench = Bench::new();
    let mut acks = in_order(&bench);
    // A second system that is not in order, so that there is something to hide by erasing.
    let (second, key) = (system(7), credential(8));
    acks.push(bench.append(&registered(second, "Shadow", credential(AUTHOR))));
    acks.push(bench.append(&staged(second, tabellion_model::body::SystemStage::Live)));
    let call = bench.authorise(second, key, "large");
    let mut end = completed(second, key, 9);
    end.parents.push(bench.parent(call.record_id, call.index, "authorised"));
    acks.extend([
        call,
        bench.append(&end),
        bench.append(&published("more", "forbid(principal, action, resource);")),
    ]);
    // An assessment that says no, beside one that says yes: erasing it must not hide the no.
    let no = json!({"name": "Loan support", "models": ["small-1"], "result": "not_acceptable"});
    acks.extend(approved_content(&bench, "impact_assessment", system(1), 23, &no));
    let views = bench.views();
    let now = Micros(START + 2 * DAY);
    // What an answer leaves for the next must never show.
    let same_as_anew = || {
        let stood = as_of(bench.ledger.reader(), bench.ledger.reader().size(), &registers()).expect("a fold");
        bench.catch_up(&views);
        assert_eq!(
            views.facts(&registers(), stood.at).expect("facts"),
            stood.facts,
            "an answer remembers what is no longer so"
        );
    };
    same_as_anew();
    let mut before = statuses(&bench, &views, now);
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    while !acks.is_empty() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let ack = acks.swap_remove(usize::try_from(seed >> 33).expect("small") % acks.len());
        bench.erase_record(&ack);
        let after = statuses(&bench, &views, now);
        for (old, new) in before.iter().zip(&after) {
            let worth = |status: &Status| status.overall.min(Overall::Covered);
            assert!(
                worth(new) <= worth(old),
                "erasing entry {} turned {} greener: {:?}",
                ack.index,
                new.reference,
                new.because
            );
        }
        before = after;
        same_as_anew();
    }
    assert!(named(&before, Overall::Covered).is_empty(), "green from nothing");
}
