//! What budgets have left: the sums that the views have read from the log, and beside them whatever calls of this process reserved, settled or gave back that
//! the views have not read yet.
//!
//! Promises: what is used is never understated, whatever the order in which calls reserve, are recorded, settle and are read; once the views have read everything,
//! it is their sum and nothing else. No I/O and no clock. Must never: be the truth: a restart begins with an empty purse and the same sums.

use std::collections::{BTreeMap, HashMap, VecDeque};

use tabellion_model::Micros;
use tabellion_model::body::BudgetSubject;
use tabellion_model::charge::{Cost, Currency, Tokens};
use tabellion_views::gate::{GateBudget, Held, Used};

/// Microseconds of a minute.
const MINUTE_US: u64 = 60 * 1_000_000;

/// What one call takes of a budget, signed: what is given back is below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Amount {
    micros: i128,
    tokens: i128,
    calls: i128,
}

impl Amount {
    fn add(&mut self, other: Self, sign: i128) {
        self.micros += sign * other.micros;
        self.tokens += sign * other.tokens;
        self.calls += sign * other.calls;
    }
}

/// What a call asks for, or took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Take {
    /// Its tokens.
    pub(crate) tokens: Tokens,
    /// What they cost; none: no price is known.
    pub(crate) cost: Option<Cost>,
}

impl Take {
    /// As it counts in a budget.
    fn amount(&self, held: &Held) -> Amount {
        let cost = self.cost.filter(|cost| Some(cost.currency) == held.caps.currency);
        Amount {
            micros: cost.map_or(0, |cost| cost.micros.into()),
            tokens: self.tokens.total().into(),
            calls: 1,
        }
    }
}

/// Which limit would be passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Money, tokens or calls in the window: the cap, what is used of it, and what the call may take.
    Micros {
        cap: u64,
        used: u64,
        asked: u64,
        currency: Option<Currency>,
    },
    Tokens {
        cap: u64,
        used: u64,
        asked: u64,
    },
    Calls {
        cap: u64,
    },
    /// Calls in a minute: in how many seconds the next one may come.
    Rate {
        cap: u64,
        wait_s: u64,
    },
    /// Calls at the same time.
    AtOnce {
        cap: u64,
    },
    /// The budget is in money alone, and the call has no price in its currency.
    Unpriced,
    /// What the budget says cannot be read.
    Unreadable,
}

/// A call that is not let through, and by which budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exceeded {
    pub(crate) budget: String,
    pub(crate) scope: &'static str,
    pub(crate) limit: Limit,
    /// When the window is over.
    pub(crate) resets: Option<Micros>,
}

/// One reservation, by its number.
#[derive(Debug, PartialEq, Eq, Hash, Clone, Copy, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

/// A budget over all its versions: its name, and the first version since that was last ended. Whoever gets the name afterwards begins with nothing, and what
/// calls of before give back is not theirs.
type Key = (String, u64);

fn key(budget: &GateBudget) -> Key {
    (budget.name.clone(), budget.since)
}

/// A reservation in one budget.
#[derive(Debug, Clone)]
struct Part {
    budget: Key,
    held: Held,
    amount: Amount,
    /// The window that the call was reserved in, then the one that it is counted in; none: its record came after the turn of windows, so that only the views
    /// can say in which it counts.
    start: Option<Micros>,
}

/// What is not in the sums of the views.
#[derive(Debug, Default)]
struct Beside {
    /// Reserved and on no record yet: it counts in every window.
    unrecorded: Amount,
    /// Recorded beyond what the views have read, by window.
    recorded: BTreeMap<Micros, Amount>,
    /// Calls that have not ended.
    open: u64,
    /// When calls were let through, of a budget that counts them by the minute: those of the last minute, in order.
    let_through: VecDeque<u64>,
}

/// All budgets' live state.
#[derive(Debug, Default)]
pub(crate) struct Purse {
    position: u64,
    tickets: u64,
    open: HashMap<Ticket, Vec<Part>>,
    beside: HashMap<Key, Beside>,
    /// What the views will have in their sums once they have read an entry.
    unread: BTreeMap<u64, Vec<(Key, Micros, Amount)>>,
}

impl Purse {
    /// The views have read `position` entries: whatever lies below is in their sums.
    pub(crate) fn read(&mut self, position: u64) {
        self.position = self.position.max(position);
        let rest = self.unread.split_off(&self.position);
        for (budget, start, amount) in std::mem::replace(&mut self.unread, rest).into_values().flatten() {
            let Some(beside) = self.beside.get_mut(&budget) else { continue };
            if let Some(sum) = beside.recorded.get_mut(&start) {
                sum.add(amount, -1);
                if *sum == Amount::default() {
                    beside.recorded.remove(&start);
                }
            }
        }
    }

    /// Reserves `take` in each of `budgets` that holds for `who`, or in none. `budgets` must be of the position that was last given to [`Self::read`]. The call
    /// of `instead_of` ends before this one begins, so it is not counted among those under way.
    pub(crate) fn reserve(
        &mut self,
        budgets: &[GateBudget],
        who: BudgetSubject<'_>,
        take: &Take,
        instead_of: Option<Ticket>,
        now: Micros,
    ) -> Result<Ticket, Exceeded> {
        let parts = self.parts(budgets, who, Some(take), instead_of, now)?;
        Ok(self.take(parts, now))
    }

    /// The same for what takes nothing of any cap: it only counts among the calls of a minute and among those at once.
    pub(crate) fn pace(
        &mut self,
        budgets: &[GateBudget],
        who: BudgetSubject<'_>,
        now: Micros,
    ) -> Result<Ticket, Exceeded> {
        let parts = self.parts(budgets, who, None, None, now)?;
        Ok(self.take(parts, now))
    }

    fn take(&mut self, parts: Vec<Part>, now: Micros) -> Ticket {
        for part in &parts {
            let beside = self.beside.entry(part.budget.clone()).or_default();
            beside.unrecorded.add(part.amount, 1);
            beside.open += 1;
            if part.held.caps.calls_per_minute.is_some() {
                while beside.let_through.front().is_some_and(|at| at + MINUTE_US <= now.0) {
                    beside.let_through.pop_front();
                }
                let last = beside.let_through.back().copied().unwrap_or_default();
                beside.let_through.push_back(last.max(now.0));
            }
        }
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.open.insert(ticket, parts);
        ticket
    }

    /// Whether each of `budgets` that holds for `who` has room for `take`; changes nothing.
    pub(crate) fn look(
        &self,
        budgets: &[GateBudget],
        who: BudgetSubject<'_>,
        take: &Take,
        now: Micros,
    ) -> Result<(), Exceeded> {
        self.parts(budgets, who, Some(take), None, now).map(drop)
    }

    /// What would be reserved in each of `budgets` that holds for `who`; with nothing to `take` its caps are not asked, and its rates are.
    fn parts(
        &self,
        budgets: &[GateBudget],
        who: BudgetSubject<'_>,
        take: Option<&Take>,
        instead_of: Option<Ticket>,
        now: Micros,
    ) -> Result<Vec<Part>, Exceeded> {
        let mut parts = Vec::new();
        for budget in budgets {
            let exceeded =
                |scope, limit, resets| Exceeded { budget: budget.name.clone(), scope, limit, resets };
            let Some(held) = &budget.held else {
                return Err(exceeded("unknown", Limit::Unreadable, None));
            };
            if !held.scope.holds(who) {
                continue;
            }
            let start = held.window.start(now);
            let amount = take.map(|take| take.amount(held)).unwrap_or_default();
            let passed = take.and_then(|take| over(held, self.used(budget, now), take, amount));
            let too_fast = || self.too_fast(budget, held, instead_of, now);
            if let Some(limit) = passed.or_else(too_fast) {
                return Err(exceeded(held.scope.kind(), limit, held.window.end(start)));
            }
            parts.push(Part { budget: key(budget), held: held.clone(), amount, start: Some(start) });
        }
        Ok(parts)
    }

    /// What is used of a budget in the window of `now`.
    fn used(&self, budget: &GateBudget, now: Micros) -> Used {
        let Some(held) = &budget.held else { return Used::default() };
        let start = held.window.start(now);
        // The views' newest window may be over; of a new one they know nothing yet.
        let read = if held.start == start { held.used } else { Used::default() };
        let mut sum =
            Amount { micros: read.micros.into(), tokens: read.tokens.into(), calls: read.calls.into() };
        if let Some(beside) = self.beside.get(&key(budget)) {
            sum.add(beside.unrecorded, 1);
            sum.add(beside.recorded.get(&start).copied().unwrap_or_default(), 1);
        }
        let whole = |sum: i128| u64::try_from(sum.max(0)).unwrap_or(u64::MAX);
        Used { micros: whole(sum.micros), tokens: whole(sum.tokens), calls: whole(sum.calls) }
    }

    /// Calls a minute, and at once.
    fn too_fast(
        &self,
        budget: &GateBudget,
        held: &Held,
        instead_of: Option<Ticket>,
        now: Micros,
    ) -> Option<Limit> {
        let key = key(budget);
        let beside = self.beside.get(&key);
        let ends = instead_of.and_then(|ticket| self.open.get(&ticket)).into_iter().flatten();
        let ends = ends.filter(|part| part.budget == key).count() as u64;
        let open = beside.map_or(0, |beside| beside.open).saturating_sub(ends);
        if let Some(cap) = held.caps.calls_at_once.filter(|cap| open >= *cap) {
            return Some(Limit::AtOnce { cap });
        }
        let cap = held.caps.calls_per_minute?;
        let let_through = beside.map(|beside| &beside.let_through);
        let recent = || let_through.into_iter().flatten().filter(|at| **at + MINUTE_US > now.0);
        let count = recent().count() as u64;
        if count < cap {
            return None;
        }
        // Room is there again when so many of them are a minute old that fewer than the cap are left.
        let oldest = usize::try_from(count - cap).ok().and_then(|over| recent().nth(over));
        let wait = oldest.map_or(MINUTE_US, |at| (at + MINUTE_US).saturating_sub(now.0));
        Some(Limit::Rate { cap, wait_s: wait.div_ceil(1_000_000).max(1) })
    }

    /// The call is on record as `entry`.
    pub(crate) fn recorded(&mut self, ticket: Ticket, entry: u64, now: Micros) {
        let read = entry < self.position;
        for part in self.open.get_mut(&ticket).into_iter().flatten() {
            let Some(beside) = self.beside.get_mut(&part.budget) else { continue };
            beside.unrecorded.add(part.amount, -1);
            let start = part.held.window.start(now);
            if part.start != Some(start) {
                part.start = None;
            }
            if !read {
                beside.recorded.entry(start).or_default().add(part.amount, 1);
                self.unread.entry(entry).or_default().push((part.budget.clone(), start, part.amount));
            }
        }
    }

    /// The call took `take`, by its end record `entry`.
    pub(crate) fn settled(&mut self, ticket: Ticket, entry: u64, take: &Take) {
        let read = entry < self.position;
        for part in self.open.remove(&ticket).into_iter().flatten() {
            let Some(beside) = self.beside.get_mut(&part.budget) else { continue };
            beside.open = beside.open.saturating_sub(1);
            let Some(start) = part.start.filter(|_| !read) else { continue };
            let mut change = take.amount(&part.held);
            change.add(part.amount, -1);
            beside.recorded.entry(start).or_default().add(change, 1);
            self.unread.entry(entry).or_default().push((part.budget, start, change));
        }
    }

    /// The call is over, and what it reserved stands; or, with `never`, it was never recorded, and nothing of it is left.
    pub(crate) fn dropped(&mut self, ticket: Ticket, never: bool) {
        for part in self.open.remove(&ticket).into_iter().flatten() {
            let Some(beside) = self.beside.get_mut(&part.budget) else { continue };
            beside.open = beside.open.saturating_sub(1);
            if never {
                beside.unrecorded.add(part.amount, -1);
            }
        }
    }
}

/// The first cap that `take` would pass.
fn over(held: &Held, used: Used, take: &Take, amount: Amount) -> Option<Limit> {
    let caps = &held.caps;
    let whole = |amount: i128| u64::try_from(amount).unwrap_or(u64::MAX);
    let (asked, tokens) = (whole(amount.micros), whole(amount.tokens));
    if let Some(cap) = caps.micros {
        let priced = take.cost.is_some_and(|cost| Some(cost.currency) == caps.currency);
        if !priced && caps.tokens.is_none() && take.tokens.total() > 0 {
            return Some(Limit::Unpriced);
        }
        // A cap that is used up stops also what has no price or costs nothing.
        if used.micros.saturating_add(asked) > cap || (asked == 0 && used.micros >= cap) {
            return Some(Limit::Micros { cap, used: used.micros, asked, currency: caps.currency });
        }
    }
    if let Some(cap) = caps.tokens.filter(|cap| used.tokens.saturating_add(tokens) > *cap) {
        return Some(Limit::Tokens { cap, used: used.tokens, asked: tokens });
    }
    caps.calls.filter(|cap| used.calls >= *cap).map(|cap| Limit::Calls { cap })
}

#[cfg(test)]
mod tests;
