//! What is declared of a provider's use of data, what is asked in place of its models, and what is done while it fails.
//!
//! Promises: what is not declared stays unknown. Must never: take a word that it does not know for one that it does.

use std::ops::RangeInclusive;

use tabellion_gateway::{GatewayConfig, UpstreamConfig};
use tabellion_model::Micros;
use tabellion_model::body::Training;

use super::Setting;
use super::gateway::items;
use crate::failure::Failure;

/// Between the models that are asked one after the other.
const NEXT: char = '|';
/// Longest name of a region.
const MAX_REGION_BYTES: usize = 63;
/// Longest address or name of what somebody declared.
const MAX_TERMS_BYTES: usize = 512;
/// Days that anybody keeps anything: a hundred years.
const RETENTION_DAYS: RangeInclusive<u64> = 0..=36_525;
/// Failures in a row that can be waited for; 0: the circuit never opens.
const FAILURES: RangeInclusive<u64> = 0..=1_000;
/// Further tries at the same provider: each is a call to it.
const RETRIES: RangeInclusive<u64> = 0..=5;
/// Tokens of one answer: a million is more than any model of today gives.
const MAX_TOKENS: RangeInclusive<u64> = 1..=1_000_000;
/// Milliseconds that are waited or looked back: up to an hour.
const WAIT_MS: RangeInclusive<u64> = 1..=3_600_000;

/// One of the keys of `[upstream.NAME]` that are about data or about what else is asked.
pub(super) fn apply(upstream: &mut UpstreamConfig, setting: &Setting) -> Result<(), Failure> {
    let value = setting.value.as_str();
    match setting.key.as_str() {
        "region" => {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            if value.is_empty() || value.len() > MAX_REGION_BYTES || !value.bytes().all(plain) {
                return Err(
                    setting.refused("is no name of a region: a-z, 0-9 and -, such as eu or eu-central-1")
                );
            }
            upstream.data.region = Some(value.to_owned());
        }
        "retention_days" => upstream.data.retention_days = Some(number(setting, RETENTION_DAYS)?),
        "training" => {
            upstream.data.training = match value {
                "no" => Training::No,
                "yes" => Training::Yes,
                "unknown" => Training::Unknown,
                _ => {
                    return Err(setting.refused(
                        "is not no, yes or unknown: whether the provider trains on what it is sent",
                    ));
                }
            };
        }
        "terms" => {
            let fits = (1..=MAX_TERMS_BYTES).contains(&value.len()) && !value.contains(char::is_control);
            if !fits {
                return Err(setting
                    .refused("is no address or name in one line: where the provider's terms are written"));
            }
            upstream.terms = Some(value.to_owned());
        }
        "terms_seen" => {
            let is_day = value.len() == "2026-10-01".len() && Micros::parse_date(value).is_ok();
            if !is_day {
                return Err(setting
                    .refused("is no day such as 2026-10-01: when somebody last read the provider's terms"));
            }
            upstream.terms_seen = Some(value.to_owned());
        }
        "translate" => {
            upstream.translate = value.parse().map_err(|_| {
                setting.refused("is not true or false: whether callers of the other interface reach it too")
            })?;
        }
        "max_tokens" => upstream.max_tokens = number(setting, MAX_TOKENS)?,
        "fallback" => {
            let one = |item: &str| {
                let (model, others) = item.split_once('=')?;
                let others = others.split(NEXT).map(|other| other.trim().to_owned());
                Some((model.trim().to_owned(), others.filter(|other| !other.is_empty()).collect()))
            };
            let all = items(value).map(one).collect::<Option<_>>();
            upstream.fallback =
                all.ok_or_else(|| setting.refused("is not a table of MODEL = \"other model | another\""))?;
        }
        _ => return Err(setting.unknown()),
    }
    Ok(())
}

/// One of the keys of `[gateway]` that say what is done about a provider that fails.
pub(super) fn apply_failing(config: &mut GatewayConfig, setting: &Setting) -> Result<(), Failure> {
    let count = |limits| number(setting, limits).map(|number| u32::try_from(number).unwrap_or(u32::MAX));
    match setting.key.as_str() {
        "circuit_failures" => config.circuit.failures = count(FAILURES)?,
        "circuit_window_ms" => config.circuit.window_ms = number(setting, WAIT_MS)?,
        "circuit_open_ms" => config.circuit.open_ms = number(setting, WAIT_MS)?,
        "retries" => config.retry.times = count(RETRIES)?,
        "retry_wait_ms" => config.retry.wait_ms = number(setting, WAIT_MS)?,
        _ => return Err(setting.unknown()),
    }
    Ok(())
}

fn number(setting: &Setting, limits: RangeInclusive<u64>) -> Result<u64, Failure> {
    let text = format!("is not a whole number from {} to {}", limits.start(), limits.end());
    setting.value.parse().ok().filter(|number| limits.contains(number)).ok_or_else(|| setting.refused(&text))
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    fn read(lines: &str) -> Result<Config, crate::failure::Failure> {
        let text =
            format!("[upstream.main]\nbase_url = \"https://api.example/v1\"\nmodels = [\"m\"]\n{lines}\n");
        Config::of(&text, "test.toml", [])
    }

    /// Requirement: G19. What is not said is not known; what is said is what rules see and what the configuration's record keeps.
    #[test]
    fn terms_are_what_is_declared_and_no_more() {
        let config = read("").expect("nothing is declared");
        let upstream = &config.gateway.config().expect("a provider").upstreams[0];
        assert!(upstream.data.is_silent() && upstream.data.trains(), "unknown must not pass for no");
        let kept = serde_json::to_value(upstream).expect("plain");
        assert_eq!(
            kept.get("data"),
            None,
            "an installation that declares nothing records what it always did"
        );
        let config = read(
            "region = \"eu\"\nretention_days = 0\ntraining = \"no\"\nterms = \"https://api.example/terms\"\nterms_seen = \"2026-10-01\"\nfallback = { m = \"n | o\" }",
        )
        .expect("all declared");
        let upstream = &config.gateway.config().expect("a provider").upstreams[0];
        assert!(!upstream.data.trains(), "declared");
        assert_eq!(upstream.fallback["m"], ["n", "o"]);
        let kept = serde_json::to_value(upstream).expect("plain");
        assert_eq!(
            kept["data"],
            serde_json::json!({ "region": "eu", "retention_days": 0, "training": "no" }),
            "history could not say which terms were in force"
        );
        assert_eq!(
            (&kept["terms"], &kept["terms_seen"]),
            (&"https://api.example/terms".into(), &"2026-10-01".into())
        );
    }

    /// Nothing is translated unless somebody says so, and the record of the configuration says no more than it did.
    #[test]
    fn translation_is_off_until_it_is_asked_for() {
        let upstream = |lines| {
            read(lines).expect("a provider").gateway.config().expect("a provider").upstreams.remove(0)
        };
        let plain = upstream("");
        assert!(!plain.translate, "what is sent would change with a new version");
        let kept = serde_json::to_value(&plain).expect("plain");
        assert_eq!((kept.get("translate"), kept.get("max_tokens")), (None, None));
        let on = upstream("translate = true\nmax_tokens = 900");
        let kept = serde_json::to_value(&on).expect("plain");
        assert_eq!((&kept["translate"], &kept["max_tokens"]), (&true.into(), &900.into()));
    }

    /// Requirement: N22. Prompts name nothing that is on no record unless somebody says so, and what somebody says is on record with the configuration.
    #[test]
    fn what_is_on_no_record_is_named_by_nobody_until_somebody_says_so() {
        let upstream = |lines| {
            read(lines).expect("a provider").gateway.config().expect("a provider").upstreams.remove(0)
        };
        let kept = |upstream: &super::UpstreamConfig| serde_json::to_value(upstream).expect("plain");
        assert_eq!(kept(&upstream("")).get("unrecorded"), None);
        let opened = upstream("unrecorded = [\"prompt\", \"vector_store:vs_1\"]");
        assert_eq!(kept(&opened)["unrecorded"], serde_json::json!(["prompt", "vector_store:vs_1"]));
        let mistaken = read("unrecorded = [\"promt\"]").expect("it is read");
        let config = mistaken.gateway.config().expect("a provider");
        let refused =
            tabellion_gateway::Gateway::check(&config).expect_err("a word that nobody knows opens nothing");
        assert!(refused.to_string().contains("vector_store"), "{refused}");
    }

    /// Requirement: G19, N25.
    #[test]
    fn what_cannot_be_meant_is_refused_with_what_would_be() {
        for (line, says) in [
            ("region = \"EU West\"", "a-z"),
            ("retention_days = -1", "whole number"),
            ("training = \"maybe\"", "no, yes or unknown"),
            ("terms = \"\"", "terms are written"),
            ("terms_seen = \"last year\"", "2026-10-01"),
            ("fallback = [\"n\"]", "table"),
            ("regoin = \"eu\"", "region"),
            ("translate = \"both\"", "true or false"),
            ("max_tokens = 0", "1 to 1000000"),
            ("[gateway]\ncircuit_failures = 9999", "0 to 1000"),
            ("[gateway]\nretries = 6", "0 to 5"),
        ] {
            let refused = read(line).err().unwrap_or_else(|| panic!("{line} was taken"));
            assert!(format!("{refused:?}").contains(says), "{line}: {refused:?}");
        }
    }
}
