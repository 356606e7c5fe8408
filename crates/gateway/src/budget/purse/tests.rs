//! Whatever the order of things, the purse never understates what is used, and an empty one beside the same log decides alike.

use proptest::prelude::*;
use tabellion_model::body::{BudgetScope, Caps, Chain, NOBODY};
use tabellion_model::charge::{Currency, Window};
use tabellion_model::{CredentialId, SystemId};

use super::*;

const DAY: u64 = 24 * 60 * 60 * 1_000_000;
fn eur() -> Option<Currency> {
    Currency::parse("EUR")
}

fn who() -> BudgetSubject<'static> {
    behind(&NOBODY)
}

fn behind(chain: &Chain) -> BudgetSubject<'_> {
    BudgetSubject { system: SystemId::from_bytes([1; 16]), key: CredentialId::from_bytes([2; 16]), chain }
}

fn budget(name: &str, window: Window, caps: Caps) -> GateBudget {
    let held = Held { scope: BudgetScope::Tenant, window, caps, start: Micros(0), used: Used::default() };
    GateBudget { name: name.to_owned(), version: 1, since: 1, held: Some(held) }
}

fn take(tokens: u64) -> Take {
    let cost = eur().map(|currency| Cost { micros: tokens * 3, currency });
    Take { tokens: Tokens { output: tokens, ..Tokens::default() }, cost }
}

/// One call as the log has it.
#[derive(Debug, Clone, Copy)]
struct Logged {
    at: u64,
    authorised: u64,
    reserved: u64,
    ended: Option<(u64, u64)>,
}

/// What views make of the log's first `position` entries, at `now`.
fn read(budgets: &[GateBudget], calls: &[Logged], position: u64) -> Vec<GateBudget> {
    budgets
        .iter()
        .cloned()
        .map(|mut budget| {
            let held = budget.held.as_mut().expect("it can be read");
            let seen: Vec<&Logged> = calls.iter().filter(|call| call.authorised < position).collect();
            let start = |call: &Logged| held.window.start(Micros(call.at));
            held.start = seen.iter().map(|call| start(call)).max().unwrap_or_default();
            for call in seen.iter().filter(|call| start(call) == held.start) {
                let ended = call.ended.filter(|(entry, _)| *entry < position);
                let tokens = ended.map_or(call.reserved, |(_, spent)| spent);
                held.used.micros += tokens * 3;
                held.used.tokens += tokens;
                held.used.calls += 1;
            }
            budget
        })
        .collect()
}

/// One thing that happens.
#[derive(Debug, Clone)]
enum Step {
    Ask(u64),
    Record(usize),
    Lose(usize),
    End(usize, u64),
    Leave(usize),
    Read(u64),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..60u64).prop_map(Step::Ask),
        3 => (0..20usize).prop_map(Step::Record),
        1 => (0..20usize).prop_map(Step::Lose),
        3 => (0..20usize, 0..60u64).prop_map(|(call, part)| Step::End(call, part)),
        1 => (0..20usize).prop_map(Step::Leave),
        3 => (0..6u64).prop_map(Step::Read),
        1 => (0..DAY).prop_map(Step::Wait),
    ]
}

const CAP: u64 = 200;

/// The log, the purse, and calls on their way.
struct World {
    purse: Purse,
    budgets: Vec<GateBudget>,
    log: Vec<Logged>,
    size: u64,
    position: u64,
    now: u64,
    asked: Vec<(Ticket, u64)>,
    running: Vec<(Ticket, usize)>,
}

impl World {
    fn new() -> Self {
        let caps = Caps { micros: Some(CAP * 3), currency: eur(), tokens: Some(CAP), ..Caps::default() };
        Self {
            purse: Purse::default(),
            budgets: vec![budget("day", Window::Day, caps), budget("month", Window::Month, caps)],
            log: Vec::new(),
            size: 0,
            position: 0,
            now: 20_000 * DAY,
            asked: Vec::new(),
            running: Vec::new(),
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Ask(tokens) => {
                let views = read(&self.budgets, &self.log, self.position);
                self.purse.read(self.position);
                if let Ok(ticket) = self.purse.reserve(&views, who(), &take(*tokens), None, Micros(self.now))
                {
                    self.asked.push((ticket, *tokens));
                }
            }
            Step::Record(nth) if !self.asked.is_empty() => {
                let (ticket, reserved) = self.asked.remove(nth % self.asked.len());
                self.log.push(Logged { at: self.now, authorised: self.size, reserved, ended: None });
                self.purse.recorded(ticket, self.size, Micros(self.now));
                self.running.push((ticket, self.log.len() - 1));
                self.size += 1;
            }
            Step::Lose(nth) if !self.asked.is_empty() => {
                let (ticket, _) = self.asked.remove(nth % self.asked.len());
                self.purse.dropped(ticket, true);
            }
            Step::End(nth, part) if !self.running.is_empty() => {
                let (ticket, call) = self.running.remove(nth % self.running.len());
                let spent = self.log[call].reserved.min(*part);
                self.log[call].ended = Some((self.size, spent));
                self.purse.settled(ticket, self.size, &take(spent));
                self.size += 1;
            }
            Step::Leave(nth) if !self.running.is_empty() => {
                let (ticket, _) = self.running.remove(nth % self.running.len());
                self.purse.dropped(ticket, false);
            }
            Step::Read(entries) => self.position = (self.position + entries).min(self.size),
            Step::Wait(time) => self.now += time,
            _ => {}
        }
    }

    /// What the whole log holds in any one window.
    fn most(&self, window: Window) -> u64 {
        let mut sums: BTreeMap<Micros, u64> = BTreeMap::new();
        for call in &self.log {
            *sums.entry(window.start(Micros(call.at))).or_default() +=
                call.ended.map_or(call.reserved, |(_, spent)| spent);
        }
        sums.into_values().max().unwrap_or(0)
    }
}

proptest! {
    /// Requirement: N23. Whatever the order of asking, recording, losing, ending and reading, also over the turn of a day: no window ever holds more than its cap.
    #[test]
    fn no_interleaving_passes_a_cap(steps in proptest::collection::vec(step(), 1..120)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
            prop_assert!(world.most(Window::Day) <= CAP, "a day holds more than its cap");
            prop_assert!(world.most(Window::Month) <= CAP, "a month holds more than its cap");
        }
    }

    /// Requirement: N23. When the views have read everything, a purse that lived through it all and an empty one, as after a restart, decide alike.
    #[test]
    fn a_restart_decides_as_the_process_before(steps in proptest::collection::vec(step(), 1..120)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
        }
        // A process that ends leaves no call behind that is on no record.
        for (ticket, _) in std::mem::take(&mut world.asked) {
            world.purse.dropped(ticket, true);
        }
        world.purse.read(world.size);
        let views = read(&world.budgets, &world.log, world.size);
        let fresh = Purse::default();
        for budget in &views {
            let now = Micros(world.now);
            prop_assert_eq!(world.purse.used(budget, now), fresh.used(budget, now));
        }
    }
}

/// Requirement: N23. A model without a price is never free: a cap in money alone stops it, and one in tokens beside it counts its tokens.
#[test]
fn an_unknown_price_is_capped_by_tokens_or_stops() {
    let unpriced = Take { cost: None, ..take(10) };
    let money = Caps { micros: Some(1000), currency: eur(), ..Caps::default() };
    let mut purse = Purse::default();
    let alone = [budget("money", Window::Day, money)];
    let refused = purse.reserve(&alone, who(), &unpriced, None, Micros(DAY)).expect_err("it would be free");
    assert_eq!(refused.limit, Limit::Unpriced);
    let dollars =
        Take { cost: Currency::parse("USD").map(|currency| Cost { micros: 1, currency }), ..take(10) };
    let refused =
        purse.reserve(&alone, who(), &dollars, None, Micros(DAY)).expect_err("euros cannot hold dollars");
    assert_eq!(refused.limit, Limit::Unpriced);
    let beside = [budget("both", Window::Day, Caps { tokens: Some(15), ..money })];
    purse.reserve(&beside, who(), &unpriced, None, Micros(DAY)).expect("its tokens are within the cap");
    let refused =
        purse.reserve(&beside, who(), &unpriced, None, Micros(DAY)).expect_err("tokens are used up");
    assert_eq!(refused.limit, Limit::Tokens { cap: 15, used: 10, asked: 10 });
}

/// Requirement: N23. What is refused by one budget takes nothing from the others.
#[test]
fn budgets_hold_together_or_not_at_all() {
    let calls = |cap| Caps { calls: Some(cap), ..Caps::default() };
    let both = [budget("wide", Window::Day, calls(2)), budget("narrow", Window::Total, calls(1))];
    let mut purse = Purse::default();
    purse.reserve(&both, who(), &take(1), None, Micros(DAY)).expect("the first");
    let refused = purse.reserve(&both, who(), &take(1), None, Micros(DAY)).expect_err("narrow is used up");
    assert_eq!(
        (refused.budget.as_str(), refused.resets),
        ("narrow", None),
        "it says which, and that it does not begin anew"
    );
    purse
        .reserve(&both[..1], who(), &take(1), None, Micros(DAY))
        .expect("the refused call took nothing of wide");
    let unreadable = [GateBudget { name: "erased".to_owned(), version: 2, since: 1, held: None }];
    let refused = purse
        .reserve(&unreadable, who(), &take(1), None, Micros(DAY))
        .expect_err("nobody knows what it allows");
    assert_eq!(refused.limit, Limit::Unreadable);
}

#[test]
fn calls_a_minute_and_at_once_are_limited() {
    let caps = Caps { calls_per_minute: Some(3), calls_at_once: Some(4), ..Caps::default() };
    let rate = [budget("rate", Window::Total, caps)];
    let mut purse = Purse::default();
    let mut now = DAY;
    let mut tickets: Vec<Ticket> = (0..3)
        .map(|_| purse.reserve(&rate, who(), &take(1), None, Micros(now)).expect("a minute's calls"))
        .collect();
    let refused =
        purse.reserve(&rate, who(), &take(1), None, Micros(now)).expect_err("a fourth in the same moment");
    assert_eq!(
        refused.limit,
        Limit::Rate { cap: 3, wait_s: 60 },
        "none of the minute's calls is a minute old"
    );
    now += 59_000_000;
    let refused =
        purse.reserve(&rate, who(), &take(1), None, Micros(now)).expect_err("a fourth within the minute");
    assert_eq!(refused.limit, Limit::Rate { cap: 3, wait_s: 1 });
    now += 1_000_000;
    tickets.push(purse.reserve(&rate, who(), &take(1), None, Micros(now)).expect("the minute is over"));
    now += 60_000_000;
    let refused = purse.reserve(&rate, who(), &take(1), None, Micros(now)).expect_err("four are under way");
    assert_eq!(refused.limit, Limit::AtOnce { cap: 4 });
    purse.dropped(tickets.remove(0), true);
    purse.reserve(&rate, who(), &take(1), None, Micros(now)).expect("one is over");
}

fn budget_of(name: &str, scope: BudgetScope, calls: u64) -> GateBudget {
    let mut budget = budget(name, Window::Total, Caps { calls: Some(calls), ..Caps::default() });
    if let Some(held) = &mut budget.held {
        held.scope = scope;
    }
    budget
}

/// Requirement: N23. Of somebody in several teams all budgets hold, and none of them for whoever is in one of the teams alone, or for nobody.
#[test]
fn budgets_of_all_teams_hold_together() {
    let team = |name: &str| BudgetScope::Team(format!("corp|{name}"));
    let budgets = [
        budget_of("blue", team("blue"), 3),
        budget_of("green", team("green"), 1),
        budget_of("theirs", BudgetScope::Person("corp|1".to_owned()), 2),
    ];
    let of = |person: &str, groups: &[&str]| Chain {
        person: Some(format!("corp|{person}")),
        agent: None,
        groups: groups.iter().map(|group| format!("corp|{group}")).collect(),
    };
    let (both, blue) = (of("1", &["blue", "green"]), of("2", &["blue"]));
    let mut purse = Purse::default();
    let mut ask = |chain: &Chain| {
        let asked = purse.reserve(&budgets, behind(chain), &take(1), None, Micros(DAY));
        asked.map(drop).map_err(|refused| refused.budget)
    };
    assert_eq!(ask(&both), Ok(()));
    assert_eq!(ask(&both), Err("green".to_owned()), "one team's rest was taken for the other's");
    assert_eq!(ask(&blue), Ok(()), "a member of one team was held by the other's budget");
    assert_eq!(ask(&blue), Ok(()));
    assert_eq!(ask(&blue), Err("blue".to_owned()), "what a member of both took is not the team's");
    assert_eq!(ask(&NOBODY), Ok(()), "a call of nobody is nobody's");
}

/// Requirement: N23. A name that was ended and set for somebody else begins with nothing, and what calls of before give back is not theirs.
#[test]
fn a_name_that_is_given_to_somebody_else_begins_anew() {
    let chain = |person: &str| Chain { person: Some(format!("corp|{person}")), ..Chain::default() };
    let scope = |person: &str| BudgetScope::Person(format!("corp|{person}"));
    let capped = |person: &str, version| {
        let mut budget = budget("q7", Window::Total, Caps { tokens: Some(10), ..Caps::default() });
        (budget.version, budget.since) = (version, version);
        if let Some(held) = &mut budget.held {
            held.scope = scope(person);
        }
        [budget]
    };
    let (first, second) = (chain("1"), chain("2"));
    let mut purse = Purse::default();
    let before =
        purse.reserve(&capped("1", 1), behind(&first), &take(10), None, Micros(DAY)).expect("all of it");
    purse.recorded(before, 5, Micros(DAY));
    let anew = capped("2", 3);
    purse.reserve(&anew, behind(&second), &take(9), None, Micros(DAY)).expect("nothing is used of theirs");
    purse.settled(before, 6, &take(0));
    let refused = purse.reserve(&anew, behind(&second), &take(2), None, Micros(DAY));
    let refused = refused.expect_err("what somebody else gave back was taken for theirs");
    assert_eq!(refused.limit, Limit::Tokens { cap: 10, used: 9, asked: 2 });
}
