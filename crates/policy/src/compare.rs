//! What one set of policies says that another does not: rule by rule, by what rules mean.
//!
//! Promises: white space, comments and the order of rules are no change; where it can be shown that a rule written otherwise applies to the same calls, that
//! is said, and where it applies to others, with a call to show it. Must never: call a rule the same that may differ.

use cedar_policy::Policy;

use crate::case::Case;
use crate::compile::{NamedPolicy, Rule, lone_rules};
use crate::fault::PolicyFault;
use crate::lint::extent::{Budget, Lone};

/// How a rule changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was not there.
    Added,
    /// It is not there any more.
    Removed,
    /// It is the same under another name.
    Renamed,
    /// It is written otherwise and applies to the same calls.
    Rewritten,
    /// Its description alone is another.
    Described,
    /// It means something else, or could not be shown to mean the same.
    Changed,
}

impl Change {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Renamed => "renamed",
            Self::Rewritten => "rewritten",
            Self::Described => "described",
            Self::Changed => "changed",
        }
    }

    /// Whether calls may be decided otherwise for it.
    pub const fn of_meaning(self) -> bool {
        matches!(self, Self::Added | Self::Removed | Self::Changed)
    }
}

/// One rule that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleChange {
    /// How.
    pub change: Change,
    /// The rule as it was.
    pub old: Option<Rule>,
    /// The rule as it is.
    pub new: Option<Rule>,
    /// A call that the rule says something else of than before, where one was found.
    pub example: Option<Case>,
}

/// A rule with what Cedar made of it.
struct Known {
    rule: Rule,
    compiled: Policy,
    /// What it says, without its annotations; `None`: nothing to compare by.
    says: Option<String>,
}

/// The rules that are not as they were: removed ones first, in the order of the texts.
pub fn compare(old: &[NamedPolicy<'_>], new: &[NamedPolicy<'_>]) -> Result<Vec<RuleChange>, PolicyFault> {
    let (mut old, mut new) = (known(old)?, known(new)?);
    let mut changes = Vec::new();
    // Unchanged by name and words, then by name, so that what was only moved or renamed is no change of another rule.
    pair(
        &mut old,
        &mut new,
        |old, new| old.rule.id == new.rule.id && old.says_as(new),
        |old, new| {
            let described = old.rule.description != new.rule.description;
            changes.extend(described.then(|| change(Change::Described, Some(old), Some(new), None)));
        },
    );
    pair(&mut old, &mut new, Known::says_as, |old, new| {
        changes.push(change(Change::Renamed, Some(old), Some(new), None));
    });
    let mut budget = Budget::new();
    pair(
        &mut old,
        &mut new,
        |old, new| old.rule.id == new.rule.id,
        |old, new| {
            changes.push(changed(old, new, &mut budget));
        },
    );
    changes.extend(new.into_iter().map(|new| change(Change::Added, None, Some(new), None)));
    let mut all: Vec<RuleChange> =
        old.into_iter().map(|old| change(Change::Removed, Some(old), None, None)).collect();
    all.append(&mut changes);
    Ok(all)
}

impl Known {
    fn says_as(&self, other: &Self) -> bool {
        self.says.is_some() && self.says == other.says
    }
}

fn known(policies: &[NamedPolicy<'_>]) -> Result<Vec<Known>, PolicyFault> {
    let mut all = Vec::new();
    for policy in policies {
        for (rule, compiled) in lone_rules(policy)? {
            let says = compiled.to_json().ok().map(|mut json| {
                if let Some(members) = json.as_object_mut() {
                    members.remove("annotations");
                }
                json.to_string()
            });
            all.push(Known { rule, compiled, says });
        }
    }
    Ok(all)
}

/// Takes out of both lists what belongs together, each with the first that does.
fn pair(
    old: &mut Vec<Known>,
    new: &mut Vec<Known>,
    belong: impl Fn(&Known, &Known) -> bool,
    mut found: impl FnMut(Known, Known),
) {
    let mut left = Vec::new();
    for one in old.drain(..) {
        match new.iter().position(|other| belong(&one, other)) {
            Some(at) => found(one, new.remove(at)),
            None => left.push(one),
        }
    }
    *old = left;
}

fn change(change: Change, old: Option<Known>, new: Option<Known>, example: Option<Case>) -> RuleChange {
    RuleChange { change, old: old.map(|known| known.rule), new: new.map(|known| known.rule), example }
}

/// Two rules of one name that are written otherwise.
fn changed(old: Known, new: Known, budget: &mut Budget) -> RuleChange {
    let turned = old.rule.effect != new.rule.effect;
    let before = Lone::of(old.rule.clone(), &old.compiled);
    let after = Lone::of(new.rule.clone(), &new.compiled);
    let relation = before.beside(&after, budget);
    let (how, example) = match relation {
        Some(relation) if !turned => match relation.second_alone.or(relation.first_alone) {
            None => (Change::Rewritten, None),
            example => (Change::Changed, example),
        },
        _ => (Change::Changed, None),
    };
    change(how, Some(old), Some(new), example)
}
