//! Budgets of persons, teams and agents that hold for a call, as its permission names them in the clear.
//!
//! No header says who is behind a call, so that what such a budget's calls took is found by the budget's own name. Must never: hold who the budget is for.

use std::fmt;

use serde_json::{Map, Value as Json};

use super::Reserved;
use crate::form::{FormFault, Members};
use crate::header::Header;

/// Most budgets that one call is charged to by name: 5 KiB of a header, of which an entry has 64. A call for which more hold is denied.
pub const MAX_CHARGED: usize = 64;
/// Longest name of a budget.
const MAX_NAME_BYTES: usize = 63;
/// The member of `clear`.
const BUDGETS: &str = "budgets";

/// One version of a budget that a call is charged to by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Charged {
    /// The budget's name.
    pub budget: String,
    /// The version that held.
    pub version: u64,
}

impl fmt::Display for Charged {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}@{}", self.budget, self.version)
    }
}

impl Charged {
    /// What the header of a `call.authorised` names; none of one that no such budget held for, or that is not charged.
    pub fn of(header: &Header) -> Vec<Self> {
        let read = header.clear.as_ref().and_then(|clear| Reserved::read_with(clear).ok());
        read.map(|(_, charged)| charged).unwrap_or_default()
    }

    /// What was `reserved`, with the budgets of persons, teams and agents that hold, by name order.
    pub fn to_clear(reserved: Reserved, charged: &[Self]) -> Map<String, Json> {
        let mut clear = reserved.to_clear();
        if !charged.is_empty() {
            clear.insert(BUDGETS.to_owned(), charged.iter().map(Self::to_string).collect());
        }
        clear
    }

    /// Takes them out of what is left of a `clear`.
    pub(super) fn take(members: &mut Members) -> Result<Vec<Self>, FormFault> {
        let Some(named) = members.optional(BUDGETS) else { return Ok(Vec::new()) };
        members.put(BUDGETS, named);
        let named = members.texts(BUDGETS)?;
        let charged: Option<Vec<Self>> = named.iter().map(|text| Self::parse(text)).collect();
        let one_after_another = |charged: &Vec<Self>| charged.is_sorted_by(|a, b| a.budget < b.budget);
        charged
            .filter(one_after_another)
            .filter(|charged| (1..=MAX_CHARGED).contains(&charged.len()))
            .ok_or_else(|| {
                members.fault(BUDGETS, "does not name versions of budgets, each once, by name order")
            })
    }

    /// Reads `<name>@<version>`, in the one way of writing it.
    fn parse(text: &str) -> Option<Self> {
        let (budget, version) = text.split_once('@')?;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_name = (1..=MAX_NAME_BYTES).contains(&budget.len())
            && budget.bytes().next().is_some_and(plain)
            && budget.bytes().all(|byte| plain(byte) || byte == b'-');
        let charged = Self { budget: budget.to_owned(), version: version.parse().ok()? };
        (is_name && charged.version > 0 && charged.to_string() == text).then_some(charged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESERVED: Reserved = Reserved { input: 7, output: 9, price: None };

    fn charged(budget: &str, version: u64) -> Charged {
        Charged { budget: budget.to_owned(), version }
    }

    /// Requirement: N23.
    #[test]
    fn what_a_call_is_charged_to_comes_back_from_the_header() {
        let named = vec![charged("blue-team", 12), charged("q7", 1)];
        let clear = Charged::to_clear(RESERVED, &named);
        assert_eq!(
            Reserved::read_with(&clear),
            Ok((RESERVED, named)),
            "a rebuild would charge somebody else"
        );
        let none = Charged::to_clear(RESERVED, &[]);
        assert_eq!(none, RESERVED.to_clear(), "calls of nobody would be told apart from those of before");
        assert_eq!(Reserved::read_with(&none), Ok((RESERVED, Vec::new())));
    }

    /// Requirement: N23, G04. Nothing stands in the clear that could be somebody's name, or be read in two ways.
    #[test]
    fn only_names_and_versions_of_budgets_stand_in_the_clear() {
        let many: Vec<Charged> =
            (0..=MAX_CHARGED).map(|number| charged(&format!("b{number:03}"), 1)).collect();
        assert!(Reserved::read_with(&Charged::to_clear(RESERVED, &many[1..])).is_ok(), "as many as may be");
        let mut wrong = vec![Json::from(Vec::<Json>::new()), Json::from("a@1"), Json::from(vec![1])];
        wrong.push(Charged::to_clear(RESERVED, &many).remove(BUDGETS).expect("there are some"));
        let texts = [
            vec!["corp|4711@1"],
            vec!["Anna@1"],
            vec!["a"],
            vec!["a@0"],
            vec!["a@01"],
            vec!["a@+1"],
            vec!["@1"],
            vec!["-a@1"],
            vec!["b@1", "a@1"],
            vec!["a@1", "a@2"],
        ];
        wrong.extend(texts.map(Json::from));
        for budgets in wrong {
            let mut clear = RESERVED.to_clear();
            clear.insert(BUDGETS.to_owned(), budgets);
            assert!(Reserved::read_with(&clear).is_err(), "{clear:?} was taken for budgets");
        }
    }
}
