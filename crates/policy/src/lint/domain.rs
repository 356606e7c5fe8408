//! Calls enough to stand for all calls, as far as given rules can tell calls apart.
//!
//! Promises: whatever a call may be, one of [`Domain::calls`] agrees with it on every comparison of the rules. A word is only ever compared for equality
//! or with a pattern, a number with constants, so the values named, one beside each, and as many others as there are words to differ are enough. Must
//! never: leave a value out to save time; where there are too many there is no domain.

use std::collections::{BTreeMap, BTreeSet};

use tabellion_model::body::{Chain, DataTerms, SystemStage, Training};
use tabellion_model::{CredentialId, Micros, SystemId};

use super::patterns::witnesses;
use super::reads::{Number, Numbers, Reads, Word, Words};
use crate::case::Case;
use crate::question::Action;

/// The most calls that stand for all. More are not tried: a finding is worth seconds.
pub(crate) const MAX_CALLS: usize = 20_000;
/// The most words of which every set is tried: 2 to this power.
const MAX_MEMBERS: usize = 8;
/// First letters of words that no rule names; hex digits, so that they can be ids too.
const OTHER: &str = "0e5e";
/// Microseconds of an hour, and hours of a day.
const HOUR_US: u64 = 3_600_000_000;
const DAY_HOURS: u64 = 24;

/// The values of one thing that a rule looks at.
#[derive(Debug)]
enum Values {
    Actions,
    Words(Word, Vec<String>),
    Sets(Word, Vec<Vec<String>>),
    Numbers(Number, Vec<i64>),
    Streams,
    Trains,
    /// These, and last its not being there.
    Maybe(Box<Self>),
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Actions => ACTIONS.len(),
            Self::Words(_, values) => values.len(),
            Self::Sets(_, values) => values.len(),
            Self::Numbers(_, values) => values.len(),
            Self::Streams | Self::Trains => 2,
            Self::Maybe(values) => values.len() + 1,
        }
    }

    /// Those of `number`, which may not be there when it is what a provider declares.
    fn of_number(number: Number, compared: &Numbers) -> Self {
        let values = Self::Numbers(number, numbers_of(number, compared));
        if number == Number::Retention { Self::Maybe(Box::new(values)) } else { values }
    }

    /// The same of `word`.
    fn of_word(word: Word, words: Vec<String>) -> Self {
        let values = Self::Words(word, words);
        if word == Word::Region { Self::Maybe(Box::new(values)) } else { values }
    }
}

const ACTIONS: [Action; 5] =
    [Action::Chat, Action::Embed, Action::Opaque, Action::Passthrough, Action::ListModels];

/// Calls enough to stand for all.
#[derive(Debug)]
pub(crate) struct Domain(Vec<Values>);

impl Domain {
    /// Those for rules that look at `reads`; `None` where there are too many, or words are compared in a way that has no such calls.
    pub(crate) fn of(reads: &Reads) -> Option<Self> {
        let mut values = vec![Values::Actions];
        for group in groups(reads) {
            words_of(&group, reads, &mut values)?;
        }
        for (number, compared) in &reads.numbers {
            values.push(Values::of_number(*number, compared));
        }
        if reads.stream {
            values.push(Values::Streams);
        }
        if reads.trains {
            values.push(Values::Trains);
        }
        let count = values.iter().try_fold(1usize, |count, one| count.checked_mul(one.len()))?;
        (count <= MAX_CALLS).then_some(Self(values))
    }

    /// The calls.
    pub(crate) fn calls(&self) -> impl Iterator<Item = Case> + '_ {
        let count: usize = self.0.iter().map(Values::len).product();
        (0..count).map(|number| self.call(number))
    }

    fn call(&self, mut number: usize) -> Case {
        let mut made = Made { case: anything(), hour: 12, weekday: 1 };
        for values in &self.0 {
            let (rest, at) = (number / values.len(), number % values.len());
            number = rest;
            made.set(values, at);
        }
        let Made { mut case, hour, weekday } = made;
        // 1970-01-01 was a Thursday, the fourth day of its week; the first Thursday's week is far enough in the past for every day of it.
        case.at = Micros(((weekday + 3) % 7 * DAY_HOURS + hour) * HOUR_US);
        case
    }
}

/// A call in the making.
struct Made {
    case: Case,
    hour: u64,
    weekday: u64,
}

impl Made {
    /// Gives it the value at `at`.
    fn set(&mut self, values: &Values, at: usize) {
        let case = &mut self.case;
        match values {
            Values::Actions => case.action = ACTIONS.get(at).copied().unwrap_or(Action::Chat),
            Values::Words(word, words) => {
                if let Some(value) = words.get(at) {
                    set_word(case, *word, value);
                }
            }
            Values::Sets(word, sets) => {
                let set = sets.get(at).cloned().unwrap_or_default();
                if *word == Word::Purposes { case.purposes = set } else { case.tools = set }
            }
            Values::Numbers(which, numbers) => {
                let value = numbers.get(at).and_then(|value| u64::try_from(*value).ok()).unwrap_or(0);
                match which {
                    Number::Bytes => case.received_bytes = value,
                    Number::Hour => self.hour = value,
                    Number::Weekday => self.weekday = value,
                    Number::Retention => case.terms.retention_days = Some(value),
                }
            }
            Values::Streams => case.stream = at == 1,
            Values::Trains => case.terms.training = if at == 1 { Training::Yes } else { Training::No },
            // Nothing declares it in a call that no rule names anything of.
            Values::Maybe(values) if at == values.len() => {}
            Values::Maybe(values) => self.set(values, at),
        }
    }
}

/// A call that no rule names anything of.
fn anything() -> Case {
    Case {
        action: Action::Chat,
        system: SystemId::from_bytes([0x0e; 16]),
        system_name: "any".to_owned(),
        stage: SystemStage::Live,
        purposes: Vec::new(),
        key: CredentialId::from_bytes([0x0e; 16]),
        chain: Chain::default(),
        model: "any".to_owned(),
        asked_as: "any".to_owned(),
        upstream: "any".to_owned(),
        terms: DataTerms::default(),
        purpose: "any".to_owned(),
        surface: "any".to_owned(),
        stream: false,
        received_bytes: 0,
        tools: Vec::new(),
        at: Micros(0),
    }
}

fn set_word(case: &mut Case, word: Word, value: &str) {
    let text = || value.to_owned();
    match word {
        Word::System => case.system = SystemId::from_hex(value).unwrap_or(case.system),
        Word::Key => case.key = CredentialId::from_hex(value).unwrap_or(case.key),
        Word::SystemName => case.system_name = text(),
        Word::Stage => {
            case.stage =
                STAGES.iter().find(|(name, _)| *name == value).map_or(case.stage, |(_, stage)| *stage);
        }
        Word::Model => case.model = text(),
        Word::AskedAs => case.asked_as = text(),
        Word::Upstream => case.upstream = text(),
        Word::Region => case.terms.region = Some(text()),
        Word::Purpose => case.purpose = text(),
        Word::Surface => case.surface = text(),
        // These are sets.
        Word::Purposes | Word::Tools => {}
    }
}

const STAGES: [(&str, SystemStage); 4] = [
    ("draft", SystemStage::Draft),
    ("live", SystemStage::Live),
    ("paused", SystemStage::Paused),
    ("retired", SystemStage::Retired),
];

/// Words by who is compared with whom.
fn groups(reads: &Reads) -> Vec<BTreeSet<Word>> {
    let mut groups: Vec<BTreeSet<Word>> = reads.words.keys().map(|word| BTreeSet::from([*word])).collect();
    for together in &reads.together {
        let (mut meet, apart): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|group| !group.is_disjoint(together));
        let joined = meet.drain(..).flatten().collect();
        groups = apart;
        groups.push(joined);
    }
    groups
}

/// The values of words that are compared with one another, and with nothing else.
fn words_of(group: &BTreeSet<Word>, reads: &Reads, values: &mut Vec<Values>) -> Option<()> {
    let compared: BTreeMap<Word, &Words> =
        group.iter().filter_map(|word| Some((*word, reads.words.get(word)?))).collect();
    if let (Some((word, compared)), 1) = (compared.iter().next(), group.len())
        && !compared.patterns.is_empty()
    {
        let words = match word {
            // An id has a form, which a pattern's witness need not have; sets have no patterns.
            Word::System | Word::Key | Word::Stage | Word::Purposes | Word::Tools => return None,
            _ => witnesses(&compared.patterns, &compared.literals)?,
        };
        values.push(Values::of_word(*word, words));
        return Some(());
    }
    if compared.values().any(|words| !words.patterns.is_empty()) {
        return None;
    }
    let sets = group.iter().filter(|word| word.is_set()).count();
    // One for each single word, and one for each way in which sets can share a member.
    let others = group.len() - sets + (1usize << sets) - 1;
    let mut known: BTreeSet<String> =
        compared.values().flat_map(|words| words.literals.iter().cloned()).collect();
    if group.contains(&Word::Stage) {
        known.extend(STAGES.iter().map(|(name, _)| (*name).to_owned()));
    }
    let other = |number: usize| format!("{OTHER}{number:028x}");
    let new = (0..).map(other).filter(|word| !known.contains(word)).take(others).collect::<Vec<_>>();
    let all: Vec<String> = known.iter().cloned().chain(new).collect();
    for word in group {
        values.push(match word {
            Word::Purposes | Word::Tools => Values::Sets(*word, subsets(&all)?),
            Word::System | Word::Key => Values::Words(
                *word,
                all.iter().filter(|id| SystemId::from_hex(id).is_some()).cloned().collect(),
            ),
            Word::Stage => Values::Words(*word, STAGES.iter().map(|(name, _)| (*name).to_owned()).collect()),
            _ => Values::of_word(*word, all.clone()),
        });
    }
    Some(())
}

fn subsets(members: &[String]) -> Option<Vec<Vec<String>>> {
    if members.len() > MAX_MEMBERS {
        return None;
    }
    let chosen = |bits: usize| {
        let is_in = |place: &usize| bits >> place & 1 == 1;
        (0..members.len()).filter(is_in).filter_map(|place| members.get(place).cloned()).collect()
    };
    Some((0..1usize << members.len()).map(chosen).collect())
}

/// The constants, one on either side of each, and the ends.
fn numbers_of(number: Number, compared: &Numbers) -> Vec<i64> {
    let (least, most) = match number {
        Number::Bytes | Number::Retention => (0, i64::MAX),
        Number::Hour => (0, 23),
        Number::Weekday => (1, 7),
    };
    if compared.each {
        return (least..=most).collect();
    }
    let beside = |value: &i64| [value.saturating_sub(1), *value, value.saturating_add(1)];
    let all = compared.literals.iter().flat_map(beside).chain([least, most]);
    all.filter(|value| (least..=most).contains(value)).collect::<BTreeSet<_>>().into_iter().collect()
}
