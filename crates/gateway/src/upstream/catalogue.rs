//! Which provider serves a model.
//!
//! Promises: one answer for each name, whatever the order of the configuration: an alias, else an exact name, else the longest prefix. Two
//! providers that claim the same name are refused at the start.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use tabellion_model::body::DataTerms;

use crate::config::{Api, Auth, Log, StartError, UpstreamConfig};
use crate::names::Unrecorded;
use crate::translate::Translation;
use crate::upstream::aws::Signer;
use crate::upstream::connect::{Address, Endpoint, Within};
use crate::upstream::tls::SystemTls;

/// Longest name of a provider: it stands in policies and records.
const MAX_NAME_BYTES: usize = 64;
/// Longest version of an interface: `2025-04-01-preview`.
const MAX_VERSION_BYTES: usize = 32;
/// Most models that are asked in place of one: each is a decision, two records and a wait more before the caller hears anything.
const MAX_FALLBACKS: usize = 4;

/// One provider.
pub(crate) struct Upstream {
    /// Its place in the configuration, and that of its connections in a pool.
    pub(crate) number: usize,
    pub(crate) name: String,
    pub(crate) api: Api,
    pub(crate) endpoint: Endpoint,
    /// Signs what is sent to it; none: its key is sent, or it has none.
    pub(crate) signer: Option<Signer>,
    pub(crate) usage_in_streams: bool,
    /// Whether callers of the other interface reach it too.
    pub(crate) translate: bool,
    /// Most tokens that a translated request asks for, where its caller names no limit.
    pub(crate) max_tokens: u64,
    /// What is declared of its use of data.
    pub(crate) terms: DataTerms,
    /// What prompts may name there although no record says whose it is.
    pub(crate) unrecorded: Unrecorded,
    /// Models asked in place of its own, by how these stand in the configuration.
    fallback: BTreeMap<String, Vec<String>>,
}

/// All of them.
#[derive(Clone)]
pub(crate) struct Catalogue {
    pub(crate) upstreams: Vec<Arc<Upstream>>,
    exact: BTreeMap<String, Named>,
    /// Prefixes, the longest first.
    prefixes: Vec<(String, Arc<Upstream>)>,
}

#[derive(Clone)]
struct Named {
    upstream: Arc<Upstream>,
    /// The provider's name of the model, where ours is an alias.
    alias_of: Option<String>,
}

/// Where a call goes.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) upstream: Arc<Upstream>,
    /// What to write in place of the model asked for; `None`: it stays.
    pub(crate) model: Option<String>,
    /// How the model stands in the configuration of its upstream.
    entry: String,
}

impl Target {
    /// Models to ask when this one fails, in order.
    pub(crate) fn fallback(&self) -> &[String] {
        self.upstream.fallback.get(&self.entry).map(Vec::as_slice).unwrap_or_default()
    }
}

impl Catalogue {
    /// Reads the configuration and the keys that it refers to.
    pub(crate) fn new(configs: &[UpstreamConfig]) -> Result<Self, StartError> {
        let mut catalogue = Self { upstreams: Vec::new(), exact: BTreeMap::new(), prefixes: Vec::new() };
        let mut tls = SystemTls::default();
        for (number, config) in configs.iter().enumerate() {
            let name = checked_name(config)?;
            if catalogue.upstreams.iter().any(|known| known.name == name) {
                return Err(StartError::Setting(format!(
                    "two upstreams are named {name:?}: give each a name of its own"
                )));
            }
            if config.translate && !Translation::reaches(config.api) {
                return Err(StartError::Setting(format!(
                    "[upstream.{name}] has translate = true, and nothing is translated for its api; its own paths reach it (docs/coarse-routes.md). Remove translate"
                )));
            }
            check_shown(config)?;
            let query = config.api_version.as_ref().map(|version| format!("api-version={version}"));
            let endpoint = Endpoint::new(&Address::from(config), &mut tls)?.with_query(query);
            let upstream = Arc::new(Upstream {
                number,
                name: name.to_owned(),
                api: config.api,
                endpoint,
                signer: Signer::new(config)?,
                usage_in_streams: config.usage_in_streams,
                translate: config.translate,
                max_tokens: config.max_tokens,
                terms: config.data.clone(),
                unrecorded: unrecorded(config)?,
                fallback: config.fallback.clone(),
            });
            check_models(config)?;
            for model in &config.models {
                catalogue.add_model(&upstream, model)?;
            }
            for (alias, model) in &config.aliases {
                catalogue.add_exact(&upstream, alias, Some(model.clone()))?;
            }
            catalogue.upstreams.push(upstream);
        }
        catalogue.prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        configs.iter().try_for_each(|config| catalogue.check_fallback(config))?;
        check_accounts(configs)?;
        Ok(catalogue)
    }

    /// The same providers by name, interface and terms, each with one model, named by `model`, and all of them answered at `within` in this process.
    pub(crate) fn stand_ins(&self, within: &Arc<dyn Within>, model: impl Fn(&str) -> String) -> Self {
        let mut stand_ins = Self { upstreams: Vec::new(), exact: BTreeMap::new(), prefixes: Vec::new() };
        for upstream in &self.upstreams {
            let stand_in = Arc::new(Upstream {
                number: upstream.number,
                name: upstream.name.clone(),
                api: upstream.api,
                endpoint: Endpoint::within(Arc::clone(within)),
                signer: None,
                usage_in_streams: upstream.usage_in_streams,
                translate: upstream.translate,
                max_tokens: upstream.max_tokens,
                terms: upstream.terms.clone(),
                unrecorded: upstream.unrecorded.clone(),
                fallback: BTreeMap::new(),
            });
            let named = Named { upstream: Arc::clone(&stand_in), alias_of: None };
            stand_ins.exact.insert(model(&upstream.name), named);
            stand_ins.upstreams.push(stand_in);
        }
        stand_ins
    }

    /// The name of the provider with this number.
    pub(crate) fn name(&self, number: usize) -> &str {
        self.upstreams.get(number).map(|upstream| upstream.name.as_str()).unwrap_or_default()
    }

    /// What keeps the keys of providers as their files have them, for as long as it is polled: a task for each that signs.
    pub(crate) fn follow(
        &self,
        log: &Log,
    ) -> impl Iterator<Item = impl Future<Output = ()> + Send + 'static> {
        self.upstreams.iter().filter_map(|upstream| upstream.signer.as_ref()).map(|signer| signer.follow(log))
    }

    /// A fallback that could never be asked is a safety net that nobody would miss before it is needed.
    fn check_fallback(&self, config: &UpstreamConfig) -> Result<(), StartError> {
        for (model, others) in &config.fallback {
            let refused = |why: String| {
                let text = format!("[upstream.{}] fallback of the model {model:?}: {why}", config.name);
                Err(StartError::Setting(text))
            };
            if !config.models.contains(model) && !config.aliases.contains_key(model) {
                return refused(
                    "it is none of this upstream's models or aliases; write it as it stands there".to_owned(),
                );
            }
            if others.is_empty() || others.len() > MAX_FALLBACKS {
                return refused(format!("it names {} models; name 1 to {MAX_FALLBACKS}", others.len()));
            }
            for (at, other) in others.iter().enumerate() {
                let Some(named) = self.exact.get(other) else {
                    return refused(format!(
                        "{other:?} is configured by name nowhere; add it to the models or aliases of an upstream"
                    ));
                };
                if named.upstream.api != config.api && !named.upstream.translate {
                    return refused(format!(
                        "{other:?} is of another interface, and translate is off for its upstream; name a model of the same interface, or set translate = true there"
                    ));
                }
                if other == model || others.iter().take(at).any(|before| before == other) {
                    return refused(format!("{other:?} is asked already; name each model once"));
                }
            }
        }
        Ok(())
    }

    fn add_model(&mut self, upstream: &Arc<Upstream>, model: &str) -> Result<(), StartError> {
        let Some(prefix) = model.strip_suffix('*') else { return self.add_exact(upstream, model, None) };
        if let Some((_, other)) = self.prefixes.iter().find(|(known, _)| known == prefix) {
            return Err(claimed_twice(model, &other.name, &upstream.name));
        }
        self.prefixes.push((prefix.to_owned(), Arc::clone(upstream)));
        Ok(())
    }

    fn add_exact(
        &mut self,
        upstream: &Arc<Upstream>,
        name: &str,
        alias_of: Option<String>,
    ) -> Result<(), StartError> {
        if name.is_empty() || alias_of.as_ref().is_some_and(String::is_empty) {
            let text = format!("upstream {:?} has a model without a name: remove it", upstream.name);
            return Err(StartError::Setting(text));
        }
        match self.exact.entry(name.to_owned()) {
            Entry::Vacant(place) => {
                place.insert(Named { upstream: Arc::clone(upstream), alias_of });
                Ok(())
            }
            Entry::Occupied(other) => Err(claimed_twice(name, &other.get().upstream.name, &upstream.name)),
        }
    }

    /// Where a call of `model` goes; `None`: nowhere.
    pub(crate) fn resolve(&self, model: &str) -> Option<Target> {
        if let Some(named) = self.exact.get(model) {
            let (upstream, entry) = (Arc::clone(&named.upstream), model.to_owned());
            return Some(Target { upstream, model: named.alias_of.clone(), entry });
        }
        let (prefix, upstream) = self.prefixes.iter().find(|(prefix, _)| model.starts_with(prefix))?;
        Some(Target { upstream: Arc::clone(upstream), model: None, entry: format!("{prefix}*") })
    }

    /// The provider with the interface `api` and this name; without a name the only one that has it.
    pub(crate) fn provider(&self, api: Api, name: Option<&str>) -> Option<Target> {
        let mut of_it = self
            .upstreams
            .iter()
            .filter(|upstream| upstream.api == api && name.is_none_or(|name| upstream.name == name));
        let upstream = Arc::clone(of_it.next()?);
        of_it.next().is_none().then_some(Target { upstream, model: None, entry: String::new() })
    }

    /// Whether `model` is configured letter by letter, and not by its beginning.
    pub(crate) fn is_named(&self, model: &str) -> bool {
        self.exact.contains_key(model)
    }

    /// Every name that stands alone, in order: what a list of models can show.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, &Upstream)> {
        self.exact.iter().map(|(name, named)| (name.as_str(), named.upstream.as_ref()))
    }
}

/// What prompts may name at a provider although no record says whose it is.
fn unrecorded(config: &UpstreamConfig) -> Result<Unrecorded, StartError> {
    Unrecorded::read(&config.unrecorded)
        .map_err(|why| StartError::Setting(format!("[upstream.{}]: {why}", config.name)))
}

/// What a call of one section made is on record for that section: where another asks the same account, a kind that it lets pass opens what calls of the first made, and
/// nothing there says whose it is.
fn check_accounts(configs: &[UpstreamConfig]) -> Result<(), StartError> {
    for (at, config) in configs.iter().enumerate() {
        let mut others = configs.iter().skip(at + 1).filter(|other| is_one_account(config, other));
        let Some(other) = others.find(|other| lets_kind_pass(config) || lets_kind_pass(other)) else {
            continue;
        };
        return Err(StartError::Setting(format!(
            "[upstream.{}] and [upstream.{}] ask one account (base_url and the place of the key are the same), and unrecorded lets prompts name a whole kind there: what calls of the one made would be open by the other. Name single things as kind:name, make one section of the two, or give one of them a key of another account",
            config.name, other.name
        )));
    }
    Ok(())
}

/// Whether it is more than single things that prompts may name there.
fn lets_kind_pass(config: &UpstreamConfig) -> bool {
    config.unrecorded.iter().any(|entry| !entry.contains(':'))
}

/// Whether two sections ask one account, as far as the configuration shows.
fn is_one_account(one: &UpstreamConfig, other: &UpstreamConfig) -> bool {
    let at = |config: &UpstreamConfig| config.base_url.trim_end_matches('/').to_ascii_lowercase();
    let key = |config: &UpstreamConfig| (config.key_env.clone(), config.key_file.clone(), config.aws.clone());
    at(one) == at(other) && key(one) == key(other)
}

/// A key in a header that its provider does not read, and a version that its interface does not have, are refused by the provider alone, call by call.
fn check_shown(config: &UpstreamConfig) -> Result<(), StartError> {
    let name = &config.name;
    let of_google_or_amazon = matches!(config.api, Api::Gemini | Api::Vertex | Api::Bedrock);
    if config.auth == Auth::AzureApiKey && of_google_or_amazon {
        return Err(StartError::Setting(format!(
            "[upstream.{name}] has auth = \"azure_api_key\", and an interface that Azure does not have: remove auth, or correct api"
        )));
    }
    let Some(version) = &config.api_version else { return Ok(()) };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    let fits = (1..=MAX_VERSION_BYTES).contains(&version.len()) && version.bytes().all(plain);
    if fits && !of_google_or_amazon {
        return Ok(());
    }
    Err(StartError::Setting(format!(
        "[upstream.{name}] has api_version {version:?}: it is a word such as 2024-10-21 that Azure wants in the address, for the interfaces openai and anthropic; correct it, or remove it"
    )))
}

/// An upstream that serves nothing, and a star that is no beginning's end, are mistakes that nobody would find out: every call is `unknown_model`.
fn check_models(config: &UpstreamConfig) -> Result<(), StartError> {
    let name = &config.name;
    if config.models.is_empty() && config.aliases.is_empty() {
        let text = format!(
            "the upstream {name:?} serves no model: give [upstream.{name}] models, such as [\"gpt-5-mini\"] or [\"gpt-*\"]"
        );
        return Err(StartError::Setting(text));
    }
    let inside = |model: &&String| model.strip_suffix('*').unwrap_or(model).contains('*');
    let names = config.aliases.iter().flat_map(|(alias, model)| [alias, model]);
    let starred = names.filter(|name| name.contains('*')).chain(config.models.iter().filter(inside)).next();
    match starred {
        None => Ok(()),
        Some(model) => Err(StartError::Setting(format!(
            "the upstream {name:?} has the model {model:?}: a * stands for any rest of a name of models, at its end alone. Write out the names"
        ))),
    }
}

fn claimed_twice(model: &str, one: &str, other: &str) -> StartError {
    StartError::Setting(format!(
        "the model {model:?} is served by the upstreams {one:?} and {other:?}: remove it from one of them"
    ))
}

fn checked_name(config: &UpstreamConfig) -> Result<&str, StartError> {
    let name = config.name.as_str();
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(plain) {
        return Err(StartError::Setting(format!(
            "the upstream name {name:?} is not 1 to {MAX_NAME_BYTES} of a-z, 0-9 and -: policies and records name it so"
        )));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(name: &str, models: &[&str], aliases: &[(&str, &str)]) -> UpstreamConfig {
        UpstreamConfig {
            models: models.iter().map(|&model| model.to_owned()).collect(),
            aliases: aliases.iter().map(|&(from, to)| (from.to_owned(), to.to_owned())).collect(),
            ..UpstreamConfig::new(name, "http://127.0.0.1:1/v1")
        }
    }

    #[test]
    fn a_model_goes_to_the_one_provider_that_names_it_best() {
        let configs = [
            config("wide", &["gpt-*", "*"], &[]),
            config("narrow", &["gpt-5-*", "gpt-5"], &[("loan-model", "gpt-5-mini")]),
        ];
        let catalogue = Catalogue::new(&configs).expect("no name is claimed twice");
        let place = |model: &str| {
            catalogue
                .resolve(model)
                .map(|target| (target.upstream.name.clone(), target.model))
                .expect("served")
        };
        assert_eq!(place("gpt-5"), ("narrow".to_owned(), None), "an exact name must win");
        assert_eq!(place("gpt-5-mini"), ("narrow".to_owned(), None), "the longest prefix must win");
        assert_eq!(place("gpt-4"), ("wide".to_owned(), None), "a shorter prefix must serve the rest");
        assert_eq!(place("anything"), ("wide".to_owned(), None), "a star alone serves everything");
        assert_eq!(
            place("loan-model"),
            ("narrow".to_owned(), Some("gpt-5-mini".to_owned())),
            "an alias must become the provider's own name"
        );
    }

    #[test]
    fn what_is_ambiguous_or_misnamed_is_refused_at_the_start() {
        for (configs, why) in [
            (vec![config("a", &["m"], &[]), config("b", &["m"], &[])], "a model of two providers"),
            (vec![config("a", &["m*"], &[]), config("b", &["m*"], &[])], "a prefix of two providers"),
            (vec![config("a", &["m"], &[("m", "n")])], "an alias that hides a model"),
            (vec![config("a", &["m"], &[]), config("a", &["n"], &[])], "two providers of one name"),
            (vec![config("A b", &["m"], &[])], "a name that policies cannot hold"),
            (vec![config("a", &[], &[])], "a provider without any model"),
            (vec![config("a", &["gpt-*-mini"], &[])], "a star inside a name"),
            (vec![config("a", &[], &[("house-*", "m")])], "an alias for any name"),
            (vec![config("a", &[""], &[])], "a model without a name"),
        ] {
            assert!(Catalogue::new(&configs).is_err(), "{why} would be decided by chance");
        }
    }

    /// Requirement: N22. What one section's calls made is not open by another section that asks the same account.
    #[test]
    fn a_kind_is_let_pass_in_no_account_of_two_sections() {
        let section = |name: &str, url: &str, key: &str, unrecorded: &[&str]| UpstreamConfig {
            models: vec![format!("model-{name}")],
            unrecorded: unrecorded.iter().map(|&entry| entry.to_owned()).collect(),
            // An empty one is none.
            key_env: (!key.is_empty()).then(|| key.to_owned()),
            ..UpstreamConfig::new(name, url)
        };
        let (here, there) = ("http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1");
        for (first, second, is_refused) in [
            (section("a", here, "", &[]), section("b", here, "", &["item"]), true),
            (section("a", here, "", &["response"]), section("b", "http://127.0.0.1:1/v1/", "", &[]), true),
            (section("a", here, "", &["item"]), section("b", there, "", &["item"]), false),
            (section("a", here, "", &[]), section("b", here, "", &["vector_store:vs_1"]), false),
            (section("a", here, "", &[]), section("b", here, "", &[]), false),
        ] {
            let started = Catalogue::new(&[first, second]).map(drop).map_err(|error| error.to_string());
            assert_eq!(started.is_err(), is_refused, "{started:?}");
            let says = started.err().unwrap_or_else(|| "unrecorded, kind:name".to_owned());
            assert!(says.contains("unrecorded") && says.contains("kind:name"), "{says}");
        }
        let (one, other) = (section("a", here, "KEY_A", &["item"]), section("b", here, "KEY_B", &[]));
        assert!(check_accounts(&[one.clone(), other]).is_ok(), "two keys may be of two accounts");
        assert!(check_accounts(&[one.clone(), one]).is_err());
    }

    /// Requirement: N22.
    #[test]
    fn a_key_or_version_that_its_provider_does_not_read_is_refused_at_the_start() {
        let with = |api, auth, version: Option<&str>| {
            let api_version = version.map(str::to_owned);
            Catalogue::new(&[UpstreamConfig { api, auth, api_version, ..config("a", &["m"], &[]) }])
                .map(|catalogue| {
                    catalogue.upstreams[0].endpoint.target("/x").map(|target| target.to_string())
                })
                .map_err(|error| error.to_string())
        };
        let at = |target: &str| Ok(Some(target.to_owned()));
        assert_eq!(with(Api::OpenAi, Auth::Key, None), at("/v1/x"), "every address would change");
        assert_eq!(
            with(Api::OpenAi, Auth::AzureApiKey, Some("2025-04-01-preview")),
            at("/v1/x?api-version=2025-04-01-preview")
        );
        for (api, auth, version, says) in [
            (Api::Bedrock, Auth::AzureApiKey, None, "azure_api_key"),
            (Api::Vertex, Auth::Key, Some("2024-10-21"), "api_version"),
            (Api::OpenAi, Auth::Key, Some("1&key=secret"), "api_version"),
            (Api::OpenAi, Auth::Key, Some(""), "api_version"),
        ] {
            assert!(with(api, auth, version).expect_err(says).contains(says), "{api:?} {auth:?} {version:?}");
        }
    }

    /// Requirement: N25.
    #[test]
    fn a_model_has_the_fallback_of_its_own_entry_and_one_that_could_never_be_asked_is_refused() {
        let with = |model: &str, others: &[&str], api| {
            let fallback =
                [(model.to_owned(), others.iter().map(|&other| other.to_owned()).collect())].into();
            let main = UpstreamConfig { fallback, ..config("main", &["m", "gpt-*"], &[("alias", "m")]) };
            Catalogue::new(&[main, UpstreamConfig { api, ..config("other", &["n", "o-*"], &[]) }])
        };
        for (entry, asked, elsewhere) in
            [("m", "m", "gpt-5"), ("gpt-*", "gpt-5", "m"), ("alias", "alias", "m")]
        {
            let catalogue = with(entry, &["n"], Api::OpenAi).expect("a fallback that can be asked");
            let of = |model: &str| catalogue.resolve(model).expect("served").fallback().to_vec();
            assert_eq!(of(asked), ["n"], "{entry}: nothing would be asked when it fails");
            assert!(
                of(elsewhere).is_empty() && of("n").is_empty(),
                "{entry}: another model would be replaced too"
            );
        }
        for (model, others, api, why) in [
            ("x", &["n"][..], Api::OpenAi, "a model that the upstream does not have"),
            ("m", &[], Api::OpenAi, "no model"),
            ("m", &["o-1"], Api::OpenAi, "a model that no configuration names"),
            ("m", &["n"], Api::Anthropic, "a model that would need another request"),
            ("m", &["m"], Api::OpenAi, "the model itself"),
            ("m", &["n", "n"], Api::OpenAi, "a model twice"),
            ("m", &["n", "gpt-1", "gpt-2", "gpt-3", "gpt-4"], Api::OpenAi, "more than are waited for"),
        ] {
            assert!(with(model, others, api).is_err(), "{why} would be found out in an outage");
        }
        let fallback = [("m".to_owned(), vec!["n".to_owned()])].into();
        let main = UpstreamConfig { fallback, ..config("main", &["m"], &[]) };
        let other = UpstreamConfig { api: Api::Anthropic, translate: true, ..config("other", &["n"], &[]) };
        assert!(Catalogue::new(&[main, other]).is_ok(), "the other vendor could not stand in");
        let own = UpstreamConfig { api: Api::Gemini, translate: true, ..config("own", &["g"], &[]) };
        assert!(Catalogue::new(&[own]).is_err(), "what is not translated would be said to be");
    }
}
