//! The sections `[enrich.NAME]`: what is told of calls that are over.

use std::collections::BTreeMap;

use tabellion_gateway::{EnrichConfig, EnrichKind, GuardKind, GuardSide, TopicConfig};

use super::Setting;
use super::gateway::items;
use super::guard::{AT_LEAST, side, topics};
use super::guard_service::ServiceSketch;
use crate::failure::Failure;

/// Keys of each `[enrich.NAME]`.
pub(super) const ENRICH_KEYS: &[&str] = &[
    "kind",
    "on",
    "systems",
    "purposes",
    "topics",
    "at_least",
    "url",
    "shape",
    "version",
    "timeout_ms",
    "at_once",
    "private_network",
    "key_env",
    "key_file",
    "ca_file",
    "entities",
    "language",
    "threshold_percent",
];
/// What the sections of enrichments begin with.
pub(super) const ENRICH_PREFIX: &str = "enrich.";

const KINDS: &str = "is language, sentiment, toxicity, topic, pii or http";

/// All of them, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct EnrichSettings(BTreeMap<String, Sketch>);

/// One as far as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Sketch {
    kind: Option<EnrichKind>,
    on: Option<Vec<GuardSide>>,
    systems: Vec<String>,
    purposes: Vec<String>,
    topics: Vec<(String, Vec<String>)>,
    at_least: Option<usize>,
    service: ServiceSketch,
}

impl EnrichSettings {
    /// One key of the enrichment `name`.
    pub(super) fn apply(&mut self, name: &str, setting: &Setting) -> Result<(), Failure> {
        let sketch = self.0.entry(name.to_owned()).or_default();
        let value = setting.value.as_str();
        let texts = || items(value).map(str::to_owned).collect::<Vec<_>>();
        match setting.key.as_str() {
            "kind" => sketch.kind = Some(kind(value).ok_or_else(|| setting.refused(KINDS))?),
            "on" => {
                let sides: Option<Vec<_>> = items(value).map(side).collect();
                let refused = || setting.refused("is not of prompt and answer: what it looks at");
                sketch.on = Some(sides.ok_or_else(refused)?);
            }
            "systems" => sketch.systems = texts(),
            "purposes" => sketch.purposes = texts(),
            "topics" => sketch.topics = topics(setting)?,
            "at_least" => {
                sketch.at_least = Some(value.parse().map_err(|_| setting.refused("is not a number"))?);
            }
            "on_error" => {
                return Err(setting.refused(
                    "is for guards: no call waits for an enrichment, so there is nothing to deny; leave it out",
                ));
            }
            _ => sketch.service.apply(setting)?,
        }
        Ok(())
    }

    /// As the gateway takes them, by name order. The error names one that says no kind.
    pub(crate) fn configs(&self) -> Result<Vec<EnrichConfig>, Failure> {
        let config = |(name, sketch): (&String, &Sketch)| {
            let refused = |why: &str| Failure::malformed(format!("[enrich.{name}] {why}"));
            let Some(kind) = sketch.kind else {
                return Err(refused(&format!("has no kind, which {KINDS}. Name one and start again")));
            };
            if sketch.at_least.is_some() && sketch.topics.is_empty() {
                return Err(refused("at_least is for topics, and it has none; remove it"));
            }
            let at_least = sketch.at_least.unwrap_or(AT_LEAST);
            let topic = |(name, terms): &(String, Vec<String>)| TopicConfig {
                name: name.clone(),
                terms: terms.clone(),
                at_least,
            };
            let plain = EnrichConfig::new(name.clone(), kind);
            Ok(EnrichConfig {
                on: sketch.on.clone().unwrap_or_else(|| plain.on.clone()),
                systems: sketch.systems.clone(),
                purposes: sketch.purposes.clone(),
                topics: sketch.topics.iter().map(topic).collect(),
                service: sketch.service.config(&format!("enrich.{name}"), GuardKind::Http)?,
                ..plain
            })
        };
        self.0.iter().map(config).collect()
    }
}

fn kind(word: &str) -> Option<EnrichKind> {
    Some(match word {
        "language" => EnrichKind::Language,
        "sentiment" => EnrichKind::Sentiment,
        "toxicity" => EnrichKind::Toxicity,
        "topic" => EnrichKind::Topic,
        "pii" => EnrichKind::Pii,
        "http" => EnrichKind::Http,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn of(text: &str) -> Result<Vec<EnrichConfig>, String> {
        let text = format!("[upstream.local]\nbase_url = \"http://127.0.0.1:1/v1\"\n{text}");
        let config = Config::of(&text, "tabellion.toml", []).map_err(|failure| failure.to_string())?;
        Ok(config.gateway.config().expect("a gateway").enrichments)
    }

    #[test]
    fn an_enrichment_is_read_as_it_is_written() {
        let read = of("[enrich.mood]\nkind = \"sentiment\"\non = [\"answer\"]\npurposes = [\"support\"]\n\
             [enrich.subject]\nkind = \"topic\"\ntopics = { loans = \"loan | instalment\" }\nat_least = 1\n\
             [enrich.tox]\nkind = \"http\"\nurl = \"http://10.0.0.7/check\"\nshape = \"tabellion\"\nversion = \"3\"\nprivate_network = true\n")
        .expect("it can be read");
        let [mood, subject, tox] = read.as_slice() else { panic!("{read:?}") };
        assert_eq!((mood.kind, mood.on.as_slice()), (EnrichKind::Sentiment, &[GuardSide::Answer][..]));
        assert_eq!(mood.purposes, ["support"]);
        let [loans] = subject.topics.as_slice() else { panic!("{subject:?}") };
        assert_eq!((loans.name.as_str(), loans.at_least, loans.terms.len()), ("loans", 1, 2));
        assert_eq!(tox.service.as_ref().map(|service| service.version.as_str()), Some("3"));
    }

    #[test]
    fn an_enrichment_that_is_written_wrongly_is_refused_with_its_place() {
        for (text, told) in [
            ("[enrich.x]\non = [\"answer\"]\n", "[enrich.x] has no kind"),
            ("[enrich.x]\nkind = \"mood\"\n", "language, sentiment"),
            ("[enrich.x]\nkind = \"pii\"\non = [\"tools\"]\n", "prompt and answer"),
            ("[enrich.x]\nkind = \"pii\"\nat_least = 2\n", "at_least is for topics"),
            ("[enrich.x]\nkind = \"pii\"\nmode = \"block\"\n", "mode"),
            ("[enrich.x]\nkind = \"http\"\non_error = \"deny\"\n", "is for guards"),
            ("[enrich.x]\nkind = \"http\"\nurl = \"http://10.0.0.7/check\"\n", "[enrich.x] a"),
        ] {
            let refused = of(text).expect_err("it is wrong");
            assert!(refused.contains(told), "{text}: {refused}");
        }
    }
}
