//! The settings in effect, as `config.loaded` records them: what the file and the variables say, and the defaults of what they do not.
//!
//! Promises: the same settings give the same bytes; secrets stand in it by the name of the variable or file that holds them. Must never: open
//! such a file or read such a variable.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tabellion_ledger::{Draft, Reader};
use tabellion_model::body::{Body as _, ConfigLoaded};
use tabellion_model::{DisclosurePolicy, to_jcs};

use super::erasure::BY_HAND;
use super::{ByTwo, Config, OFF, RuleGrace};
use crate::failure::Failure;
use crate::witnesses::policy::WitnessPolicy;

impl Config {
    /// The record of these settings being taken for the log of `reader`, whose new segments have `segment_bytes`.
    pub(crate) fn loaded(
        &self,
        reader: &Reader,
        segment_bytes: u64,
        witnesses: Option<&WitnessPolicy>,
    ) -> Result<Draft, Failure> {
        let settings = to_jcs(&self.effective(reader, segment_bytes, witnesses))
            .map_err(|error| Failure::malformed(format!("the configuration cannot be recorded: {error}")))?;
        let body = ConfigLoaded {
            digest: hex::encode(Sha256::digest(&settings)),
            settings: String::from_utf8_lossy(&settings).into_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let mut draft = Draft::new(ConfigLoaded::TYPE);
        draft.body = body.fields().map_err(|error| Failure::failed(error.to_string()))?;
        Ok(draft)
    }

    fn effective(&self, reader: &Reader, segment_bytes: u64, witnesses: Option<&WitnessPolicy>) -> Value {
        let listens = |address: Option<_>| address.map_or_else(|| OFF.to_owned(), |at| format!("{at}"));
        let (limits, upstreams) = self.gateway.settings();
        let gateway = self.gateway.serves();
        let mut all = json!({
            "console": { "listen": listens(self.console_listen.0), "public_url": self.console_url() },
            "export": { "disclose": self.disclose.unwrap_or(DisclosurePolicy::Business).as_str() },
            "gateway": { "listen": listens(gateway.map(|(listen, _)| listen)), "threads": gateway.map(|(_, threads)| threads) },
            "limits": limits,
            "log": {
                "host": reader.origin().host(),
                "tenant": reader.origin().tenant(),
                "env": reader.env().as_str(),
                "segment_mib": segment_bytes >> 20,
                "public": self.public_log,
            },
            "retention": self.retention.effective(),
            "upstream": upstreams,
            "witness": witnesses.map_or_else(|| json!({ "policy": OFF }), |witnesses| json!({
                "policy": self.witness_policy,
                "sha256": witnesses.digest,
                "witnesses": witnesses.peers.iter().map(|peer| peer.url.as_str()).collect::<Vec<_>>(),
            })),
        });
        // Left out while nobody said otherwise.
        let section = all.get_mut("gateway").and_then(Value::as_object_mut);
        if let (Some(names), Some(gateway)) = (self.gateway.names(), section) {
            gateway.insert("names".to_owned(), names.into());
        }
        let section = all.get_mut("gateway").and_then(Value::as_object_mut);
        if let (Some(failing), Some(gateway)) = (self.gateway.failing(), section) {
            gateway.extend(failing.map(|(key, value)| (key.to_owned(), value)));
        }
        // Left out while there is none, so that an installation without anchors records what it always did.
        if let (Some(anchors), Some(all)) = (self.anchors.effective(), all.as_object_mut()) {
            all.insert("anchor".to_owned(), anchors);
        }
        if let (guards @ [_, ..], Some(all)) = (self.gateway.guards(), all.as_object_mut()) {
            all.insert("guard".to_owned(), json!(guards));
        }
        if let (enrichments @ [_, ..], Some(all)) = (self.gateway.enrichments(), all.as_object_mut()) {
            all.insert("enrich".to_owned(), json!(enrichments));
        }
        if let (Some(probes), Some(all)) = (self.gateway.probes(), all.as_object_mut()) {
            all.insert("probes".to_owned(), json!(probes));
        }
        if let (rules @ [_, ..], Some(all)) = (self.gateway.masking(), all.as_object_mut()) {
            all.insert("masking".to_owned(), json!(rules));
        }
        let section = all.get_mut("gateway").and_then(Value::as_object_mut);
        if let (Some(tls), Some(gateway)) = (self.gateway.tls(), section) {
            gateway.insert("tls".to_owned(), json!(tls));
        }
        if let (identities @ [_, ..], Some(all)) = (self.gateway.identities(), all.as_object_mut()) {
            all.insert("identity".to_owned(), json!(identities));
        }
        if let Some(all) = all.as_object_mut()
            && let Some(erasure) = self.effective_erasure()
        {
            all.insert("erasure".to_owned(), erasure);
        }
        if let (Some(policies), Some(all)) = (self.observation.effective(), all.as_object_mut()) {
            all.insert("policies".to_owned(), policies);
        }
        if let (Some((keys, token)), Some(all)) = (self.keys.effective(), all.as_object_mut()) {
            all.insert("keys".to_owned(), keys);
            all.insert("pkcs11".to_owned(), token);
        }
        all
    }

    /// Who and what erases; `None` while nothing is said, so that such an installation records what it always did.
    fn effective_erasure(&self) -> Option<Value> {
        let by_two =
            (self.erase_by_two != ByTwo::Never).then(|| ("second_person", self.erase_by_two.as_str()));
        let by_hand = self.expire_by_hand.then_some(("when_due", BY_HAND));
        let mut all: Map<String, Value> = [by_two, by_hand]
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.to_owned(), value.into()))
            .collect();
        if self.rule_grace != RuleGrace::default() {
            all.insert("rule_grace_hours".to_owned(), self.rule_grace.hours().into());
        }
        (!all.is_empty()).then_some(Value::Object(all))
    }
}
