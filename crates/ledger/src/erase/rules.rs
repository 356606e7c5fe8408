//! The rules by which content expires, as the log holds them: which, since when, and what earlier ones still keep.
//!
//! Promises: what a server erases by rule is what every set of rules lets go that was in force during the whole time of grace, so that a period that was
//! shortened by mistake can be set back before anything is gone; the time counts from the record, whatever process reads it. Must never: count a set that
//! cannot be read any more as one that lets anything go.

use std::time::Duration;

use tabellion_model::body::{Body as _, KeptFor, RetentionRulesSet};
use tabellion_model::{Micros, SystemId};

use super::by_two::shown_fields;
use super::expire::RetentionRule;
use crate::draft::{Draft, malformed};
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::reader::Reader;
use crate::vault::EVIDENCE_CLASS;

/// Shortest time between a rule's record and the first erasure under it: a day, so that somebody has looked at it by daylight.
pub const MIN_RULE_GRACE: Duration = Duration::from_hours(24);
/// Longest: a year. Whoever wants content to stay for longer sets the period.
pub const MAX_RULE_GRACE: Duration = Duration::from_hours(366 * 24);

/// What goes, and what stays in spite of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RetentionPlan {
    /// The rules that are applied.
    pub rules: Vec<RetentionRule>,
    /// Rules for single systems that are not applied now: the content they are about is theirs, and stays.
    pub beside: Vec<RetentionRule>,
    /// Rules that were in force until lately, newest first: what they keep stays for its time of grace.
    pub earlier: Vec<EarlierRules>,
}

/// Rules that are not in force any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierRules {
    /// What they were; `None`: their record cannot be read, so they keep everything.
    pub rules: Option<Vec<RetentionRule>>,
    /// Until when what they keep stays.
    pub until: Micros,
}

impl RetentionPlan {
    /// These rules, here and now: what a person orders.
    pub fn of(rules: &[RetentionRule]) -> Self {
        Self { rules: rules.to_vec(), ..Self::default() }
    }
}

impl Ledger {
    /// Puts on record which `rules` content expires by from now on, unless these are what the record says. True when it was written.
    ///
    /// A log that a witness's conflict stopped records nothing; what is not on record waits for its whole time of grace.
    pub fn record_rules(&self, rules: &[RetentionRule]) -> Result<bool, LedgerError> {
        let (newest, is_stopped) = {
            let state = self.state();
            (state.rule_records.last().copied(), state.conflict.is_some())
        };
        let known = match newest {
            Some(index) => self.reader().rules_at(index)?,
            None => Some(Vec::new()),
        };
        let wanted = sorted(rules);
        if is_stopped || known.as_ref() == Some(&wanted) {
            return Ok(false);
        }
        let body = RetentionRulesSet { rules: wanted.iter().map(on_record).collect() };
        let mut draft = Draft::new(RetentionRulesSet::TYPE);
        draft.assurance = Some("observed".to_owned());
        draft.retention = Some(EVIDENCE_CLASS.to_owned());
        draft.body = body.fields().map_err(|fault| malformed(fault.to_string()))?;
        self.append_one_own(&draft).map(|_| true)
    }
}

impl Reader {
    /// What goes by `rules` when each of them has to be on record for `grace` first.
    pub fn plan(&self, rules: &[RetentionRule], grace: Duration) -> Result<RetentionPlan, LedgerError> {
        let (now, wanted) = (self.shared.clock.now(), sorted(rules));
        let grace = u64::try_from(grace.as_micros()).unwrap_or(u64::MAX);
        let records = self.state().rule_records.clone();
        let mut plan = RetentionPlan { rules: rules.to_vec(), ..RetentionPlan::default() };
        // When the rules looked at gave way to the next; for the newest: never, where they are these.
        let mut ended = None;
        for index in records.iter().rev() {
            let known = self.rules_at(*index)?;
            if ended.is_none() && known.as_ref() != Some(&wanted) {
                ended = Some(now);
            }
            if let Some(ended) = ended
                && !plan.keep_earlier(known, ended, grace, now)
            {
                return Ok(plan);
            }
            ended = Some(self.commit_view(&self.batch_of(*index)?)?.committed_at);
        }
        // Before the first record there was no rule, and nothing went.
        plan.keep_earlier(Some(Vec::new()), ended.unwrap_or(now), grace, now);
        Ok(plan)
    }

    /// The rules that the record at `index` sets; `None`: it cannot be read any more.
    fn rules_at(&self, index: u64) -> Result<Option<Vec<RetentionRule>>, LedgerError> {
        let body = RetentionRulesSet::read(shown_fields(&self.entry(index)?));
        let rules = body.ok().map(|body| body.rules.iter().map(read_rule).collect::<Option<Vec<_>>>());
        Ok(rules.flatten().map(|rules| sorted(&rules)))
    }
}

impl RetentionPlan {
    /// Notes rules that ended at `ended`; false when their time of grace is over, and that of all before them.
    fn keep_earlier(
        &mut self,
        rules: Option<Vec<RetentionRule>>,
        ended: Micros,
        grace: u64,
        now: Micros,
    ) -> bool {
        let until = Micros(ended.0.saturating_add(grace));
        let still = until > now;
        if still {
            self.earlier.push(EarlierRules { rules, until });
        }
        still
    }
}

fn sorted(rules: &[RetentionRule]) -> Vec<RetentionRule> {
    let mut rules = rules.to_vec();
    rules.sort();
    rules
}

fn on_record(rule: &RetentionRule) -> KeptFor {
    let system = rule.system.map(|system| system.to_hex());
    KeptFor { class: rule.class.clone(), system, months: rule.months, counted_from: rule.counted_from }
}

/// `None`: a system that is none, so nobody knows what the rule is about.
fn read_rule(kept: &KeptFor) -> Option<RetentionRule> {
    let system = match &kept.system {
        None => None,
        Some(hex) => Some(SystemId::from_hex(hex)?),
    };
    Some(RetentionRule {
        class: kept.class.clone(),
        system,
        months: kept.months,
        counted_from: kept.counted_from,
    })
}
