//! From texts to rules: parsed, named, checked against the schema, ready to decide.
//!
//! Promises: a text passes [`check`] exactly if it compiles, but for what concerns several policies at once (names, numbers). Every rule has
//! an id of its own that says which policy it stands in.

use std::collections::{HashMap, HashSet};

use cedar_policy::{ParseErrors, Policy, PolicyId, PolicySet as CedarSet, ValidationMode};
use miette::Diagnostic;

use crate::fault::{FaultKind, Place, PolicyFault};
use crate::kept::{Verdicts, looks_at_size};
use crate::scene::Scenes;
use crate::schema::{MAX_STEPS, VALIDATOR};
use crate::statement;

/// The most rules in force at a time. Each costs a decision some 0.7 microseconds, so this many stay below a quarter of a millisecond.
pub const MAX_RULES: usize = 256;
/// Rules that the program itself may have beside them: the one by which canaries are permitted.
pub(crate) const OWN_RULES: usize = 1;

/// Longest `@id`, in bytes: it stands in records and in what a caller is told.
const MAX_RULE_ID_BYTES: usize = 64;

/// Longest name of a policy, in bytes, as its record says.
const MAX_NAME_BYTES: usize = 63;

/// What Cedar calls the rules of one text: this and their number, from 0.
const CEDAR_ID: &str = "policy";

/// The start of a text, where the fault is the whole of it.
const START: Place = Place { line: 1, column: 1 };

/// A text under its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedPolicy<'a> {
    /// Name, `[a-z0-9][a-z0-9-]{0,62}`.
    pub name: &'a str,
    /// The whole text, in Cedar.
    pub text: &'a str,
}

/// What a rule does where it applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Lets the call through, unless another rule forbids it.
    Permit,
    /// Stops the call.
    Forbid,
}

/// One rule of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its `@id`, else `rule<N>` for the N-th rule of the text; in a [`PolicySet`] after the policy's name and a dot.
    pub id: String,
    /// Its `@description`, empty without one.
    pub description: String,
    /// What it does.
    pub effect: Effect,
    /// Where it starts.
    pub place: Place,
}

/// The rules of every policy in force.
#[derive(Debug)]
pub struct PolicySet {
    pub(crate) rules: Vec<Rule>,
    /// Position in `rules` by id.
    pub(crate) positions: HashMap<String, usize>,
    pub(crate) compiled: CedarSet,
    pub(crate) scenes: Scenes,
    /// `None` as soon as a rule may look at the size of the body.
    pub(crate) verdicts: Option<Verdicts>,
}

impl PolicySet {
    /// Compiles `policies` and checks each. Without any, nothing is permitted.
    pub fn compile(policies: &[NamedPolicy<'_>]) -> Result<Self, PolicyFault> {
        Self::compile_with(policies, None)
    }

    /// Compiles policies that were checked when they were published, without Cedar's check of their types, which takes most of the time. The
    /// limits of [`check`] are kept all the same. What would not pass the check any more, since the schema changed, errs when it is
    /// evaluated, and so denies.
    pub fn of_published(policies: &[NamedPolicy<'_>]) -> Result<Self, PolicyFault> {
        Self::of_published_with(policies, None)
    }

    /// [`compile`](Self::compile), with the program's own policy beside them.
    pub(crate) fn compile_with(
        policies: &[NamedPolicy<'_>],
        own: Option<&NamedPolicy<'_>>,
    ) -> Result<Self, PolicyFault> {
        Self::of(policies, own, read)
    }

    /// [`of_published`](Self::of_published), with the program's own policy beside them.
    pub(crate) fn of_published_with(
        policies: &[NamedPolicy<'_>],
        own: Option<&NamedPolicy<'_>>,
    ) -> Result<Self, PolicyFault> {
        Self::of(policies, own, |text| parse(text).map(|(rules, ..)| rules))
    }

    fn of(
        policies: &[NamedPolicy<'_>],
        own: Option<&NamedPolicy<'_>>,
        read: Reading,
    ) -> Result<Self, PolicyFault> {
        let mut set = Self {
            rules: Vec::new(),
            positions: HashMap::new(),
            compiled: CedarSet::new(),
            scenes: Scenes::default(),
            verdicts: Some(Verdicts::default()),
        };
        let mut names = HashSet::new();
        let limited = policies.iter().map(|policy| (policy, MAX_RULES));
        // Last, so that the limit of the others is what it is without it.
        for (policy, most) in limited.chain(own.map(|own| (own, MAX_RULES + OWN_RULES))) {
            check_name(policy.name)?;
            if !names.insert(policy.name) {
                let advice = "publish one text under a name; the newest replaces the one before";
                let fault =
                    PolicyFault::new(FaultKind::Duplicate, START, "two policies have this name", advice);
                return Err(fault.of_policy(policy.name));
            }
            set.add(policy, most, read).map_err(|fault| fault.of_policy(policy.name))?;
        }
        Ok(set)
    }

    /// One rule by itself, which was checked.
    pub(crate) fn single(rule: Rule, compiled: &Policy) -> Self {
        let mut set = Self {
            rules: Vec::new(),
            positions: HashMap::from([(rule.id.clone(), 0)]),
            compiled: CedarSet::new(),
            scenes: Scenes::default(),
            verdicts: None,
        };
        // INVARIANT: an empty set takes any rule; without it the set would deny.
        if set.compiled.add(compiled.new_id(PolicyId::new(&rule.id))).is_ok() {
            set.rules.push(rule);
        }
        set
    }

    /// The rules, policy by policy in the order they were given, each in the order of its text.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    fn add(&mut self, policy: &NamedPolicy<'_>, most: usize, read: Reading) -> Result<(), PolicyFault> {
        for (mut rule, compiled) in read(policy.text)? {
            if self.rules.len() == most {
                let what = format!("with this rule, more than {most} would be in force");
                let advice = "withdraw a policy, or join rules that differ in one name with `||` or a set";
                return Err(PolicyFault::new(FaultKind::Limit, rule.place, what, advice));
            }
            if looks_at_size(&compiled) {
                self.verdicts = None;
            }
            rule.id = format!("{}.{}", policy.name, rule.id);
            // No two ids are equal: names differ, a name has no dot, and `read` refuses equal ids in one text.
            self.compiled.add(compiled.new_id(PolicyId::new(&rule.id))).map_err(|error| {
                let advice = "give the rules other `@id`s";
                PolicyFault::new(FaultKind::Duplicate, rule.place, error.to_string(), advice)
            })?;
            self.positions.insert(rule.id.clone(), self.rules.len());
            self.rules.push(rule);
        }
        Ok(())
    }
}

/// Checks one text by itself, as an editor does before it is published. The ids are without a policy's name.
pub fn check(text: &str) -> Result<Vec<Rule>, PolicyFault> {
    Ok(read(text)?.into_iter().map(|(rule, _)| rule).collect())
}

/// Checks one policy by itself and gives its rules one by one, by the names that records have for them.
pub(crate) fn lone_rules(policy: &NamedPolicy<'_>) -> Result<Vec<(Rule, Policy)>, PolicyFault> {
    let named = |(mut rule, compiled): (Rule, Policy)| {
        rule.id = format!("{}.{}", policy.name, rule.id);
        (rule, compiled)
    };
    let rules = check_name(policy.name).and_then(|()| read(policy.text));
    rules.map(|rules| rules.into_iter().map(named).collect()).map_err(|fault| fault.of_policy(policy.name))
}

/// How the rules of a text are read.
type Reading = fn(&str) -> Result<Vec<(Rule, Policy)>, PolicyFault>;

/// Parses and checks `text`.
fn read(text: &str) -> Result<Vec<(Rule, Policy)>, PolicyFault> {
    let (rules, parsed, starts) = parse(text)?;
    validate(text, &parsed, &starts)?;
    Ok(rules)
}

/// The rules of a text, the text as Cedar has it, and where each rule starts.
type Parsed = (Vec<(Rule, Policy)>, CedarSet, Vec<Place>);

/// Parses `text` and checks all but its types.
fn parse(text: &str) -> Result<Parsed, PolicyFault> {
    let starts: Vec<Place> =
        statement::starts(text)?.into_iter().map(|offset| Place::at(text, offset)).collect();
    let parsed: CedarSet = text.parse().map_err(|errors: ParseErrors| {
        let of_text = |what| PolicyFault::new(FaultKind::Syntax, START, what, advice_for(FaultKind::Syntax));
        first(text, FaultKind::Syntax, errors.iter().map(|error| (START, error)))
            .unwrap_or_else(|| of_text(errors.to_string()))
    })?;
    if parsed.num_of_templates() > 0 {
        let what = "a rule has a slot (`?principal`, `?resource`)";
        let advice = "name the system or model, or leave the slot out; there are no templates here";
        return Err(PolicyFault::new(FaultKind::Unsupported, START, what, advice));
    }
    let count = parsed.num_of_policies();
    if count == 0 {
        let advice = "write at least one rule; to end a policy, withdraw it";
        return Err(PolicyFault::new(FaultKind::Syntax, START, "the text has no rule", advice));
    }
    if count > MAX_RULES {
        let what = format!("the text has {count} rules, {MAX_RULES} at most");
        let advice = "join rules that differ in one name with `||` or a set";
        return Err(PolicyFault::new(FaultKind::Limit, START, what, advice));
    }
    let mut seen = HashSet::new();
    let mut rules = Vec::with_capacity(count);
    for number in 0..count {
        let Some(policy) = parsed.policy(&PolicyId::new(format!("{CEDAR_ID}{number}"))) else { continue };
        let place = starts.get(number).copied().unwrap_or(START);
        let rule = describe(policy, number + 1, place)?;
        if !seen.insert(rule.id.clone()) {
            let what = format!("two rules of this text are called {}", rule.id);
            return Err(PolicyFault::new(
                FaultKind::Duplicate,
                place,
                what,
                "give one of them another `@id`",
            ));
        }
        check_literals(policy, place)?;
        rules.push((rule, policy.clone()));
    }
    Ok((rules, parsed, starts))
}

/// What a rule says of itself.
fn describe(policy: &Policy, number: usize, place: Place) -> Result<Rule, PolicyFault> {
    for (key, _) in policy.annotations() {
        if !matches!(key, "id" | "description") {
            // Refused rather than ignored: a word that means something one day must not be in force today without that meaning.
            let what = format!("`@{key}` means nothing here");
            let advice = "use `@id` and `@description`, and a comment for the rest";
            return Err(PolicyFault::new(FaultKind::Unsupported, place, what, advice));
        }
    }
    let id = match policy.annotation("id") {
        None => format!("rule{number}"),
        Some(id) if is_rule_id(id) => id.to_owned(),
        Some(_) => {
            let what = "this rule's `@id` cannot stand in a record";
            let advice = format!("use 1 to {MAX_RULE_ID_BYTES} of a-z, 0-9, - and _");
            return Err(PolicyFault::new(FaultKind::Name, place, what, advice));
        }
    };
    let effect = match policy.effect() {
        cedar_policy::Effect::Permit => Effect::Permit,
        cedar_policy::Effect::Forbid => Effect::Forbid,
    };
    Ok(Rule {
        id,
        description: policy.annotation("description").unwrap_or_default().to_owned(),
        effect,
        place,
    })
}

fn is_rule_id(id: &str) -> bool {
    (1..=MAX_RULE_ID_BYTES).contains(&id.len())
        && id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
}

/// Whether `name` can be one of a policy, a pack or a publisher.
pub(crate) fn is_name(name: &str) -> bool {
    let letters = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    letters && (1..=MAX_NAME_BYTES).contains(&name.len()) && !name.starts_with('-')
}

/// A policy of a pack is named after its pack too: `<pack>/<policy>`, which no published policy is.
fn check_name(name: &str) -> Result<(), PolicyFault> {
    if name.split_once('/').map_or_else(|| is_name(name), |(pack, policy)| is_name(pack) && is_name(policy)) {
        return Ok(());
    }
    let what = format!("{name:?} is no name of a policy");
    let advice = format!("use 1 to {MAX_NAME_BYTES} of a-z, 0-9 and -, not starting with -");
    Err(PolicyFault::new(FaultKind::Name, START, what, advice))
}

/// Systems and keys are named by id. One named otherwise would never match, and a rule that forbids would be silent.
fn check_literals(policy: &Policy, place: Place) -> Result<(), PolicyFault> {
    for literal in policy.entity_literals() {
        let (kind, id) = (literal.type_name().basename(), literal.id().unescaped());
        if matches!(kind, "System" | "Key") && tabellion_model::SystemId::from_hex(id).is_none() {
            let what = format!("{literal} is not an id, so nothing is ever equal to it");
            let advice = match kind {
                "System" => "write its 32 hex digits, or compare `principal.name`",
                _ => "write its 32 hex digits, the part of the key after `tbl_`",
            };
            return Err(PolicyFault::new(FaultKind::Schema, place, what, advice));
        }
    }
    Ok(())
}

fn validate(text: &str, parsed: &CedarSet, starts: &[Place]) -> Result<(), PolicyFault> {
    let result = VALIDATOR.validate_with_level(parsed, ValidationMode::Strict, MAX_STEPS);
    let start_of = |id: &PolicyId| {
        let number =
            (id.as_ref() as &str).strip_prefix(CEDAR_ID).and_then(|number| number.parse::<usize>().ok());
        number.and_then(|number| starts.get(number).copied()).unwrap_or(START)
    };
    let errors = result.validation_errors().map(|error| (start_of(error.policy_id()), error));
    let warnings = result.validation_warnings().map(|warning| (start_of(warning.policy_id()), warning));
    let fault = first(text, FaultKind::Schema, errors)
        // Cedar warns of rules that never apply and of characters that look like others. Whoever approves a rule would be misled.
        .or_else(|| first(text, FaultKind::Misleading, warnings));
    fault.map_or(Ok(()), Err)
}

/// The first by place of Cedar's messages, each given with the place of its rule for where it has none itself.
fn first<'a, D: Diagnostic + 'a>(
    text: &str,
    kind: FaultKind,
    found: impl Iterator<Item = (Place, &'a D)>,
) -> Option<PolicyFault> {
    let place_of = |message: &D| message.labels()?.next().map(|label| Place::at(text, label.offset()));
    let (place, message) = found
        .map(|(rule, message)| (place_of(message).unwrap_or(rule), message))
        // Cedar says some things once for each action, in no order; the same text gets the same answer.
        .min_by_key(|(place, message)| (*place, message.to_string()))?;
    let said = message.to_string();
    // Cedar names the rule by a number of its own; the place says it better.
    let what = match said.strip_prefix("for policy `").and_then(|rest| rest.split_once("`, ")) {
        Some((_, what)) => what.to_owned(),
        None => said,
    };
    let advice = message.help().map_or_else(|| advice_for(kind).to_owned(), |help| help.to_string());
    Some(PolicyFault::new(kind, place, what, advice))
}

fn advice_for(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Schema => "use the names and types that docs/policies.md lists",
        FaultKind::Misleading => "correct the rule, or name the system or model by its id",
        _ => "see the examples in docs/policies.md",
    }
}
