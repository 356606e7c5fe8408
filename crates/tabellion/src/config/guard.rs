//! The sections `[guard.NAME]`: what is looked for in prompts and answers.
//!
//! A list in a file is read here, so that the record of the configuration holds the words that are in force and not where they were.

use std::collections::BTreeMap;
use std::path::Path;

use tabellion_gateway::{
    GuardConfig, GuardCostConfig, GuardKind, GuardMode, GuardRegoConfig, GuardSchemaConfig, GuardSchemaOf,
    GuardSide, TopicConfig,
};

use tabellion_model::charge::Currency;

use super::Setting;
use super::gateway::items;
use super::guard_service::ServiceSketch;
use crate::failure::Failure;

/// Keys of each `[guard.NAME]`.
pub(super) const GUARD_KEYS: &[&str] = &[
    "kind",
    "on",
    "mode",
    "systems",
    "purposes",
    "routes",
    "order",
    "words",
    "words_file",
    "topics",
    "at_least",
    "max_bytes",
    "max_tools",
    "max_per_call",
    "currency",
    "max_input_tokens",
    "max_output_tokens",
    "url",
    "shape",
    "version",
    "timeout_ms",
    "at_once",
    "on_error",
    "private_network",
    "key_env",
    "key_file",
    "ca_file",
    "entities",
    "language",
    "threshold_percent",
    "canary",
    "may_edit",
    "schema",
    "tools",
    "policy",
    "query",
    "content",
];
/// What the sections of guards begin with.
pub(super) const GUARD_PREFIX: &str = "guard.";
/// Largest file of words: as many as a guard takes, of ordinary length.
const MAX_FILE_BYTES: u64 = 256 << 10;
/// Largest file of a schema, as the gateway takes one.
const MAX_SCHEMA_BYTES: u64 = 64 << 10;
/// Stands for the schema that a request asks for itself.
const REQUESTED: &str = "requested";
/// Largest policy in Rego, as the gateway takes it.
const MAX_POLICY_BYTES: u64 = 64 << 10;
/// Between the terms of a topic.
const TERMS: char = '|';

/// All of them, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct GuardSettings(BTreeMap<String, Sketch>);

/// One guard as far as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Sketch {
    kind: Option<GuardKind>,
    on: Option<Vec<GuardSide>>,
    mode: GuardMode,
    systems: Vec<String>,
    purposes: Vec<String>,
    routes: Vec<String>,
    order: Option<u32>,
    words: Vec<String>,
    words_of_file: Vec<String>,
    topics: Vec<(String, Vec<String>)>,
    at_least: Option<usize>,
    max_bytes: Option<u64>,
    max_tools: Option<u64>,
    cost: Option<GuardCostConfig>,
    service: ServiceSketch,
    canary: Option<String>,
    may_edit: bool,
    schema: Option<GuardSchemaConfig>,
    policy: Option<String>,
    query: Option<String>,
    content: bool,
}

/// How many different terms make a topic, unless somebody says otherwise.
pub(super) const AT_LEAST: usize = 2;

impl GuardSettings {
    /// One key of the guard `name`.
    pub(super) fn apply(&mut self, name: &str, setting: &Setting) -> Result<(), Failure> {
        let guard = self.0.entry(name.to_owned()).or_default();
        let value = setting.value.as_str();
        let texts = || items(value).map(str::to_owned).collect::<Vec<_>>();
        match setting.key.as_str() {
            "kind" => guard.kind = Some(kind(value).ok_or_else(|| setting.refused(KINDS))?),
            "mode" => {
                guard.mode = match value {
                    "block" => GuardMode::Block,
                    "flag" => GuardMode::Flag,
                    _ => {
                        return Err(setting.refused(
                            "is not block or flag: what becomes of a call in which it finds something",
                        ));
                    }
                };
            }
            "on" => {
                let sides: Option<Vec<_>> = items(value).map(side).collect();
                guard.on = Some(
                    sides.ok_or_else(|| setting.refused("is not of prompt and answer: what it looks at"))?,
                );
            }
            "systems" => guard.systems = texts(),
            "purposes" => guard.purposes = texts(),
            "routes" => guard.routes = texts(),
            "words" => guard.words = texts(),
            "words_file" => guard.words_of_file = words_of(Path::new(value), setting)?,
            "topics" => guard.topics = topics(setting)?,
            "order" | "at_least" | "max_bytes" | "max_tools" | "max_per_call" | "currency"
            | "max_input_tokens" | "max_output_tokens" => guard.limit(setting)?,
            "canary" => guard.canary = Some(value.to_owned()),
            "may_edit" => {
                guard.may_edit = value.parse().map_err(|_| setting.refused("is not true or false"))?;
            }
            "schema" => {
                guard.schema.get_or_insert_default().of = Some(schema_of(value, setting)?);
            }
            "tools" => {
                guard.schema.get_or_insert_default().tools =
                    value.parse().map_err(|_| setting.refused("is not true or false"))?;
            }
            "policy" => guard.policy = Some(policy_of(Path::new(value), setting)?),
            "query" => guard.query = Some(value.to_owned()),
            "content" => {
                guard.content = value.parse().map_err(|_| setting.refused("is not true or false"))?;
            }
            _ => guard.service.apply(setting)?,
        }
        Ok(())
    }

    /// As the gateway takes them, by name order. The error names one that says no kind.
    pub(crate) fn configs(&self) -> Result<Vec<GuardConfig>, Failure> {
        let config = |(name, sketch): (&String, &Sketch)| {
            let missing = || {
                Failure::malformed(format!(
                    "[guard.{name}] has no kind, which {KINDS}. Name one and start again"
                ))
            };
            let mut config = GuardConfig::new(name.clone(), sketch.kind.ok_or_else(missing)?);
            if let Some(on) = &sketch.on {
                config.on.clone_from(on);
            } else if let Some(side) = sketch.side(config.kind) {
                config.on = vec![side];
            }
            config.mode = sketch.mode;
            config.systems.clone_from(&sketch.systems);
            config.purposes.clone_from(&sketch.purposes);
            config.routes.clone_from(&sketch.routes);
            config.order = sketch.order;
            config.words = sketch.words.iter().chain(&sketch.words_of_file).cloned().collect();
            config.max_bytes = sketch.max_bytes;
            config.max_tools = sketch.max_tools;
            config.cost = sketch.cost;
            config.service = sketch.service.config(&format!("guard.{name}"), config.kind)?;
            config.schema.clone_from(&sketch.schema);
            config.canary.clone_from(&sketch.canary);
            config.may_edit = sketch.may_edit;
            config.rego = sketch.rego(name)?;
            let at_least = sketch.at_least.unwrap_or(AT_LEAST);
            let topic = |(name, terms): &(String, Vec<String>)| TopicConfig {
                name: name.clone(),
                terms: terms.clone(),
                at_least,
            };
            config.topics = sketch.topics.iter().map(topic).collect();
            if config.kind == GuardKind::References {
                config.references = Some(sketch.at_least.unwrap_or(1));
            } else if sketch.at_least.is_some() && config.topics.is_empty() {
                return Err(Failure::malformed(format!(
                    "[guard.{name}] at_least is for topics and references, and it has none; remove it"
                )));
            }
            Ok(config)
        };
        self.0.iter().map(config).collect()
    }
}

impl Sketch {
    /// A key that says how much may be, or where among all it comes.
    fn limit(&mut self, setting: &Setting) -> Result<(), Failure> {
        let value = setting.value.as_str();
        let number = |why| value.parse::<u64>().map(Some).map_err(|_| setting.refused(why));
        match setting.key.as_str() {
            "order" => {
                self.order = Some(value.parse().map_err(|_| setting.refused("is not a number: 0 or more"))?);
            }
            "at_least" => {
                self.at_least = Some(value.parse().map_err(|_| setting.refused("is not a number"))?);
            }
            "max_bytes" => self.max_bytes = number("is not a number of bytes")?,
            "max_tools" => self.max_tools = number("is not a number of tools")?,
            "max_per_call" => {
                self.cost.get_or_insert_default().max_per_call =
                    number("is not a whole number of millionths: 2.50 EUR are 2500000")?;
            }
            "currency" => {
                let currency = Currency::parse(value)
                    .ok_or_else(|| setting.refused("is not three capital letters, such as EUR"))?;
                self.cost.get_or_insert_default().currency = Some(currency);
            }
            "max_input_tokens" => {
                self.cost.get_or_insert_default().max_input_tokens = number("is not a number of tokens")?;
            }
            _ => self.cost.get_or_insert_default().max_output_tokens = number("is not a number of tokens")?,
        }
        Ok(())
    }

    /// What it looks at where it does not say so.
    fn side(&self, kind: GuardKind) -> Option<GuardSide> {
        match kind {
            GuardKind::ProviderFlags | GuardKind::Schema => Some(GuardSide::Answer),
            GuardKind::References | GuardKind::Rego | GuardKind::Cost => Some(GuardSide::Prompt),
            GuardKind::Size if self.max_bytes.is_none() => Some(GuardSide::Prompt),
            _ => None,
        }
    }

    /// The policy in Rego, where there is one.
    fn rego(&self, name: &str) -> Result<Option<GuardRegoConfig>, Failure> {
        match (&self.policy, &self.query) {
            (Some(policy), Some(query)) => Ok(Some(GuardRegoConfig {
                policy: policy.clone(),
                query: query.clone(),
                content: self.content,
            })),
            (None, None) if !self.content => Ok(None),
            _ => Err(Failure::malformed(format!(
                "[guard.{name}] has only a part of policy, query and content; name the file of the policy and the rule that is asked, such as query = \"data.house.deny\""
            ))),
        }
    }
}

const KINDS: &str = "is words, topics, injection, invisible, secrets, size, provider_flags, references, schema, http, grpc, rego or cost";

/// What is looked at, by its word.
pub(super) fn side(word: &str) -> Option<GuardSide> {
    match word {
        "prompt" => Some(GuardSide::Prompt),
        "answer" => Some(GuardSide::Answer),
        _ => None,
    }
}

/// Topics with their terms, as a table of texts has them.
pub(super) fn topics(setting: &Setting) -> Result<Vec<(String, Vec<String>)>, Failure> {
    let topic = |item: &str| {
        let (name, terms) = item.split_once('=')?;
        let terms = terms.split(TERMS).map(|term| term.trim().to_owned());
        Some((name.trim().to_owned(), terms.filter(|term| !term.is_empty()).collect()))
    };
    let topics: Option<Vec<_>> = items(&setting.value).map(topic).collect();
    topics.ok_or_else(|| setting.refused("is not a table of NAME = \"term | term\""))
}

fn kind(word: &str) -> Option<GuardKind> {
    Some(match word {
        "words" => GuardKind::Words,
        "topics" => GuardKind::Topics,
        "injection" => GuardKind::Injection,
        "invisible" => GuardKind::Invisible,
        "secrets" => GuardKind::Secrets,
        "size" => GuardKind::Size,
        "provider_flags" => GuardKind::ProviderFlags,
        "references" => GuardKind::References,
        "schema" => GuardKind::Schema,
        "http" => GuardKind::Http,
        "grpc" => GuardKind::Grpc,
        "rego" => GuardKind::Rego,
        "cost" => GuardKind::Cost,
        _ => return None,
    })
}

/// The schema that a setting names: its text, so that the record of the configuration holds what is in force.
fn schema_of(value: &str, setting: &Setting) -> Result<GuardSchemaOf, Failure> {
    if value == REQUESTED {
        return Ok(GuardSchemaOf::Requested);
    }
    let file = Path::new(value);
    let failed = |error| Failure::io("read the schema of a guard", file, &error);
    if std::fs::metadata(file).map_err(failed)?.len() > MAX_SCHEMA_BYTES {
        return Err(setting.refused("names a file of more than 64 KiB; describe less"));
    }
    std::fs::read_to_string(file).map(GuardSchemaOf::Given).map_err(failed)
}

/// The text of a policy in Rego; what is wrong in it, the gateway says when it starts.
fn policy_of(file: &Path, setting: &Setting) -> Result<String, Failure> {
    let unread = |error: &std::io::Error| Failure::io("read the policy of a guard", file, error);
    let facts = std::fs::metadata(file).map_err(|error| unread(&error))?;
    if facts.len() > MAX_POLICY_BYTES {
        return Err(setting.refused("names a file of more than 64 KiB; a policy is shorter"));
    }
    std::fs::read_to_string(file).map_err(|error| unread(&error))
}

/// Words of a file, one on each line; lines that begin with `#` are remarks.
fn words_of(file: &Path, setting: &Setting) -> Result<Vec<String>, Failure> {
    let facts =
        std::fs::metadata(file).map_err(|error| Failure::io("read the words of a guard", file, &error))?;
    if facts.len() > MAX_FILE_BYTES {
        return Err(setting.refused("names a file of more than 256 KiB; keep the telling words"));
    }
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::io("read the words of a guard", file, &error))?;
    let words = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(words.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use tabellion_gateway::{
        GuardCostConfig, GuardOnError, GuardSchemaConfig, GuardSchemaOf, GuardServiceConfig, GuardShape,
        GuardSide,
    };

    use tabellion_model::charge::Currency;

    use super::super::Config;

    fn of(text: &str) -> Result<Config, String> {
        Config::of(text, "tabellion.toml", []).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_guard_is_read_as_it_is_written() {
        let dir = tempfile::tempdir().expect("a directory");
        let list = dir.path().join("words.txt");
        std::fs::write(&list, "# told to nobody\nproject heron\n\n  egret, or so\n").expect("a file");
        let text = format!(
            "[upstream.local]\nbase_url = \"http://127.0.0.1:1/v1\"\n[guard.house-words]\nkind = \"words\"\nmode = \"flag\"\nwords = [\"kumquat\"]\nwords_file = {:?}\n\
             [guard.advice]\nkind = \"topics\"\non = [\"answer\"]\ntopics = {{ medicine = \"dose | prescription\" }}\n",
            list.display().to_string()
        );
        let config = of(&text).expect("a configuration").gateway.config().expect("a gateway");
        let [advice, words] = config.guards.as_slice() else { panic!("{:?}", config.guards) };
        assert_eq!(words.words, ["kumquat", "project heron", "egret, or so"]);
        assert_eq!((advice.topics[0].terms.len(), advice.topics[0].at_least), (2, 2));
        assert_eq!(advice.on.len(), 1, "it looks at more than it was told");
    }

    /// Requirement: N21.
    #[test]
    fn a_guard_of_others_is_read_as_it_is_written() {
        let text = "[upstream.local]\nbase_url = \"http://127.0.0.1:1/v1\"\n[guard.pii]\nkind = \"http\"\nurl = \"http://10.0.0.7:3000/analyze\"\n\
             shape = \"presidio\"\nversion = \"2.2.366\"\nprivate_network = true\nentities = [\"IBAN_CODE\", \"CREDIT_CARD\"]\nthreshold_percent = 60\n\
             timeout_ms = 900\non_error = \"flag\"\nkey_file = \"/run/pii.key\"\n";
        let config = of(text).expect("a configuration").gateway.config().expect("a gateway");
        let [guard] = config.guards.as_slice() else { panic!("{:?}", config.guards) };
        let service = guard.service.as_ref().expect("a service");
        let wanted = GuardServiceConfig {
            entities: vec!["IBAN_CODE".to_owned(), "CREDIT_CARD".to_owned()],
            threshold_percent: Some(60),
            timeout_ms: 900,
            on_error: GuardOnError::Flag,
            private_network: true,
            key_file: Some("/run/pii.key".into()),
            ..GuardServiceConfig::new("http://10.0.0.7:3000/analyze", GuardShape::Presidio, "2.2.366")
        };
        assert_eq!(service, &wanted);
    }

    /// Requirement: N21, N23.
    #[test]
    fn a_guard_over_costs_is_read_as_it_is_written() {
        let text = "[upstream.local]\nbase_url = \"http://127.0.0.1:1/v1\"\n[guard.dear]\nkind = \"cost\"\nmax_per_call = 2500000\ncurrency = \"EUR\"\n\
             max_output_tokens = 4096\norder = 10\nroutes = [\"openai.chat_completions\"]\n[guard.few-tools]\nkind = \"size\"\nmax_tools = 3\n";
        let config = of(text).expect("a configuration").gateway.config().expect("a gateway");
        let [dear, tools] = config.guards.as_slice() else { panic!("{:?}", config.guards) };
        let wanted = GuardCostConfig {
            max_per_call: Some(2_500_000),
            currency: Currency::parse("EUR"),
            max_input_tokens: None,
            max_output_tokens: Some(4096),
        };
        assert_eq!(dear.cost, Some(wanted));
        assert_eq!(
            (dear.order, dear.routes.as_slice()),
            (Some(10), &["openai.chat_completions".to_owned()][..])
        );
        assert_eq!(dear.on, [GuardSide::Prompt], "it looks at prompts without being told so");
        assert_eq!((tools.max_tools, tools.on.as_slice()), (Some(3), &[GuardSide::Prompt][..]));
    }

    /// Requirement: N21.
    #[test]
    fn a_guard_over_grpc_is_read_as_it_is_written() {
        let text = "[upstream.local]\nbase_url = \"http://127.0.0.1:1/v1\"\n[guard.topics]\nkind = \"grpc\"\nurl = \"http://10.0.0.7:50051\"\n\
             version = \"7.1\"\nprivate_network = true\nmay_edit = true\n";
        let config = of(text).expect("a configuration").gateway.config().expect("a gateway");
        let [guard] = config.guards.as_slice() else { panic!("{:?}", config.guards) };
        let wanted = GuardServiceConfig {
            private_network: true,
            ..GuardServiceConfig::new("http://10.0.0.7:50051", GuardShape::Grpc, "7.1")
        };
        assert_eq!(guard.service.as_ref(), Some(&wanted));
        assert!(guard.may_edit, "what it may is not read");
    }

    #[test]
    fn a_guard_by_schema_is_read_with_the_text_of_its_schema() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("order.schema.json");
        std::fs::write(&file, "{\"multipleOf\": 0.5}").expect("a file");
        let guards = |schema: &str| {
            let text = format!(
                "[upstream.local]\nbase_url = \"http://127.0.0.1:1/v1\"\n[guard.form]\nkind = \"schema\"\n{schema}"
            );
            of(&text).expect("a configuration").gateway.config().expect("a gateway").guards
        };
        let named = guards(&format!("schema = {:?}\ntools = true\n", file.display().to_string()));
        let given = Some(GuardSchemaOf::Given("{\"multipleOf\": 0.5}".to_owned()));
        assert_eq!(named[0].schema, Some(GuardSchemaConfig { of: given, tools: true }));
        assert_eq!(named[0].on, [GuardSide::Answer], "it looks at answers without being told so");
        let requested = Some(GuardSchemaConfig { of: Some(GuardSchemaOf::Requested), tools: false });
        assert_eq!(guards("schema = \"requested\"\n")[0].schema, requested);
        let alone = Some(GuardSchemaConfig { of: None, tools: true });
        assert_eq!(guards("tools = true\n")[0].schema, alone);
    }

    #[test]
    fn a_guard_that_is_written_wrongly_is_refused_with_its_place() {
        for (text, why) in [
            ("[guard.x]\nmode = \"flag\"\n", "has no kind"),
            ("[guard.x]\nkind = \"word\"\n", "is words, topics"),
            ("[guard.x]\nkind = \"injection\"\nmode = \"stop\"\n", "block or flag"),
            ("[guard.x]\nkind = \"injection\"\non = [\"both\"]\n", "prompt and answer"),
            ("[guard.x]\nkind = \"injection\"\nat_least = 3\n", "is for topics and references"),
            ("[guard.x]\nkind = \"size\"\nmax_byte = 3\n", "did you mean max_bytes"),
            ("[guard.x]\nkind = \"cost\"\nmax_per_call = \"2.50\"\n", "2500000"),
            ("[guard.x]\nkind = \"cost\"\ncurrency = \"euro\"\n", "three capital letters"),
            ("[guard.x]\nkind = \"injection\"\norder = \"first\"\n", "0 or more"),
            ("[guard.x]\nkind = \"words\"\nwords_file = \"/no/such/file\"\n", "/no/such/file"),
            ("[guard]\nx = \"injection\"\n", "[guard.NAME]"),
            ("[guard.x]\nkind = \"http\"\nurl = \"https://a.example/check\"\n", "shape"),
            ("[guard.x]\nkind = \"http\"\nshape = \"tabellion\"\nversion = \"1\"\n", "url"),
            ("[guard.x]\nkind = \"http\"\nurl = \"https://key@a.example\"\n", "more than host and path"),
            ("[guard.x]\nkind = \"http\"\nshape = \"grpc\"\n", "tabellion, presidio or litellm"),
            ("[guard.x]\nkind = \"http\"\non_error = \"allow\"\n", "deny or flag"),
            ("[guard.x]\nkind = \"http\"\nprivate_network = \"yes\"\n", "true or false"),
            ("[guard.x]\nkind = \"http\"\nmay_edit = \"yes\"\n", "true or false"),
            ("[guard.x]\nkind = \"http\"\ntimeout = 3\n", "did you mean timeout_ms"),
            ("[guard.x]\nkind = \"grpc\"\nurl = \"https://a.example:1\"\n", "kind grpc takes url"),
            ("[guard.x]\nkind = \"grpc\"\nshape = \"tabellion\"\n", "one form alone"),
            ("[guard.x]\nkind = \"schema\"\nschema = \"/no/such/schema\"\n", "/no/such/schema"),
            ("[guard.x]\nkind = \"schema\"\ntools = \"yes\"\n", "true or false"),
            ("[guard.x]\nkind = \"rego\"\nquery = \"data.a.deny\"\n", "only a part of policy"),
            ("[guard.x]\nkind = \"rego\"\npolicy = \"/no/such.rego\"\n", "/no/such.rego"),
        ] {
            let said = of(text).expect_err("it is taken");
            assert!(said.contains(why), "{said}");
        }
    }
}
