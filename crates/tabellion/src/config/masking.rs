//! The sections `[masking.NAME]`: what becomes of which personal data, for which systems, purposes and providers.

use std::collections::BTreeMap;

use tabellion_gateway::{MaskingConfig, MaskingOperator};

use super::Setting;
use super::gateway::items;
use crate::failure::Failure;

/// Keys of each `[masking.NAME]`.
pub(super) const MASKING_KEYS: &[&str] =
    &["systems", "purposes", "upstreams", "pass", "pseudonymise", "hash", "mask", "drop", "block"];
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
        let list = match (setting.key.as_str(), MaskingOperator::from_name(&setting.key)) {
            ("systems", _) => &mut rule.systems,
            ("purposes", _) => &mut rule.purposes,
            ("upstreams", _) => &mut rule.upstreams,
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

#[cfg(test)]
mod tests {
    use super::super::Config;

    fn of(text: &str) -> Result<Config, String> {
        Config::of(text, "tabellion.toml", []).map_err(|failure| failure.to_string())
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
            ("[masking]\nx = \"email\"\n", "[masking.NAME]"),
        ] {
            let said = of(text).expect_err("it is taken");
            assert!(said.contains(why), "{said}");
        }
    }
}
