//! The section `[retention]`: how long content is kept, and whether that is as long as what asks for it.
//!
//! Promises: a rule below the floor of its class is refused with the article that asks for more, before anything is destroyed by it. Must never:
//! take a floor that counts from a day nobody named.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tabellion_ledger::RetentionRule;
use tabellion_model::SystemId;
use tabellion_model::catalogue::{CountedFrom, Floor, RetentionFloor, retention_floor};

use super::{Setting, is_class};
use crate::failure::Failure;

/// Keys of each `[retention.NAME]`.
pub(super) const RULE_KEYS: &[&str] = &["class", "system", "months", "counted_from", "floor"];
/// What the sections of rules begin with.
pub(super) const RULE_PREFIX: &str = "retention.";
/// Largest number of months that content can be kept by rule: a hundred years.
pub(crate) const MAX_KEEP_MONTHS: u32 = 1200;

/// One rule as it is configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct RuleSettings {
    class: Option<String>,
    system: Option<SystemId>,
    months: Option<u32>,
    counted_from: Option<u32>,
    /// The class whose floor this one has to keep, when that is not its own.
    floor: Option<&'static RetentionFloor>,
}

/// All of them, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RetentionSettings(BTreeMap<String, RuleSettings>);

impl RetentionSettings {
    /// `CLASS = MONTHS` in the section itself.
    pub(super) fn apply(&mut self, setting: &Setting) -> Result<(), Failure> {
        if !is_class(&setting.key) {
            return Err(setting
                .refused("names no retention class: a class is [a-z][a-z0-9-]*, at most 30 characters"));
        }
        self.0.entry(setting.key.clone()).or_default().months = Some(months(setting)?);
        Ok(())
    }

    /// One key of the rule `name`.
    pub(super) fn apply_rule(&mut self, name: &str, setting: &Setting) -> Result<(), Failure> {
        if !is_class(name) {
            return Err(
                setting.refused("belongs to a rule whose name is not [a-z][a-z0-9-]*, at most 30 characters")
            );
        }
        let rule = self.0.entry(name.to_owned()).or_default();
        let value = setting.value.as_str();
        match setting.key.as_str() {
            "class" if is_class(value) => rule.class = Some(value.to_owned()),
            "class" => {
                return Err(setting.refused("is no class: a class is [a-z][a-z0-9-]*, at most 30 characters"));
            }
            "system" => {
                let system = SystemId::from_hex(value);
                rule.system =
                    Some(system.ok_or_else(|| setting.refused("is no system id of 32 hex digits"))?);
            }
            "months" => rule.months = Some(months(setting)?),
            "counted_from" => {
                rule.counted_from =
                    Some(month(value).ok_or_else(|| setting.refused("is no month such as 2027-01"))?);
            }
            "floor" => {
                let floor = retention_floor(value);
                rule.floor = Some(floor.ok_or_else(|| {
                    setting.refused("is no class with a floor; tabellion retain --classes lists them")
                })?);
            }
            _ => return Err(setting.unknown()),
        }
        Ok(())
    }

    /// What is kept how long; refused when a rule is below the floor that it has to keep.
    pub(crate) fn rules(&self) -> Result<Vec<RetentionRule>, Failure> {
        let mut rules: Vec<RetentionRule> = Vec::new();
        for (name, settings) in &self.0 {
            let rule = settings.rule(name)?;
            let same = |other: &&RetentionRule| other.class == rule.class && other.system == rule.system;
            if rules.iter().any(|other| same(&other)) {
                return Err(Failure::malformed(format!(
                    "[retention.{name}] is the second rule for class {}{}; leave one of them out",
                    rule.class,
                    rule.system.map(|system| format!(" of system {system}")).unwrap_or_default()
                )));
            }
            rules.push(rule);
        }
        Ok(rules)
    }

    /// The rule that keeps content of `class` for `months`, under the floor and from the month that are configured for the class, and the rules for single
    /// systems that it leaves alone.
    pub(crate) fn for_class(
        &self,
        class: &str,
        months: u32,
    ) -> Result<(RetentionRule, Vec<RetentionRule>), Failure> {
        let of_class = |(name, settings): &(&String, &RuleSettings)| {
            settings.class.as_deref().unwrap_or(name.as_str()) == class
        };
        let mut beside = self.rules()?;
        beside.retain(|rule| rule.class == class && rule.system.is_some());
        let mut general = self.0.iter().filter(of_class).filter(|(_, settings)| settings.system.is_none());
        let known = general.next().map(|(_, settings)| settings.clone()).unwrap_or_default();
        let settings = RuleSettings { class: Some(class.to_owned()), months: Some(months), ..known };
        Ok((settings.rule(class)?, beside))
    }

    /// For the record: what is set.
    pub(super) fn effective(&self) -> Value {
        let one = |(name, rule): (&String, &RuleSettings)| {
            let plain = RuleSettings { months: rule.months, ..RuleSettings::default() };
            if *rule == plain {
                return (name.clone(), json!(rule.months));
            }
            let mut all = json!({ "class": rule.class.as_ref().unwrap_or(name), "months": rule.months });
            let mut set = |key: &str, value: Option<Value>| {
                if let (Some(value), Some(all)) = (value, all.as_object_mut()) {
                    all.insert(key.to_owned(), value);
                }
            };
            set("system", rule.system.map(|system| system.to_hex().into()));
            set("counted_from", rule.counted_from.map(Into::into));
            set("floor", rule.floor.map(|floor| floor.class.into()));
            (name.clone(), all)
        };
        self.0.iter().map(one).collect()
    }

    /// Months by name, where they are set.
    #[cfg(test)]
    pub(crate) fn get(&self, name: &str) -> Option<u32> {
        self.0.get(name)?.months
    }
}

impl RuleSettings {
    fn rule(&self, name: &str) -> Result<RetentionRule, Failure> {
        let months = self.months.ok_or_else(|| {
            Failure::malformed(format!("[retention.{name}] says no months. Add them and start again"))
        })?;
        let class = self.class.clone().unwrap_or_else(|| name.to_owned());
        let rule = RetentionRule { class, system: self.system, months, counted_from: self.counted_from };
        let own = retention_floor(&rule.class);
        for floor in own.into_iter().chain(self.floor) {
            check_floor(&rule, floor)?;
        }
        Ok(rule)
    }
}

/// Refuses a rule that keeps content for less than `floor` asks for.
pub(crate) fn check_floor(rule: &RetentionRule, floor: &RetentionFloor) -> Result<(), Failure> {
    let (class, source) = (&rule.class, &floor.source);
    let least = match floor.floor {
        Floor::Never => {
            return Err(Failure::malformed(format!(
                "retention class {class}: {source} Leave its rule out; nothing was erased"
            )));
        }
        Floor::Months(least) => least,
    };
    if rule.months < least {
        return Err(Failure::malformed(format!(
            "retention class {class} is kept for {} months, and its floor is {least}: {source} Keep it that long, or give other content a class of its \
             own; nothing was erased",
            rule.months
        )));
    }
    if floor.counted_from == CountedFrom::Market && rule.counted_from.is_none() {
        return Err(Failure::malformed(format!(
            "retention class {class}: {source} They count from the day on which the system is placed on the market or put into service. Say the \
             month: counted_from = \"2027-01\" in its section [retention.NAME], with system = where it is about one; nothing was erased"
        )));
    }
    Ok(())
}

fn months(setting: &Setting) -> Result<u32, Failure> {
    let months = setting.value.parse().ok().filter(|months| *months <= MAX_KEEP_MONTHS);
    months.ok_or_else(|| setting.refused(&format!("is not a number of months from 0 to {MAX_KEEP_MONTHS}")))
}

/// `2027-01` as 202701.
fn month(text: &str) -> Option<u32> {
    let (year, month) = text.split_once('-')?;
    let digits = |part: &str, count: usize| {
        (part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| part.parse::<u32>().ok())?
    };
    let (year, month) = (digits(year, 4)?, digits(month, 2)?);
    ((1..=12).contains(&month) && year >= 1970).then_some(year * 100 + month)
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn rules(text: &str) -> Result<Vec<RetentionRule>, Failure> {
        Config::of(text, "tabellion.toml", [])?.retention.rules()
    }

    // Requirement: W12, R29.
    #[test]
    fn a_class_below_its_floor_is_refused_with_the_article() {
        for (text, parts) in [
            ("[retention]\ngovernance = 35\n", &["35 months", "floor is 36", "three years"][..]),
            ("[retention]\nai-act-deployer-logs = 5\n", &["floor is 6", "Art. 26(6)"]),
            ("[retention]\nai-act-provider-logs = 0\n", &["floor is 6", "Art. 19(1)"]),
            ("[retention]\nai-act-annex-iv-1 = 119\n", &["floor is 120", "Art. 18(1)(a)"]),
            ("[retention]\nai-act-annex-iv-1 = 120\n", &["placed on the market", "counted_from"]),
            ("[retention]\nevidence = 1200\n", &["never expires"]),
            (
                "[retention.loan-logs]\nmonths = 3\nfloor = \"ai-act-provider-logs\"\n",
                &["loan-logs", "floor is 6", "Art. 19(1)"],
            ),
            ("[retention.a]\nclass = \"governance\"\nmonths = 12\n", &["governance", "floor is 36"]),
        ] {
            let refused = rules(text).expect_err("content would go before the law lets it");
            for part in parts {
                assert!(refused.to_string().contains(part), "{refused} does not say {part:?}");
            }
        }
        let good = "[retention]\ngovernance = 36\nstandard = 1\n[retention.docs]\nclass = \"ai-act-annex-iv-1\"\nmonths = 120\n\
                    counted_from = \"2027-01\"\nsystem = \"00112233445566778899aabbccddeeff\"\n";
        let read = rules(good).expect("what keeps every floor is taken");
        assert_eq!(read.len(), 3, "a rule would not apply");
        let documents = read.iter().find(|rule| rule.class == "ai-act-annex-iv-1").expect("the rule");
        assert_eq!((documents.months, documents.counted_from), (120, Some(202_701)));
        assert!(documents.system.is_some(), "one system's rule would apply to all");
    }

    #[test]
    fn a_rule_that_says_too_little_or_is_said_twice_is_refused() {
        for (text, part) in [
            ("[retention.a]\nclass = \"b\"\n", "no months"),
            ("[retention.a]\nmonths = 3\ncounted_from = \"2027-13\"\n", "no month"),
            ("[retention.a]\nmonths = 3\nsystem = \"x\"\n", "system id"),
            ("[retention.a]\nmonths = 3\nfloor = \"x\"\n", "no class with a floor"),
            ("[retention.a]\nmonth = 3\n", "did you mean months"),
            ("[retention.A]\nmonths = 3\n", "[a-z]"),
            ("[retention]\nb = 3\n[retention.a]\nclass = \"b\"\nmonths = 4\n", "second rule"),
        ] {
            let refused = rules(text).expect_err("a rule would act as something else");
            assert!(refused.to_string().contains(part), "{refused} does not say {part:?}");
        }
    }

    #[test]
    fn a_rule_can_be_set_by_variables() {
        let variables = [
            ("TABELLION_RETENTION__CALL_LOGS", "3"),
            ("TABELLION_RETENTION__LOAN_LOGS__MONTHS", "12"),
            ("TABELLION_RETENTION__LOAN_LOGS__CLASS", "loans"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let read = Config::of("", "tabellion.toml", variables).expect("settings").retention.rules();
        let read: Vec<_> = read.expect("rules").into_iter().map(|rule| (rule.class, rule.months)).collect();
        assert_eq!(read, [("call-logs".to_owned(), 3), ("loans".to_owned(), 12)]);
    }
}
