//! The part of a section `[guard.NAME]` that says when it looks, and how it asks when a call is over.

use tabellion_gateway::GuardAfterConfig;

use super::Setting;
use super::guard_service::number;
use crate::failure::Failure;

/// As far as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct AfterSketch {
    /// Whether it looks when the call is over.
    is_after: bool,
    batch: Option<u32>,
    batch_wait_ms: Option<u64>,
    verdict_within_ms: Option<u64>,
}

impl AfterSketch {
    /// One key.
    pub(super) fn apply(&mut self, setting: &Setting) -> Result<(), Failure> {
        match setting.key.as_str() {
            "when" => {
                self.is_after = match setting.value.as_str() {
                    "inline" => false,
                    "after" => true,
                    _ => {
                        return Err(setting.refused(
                            "is not inline or after: whether it looks in the path of a call, or when it is over",
                        ));
                    }
                };
            }
            "batch" => self.batch = Some(number(setting, "questions")?),
            "batch_wait_ms" => self.batch_wait_ms = Some(number(setting, "milliseconds")?),
            "verdict_within_ms" => self.verdict_within_ms = Some(number(setting, "milliseconds")?),
            _ => return Err(setting.unknown()),
        }
        Ok(())
    }

    /// As the gateway takes it; `None`: the guard `name` looks in the path of a call.
    pub(super) fn config(&self, name: &str) -> Result<Option<GuardAfterConfig>, Failure> {
        let Self { is_after, batch, batch_wait_ms, verdict_within_ms } = *self;
        if !is_after {
            let is_said = batch.is_some() || batch_wait_ms.is_some() || verdict_within_ms.is_some();
            return if is_said {
                Err(Failure::malformed(format!(
                    "[guard.{name}] batch, batch_wait_ms and verdict_within_ms are for when = \"after\"; set that, or remove them"
                )))
            } else {
                Ok(None)
            };
        }
        let usual = GuardAfterConfig::default();
        Ok(Some(GuardAfterConfig {
            batch: batch.unwrap_or(usual.batch),
            batch_wait_ms: batch_wait_ms.unwrap_or(usual.batch_wait_ms),
            verdict_within_ms: verdict_within_ms.unwrap_or(usual.verdict_within_ms),
        }))
    }
}

#[cfg(test)]
mod tests {
    use tabellion_gateway::{Gateway, GuardAfterConfig, GuardMode, GuardOnError};

    use super::super::Config;

    const PLAIN: &str = "[upstream.local]\nbase_url = \"http://127.0.0.1:1/v1\"\nmodels = [\"local-1\"]\n";

    fn of(text: &str) -> Result<Config, String> {
        Config::of(&format!("{PLAIN}{text}"), "tabellion.toml", []).map_err(|failure| failure.to_string())
    }

    /// Requirement: P13. Batches of 50 unless somebody says otherwise.
    #[test]
    fn a_guard_after_the_call_is_read_as_it_is_written() {
        let service = "kind = \"http\"\nurl = \"http://10.0.0.7/check\"\nshape = \"tabellion\"\nversion = \"7\"\nprivate_network = true\n";
        let text = format!(
            "[guard.own]\nkind = \"injection\"\nwhen = \"after\"\n[guard.theirs]\n{service}when = \"after\"\nbatch = 20\nverdict_within_ms = 5000\n\
             [guard.in-path]\nkind = \"injection\"\nwhen = \"inline\"\n"
        );
        let config = of(&text).expect("a configuration").gateway.config().expect("a gateway");
        let [in_path, own, theirs] = config.guards.as_slice() else { panic!("{:?}", config.guards) };
        assert_eq!(
            (in_path.after, in_path.mode),
            (None, GuardMode::Block),
            "a guard lost its place in the path"
        );
        let usual = GuardAfterConfig { batch: 50, batch_wait_ms: 1_000, verdict_within_ms: 60_000 };
        assert_eq!((own.after, own.mode), (Some(usual), GuardMode::Flag));
        assert_eq!(theirs.after, Some(GuardAfterConfig { batch: 20, verdict_within_ms: 5_000, ..usual }));
        let on_error = theirs.service.as_ref().map(|service| service.on_error);
        assert_eq!(on_error, Some(GuardOnError::Flag), "it is on record as one that denies");
        Gateway::check(&config).expect("what is read works");
    }

    /// Requirement: P13. What cannot stop a call is not set up as if it could.
    #[test]
    fn what_cannot_work_after_the_call_is_refused_with_its_place() {
        let after =
            |kind: &str, more: &str| format!("[guard.x]\nkind = \"{kind}\"\nwhen = \"after\"\n{more}");
        let theirs = |more: &str| {
            let service = "url = \"http://10.0.0.7/check\"\nshape = \"tabellion\"\nversion = \"7\"\nprivate_network = true\n";
            after("http", &format!("{service}{more}"))
        };
        for (text, why) in [
            (after("injection", "mode = \"block\"\n"), "stops nothing"),
            (theirs("on_error = \"deny\"\n"), "on_error"),
            (theirs("on_error = \"flag\"\n"), "on_error"),
            (theirs("may_edit = true\n"), "changes nothing"),
            (theirs("canary = \"a text\"\n"), "remove canary"),
            (theirs("batch = 0\n"), "batch is 1 to 500"),
            (theirs("batch = 501\n"), "batch is 1 to 500"),
            (theirs("verdict_within_ms = 600001\n"), "verdict_within_ms is 1 to 600000"),
            (theirs("batch_wait_ms = 60000\n"), "every verdict would be late"),
            (after("schema", "tools = true\n"), "gone when the call is over"),
            (after("references", ""), "references, rego and cost"),
            ("[guard.x]\nkind = \"injection\"\nbatch = 3\n".to_owned(), "are for when"),
            ("[guard.x]\nkind = \"injection\"\nwhen = \"later\"\n".to_owned(), "inline or after"),
        ] {
            let said = match of(&text) {
                Ok(config) => {
                    let config = config.gateway.config().expect("a gateway");
                    Gateway::check(&config).expect_err("it is taken").to_string()
                }
                Err(said) => said,
            };
            assert!(said.contains(why) && said.contains("guard.x"), "{text}: {said}");
        }
    }
}
