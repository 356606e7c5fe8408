//! What the control plane is told of the gateway beside it: its providers with their circuits, and rules of masking to read and to try.
//!
//! Must never: pass on a key of a provider, or where one is kept.

use std::sync::Arc;

use tabellion_app::running::{
    Alias, Circuit, ClassRule, Fallback, Masking as Shown, MaskingRule, MaskingRules, PlaceholderRule,
    Provider, ProvidersNow, Running,
};
use tabellion_app::work::forms::Time;
use tabellion_app::work::masking::{MaskingPreview, PreviewCount, Sample};
use tabellion_gateway::{
    Api, CircuitNow, Gateway, GatewayConfig, Masking, SaidOfPlaceholders, UpstreamConfig,
};
use tabellion_model::SystemId;
use tabellion_model::body::Training;

use crate::terminal;

/// All of it: `config` is what the gateway was started with, or would be.
pub(crate) fn of(config: &GatewayConfig, gateway: Option<&Gateway>) -> Running {
    Running { providers: gateway.map(|gateway| providers(config, gateway)), masking: masking(config) }
}

fn providers(config: &GatewayConfig, gateway: &Gateway) -> ProvidersNow {
    let (config, circuits) = (config.clone(), gateway.circuits());
    Arc::new(move || {
        let now = circuits();
        let of = |name: &str| now.iter().find(|circuit| circuit.upstream == name);
        config.upstreams.iter().map(|upstream| provider(&config, upstream, of(&upstream.name))).collect()
    })
}

fn provider(config: &GatewayConfig, upstream: &UpstreamConfig, now: Option<&CircuitNow>) -> Provider {
    let open = now.and_then(|now| now.open);
    let alias = |(name, model): (&String, &String)| Alias { name: name.clone(), model: model.clone() };
    let fallback =
        |(model, then): (&String, &Vec<String>)| Fallback { model: model.clone(), then: then.clone() };
    Provider {
        name: upstream.name.clone(),
        interface: match upstream.api {
            Api::OpenAi => "openai",
            Api::Anthropic => "anthropic",
            Api::Gemini => "gemini",
            Api::Vertex => "vertex",
            Api::Bedrock => "bedrock",
        },
        host: host(&upstream.base_url).to_owned(),
        region: upstream.data.region.clone(),
        retention_days: upstream.data.retention_days,
        training: match upstream.data.training {
            Training::No => "no",
            Training::Yes => "yes",
            Training::Unknown => "unknown",
        }
        .to_owned(),
        terms: upstream.terms.clone(),
        terms_seen: upstream.terms_seen.clone(),
        models: upstream.models.clone(),
        aliases: upstream.aliases.iter().map(alias).collect(),
        fallback: upstream.fallback.iter().map(fallback).collect(),
        retries: config.retry.times.into(),
        circuit: Circuit {
            open: open.is_some(),
            failures: now.map_or(0, |now| now.failures),
            opens_at: config.circuit.failures.into(),
            since: open.map(|open| Time(open.since)),
            until: open.map(|open| Time(open.until)),
            trials: open.map_or(0, |open| open.trials),
            not_sent: open.map_or(0, |open| open.refused),
        },
    }
}

/// Host and port of an address; a path may tell more than whoever reads policies is to know.
fn host(base_url: &str) -> &str {
    let rest = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// Rules that cannot be read keep a gateway from starting; where none is to start, that is only said.
fn masking(config: &GatewayConfig) -> Option<Shown> {
    let rules = Masking::new(config)
        .inspect_err(|error| terminal::say(&format!("the console cannot show the rules of masking: {error}")))
        .ok()?;
    let shown = MaskingRules {
        usual: rules.usual().into_iter().map(str::to_owned).collect(),
        rules: rules
            .shown()
            .into_iter()
            .map(|rule| MaskingRule {
                name: rule.name,
                version: rule.version,
                on: rule.on.into_iter().map(str::to_owned).collect(),
                systems: rule.systems,
                purposes: rule.purposes,
                upstreams: rule.upstreams,
                classes: rule
                    .classes
                    .into_iter()
                    .map(|(class, operator)| ClassRule {
                        class: class.to_owned(),
                        operator: operator.to_owned(),
                    })
                    .collect(),
                placeholders: placeholders(rule.said),
            })
            .collect(),
    };
    Some(Shown { rules: shown, preview: Arc::new(move |sample| preview(&rules, sample)) })
}

/// What a rule says of placeholders; none: nothing.
fn placeholders(said: SaidOfPlaceholders) -> Option<PlaceholderRule> {
    (!said.is_silent()).then(|| PlaceholderRule {
        scope: said.scope.map(|scope| scope.name().to_owned()),
        rehydrate: said.rehydrate.map(|rehydrate| rehydrate.name().to_owned()),
        keep: said.keep,
        generation: said.generation,
    })
}

fn preview(rules: &Masking, sample: &Sample) -> Result<MaskingPreview, String> {
    // A system that is nobody's, which no rule names.
    let system = sample.system.unwrap_or(SystemId::from_bytes([0; 16]));
    let (purpose, upstream) = (sample.purpose.as_deref(), sample.upstream.as_deref());
    let made =
        rules.preview(system, purpose.unwrap_or_default(), upstream.unwrap_or_default(), &sample.text)?;
    let count = |((class, operator), count): ((&str, &str), u64)| PreviewCount {
        class: class.to_owned(),
        operator: operator.to_owned(),
        count,
    };
    Ok(MaskingPreview {
        sent: made.blocked.is_empty().then_some(made.sent),
        found: made.found.into_iter().map(count).collect(),
        blocked: made.blocked.into_iter().map(str::to_owned).collect(),
        rules: made.rules,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRETS: &str = "https://user:secret@api.example:8443/secret/v1?key=secret";

    #[test]
    fn of_a_provider_only_its_host_is_told_and_nothing_of_its_key() {
        let config = GatewayConfig::default();
        let mut upstream = UpstreamConfig::new("main", SECRETS);
        upstream.key_env = Some("SECRET_ENV".to_owned());
        upstream.key_file = Some("/secret".into());
        let shown = provider(&config, &upstream, None);
        assert_eq!(shown.host, "api.example:8443");
        let text = format!("{shown:?}").to_lowercase();
        assert!(!text.contains("secret"), "a secret of the configuration is shown: {text}");
    }

    /// Requirement: G02.
    #[test]
    fn a_text_is_tried_with_the_rules_of_the_configuration_and_what_is_blocked_is_not_shown_as_sent() {
        let rule = tabellion_gateway::MaskingConfig {
            name: "abroad".to_owned(),
            upstreams: vec!["abroad".to_owned()],
            block: vec!["iban".to_owned()],
            hash: vec!["email".to_owned()],
            ..tabellion_gateway::MaskingConfig::default()
        };
        let config = GatewayConfig {
            upstreams: vec![UpstreamConfig::new("abroad", "http://127.0.0.1:1/v1")],
            masking: vec![rule],
            ..GatewayConfig::default()
        };
        let shown = masking(&config).expect("rules that hold");
        let [rule] = shown.rules.rules.as_slice() else { panic!("one rule: {:?}", shown.rules) };
        assert_eq!((rule.name.as_str(), rule.classes.len()), ("abroad", 2));
        let sample = |upstream: &str, text: &str| Sample {
            system: None,
            purpose: None,
            upstream: Some(upstream.to_owned()),
            text: text.to_owned(),
        };
        let hashed = (shown.preview)(&sample("abroad", "ann@example.org")).expect("a preview");
        assert_eq!(hashed.sent.as_deref(), Some("<EMAIL#*>"), "the rule is not the one that holds");
        let usual = (shown.preview)(&sample("home", "ann@example.org")).expect("a preview");
        assert_eq!(usual.sent.as_deref(), Some("<EMAIL_*>"), "a rule holds for another provider");
        let blocked = (shown.preview)(&sample("abroad", "DE89 3704 0044 0532 0130 00")).expect("a preview");
        assert_eq!((blocked.sent, blocked.blocked), (None, vec!["iban".to_owned()]));
    }
}
