//! What becomes of each class of value: looked for or not, and which operator takes it.
//!
//! Promises: of two choices for one class the stricter holds, so that adding a rule never loosens another; the names of members stay different names
//! under every operator, or a reader would find one member where two were sent.

use crate::class::{Class, Classes};
use crate::scope::{Scope, ScopeFull};

/// What becomes of a value, the most lenient first: the order is that of strictness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// It goes on as it is, and is counted.
    Pass,
    /// A placeholder stands for it (`<EMAIL_7Q2K4F>`), for which an answer is given the value back.
    Pseudonymise,
    /// A keyed digest stands for it (`<EMAIL#…>`): the same for the same value within a scope's key, and never given back.
    Hash,
    /// Its class stands for it (`<EMAIL>`); nothing tells two values apart, and none is given back.
    Mask,
    /// Nothing stands for it.
    Drop,
    /// Whatever holds it is not sent at all.
    Block,
}

impl Operator {
    /// Every one, the most lenient first.
    pub const ALL: [Self; 6] =
        [Self::Pass, Self::Pseudonymise, Self::Hash, Self::Mask, Self::Drop, Self::Block];

    /// The stable name: what configuration and records say.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Pseudonymise => "pseudonymise",
            Self::Hash => "hash",
            Self::Mask => "mask",
            Self::Drop => "drop",
            Self::Block => "block",
        }
    }

    /// The operator with this [name](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operator| operator.name() == name)
    }
}

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// In text, or as a value of JSON.
    Value,
    /// In the name of a member.
    Name,
}

/// Which classes are looked for, and what becomes of what is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan([Classes; Operator::ALL.len()]);

impl From<Classes> for Plan {
    /// These are pseudonymised, and no other is looked for.
    fn from(classes: Classes) -> Self {
        let mut plan = Self([Classes::NONE; Operator::ALL.len()]);
        *plan.of_mut(Operator::Pseudonymise) = classes;
        plan
    }
}

impl Plan {
    /// The same with `operator` for this class, whatever it was.
    #[must_use]
    pub fn with(mut self, class: Class, operator: Operator) -> Self {
        for classes in &mut self.0 {
            *classes = classes.without(class);
        }
        let taken = self.of_mut(operator);
        *taken = taken.with(class);
        self
    }

    /// The same without looking for these.
    #[must_use]
    pub fn except(self, classes: Classes) -> Self {
        Self(self.0.map(|taken| taken.except(classes)))
    }

    /// The same with placeholders for what would pass: what may be kept.
    #[must_use]
    pub fn with_nothing_passed(mut self) -> Self {
        let passed = std::mem::replace(self.of_mut(Operator::Pass), Classes::NONE);
        let taken = self.of_mut(Operator::Pseudonymise);
        *taken = taken.and(passed);
        self
    }

    /// What is looked for.
    pub fn looked_for(&self) -> Classes {
        self.0.iter().fold(Classes::NONE, |all, classes| all.and(*classes))
    }

    /// What keeps a request from being sent.
    pub fn blocked(&self) -> Classes {
        let [.., blocked] = self.0;
        blocked
    }

    /// Whether URLs are looked for, and anything else that is has another operator: what is in a URL, or around it, then depends on its end.
    pub fn differs_by_url(&self) -> bool {
        let Some(of_url) = self.operator(Class::Url) else { return false };
        let with_it = Operator::ALL.into_iter().zip(&self.0).find(|(operator, _)| *operator == of_url);
        with_it.is_some_and(|(_, classes)| *classes != self.looked_for())
    }

    /// What becomes of a class; `None`: it is not looked for.
    pub fn operator(&self, class: Class) -> Option<Operator> {
        Operator::ALL
            .into_iter()
            .zip(&self.0)
            .find(|(_, classes)| classes.has(class))
            .map(|(operator, _)| operator)
    }

    /// What becomes of a value of this class there. A name that gave way to nothing, or to what others give way to, could become another member's.
    pub fn applied(&self, class: Class, role: Role) -> Operator {
        match (self.operator(class).unwrap_or(Operator::Pseudonymise), role) {
            (Operator::Mask | Operator::Drop, Role::Name) => Operator::Hash,
            (operator, _) => operator,
        }
    }

    /// What stands in a value's place; `None`: the value itself does.
    pub fn replacement(
        &self,
        class: Class,
        value: &str,
        role: Role,
        scope: &mut Scope,
    ) -> Result<Option<String>, ScopeFull> {
        Ok(Some(match self.applied(class, role) {
            Operator::Pass => return Ok(None),
            // Of what is blocked nothing is sent; should it be sent after all, it is not the value.
            Operator::Pseudonymise | Operator::Block => scope.issue(class, value)?,
            Operator::Hash => scope.hash(class, value),
            Operator::Mask => format!("<{}>", class.label()),
            Operator::Drop => String::new(),
        }))
    }

    fn of_mut(&mut self, operator: Operator) -> &mut Classes {
        let [pass, pseudonymise, hash, mask, drop, block] = &mut self.0;
        match operator {
            Operator::Pass => pass,
            Operator::Pseudonymise => pseudonymise,
            Operator::Hash => hash,
            Operator::Mask => mask,
            Operator::Drop => drop,
            Operator::Block => block,
        }
    }
}
