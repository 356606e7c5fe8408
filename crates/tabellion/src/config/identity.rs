//! The sections `[identity.NAME]`: whose access tokens are taken, and which key stands for which client (docs/identity.md).

use std::collections::BTreeMap;
use std::path::PathBuf;

use tabellion_gateway::{IdentityConfig, TlsConfig, TokenAlgorithm};

use super::gateway::items;
use super::{OFF, Setting};
use crate::failure::Failure;

/// Keys of each `[identity.NAME]`.
pub(super) const IDENTITY_KEYS: &[&str] = &[
    "issuer",
    "jwks_url",
    "audiences",
    "algorithms",
    "clients",
    "client_claim",
    "person_claim",
    "groups_claim",
    "ca_file",
    "private_network",
    "lifetime_seconds",
    "refresh_seconds",
    "again_seconds",
    "max_age_seconds",
];
/// What the sections of identity providers begin with.
pub(super) const IDENTITY_PREFIX: &str = "identity.";
const MS: u64 = 1_000;
/// A week: whatever is longer is no token of access, and keys of longer ago are nobody's.
const MAX_SECONDS: u64 = 7 * 24 * 60 * 60;

/// All of them, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct IdentitySettings(BTreeMap<String, IdentityConfig>);

impl IdentitySettings {
    /// One key of the identity provider `name`.
    pub(super) fn apply(&mut self, name: &str, setting: &Setting) -> Result<(), Failure> {
        let identity = self.0.entry(name.to_owned()).or_insert_with(|| IdentityConfig::new(name, ""));
        let value = setting.value.as_str();
        let claim = || (value != OFF).then(|| value.to_owned());
        match setting.key.as_str() {
            // A password or token in a URL would be on record, and in every error that names the URL.
            "issuer" | "jwks_url" if value.contains(['@', '?', '#']) => {
                return Err(setting.refused_unseen("holds more than host and path"));
            }
            "issuer" => value.clone_into(&mut identity.issuer),
            "jwks_url" => identity.jwks_url = Some(value.to_owned()),
            "audiences" => identity.audiences = items(value).map(str::to_owned).collect(),
            "algorithms" => {
                let known = items(value).map(TokenAlgorithm::from_name).collect::<Option<_>>();
                identity.algorithms = known.ok_or_else(|| {
                    setting
                        .refused("is not a list of RS256, PS256, ES256 and EdDSA: how tokens may be signed")
                })?;
            }
            "clients" => {
                identity.clients = pairs(value)
                    .ok_or_else(|| setting.refused("is not a table of CLIENT = \"id of a key\""))?;
            }
            "client_claim" => value.clone_into(&mut identity.client_claim),
            "person_claim" => identity.person_claim = claim(),
            "groups_claim" => identity.groups_claim = claim(),
            "ca_file" => identity.ca_file = Some(PathBuf::from(value)),
            "private_network" => {
                identity.private_network =
                    value.parse().map_err(|_| setting.refused("is not true or false"))?;
            }
            "lifetime_seconds" => identity.lifetime_seconds = seconds(setting)?,
            "refresh_seconds" => identity.refresh_ms = seconds(setting)? * MS,
            "again_seconds" => identity.again_ms = seconds(setting)? * MS,
            "max_age_seconds" => identity.max_age_ms = seconds(setting)? * MS,
            _ => return Err(setting.unknown()),
        }
        Ok(())
    }

    /// As the gateway takes them, by name order. The error names one that says no issuer.
    pub(crate) fn configs(&self) -> Result<Vec<IdentityConfig>, Failure> {
        let silent = self.0.values().find(|identity| identity.issuer.is_empty());
        match silent {
            None => Ok(self.0.values().cloned().collect()),
            Some(identity) => Err(Failure::malformed(format!(
                "[identity.{}] has no issuer: give what its tokens have as iss, such as https://login.example/realm, and start again",
                identity.name
            ))),
        }
    }
}

/// One key of `[gateway]` about its own TLS.
pub(super) fn apply_tls(tls: &mut TlsConfig, setting: &Setting) -> Result<(), Failure> {
    let value = setting.value.as_str();
    let file = || PathBuf::from(value);
    match setting.key.as_str() {
        "tls_certificate" => tls.certificate = file(),
        "tls_key" => tls.key = file(),
        "client_ca" => tls.client_ca = Some(file()),
        "client_crl" => tls.client_crl = Some(file()),
        _ => {
            tls.clients = pairs(value).ok_or_else(|| {
                setting
                    .refused("is not a list of uri:NAME=ID or dns:NAME=ID: which key stands for which name")
            })?;
        }
    }
    Ok(())
}

/// A list of names with the ids of keys. A name may hold the sign between, an id does not.
fn pairs(value: &str) -> Option<BTreeMap<String, String>> {
    let pair =
        |item: &str| item.rsplit_once('=').map(|(name, key)| (name.trim().to_owned(), key.trim().to_owned()));
    items(value).map(pair).collect()
}

fn seconds(setting: &Setting) -> Result<u64, Failure> {
    let seconds = setting.value.parse().ok().filter(|seconds| (1..=MAX_SECONDS).contains(seconds));
    seconds.ok_or_else(|| setting.refused(&format!("is not a number of seconds from 1 to {MAX_SECONDS}")))
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    fn of(text: &str) -> Result<Config, String> {
        Config::of(text, "tabellion.toml", []).map_err(|failure| failure.to_string())
    }

    /// Requirement: G04.
    #[test]
    fn an_identity_provider_is_read_as_it_is_written() {
        let text = "[upstream.local]\nbase_url = \"http://127.0.0.1:1/v1\"\n[identity.corp]\nissuer = \"https://login.example/realm\"\naudiences = [\"tabellion\"]\nalgorithms = [\"ES256\"]\ngroups_claim = \"groups\"\nperson_claim = \"off\"\nagain_seconds = 2\n[identity.corp.clients]\n\"loan=agent\" = \"6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b\"\n";
        let config = of(text).expect("a configuration").gateway.config().expect("a gateway");
        let [identity] = config.identities.as_slice() else { panic!("{:?}", config.identities) };
        assert_eq!(
            (identity.name.as_str(), identity.issuer.as_str()),
            ("corp", "https://login.example/realm")
        );
        assert_eq!(identity.clients.get("loan=agent").map(String::as_str), Some("6b".repeat(16).as_str()));
        assert_eq!(
            (identity.person_claim.as_deref(), identity.groups_claim.as_deref()),
            (None, Some("groups"))
        );
        assert_eq!(identity.again_ms, 2_000);
        for (text, why) in [
            ("[identity.x]\nissuers = \"https://a.example\"\n", "did you mean issuer"),
            ("[identity.x]\nalgorithms = [\"HS256\"]\n", "RS256"),
            ("[identity.x]\nlifetime_seconds = 0\n", "seconds"),
            ("[identity.x]\nissuer = \"https://a:secret@b.example\"\n", "host and path"),
            ("[identity.x]\naudiences = [\"a\"]\n", "no issuer"),
            ("[identity]\nx = \"a\"\n", "[identity.NAME]"),
        ] {
            let said = of(text).expect_err("it is taken");
            assert!(said.contains(why), "{said}");
            assert!(!said.contains("secret"), "{said}");
        }
    }
}
