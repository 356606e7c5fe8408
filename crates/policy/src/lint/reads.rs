//! What a rule looks at, and what it compares that with: all that decides for which calls it applies.
//!
//! Promises: where [`Reads::of`] gives an answer, two calls that agree on every comparison listed are the same to the rule. Must never: give one for a rule
//! with an expression it does not know; there is none then, and nothing is said of that rule's reach.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::Policy;
use cedar_policy::pst::{
    BinaryOp, Clause, EntityOrSlot, EntityUID, Expr, Literal, PatternElem, PrincipalConstraint,
    ResourceConstraint, UnaryOp, Var,
};

/// Attributes that a model may not have.
const REGION: &str = "region";
const RETENTION: &str = "retention_days";

/// What is compared letter for letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Word {
    /// The system, and its attribute `id`.
    System,
    SystemName,
    Stage,
    Purposes,
    Key,
    /// The model, and its attribute `name`.
    Model,
    AskedAs,
    Upstream,
    /// Of the provider; may not be there.
    Region,
    Purpose,
    Surface,
    Tools,
}

impl Word {
    /// Whether it is a set of words.
    pub(crate) fn is_set(self) -> bool {
        matches!(self, Self::Purposes | Self::Tools)
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Number {
    Bytes,
    Hour,
    Weekday,
    /// Days that the provider keeps data; may not be there.
    Retention,
}

/// What one word is compared with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Words {
    pub(crate) literals: BTreeSet<String>,
    pub(crate) patterns: Vec<Vec<PatternElem>>,
}

/// What one number is compared with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Numbers {
    pub(crate) literals: BTreeSet<i64>,
    /// It is calculated with, so that every value counts.
    pub(crate) each: bool,
}

/// What rules look at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reads {
    pub(crate) words: BTreeMap<Word, Words>,
    /// Words that are compared with one another.
    pub(crate) together: Vec<BTreeSet<Word>>,
    pub(crate) numbers: BTreeMap<Number, Numbers>,
    pub(crate) stream: bool,
    pub(crate) trains: bool,
}

impl Reads {
    /// What `policy` looks at; `None` where that is not wholly known.
    pub(crate) fn of(policy: &Policy) -> Option<Self> {
        let parsed = policy.to_pst().ok()?;
        let body = parsed.body();
        let mut reads = Self::default();
        match &body.principal {
            PrincipalConstraint::Any | PrincipalConstraint::Is(_) => {}
            PrincipalConstraint::Eq(named)
            | PrincipalConstraint::In(named)
            | PrincipalConstraint::IsIn(_, named) => reads.scope(named)?,
        }
        match &body.resource {
            ResourceConstraint::Any | ResourceConstraint::Is(_) => {}
            ResourceConstraint::Eq(named)
            | ResourceConstraint::In(named)
            | ResourceConstraint::IsIn(_, named) => reads.scope(named)?,
        }
        for clause in body.clauses() {
            match clause {
                Clause::When(condition) | Clause::Unless(condition) => reads.condition(condition)?,
            }
        }
        Some(reads)
    }

    /// What either looks at.
    pub(crate) fn with(&self, other: &Self) -> Self {
        let mut both = self.clone();
        for (word, more) in &other.words {
            let words = both.words.entry(*word).or_default();
            words.literals.extend(more.literals.iter().cloned());
            words.patterns.extend(more.patterns.iter().cloned());
        }
        both.together.extend(other.together.iter().cloned());
        for (number, more) in &other.numbers {
            let numbers = both.numbers.entry(*number).or_default();
            numbers.literals.extend(&more.literals);
            numbers.each |= more.each;
        }
        both.stream |= other.stream;
        both.trains |= other.trains;
        both
    }

    fn scope(&mut self, named: &EntityOrSlot) -> Option<()> {
        let EntityOrSlot::Entity(uid) = named else { return None };
        self.entity(uid)
    }

    fn entity(&mut self, uid: &EntityUID) -> Option<()> {
        let word = match uid.ty.to_string().as_str() {
            "System" => Word::System,
            "Model" => Word::Model,
            "Upstream" => Word::Upstream,
            "Key" => Word::Key,
            // Every action is tried in any case.
            "Action" => return Some(()),
            _ => return None,
        };
        self.words.entry(word).or_default().literals.insert(uid.eid.to_string());
        Some(())
    }

    /// Reads an expression that is true or false.
    fn condition(&mut self, expr: &Expr) -> Option<()> {
        match expr {
            Expr::Literal(Literal::Bool(_)) => Some(()),
            Expr::UnaryOp { op: UnaryOp::Not, expr } => self.condition(expr),
            Expr::BinaryOp { op: BinaryOp::And | BinaryOp::Or, left, right } => {
                self.condition(left)?;
                self.condition(right)
            }
            Expr::IfThenElse { cond, then_expr, else_expr } => {
                self.condition(cond)?;
                self.condition(then_expr)?;
                self.condition(else_expr)
            }
            Expr::BinaryOp { op, left, right } => self.comparison(*op, left, right),
            Expr::Like { expr, pattern } => {
                let Some(Term::Word(word)) = attribute(expr) else { return None };
                self.words.entry(word).or_default().patterns.push(pattern.clone());
                Some(())
            }
            Expr::UnaryOp { op: UnaryOp::IsEmpty, expr } => {
                let terms = Terms::of(expr)?;
                self.note(BinaryOp::Contains, &terms)
            }
            Expr::HasAttr { expr, attrs } => self.presence(expr, attrs.iter().map(AsRef::as_ref)),
            Expr::Is { expr, in_expr, .. } => {
                let mut terms = Terms::of(expr)?;
                if let Some(within) = in_expr {
                    terms.add(within)?;
                }
                self.note(BinaryOp::In, &terms)
            }
            Expr::GetAttr { .. } => {
                let terms = Terms::of(expr)?;
                self.note(BinaryOp::Eq, &terms)
            }
            _ => None,
        }
    }

    /// Whether an attribute is there. Of those that may not be, each is tried without; every other of the schema always is.
    fn presence<'n>(&mut self, of: &Expr, mut names: impl Iterator<Item = &'n str>) -> Option<()> {
        let Expr::Var(var) = of else { return None };
        let (Some(name), None) = (names.next(), names.next()) else { return None };
        match (var, name) {
            (Var::Resource, REGION) => drop(self.words.entry(Word::Region).or_default()),
            (Var::Resource, RETENTION) => drop(self.numbers.entry(Number::Retention).or_default()),
            // Who is behind a call is tried in no way, so nothing is said of a rule that asks for it.
            (Var::Context, "person" | "agent") => return None,
            _ => {}
        }
        Some(())
    }

    fn comparison(&mut self, op: BinaryOp, left: &Expr, right: &Expr) -> Option<()> {
        let compares = matches!(
            op,
            BinaryOp::Eq
                | BinaryOp::NotEq
                | BinaryOp::Less
                | BinaryOp::LessEq
                | BinaryOp::Greater
                | BinaryOp::GreaterEq
                | BinaryOp::In
                | BinaryOp::Contains
                | BinaryOp::ContainsAll
                | BinaryOp::ContainsAny
        );
        if !compares {
            return None;
        }
        let mut terms = Terms::default();
        if terms.add(left).is_some() && terms.add(right).is_some() {
            return self.note(op, &terms);
        }
        if !matches!(op, BinaryOp::Eq | BinaryOp::NotEq) {
            return None;
        }
        // Two truths compared.
        self.condition(left)?;
        self.condition(right)
    }

    /// Takes in what one comparison speaks of.
    fn note(&mut self, op: BinaryOp, terms: &Terms) -> Option<()> {
        for uid in &terms.entities {
            self.entity(uid)?;
        }
        self.stream |= terms.stream;
        self.trains |= terms.trains;
        let words: BTreeSet<Word> = terms.words.iter().copied().collect();
        for word in &words {
            self.words.entry(*word).or_default().literals.extend(terms.literals.iter().cloned());
        }
        // Entities of different types are never equal, so these do not take part in each other's comparisons.
        let letters: BTreeSet<Word> = terms.letters.iter().copied().collect();
        if letters.len() > 1 {
            self.together.push(letters);
        }
        let plain = terms.numbers.len() == 1 && !terms.arithmetic;
        let by_size = !matches!(op, BinaryOp::ContainsAll | BinaryOp::ContainsAny);
        for number in &terms.numbers {
            let numbers = self.numbers.entry(*number).or_default();
            if plain && by_size {
                numbers.literals.extend(&terms.longs);
            } else if matches!(number, Number::Bytes | Number::Retention) {
                // Too many values to try each.
                return None;
            } else {
                numbers.each = true;
            }
        }
        Some(())
    }
}

/// What stands in one comparison.
#[derive(Debug, Default)]
struct Terms {
    words: Vec<Word>,
    /// Those of the words that are strings or sets of strings, not entities.
    letters: Vec<Word>,
    literals: Vec<String>,
    entities: Vec<EntityUID>,
    numbers: Vec<Number>,
    longs: Vec<i64>,
    arithmetic: bool,
    stream: bool,
    trains: bool,
}

impl Terms {
    fn of(expr: &Expr) -> Option<Self> {
        let mut terms = Self::default();
        terms.add(expr)?;
        Some(terms)
    }

    /// Takes in an operand; `None` where it is more than names, values and sums of them.
    fn add(&mut self, expr: &Expr) -> Option<()> {
        match expr {
            Expr::Literal(Literal::Long(value)) => self.longs.push(*value),
            Expr::Literal(Literal::String(text)) => self.literals.push(text.to_string()),
            Expr::Literal(Literal::EntityUID(uid)) => self.entities.push(uid.clone()),
            Expr::Var(Var::Principal) => self.words.push(Word::System),
            Expr::Var(Var::Resource) => self.words.extend([Word::Model, Word::Upstream]),
            Expr::Literal(Literal::Bool(_)) | Expr::Var(Var::Action) => {}
            Expr::Set(members) => members.iter().try_for_each(|member| self.add(member))?,
            Expr::GetAttr { .. } => match attribute(expr)? {
                Term::Word(Word::Key) => self.words.push(Word::Key),
                Term::Word(word) => {
                    self.words.push(word);
                    self.letters.push(word);
                }
                Term::Number(number) => self.numbers.push(number),
                Term::Stream => self.stream = true,
                Term::Trains => self.trains = true,
            },
            Expr::UnaryOp { op: UnaryOp::Neg, expr } => {
                self.arithmetic = true;
                self.add(expr)?;
            }
            Expr::BinaryOp { op: BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul, left, right } => {
                self.arithmetic = true;
                self.add(left)?;
                self.add(right)?;
            }
            _ => return None,
        }
        Some(())
    }
}

/// What an attribute is.
enum Term {
    Word(Word),
    Number(Number),
    Stream,
    Trains,
}

/// The attribute that `expr` names; `None` where it names none of ours.
fn attribute(expr: &Expr) -> Option<Term> {
    let Expr::GetAttr { expr, attr } = expr else { return None };
    let Expr::Var(of) = &**expr else { return None };
    Some(match (of, attr.as_str()) {
        (Var::Principal, "id") => Term::Word(Word::System),
        (Var::Principal, "name") => Term::Word(Word::SystemName),
        (Var::Principal, "stage") => Term::Word(Word::Stage),
        (Var::Principal, "purposes") => Term::Word(Word::Purposes),
        (Var::Resource, "name") => Term::Word(Word::Model),
        (Var::Resource, "asked_as") => Term::Word(Word::AskedAs),
        (Var::Resource, REGION) => Term::Word(Word::Region),
        (Var::Resource, RETENTION) => Term::Number(Number::Retention),
        (Var::Resource, "trains") => Term::Trains,
        (Var::Context, "key") => Term::Word(Word::Key),
        (Var::Context, "purpose") => Term::Word(Word::Purpose),
        (Var::Context, "surface") => Term::Word(Word::Surface),
        (Var::Context, "tools") => Term::Word(Word::Tools),
        (Var::Context, "stream") => Term::Stream,
        (Var::Context, "received_bytes") => Term::Number(Number::Bytes),
        (Var::Context, "hour_utc") => Term::Number(Number::Hour),
        (Var::Context, "weekday_utc") => Term::Number(Number::Weekday),
        _ => return None,
    })
}
