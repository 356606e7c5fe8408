//! Rules of masking: what becomes of which personal data, by system, purpose and provider.
//!
//! Promises: where several rules hold for a call, each class gets the strictest operator that any of them names; what no rule names is treated as where
//! there are no rules. Must never: let a misspelt class or provider be a rule that quietly holds for nothing.

pub(crate) mod answers;
mod preview;
pub(crate) mod pseudonyms;
mod shown;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tabellion_guard::MAX_LABELS;
use tabellion_mask::{Class, Classes, Operator, Plan};
use tabellion_model::SystemId;
use tabellion_model::body::{GuardOutcome, Guarded, PseudonymScope};

use crate::config::{GatewayConfig, StartError};
use crate::guards::config::Side;
use crate::words::{hex_of, is_purpose};
use answers::OfAnswers;
use pseudonyms::Treatment;

pub use preview::Preview;
pub use pseudonyms::{Rehydrate, Said};
pub use shown::ShownRule;

/// Most rules: so many names fit into the record of a call.
const MAX_RULES: usize = 16;
/// Longest name of one.
const MAX_NAME: usize = 64;
/// Bytes of the digest in a version: enough to tell settings apart that people wrote.
const VERSION_BYTES: usize = 6;
/// What rules do; a change in what the same settings do is another number.
const VERSION: &str = "masking.1";
/// Before the name of a rule where it stands among guards, whose names have no dot.
const AMONG_GUARDS: &str = "masking.";

/// One rule as an operator writes it down. Lists of operators hold names of classes, or of groups of them: `personal`, `secrets`, `names`, `all`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MaskingConfig {
    /// Its name in records: `[a-z0-9-]`, at most 64.
    pub name: String,
    /// What it treats: what is sent, what a model brings up itself in its answer, or both; none: what is sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<Side>,
    /// Ids of the systems it is for; none: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub systems: Vec<String>,
    /// Purposes it is for; none: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub purposes: Vec<String>,
    /// Providers it is for, by their names in the configuration; none: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub upstreams: Vec<String>,
    /// What goes on as it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pass: Vec<String>,
    /// What a placeholder stands for, and comes back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pseudonymise: Vec<String>,
    /// What a keyed digest stands for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hash: Vec<String>,
    /// What the name of its class stands for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mask: Vec<String>,
    /// What nothing stands for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drop: Vec<String>,
    /// What keeps a call from being sent, and an answer from going back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub block: Vec<String>,
    /// How far placeholders reach: the calls of a system where nobody says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<PseudonymScope>,
    /// Whether answers get the values of their placeholders: they do where nobody says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rehydrate: Option<Rehydrate>,
    /// Whether the record of a call keeps what its placeholders stand for, for who may ask later: it does not where nobody says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<bool>,
    /// Which generation of keys placeholders derive from: another number gives others, which nobody can match to those before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
}

impl MaskingConfig {
    fn lists(&self) -> [(Operator, &[String]); Operator::ALL.len()] {
        [
            (Operator::Pass, &self.pass),
            (Operator::Pseudonymise, &self.pseudonymise),
            (Operator::Hash, &self.hash),
            (Operator::Mask, &self.mask),
            (Operator::Drop, &self.drop),
            (Operator::Block, &self.block),
        ]
    }

    /// The names of classes and groups under an operator.
    pub fn list_mut(&mut self, operator: Operator) -> &mut Vec<String> {
        match operator {
            Operator::Pass => &mut self.pass,
            Operator::Pseudonymise => &mut self.pseudonymise,
            Operator::Hash => &mut self.hash,
            Operator::Mask => &mut self.mask,
            Operator::Drop => &mut self.drop,
            Operator::Block => &mut self.block,
        }
    }
}

/// The rules, ready.
pub struct Masking {
    rules: Vec<Rule>,
    /// What is looked for where no rule says anything.
    base: Classes,
}

struct Rule {
    name: String,
    version: String,
    /// None: what is sent.
    on: Vec<Side>,
    systems: BTreeSet<SystemId>,
    purposes: BTreeSet<String>,
    upstreams: BTreeSet<String>,
    operators: BTreeMap<Class, Operator>,
    /// What it says of placeholders.
    said: Said,
}

/// What holds for one call.
pub struct Applied<'m> {
    /// What becomes of which class in what is sent.
    pub plan: Plan,
    rules: Vec<&'m Rule>,
}

impl Masking {
    /// Makes the rules of a configuration ready. The error names one that cannot hold, and why.
    pub fn new(config: &GatewayConfig) -> Result<Self, StartError> {
        let configs = config.masking.as_slice();
        let upstreams: BTreeSet<&str> =
            config.upstreams.iter().map(|upstream| upstream.name.as_str()).collect();
        if configs.len() > MAX_RULES {
            let many = configs.len();
            return Err(StartError::Setting(format!(
                "{many} sections [masking.NAME] are more than {MAX_RULES}; fold those together that are for the same calls"
            )));
        }
        let mut rules: Vec<Rule> = Vec::new();
        for config in configs {
            let refused = |why: &str| StartError::Setting(format!("[masking.{}] {why}", config.name));
            let rule = Rule::new(config, &upstreams).map_err(|why| refused(&why))?;
            if rules.iter().any(|known| known.name == rule.name) {
                return Err(refused("the name is there twice; records could not tell the two apart"));
            }
            rules.push(rule);
        }
        Ok(Self { rules, base: config.classes() })
    }

    /// What holds for a call of this system for this purpose to this provider.
    pub fn of(&self, system: SystemId, purpose: &str, upstream: &str) -> Applied<'_> {
        let applies = |rule: &&Rule| {
            (rule.systems.is_empty() || rule.systems.contains(&system))
                && (rule.purposes.is_empty() || rule.purposes.contains(purpose))
                && (rule.upstreams.is_empty() || rule.upstreams.contains(upstream))
        };
        let rules: Vec<&Rule> = self.rules.iter().filter(applies).collect();
        Applied { plan: strictest(&rules, Side::Prompt, self.base), rules }
    }
}

/// Of all rules for this side the strictest operator for each class; what none names is as `base` has it.
fn strictest(rules: &[&Rule], side: Side, base: Classes) -> Plan {
    let mut strictest: BTreeMap<Class, Operator> = BTreeMap::new();
    for rule in rules.iter().filter(|rule| rule.is_on(side)) {
        for (class, operator) in &rule.operators {
            let held = strictest.entry(*class).or_insert(*operator);
            *held = (*held).max(*operator);
        }
    }
    strictest.into_iter().fold(Plan::from(base), |plan, (class, operator)| plan.with(class, operator))
}

impl Applied<'_> {
    /// The rules that are for the call, as records name them: `<name>@<version>`, by name order.
    pub fn rules(&self) -> Vec<String> {
        self.rules.iter().map(|rule| rule.named()).collect()
    }

    /// Those of them that treat this side.
    pub fn rules_on(&self, side: Side) -> Vec<String> {
        self.rules.iter().filter(|rule| rule.is_on(side)).map(|rule| rule.named()).collect()
    }

    /// What becomes of what the model brings up itself; none: no rule says anything of that.
    pub(crate) fn of_answers(&self) -> Option<Box<OfAnswers>> {
        let plan = strictest(&self.rules, Side::Answer, Classes::NONE);
        (plan.looked_for() != Classes::NONE).then(|| {
            let rules = self.rules.iter().filter(|rule| rule.is_on(Side::Answer));
            Box::new(OfAnswers::new(plan, rules.map(|rule| rule.among_guards()).collect()))
        })
    }

    /// What they say of placeholders.
    pub(crate) fn treatment(&self) -> Treatment {
        Treatment::of(&self.rules.iter().map(|rule| rule.said).collect::<Vec<_>>())
    }

    /// The rules that keep a call with these classes from being sent, as guards are told.
    pub(crate) fn stopped(&self, blocked: &[Class]) -> Vec<Guarded> {
        let rules = self.rules.iter().filter(|rule| rule.is_on(Side::Prompt));
        rules.filter_map(|rule| rule.among_guards().stops(blocked.iter().copied())).collect()
    }
}

/// A rule as it stands among guards.
#[derive(Debug, Clone)]
pub(crate) struct AmongGuards {
    guard: String,
    version: String,
    /// Classes that it blocks.
    blocks: Classes,
}

impl AmongGuards {
    /// That it stops what holds these classes; none: it blocks none of them.
    fn stops(&self, blocked: impl Iterator<Item = Class>) -> Option<Guarded> {
        let found = blocked.filter(|class| self.blocks.has(*class)).take(MAX_LABELS);
        let found: Vec<String> = found.map(|class| class.name().to_owned()).collect();
        (!found.is_empty()).then(|| self.says(GuardOutcome::Blocked, found))
    }

    fn says(&self, outcome: GuardOutcome, found: Vec<String>) -> Guarded {
        let (guard, version) = (self.guard.clone(), self.version.clone());
        Guarded { guard, version, outcome, found, edits: None }
    }
}

/// What to tell whoever is stopped: what it holds, which rule, and what would change the answer. No value.
pub(crate) fn refusal(blocked: &[Class], upstream: &str, stopped: &[Guarded]) -> String {
    let classes: Vec<&str> = blocked.iter().map(|class| class.name()).collect();
    let rules: Vec<&str> = stopped.iter().map(|rule| rule.guard.as_str()).collect();
    format!(
        "the request holds {}, which may not go to {upstream} ({}); leave it out, or ask the governance engineer who keeps the rules of masking",
        classes.join(", "),
        rules.join(", ")
    )
}

impl Rule {
    fn new(config: &MaskingConfig, known: &BTreeSet<&str>) -> Result<Self, String> {
        let is_name = (1..=MAX_NAME).contains(&config.name.len())
            && config.name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if !is_name {
            return Err(format!("a rule is named with a-z, 0-9 and -, at most {MAX_NAME} characters"));
        }
        let system = |id: &String| {
            SystemId::from_hex(id)
                .ok_or_else(|| format!("systems: {id:?} is no id of a system (32 hex digits)"))
        };
        let purpose = |purpose: &String| {
            let refused = || format!("purposes: {purpose:?} is no purpose");
            is_purpose(purpose).then(|| purpose.clone()).ok_or_else(refused)
        };
        let upstream = |name: &String| {
            let refused = || format!("upstreams: there is no section [upstream.{name}]");
            known.contains(name.as_str()).then(|| name.clone()).ok_or_else(refused)
        };
        let said = Said::of(config);
        let written = serde_json::to_vec(config).map_err(|error| error.to_string())?;
        let digest: [u8; 32] = Sha256::digest(written).into();
        let short: String = hex_of(digest).chars().take(2 * VERSION_BYTES).collect();
        Ok(Self {
            name: config.name.clone(),
            version: format!("{VERSION}-{short}"),
            on: config.on.clone(),
            systems: config.systems.iter().map(system).collect::<Result<_, _>>()?,
            purposes: config.purposes.iter().map(purpose).collect::<Result<_, _>>()?,
            upstreams: config.upstreams.iter().map(upstream).collect::<Result<_, _>>()?,
            operators: operators(config, said)?,
            said,
        })
    }

    /// As records name it.
    fn named(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }

    /// Whether it treats this side of a call.
    fn is_on(&self, side: Side) -> bool {
        is_on(&self.on, side)
    }

    fn among_guards(&self) -> AmongGuards {
        let blocking = self.operators.iter().filter(|(_, operator)| **operator == Operator::Block);
        AmongGuards {
            guard: format!("{AMONG_GUARDS}{}", self.name),
            version: self.version.clone(),
            blocks: blocking.fold(Classes::NONE, |all, (class, _)| all.with(*class)),
        }
    }
}

/// Whether a rule that says this of sides treats this one.
fn is_on(on: &[Side], side: Side) -> bool {
    on.contains(&side) || on.is_empty() && side == Side::Prompt
}

/// The operator of each class that a rule names. A class that is named itself has the operator it is named under, whatever its group has.
fn operators(config: &MaskingConfig, said: Said) -> Result<BTreeMap<Class, Operator>, String> {
    let mut by_group: BTreeMap<Class, Operator> = BTreeMap::new();
    let mut by_name = BTreeMap::new();
    for (operator, names) in &config.lists() {
        for name in *names {
            let (taken, classes): (_, Vec<Class>) = match (Class::from_name(name), Classes::from_name(name)) {
                (Some(class), _) => (&mut by_name, vec![class]),
                (None, Some(group)) => {
                    (&mut by_group, Class::all().filter(|class| group.has(*class)).collect())
                }
                (None, None) => {
                    return Err(format!(
                        "{}: {name:?} is no class or group of docs/masking.md",
                        operator.name()
                    ));
                }
            };
            for class in classes {
                if let Some(before) = taken.insert(class, *operator).filter(|before| before != operator) {
                    return Err(format!(
                        "{} is under {} and under {}; name it under one",
                        class.name(),
                        before.name(),
                        operator.name()
                    ));
                }
            }
        }
    }
    by_group.extend(by_name);
    answers::check(config, &by_group, said)?;
    if by_group.is_empty() && said.is_silent() {
        return Err("names no class; say what becomes of which: pass, pseudonymise, hash, mask, drop or block = [\"email\"], or what of placeholders: scope, rehydrate, keep, generation".to_owned());
    }
    Ok(by_group)
}
