//! Policies in layers: those of the organisation, and packs below it that hold for some systems.
//!
//! Promises: a call is permitted when the organisation's layer permits it and every pack below that holds for its system and has permissions permits it too,
//! and nothing in any layer forbids it or errs; so a lower layer can only tighten, whatever it says. Compiled once, decided without a look at texts. Must never:
//! let one layer see, name or undo a rule of another.

use tabellion_model::SystemId;
use tabellion_model::body::PolicyLayer;

use crate::compile::{Effect, MAX_RULES, NamedPolicy, OWN_RULES, PolicySet, Rule};
use crate::fault::{FaultKind, Place, PolicyFault};
use crate::pack::{Pack, PackFault, SignedPack};
use crate::question::Question;
use crate::verdict::Verdict;

/// A text under the name that rules are called by.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Text {
    name: String,
    text: String,
}

/// A pack below the organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Below {
    layer: PolicyLayer,
    pack: String,
    systems: Vec<SystemId>,
    texts: Vec<Text>,
}

/// Texts in their layers, as they would be in force together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stack {
    organisation: Vec<Text>,
    below: Vec<Below>,
    own: Option<Text>,
}

impl Stack {
    /// A policy of the organisation.
    pub fn publish(&mut self, name: &str, text: &str) {
        self.organisation.push(Text { name: name.to_owned(), text: text.to_owned() });
    }

    /// The one rule that the program itself has beside those of the organisation: the one that permits canaries. It stands within no limit, so that whoever has as
    /// many rules in force as there may be is decided by as before.
    pub fn set_own(&mut self, name: &str, text: &str) {
        self.own = Some(Text { name: name.to_owned(), text: text.to_owned() });
    }

    /// A pack as its record has it: the whole file, and the systems that it holds for; one of the organisation holds for all.
    pub fn load(&mut self, file: &str, systems: &[SystemId]) -> Result<(), PackFault> {
        self.add(SignedPack::read(file.as_bytes())?.pack(), systems);
        Ok(())
    }

    /// The same for a pack that was read.
    pub fn add(&mut self, pack: &Pack, systems: &[SystemId]) {
        let texts = pack
            .policies
            .iter()
            .map(|policy| Text { name: pack.name_in_force(&policy.name), text: policy.text.clone() });
        if pack.layer == PolicyLayer::Organisation {
            self.organisation.extend(texts);
            return;
        }
        let mut systems = systems.to_vec();
        systems.sort_unstable();
        let below = Below { layer: pack.layer, pack: pack.name.clone(), systems, texts: texts.collect() };
        self.below.push(below);
        self.below.sort_by(|a, b| (a.layer, &a.pack).cmp(&(b.layer, &b.pack)));
    }

    /// Every text that somebody brought into force, the organisation's first.
    pub fn named(&self) -> Vec<NamedPolicy<'_>> {
        let below = self.below.iter().flat_map(|below| &below.texts);
        named(self.organisation.iter().chain(below))
    }

    /// Texts of layers above `layer` that hold for one of `systems`.
    pub fn above(&self, layer: PolicyLayer, systems: &[SystemId]) -> Vec<NamedPolicy<'_>> {
        let shared = |below: &&Below| {
            below.layer < layer && below.systems.iter().any(|system| systems.contains(system))
        };
        let below = self.below.iter().filter(shared).flat_map(|below| &below.texts);
        named(self.organisation.iter().filter(|_| layer > PolicyLayer::Organisation).chain(below))
    }
}

fn named<'t>(texts: impl Iterator<Item = &'t Text>) -> Vec<NamedPolicy<'t>> {
    texts.map(|text| NamedPolicy { name: &text.name, text: &text.text }).collect()
}

/// How the texts of a layer are compiled, with the program's own beside them.
type Compiling = fn(&[NamedPolicy<'_>], Option<&NamedPolicy<'_>>) -> Result<PolicySet, PolicyFault>;

/// The rules of every layer.
#[derive(Debug)]
pub struct Layers {
    organisation: PolicySet,
    below: Vec<Lower>,
}

/// The rules of a pack below the organisation.
#[derive(Debug)]
struct Lower {
    pack: String,
    systems: Vec<SystemId>,
    /// Whether any of its rules permits: one of prohibitions alone need not permit a call.
    permits: bool,
    rules: PolicySet,
}

impl Lower {
    /// Whether it holds for a system; they stand in order.
    fn holds_for(&self, system: SystemId) -> bool {
        self.systems.binary_search(&system).is_ok()
    }
}

/// What all layers together say of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The verdict, with the rules of each layer that made it, the outermost layer's first.
    pub verdict: Verdict,
    /// The pack below the organisation that permits nothing of the kind, where that alone stands against the call.
    pub silent: Option<String>,
}

impl Layers {
    /// Compiles texts and checks each.
    pub fn compile(stack: &Stack) -> Result<Self, PolicyFault> {
        Self::of(stack, PolicySet::compile_with)
    }

    /// Compiles texts that were checked when they came into force, as [`PolicySet::of_published`] does.
    pub fn of_published(stack: &Stack) -> Result<Self, PolicyFault> {
        Self::of(stack, PolicySet::of_published_with)
    }

    fn of(stack: &Stack, compile: Compiling) -> Result<Self, PolicyFault> {
        let own = stack.own.as_ref().map(|own| NamedPolicy { name: &own.name, text: &own.text });
        let organisation = compile(&named(stack.organisation.iter()), own.as_ref())?;
        let below = stack.below.iter().map(|below| {
            let rules = compile(&named(below.texts.iter()), None)?;
            let permits = rules.rules().iter().any(|rule| rule.effect == Effect::Permit);
            Ok(Lower { pack: below.pack.clone(), systems: below.systems.clone(), permits, rules })
        });
        let layers = Self { organisation, below: below.collect::<Result<_, PolicyFault>>()? };
        let count = layers.rules().count().saturating_sub(OWN_RULES * usize::from(own.is_some()));
        if count > MAX_RULES {
            let what = format!("{count} rules would be in force in all layers together, {MAX_RULES} at most");
            let advice =
                "withdraw a policy or a pack, or join rules that differ in one name with `||` or a set";
            return Err(PolicyFault::new(FaultKind::Limit, Place { line: 1, column: 1 }, what, advice));
        }
        Ok(layers)
    }

    /// The rules of every layer, the organisation's first.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.organisation.rules().iter().chain(self.below.iter().flat_map(|below| below.rules.rules()))
    }

    /// What the rules say of one call.
    pub fn decide(&self, question: &Question<'_>) -> Decided {
        let mut decided = Decided { verdict: self.organisation.decide(question), silent: None };
        for below in self.below.iter().filter(|below| below.holds_for(question.system)) {
            let verdict = below.rules.decide(question);
            let permits_nothing = verdict == Verdict::NonePermits;
            if permits_nothing && !below.permits {
                continue;
            }
            if permits_nothing && decided.verdict.permits() {
                decided.silent = Some(below.pack.clone());
            }
            decided.verdict = joined(decided.verdict, verdict);
        }
        decided.silent = decided.silent.filter(|_| decided.verdict == Verdict::NonePermits);
        decided
    }
}

/// What two layers say together: what forbids is final, then what errs, then what nobody permits; rules of both where both say the same.
fn joined(first: Verdict, second: Verdict) -> Verdict {
    match (first, second) {
        (Verdict::Permit { rules }, Verdict::Permit { rules: more }) => {
            Verdict::Permit { rules: [rules, more].concat() }
        }
        (Verdict::Forbid { rules }, Verdict::Forbid { rules: more }) => {
            Verdict::Forbid { rules: [rules, more].concat() }
        }
        (Verdict::Erred { rules, what }, Verdict::Erred { rules: more, .. }) => {
            Verdict::Erred { rules: [rules, more].concat(), what }
        }
        (first, second) if weight(&second) > weight(&first) => second,
        (first, _) => first,
    }
}

const fn weight(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Permit { .. } => 0,
        Verdict::NonePermits => 1,
        Verdict::Erred { .. } => 2,
        Verdict::Forbid { .. } => 3,
    }
}

#[cfg(test)]
mod tests;
