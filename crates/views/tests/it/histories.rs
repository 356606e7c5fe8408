//! Random histories: rebuilt equals live, whenever the live view read and whatever was erased in between.

use proptest::collection::vec;
use proptest::prelude::*;
use tabellion_ledger::{Ack, Draft, ErasureTarget};
use tabellion_model::body::{
    BudgetEnded, BudgetScope, Caps, LinkIssued, Role, RoleGranted, StopScope, SystemStage,
};
use tabellion_model::charge::{Charged, Reserved, Window};
use tabellion_model::{Micros, StopId};

use crate::fixture::{
    Bench, START, added, authorised, budgeted, credential, denied, draft, issued, item, item_acted,
    item_saved, on, priced, published, put_forward, rates, registered, revoked, staged, stop_lifted,
    stop_ordered, system, unmasked, unpriced, view_kept,
};
use crate::packs::pack_step;
use crate::rules::rule_step;

/// What happens next. Numbers choose among a few systems, keys, people and records, so that things meet.
#[derive(Debug, Clone)]
enum Step {
    Person(u8),
    Role(u8),
    Link(u8),
    System(u8, u8),
    Stage(u8, u8),
    Key(u8, u8),
    Revoke(u8, u64),
    Policy(u8, u8),
    /// A change of a policy is put forward.
    Forward(u8, u8),
    /// Something becomes of a pack, or of its publisher.
    Pack(u8, u8),
    Call(u8),
    End(usize),
    Break(usize),
    Deny(u8),
    /// A revision of an item, with content that tells them apart.
    Save(u8, u8),
    /// One of the acts on an item.
    Act(u8, u8),
    /// A person asks what placeholders of a call stand for.
    Unmask(u8, usize),
    /// A person keeps a view of a list, or keeps it no longer.
    View(u8, u8),
    Unknown,
    Price(u8, u64),
    Unprice(u8),
    Budget(u8, u8),
    /// A stop of one of a few ids is ordered, or lifted.
    Stop(u8, u8),
    /// A rule over a number is set or ended, or crosses its threshold.
    Rule(u8, u8),
    EraseRecord(usize),
    ErasePerson(u8),
    EraseSystem(u8),
    /// The live view reads what is there now.
    Read,
    /// The live view is closed and opened again.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let few = || 0..4u8;
    let two = move || (few(), few());
    prop_oneof![
        2 => few().prop_map(Step::Person),
        1 => few().prop_map(Step::Role),
        1 => few().prop_map(Step::Link),
        2 => two().prop_map(|(system, owner)| Step::System(system, owner)),
        1 => two().prop_map(|(system, stage)| Step::Stage(system, stage)),
        2 => two().prop_map(|(key, system)| Step::Key(key, system)),
        1 => (few(), 0..9u64).prop_map(|(key, at)| Step::Revoke(key, at)),
        1 => two().prop_map(|(name, text)| Step::Policy(name, text)),
        1 => two().prop_map(|(name, text)| Step::Forward(name, text)),
        2 => (0..2u8, 0..7u8).prop_map(|(name, act)| Step::Pack(name, act)),
        6 => few().prop_map(Step::Call),
        4 => any::<usize>().prop_map(Step::End),
        1 => any::<usize>().prop_map(Step::Break),
        2 => few().prop_map(Step::Deny),
        3 => two().prop_map(|(item, text)| Step::Save(item, text)),
        3 => (few(), 0..7u8).prop_map(|(item, act)| Step::Act(item, act)),
        2 => (few(), 0..3u8).prop_map(|(person, view)| Step::View(person, view)),
        2 => (few(), any::<usize>()).prop_map(|(person, call)| Step::Unmask(person, call)),
        1 => Just(Step::Unknown),
        2 => (0..2u8, 0..9u64).prop_map(|(name, rate)| Step::Price(name, rate)),
        1 => (0..2u8).prop_map(Step::Unprice),
        2 => (few(), 0..6u8).prop_map(|(name, scope)| Step::Budget(name, scope)),
        2 => two().prop_map(|(id, act)| Step::Stop(id, act)),
        2 => (0..2u8, 0..4u8).prop_map(|(name, act)| Step::Rule(name, act)),
        4 => any::<usize>().prop_map(Step::EraseRecord),
        1 => few().prop_map(Step::ErasePerson),
        1 => few().prop_map(Step::EraseSystem),
        5 => Just(Step::Read),
        1 => Just(Step::Restart),
    ]
}

/// A log that the steps are played on.
struct Play {
    bench: Bench,
    records: Vec<Ack>,
    calls: Vec<(Ack, u8)>,
    /// The newest version of a price.
    price: Option<Ack>,
    /// Stops that were ordered.
    stops: Vec<(StopId, Ack)>,
}

impl Play {
    fn append(&mut self, draft: &Draft) {
        let ack = self.bench.append(draft);
        self.records.push(ack);
    }

    fn about(&mut self, person: u8, draft: Draft) {
        self.append(&on(draft, format!("person/{}", credential(person))));
    }

    fn erase(&self, target: &ErasureTarget) {
        // What is gone already, or shares its key, is refused: that is the ledger's business.
        drop(self.bench.ledger.erase(target, "chance"));
    }

    fn play(&mut self, step: &Step) {
        match *step {
            Step::Person(person) => self.append(&added(credential(person), &format!("person {person}"))),
            Step::Role(person) => {
                let granted = RoleGranted { person: credential(person), role: Role::Auditor };
                self.about(person, draft(&granted));
            }
            Step::Link(person) => {
                let token_sha256 = "ab".repeat(32);
                let link = LinkIssued { person: credential(person), token_sha256, expires_at: Micros(5) };
                self.about(person, draft(&link));
            }
            Step::System(id, owner) => {
                self.append(&registered(system(id + 1), &format!("system {id}"), credential(owner)));
            }
            Step::Stage(id, stage) => {
                let stages =
                    [SystemStage::Draft, SystemStage::Live, SystemStage::Paused, SystemStage::Retired];
                self.append(&staged(system(id + 1), stages[usize::from(stage)]));
            }
            Step::Key(key, id) => self.append(&issued(credential(key), system(id + 1), "secret")),
            Step::Revoke(key, at) => self.append(&revoked(credential(key), system(1), Micros(START + at))),
            Step::Policy(name, text) => {
                self.append(&published(&format!("policy-{name}"), &format!("text {text}")));
            }
            Step::Forward(name, text) => {
                let text = (text > 0).then(|| format!("text {text}"));
                self.append(&put_forward(&format!("policy-{name}"), text.as_deref()));
            }
            Step::Pack(name, act) => self.append(&pack_step(name, act)),
            Step::Deny(id) => self.append(&denied(system(id + 1), credential(id), "policy_denied")),
            Step::Save(id, text) => {
                self.append(&item_saved(item(id), system(id + 1), &format!("model {text}")));
            }
            Step::Act(id, which) => self.append(&item_acted(item(id), system(id + 1), which)),
            Step::Unmask(person, number) => {
                if let Some((call, id)) = pick(&self.calls, number) {
                    let reason = format!("reason {number}");
                    self.append(&unmasked(system(id + 1), credential(person), &call.record_id, &reason));
                }
            }
            Step::View(person, view) => self.append(&view_kept(credential(person), view)),
            Step::Price(name, rate) => {
                self.append(&priced(&format!("price-{name}"), &rates(rate)));
                self.price = self.records.last().cloned();
            }
            Step::Unprice(name) => self.append(&unpriced(&format!("price-{name}"))),
            Step::Budget(name, scope) => self.budget(name, scope),
            Step::Stop(id, act) => self.stop(id, act),
            Step::Rule(name, act) => self.append(&rule_step(&format!("rule-{name}"), act)),
            Step::Unknown => self.append(&Draft::new("risk.assessed").with("level", 3)),
            Step::Call(_) | Step::End(_) | Step::Break(_) => self.call(step),
            Step::EraseRecord(which) => {
                if let Some(ack) = pick(&self.records, which) {
                    self.erase(&ErasureTarget::Record(ack.index));
                }
            }
            Step::ErasePerson(person) => self.erase(&ErasureTarget::Subject(credential(person).to_hex())),
            Step::EraseSystem(id) => self.erase(&ErasureTarget::System(system(id + 1))),
            Step::Read | Step::Restart => {}
        }
    }

    /// Sets a budget, or ends it.
    fn budget(&mut self, name: u8, act: u8) {
        let scopes = [
            BudgetScope::Tenant,
            BudgetScope::System(system(1)),
            BudgetScope::Key(credential(1)),
            BudgetScope::Person(format!("corp|{name}")),
            BudgetScope::Team("corp|night".to_owned()),
        ];
        let name = format!("budget-{name}");
        let draft = if let Some(scope) = scopes.into_iter().nth(usize::from(act)) {
            let caps = Caps { tokens: Some(9), ..Caps::default() };
            budgeted(&name, scope, Window::Day, caps)
        } else {
            let body = BudgetEnded { name: name.clone(), reason: "over".to_owned() };
            on(draft(&body), format!("budget/{name}"))
        };
        self.append(&draft);
    }

    fn stop(&mut self, id: u8, act: u8) {
        let stop = StopId::from_bytes([id; 16]);
        let named = self.stops.iter().rev().find(|(known, _)| *known == stop).map(|(_, ack)| ack.clone());
        match (named, act) {
            (Some(order), 0 | 1) => self.append(&stop_lifted(stop, &order)),
            (Some(order), 2) => {
                let mut draft = denied(system(id + 1), credential(id), "stopped");
                draft.parents.push(self.bench.parent(order.record_id, order.index, "stop"));
                self.append(&draft);
            }
            _ => {
                let scope = match act {
                    0 => StopScope::Tenant,
                    1 => StopScope::Person(format!("corp|{id}")),
                    _ => StopScope::System(system(id + 1)),
                };
                self.append(&stop_ordered(stop, scope));
                self.stops.extend(self.records.last().map(|ack| (stop, ack.clone())));
            }
        }
    }

    fn call(&mut self, step: &Step) {
        let ack = match *step {
            Step::Call(id) => {
                let mut draft = authorised(system(id + 1), credential(id), "small");
                let price = self.price.as_ref().map(|price| price.record_id);
                // As if these held: of which budgets there are, and in which version, nothing here asks.
                let named =
                    |name: u8| Charged { budget: format!("budget-{name}"), version: u64::from(id) + 1 };
                let charged: Vec<Charged> = (0..id).map(named).collect();
                draft.clear = Charged::to_clear(Reserved { input: 90, output: 50, price }, &charged);
                let ack = self.bench.append(&draft);
                self.calls.push((ack.clone(), id));
                Some(ack)
            }
            Step::End(which) => pick(&self.calls, which)
                .map(|(call, id)| self.bench.complete(system(id + 1), credential(id), &call, 3)),
            Step::Break(which) => pick(&self.calls, which)
                .map(|(call, id)| self.bench.break_off(system(id + 1), credential(id), &call)),
            _ => None,
        };
        self.records.extend(ack);
    }
}

fn pick<T: Clone>(items: &[T], which: usize) -> Option<T> {
    items.get(which.checked_rem(items.len())?).cloned()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Invariant 4: state is a fold of the log and of what is still disclosed.
    #[test]
    fn rebuilt_equals_live_whatever_was_erased_in_between(steps in vec(step(), 1..60), seed in 1..1000u64) {
        let mut play = Play { bench: Bench::seeded(seed), records: Vec::new(), calls: Vec::new(), price: None, stops: Vec::new() };
        let mut views = play.bench.start();
        for step in &steps {
            play.play(step);
            match step {
                Step::Read => play.bench.catch_up(&views),
                Step::Restart => {
                    views.stop();
                    views = play.bench.start();
                }
                _ => {}
            }
        }
        play.bench.catch_up(&views);
        let live = views.digest().expect("a digest");
        prop_assert_eq!(live, play.bench.rebuilt(), "a rebuilt view differs from the live one");
        let gate = views.gate_now();
        views.stop();
        let dir = tempfile::tempdir().expect("a directory");
        let anew = play.bench.start_in(dir.path());
        play.bench.catch_up(&anew);
        prop_assert_eq!(anew.digest().expect("a digest"), live, "a second live view differs");
        let other = anew.gate_now();
        prop_assert_eq!(
            (&gate.systems, &gate.keys, &gate.policies, &gate.packs, &gate.budgets, &gate.prices, &gate.stops),
            (&other.systems, &other.keys, &other.policies, &other.packs, &other.budgets, &other.prices, &other.stops),
            "two gateways of one log would decide differently"
        );
    }
}
