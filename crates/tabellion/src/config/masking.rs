//! The sections `[masking.NAME]`: what becomes of which personal data, for which systems, purposes and providers.

use std::collections::BTreeMap;

use tabellion_gateway::{GuardSide, MaskingConfig, MaskingOperator, Rehydrate};
use tabellion_model::body::PseudonymScope;

use super::Setting;
use super::gateway::items;
use super::guard::side;
use crate::failure::Failure;

/// Keys of each `[masking.NAME]`.
pub(super) const MASKING_KEYS: &[&str] = &[
    "on",
    "systems",
    "purposes",
    "upstreams",
    "pass",
    "pseudonymise",
    "hash",
    "mask",
    "drop",
    "block",
    "scope",
    "rehydrate",
    "keep",
    "generation",
];
/// What the sections of rules of masking begin with.
pub(super) const MASKING_PREFIX: &str = "masking.";

/// All of them, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MaskingSettings(BTreeMap<String, MaskingConfig>);

impl MaskingSettings {
    /// One key of the rule `name`.
    pub(super) fn apply(&mut self, name: &str, setting: &Setting) -> Result<(), Failure> {
        let rule = self
            .0
            .entry(name.to_owned())
            .or_insert_with(|| MaskingConfig { name: name.to_owned(), ..MaskingConfig::default() });
        if setting.key == "on" {
            rule.on = sides(setting)?;
            return Ok(());
        }
        let list = match (setting.key.as_str(), MaskingOperator::from_name(&setting.key)) {
            ("systems", _) => &mut rule.systems,
            ("purposes", _) => &mut rule.purposes,
            ("upstreams", _) => &mut rule.upstreams,
            ("scope" | "rehydrate" | "keep" | "generation", _) => return of_placeholders(rule, setting),
            (_, Some(operator)) => rule.list_mut(operator),
            (_, None) => return Err(setting.unknown()),
        };
        *list = items(&setting.value).map(str::to_owned).collect();
        Ok(())
    }

    /// As the gateway takes them, by name order.
    pub(crate) fn configs(&self) -> Vec<MaskingConfig> {
        self.0.values().cloned().collect()
    }
}

/// What a rule treats.
fn sides(setting: &Setting) -> Result<Vec<GuardSide>, Failure> {
    let why =
        "is not a list of prompt and answer: what is sent, and what a model brings up itself in its answer";
    let sides: Option<Vec<GuardSide>> = items(&setting.value).map(side).collect();
    sides.filter(|sides| !sides.is_empty()).ok_or_else(|| setting.refused(why))
}

/// One key of what becomes of placeholders.
fn of_placeholders(rule: &mut MaskingConfig, setting: &Setting) -> Result<(), Failure> {
    let value = setting.value.trim();
    match setting.key.as_str() {
        "scope" => {
            let why = "is not system, conversation or call: within what one value has one placeholder";
            rule.scope = Some(PseudonymScope::from_name(value).ok_or_else(|| setting.refused(why))?);
        }
        "rehydrate" => {
            rule.rehydrate = Some(match value {
                "always" => Rehydrate::Always,
                "never" => Rehydrate::Never,
                _ => {
                    return Err(setting
                        .refused("is not always or never: whether answers get the values of placeholders"));
                }
            });
        }
        "keep" => {
            rule.keep = Some(match value {
                "true" => true,
                "false" => false,
                _ => {
                    return Err(setting
                        .refused("is not true or false: whether records keep what placeholders stand for"));
                }
            });
        }
        _ => {
            let why = "is no number from 0 to 4294967295: which generation of keys placeholders derive from";
            rule.generation = Some(value.parse().map_err(|_| setting.refused(why))?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::{GuardSide, PseudonymScope, Rehydrate};

    fn of(text: &str) -> Result<Config, String> {
        Config::of(text, "tabellion.toml", []).map_err(|failure| failure.to_string())
    }

    #[test]
    fn what_becomes_of_placeholders_is_read_as_it_is_written() {
        let text = "[upstream.local]\nbase_url = \"http://127.0.0.1:1/v1\"\n[masking.desk]\nscope = \"conversation\"\nrehydrate = \"never\"\nkeep = true\ngeneration = 2\n";
        let config = of(text).expect("a configuration").gateway.config().expect("a gateway");
        let [rule] = config.masking.as_slice() else { panic!("{:?}", config.masking) };
        assert_eq!(rule.scope, Some(PseudonymScope::Conversation));
        assert_eq!(rule.rehydrate, Some(Rehydrate::Never));
        assert_eq!((rule.keep, rule.generation), (Some(true), Some(2)));
    }

    #[test]
    fn what_a_rule_treats_is_read_as_it_is_written() {
        for (on, due) in [
            ("", vec![]),
            ("on = [\"answer\"]\n", vec![GuardSide::Answer]),
            ("on = [\"prompt\", \"answer\"]\n", vec![GuardSide::Prompt, GuardSide::Answer]),
        ] {
            let text = format!(
                "[upstream.local]\nbase_url = \"http://127.0.0.1:1/v1\"\n[masking.desk]\n{on}mask = [\"phone\"]\n"
            );
            let config = of(&text).expect("a configuration").gateway.config().expect("a gateway");
            let [rule] = config.masking.as_slice() else { panic!("{:?}", config.masking) };
            assert_eq!(rule.on, due, "the rule would treat something else: {on}");
        }
    }

    #[test]
    fn a_rule_is_read_as_it_is_written_and_a_misspelt_key_is_refused() {
        let text = "[upstream.local]\nbase_url = \"http://127.0.0.1:1/v1\"\n[masking.abroad]\nupstreams = [\"local\"]\nblock = [\"payment_card\", \"iban\"]\nhash = [\"email\"]\n";
        let config = of(text).expect("a configuration").gateway.config().expect("a gateway");
        let [rule] = config.masking.as_slice() else { panic!("{:?}", config.masking) };
        assert_eq!(rule.name, "abroad");
        assert_eq!(rule.block, ["payment_card", "iban"]);
        assert_eq!(rule.hash, ["email"]);
        for (text, why) in [
            ("[masking.x]\nblocks = [\"email\"]\n", "did you mean block"),
            ("[masking.x]\nscope = \"session\"\n", "system, conversation or call"),
            ("[masking.x]\nrehydrate = \"sometimes\"\n", "always or never"),
            ("[masking.x]\non = [\"both\"]\n", "prompt and answer"),
            ("[masking.x]\non = []\n", "prompt and answer"),
            ("[masking.x]\nkeep = \"yes\"\n", "true or false"),
            ("[masking.x]\ngeneration = -1\n", "is no number"),
            ("[masking]\nx = \"email\"\n", "[masking.NAME]"),
        ] {
            let said = of(text).expect_err("it is taken");
            assert!(said.contains(why), "{said}");
        }
    }
}
