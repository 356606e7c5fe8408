//! The configuration: one TOML file, every key of which a variable `TABELLION_SECTION__KEY` overrides.
//!
//! Promises: an unknown key is refused with its place and the nearest known one, because a misspelt key that is quietly ignored is a rule
//! that does not apply. Must never: hold a secret.

mod anchor;
mod effective;
mod enrich;
mod erasure;
mod gateway;
mod guard;
mod guard_after;
mod guard_service;
mod identity;
mod keys;
mod masking;
mod policies;
mod probes;
mod provider;
mod retention;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use tabellion_app::api::Configured;
use tabellion_app::nearest::nearest;
use tabellion_model::{DisclosurePolicy, Env, Origin};
use toml::{Table, Value};

use crate::failure::Failure;
pub(crate) use anchor::AnchorConfig;
use anchor::{ANCHOR_KEYS, ANCHOR_PREFIX, AnchorSettings};
use enrich::{ENRICH_KEYS, ENRICH_PREFIX};
pub(crate) use erasure::{ByTwo, RuleGrace};
use erasure::{by_hand, rule_grace, second_person};
use gateway::{GATEWAY_KEYS, GatewaySettings, UPSTREAM_KEYS, UPSTREAM_PREFIX};
use guard::{GUARD_KEYS, GUARD_PREFIX};
use identity::{IDENTITY_KEYS, IDENTITY_PREFIX};
pub(crate) use keys::{KeySettings, TokenSettings};
use keys::{PASSPHRASE_KEYS, TOKEN_KEYS};
use masking::{MASKING_KEYS, MASKING_PREFIX};
pub(crate) use policies::Observation;
use policies::POLICY_KEYS;
use probes::PROBE_KEYS;
pub(crate) use retention::{MAX_KEEP_MONTHS, RetentionSettings, check_floor};
use retention::{RULE_KEYS, RULE_PREFIX};

/// Name of the configuration file in the data directory.
pub(crate) const FILE_NAME: &str = "tabellion.toml";
/// The key that says where erasures take two people.
pub(crate) const SECOND_PERSON: &str = "[erasure] second_person";
/// What every overriding variable begins with.
const VARIABLE_PREFIX: &str = "TABELLION_";
/// Between section and key in a variable's name.
const VARIABLE_SEPARATOR: &str = "__";
/// Largest configuration file: a page of text, with much room for comments.
const MAX_FILE_BYTES: u64 = 256 << 10;
/// Segment sizes that make sense: one batch must fit, and a start reads them one by one.
const SEGMENT_MIB: std::ops::RangeInclusive<u64> = 16..=1024;
/// Longest name of a retention class (docs/formats.md §13.3).
const MAX_CLASS_BYTES: usize = 30;

/// Sections that exist.
const SECTIONS: [&str; 18] = [
    "log",
    "retention",
    "erasure",
    "export",
    "console",
    "keys",
    "pkcs11",
    "witness",
    "gateway",
    "limits",
    "policies",
    "probes",
    "upstream",
    "guard",
    "enrich",
    "masking",
    "identity",
    "anchor",
];
/// Those that hold sections with names of their own.
const WITH_NAMES: [&str; 7] = ["upstream", "guard", "enrich", "masking", "identity", "anchor", "retention"];
/// Keys whose value is true or false.
const SWITCHES: [(&str, &str); 2] = [("log", "public"), ("policies", "observe_first")];
/// Where the control plane listens unless told otherwise: this machine alone.
const CONSOLE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8087);
/// The word for no control plane.
const OFF: &str = "off";

/// What the installation is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Config {
    /// Public host of the log's origin, as it was given to `init`.
    pub(crate) host: Option<String>,
    /// Tenant of the log's origin.
    pub(crate) tenant: Option<String>,
    /// Environment of the log.
    pub(crate) env: Option<Env>,
    /// Size of new segments in MiB.
    pub(crate) segment_mib: Option<u64>,
    /// Whether anybody may read the log's checkpoints, tiles and entries; they hold no content.
    pub(crate) public_log: bool,
    /// How long content is kept.
    pub(crate) retention: RetentionSettings,
    /// Whether a server leaves what is due to whoever runs `tabellion retain`.
    pub(crate) expire_by_hand: bool,
    /// How long a rule is on record before the server erases by it.
    pub(crate) rule_grace: RuleGrace,
    /// What an export discloses when the command does not say.
    pub(crate) disclose: Option<DisclosurePolicy>,
    /// Where the control plane listens; `None`: nowhere.
    pub(crate) console_listen: Console,
    /// Where people reach it, when that is elsewhere.
    pub(crate) console_url: Option<String>,
    /// The policy of the witnesses that are asked to cosign, relative to the data directory; `None`: nobody is asked.
    pub(crate) witness_policy: Option<PathBuf>,
    /// What is said of the gateway.
    pub(crate) gateway: GatewaySettings,
    /// Where the passphrase of the keys is, and the token.
    pub(crate) keys: KeySettings,
    /// Where erasures take two people.
    pub(crate) erase_by_two: ByTwo,
    /// How long policies are observed.
    pub(crate) observation: Observation,
    /// Who is to vouch for checkpoints.
    pub(crate) anchors: AnchorSettings,
    /// Everything that was set, in the order in which it counts, for whoever looks at it. No key takes a secret.
    pub(crate) set: Vec<Configured>,
}

/// Where the control plane listens; `None`: nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Console(pub(crate) Option<SocketAddr>);

impl Default for Console {
    fn default() -> Self {
        Self(Some(CONSOLE))
    }
}

/// One key with its value and where it was set.
struct Setting {
    section: String,
    key: String,
    value: String,
    place: String,
}

impl Config {
    /// Reads `file` (which may be missing when it is not `required`) and the variables of the process.
    pub(crate) fn load(file: &Path, required: bool) -> Result<Self, Failure> {
        let text = read(file, required)?;
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::of(&text, &file.display().to_string(), variables)
    }

    /// The configuration that `text`, read from `place`, and `variables` give together.
    pub(crate) fn of(
        text: &str,
        place: &str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Failure> {
        let mut config = Self::default();
        let variables = variables.into_iter().filter(|(name, _)| name.starts_with(VARIABLE_PREFIX));
        let mut settings = from_file(text, place)?;
        for (name, value) in variables {
            settings.push(from_variable(&name, value)?);
        }
        for setting in &settings {
            config.apply(setting)?;
            config.note(setting);
        }
        config.gateway.settle()?;
        Ok(config)
    }

    /// Whether `key`, as [`Configured`] names it, was set by anybody.
    pub(crate) fn says(&self, key: &str) -> bool {
        self.set.iter().any(|set| set.key == key)
    }

    /// Where people reach the control plane.
    pub(crate) fn console_url(&self) -> String {
        let address = self.console_listen.0.unwrap_or(CONSOLE);
        self.console_url.clone().unwrap_or_else(|| format!("http://{address}"))
    }

    /// The origin that the configuration names; `None` when it names none.
    pub(crate) fn origin(&self) -> Result<Option<Origin>, Failure> {
        let (Some(host), Some(tenant)) = (&self.host, &self.tenant) else { return Ok(None) };
        Origin::with(host, tenant).map(Some).map_err(|error| {
            Failure::malformed(format!("[log] host {host:?} and tenant {tenant:?} make no origin: {error}"))
        })
    }

    /// A later setting of the same key takes the place of an earlier one.
    fn note(&mut self, setting: &Setting) {
        let key = format!("[{}] {}", setting.section, setting.key);
        self.set.retain(|known| known.key != key);
        self.set.push(Configured { key, value: setting.value.clone(), place: setting.place.clone() });
    }

    /// What guards keys and content.
    fn apply_safeguard(&mut self, setting: &Setting) -> Result<(), Failure> {
        if setting.section != "erasure" {
            return self.keys.apply(setting);
        }
        match setting.key.as_str() {
            "second_person" => self.erase_by_two = second_person(setting)?,
            "when_due" => self.expire_by_hand = by_hand(setting)?,
            "rule_grace_hours" => self.rule_grace = rule_grace(setting)?,
            _ => return Err(setting.unknown()),
        }
        Ok(())
    }

    fn apply(&mut self, setting: &Setting) -> Result<(), Failure> {
        let value = setting.value.as_str();
        match (setting.section.as_str(), setting.key.as_str()) {
            ("log", "host") => self.host = Some(value.to_owned()),
            ("log", "tenant") => self.tenant = Some(value.to_owned()),
            ("log", "env") => {
                let env = Env::parse(value)
                    .ok_or_else(|| setting.refused("is not production, sandbox or development"))?;
                self.env = Some(env);
            }
            ("log", "segment_mib") => {
                let mib = value.parse().ok().filter(|mib| SEGMENT_MIB.contains(mib));
                let text = format!("is not a number from {} to {}", SEGMENT_MIB.start(), SEGMENT_MIB.end());
                self.segment_mib = Some(mib.ok_or_else(|| setting.refused(&text))?);
            }
            ("log", "public") => {
                self.public_log = match value {
                    "true" => true,
                    "false" => false,
                    _ => return Err(setting.refused("is not true or false")),
                };
            }
            ("export", "disclose") => {
                let policy = DisclosurePolicy::from_name(value)
                    .ok_or_else(|| setting.refused("is not all, business or none"))?;
                self.disclose = Some(policy);
            }
            ("console", "listen") if value == OFF => self.console_listen = Console(None),
            ("console", "listen") => {
                let address = value.parse::<SocketAddr>().map_err(|_| {
                    setting.refused("is not an address with a port such as 127.0.0.1:8087, nor off")
                })?;
                self.console_listen = Console(Some(address));
            }
            ("console", "public_url") => {
                let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
                if rest.is_none_or(|rest| rest.is_empty() || rest.contains(['#', '?', ' ', '@'])) {
                    return Err(setting.refused("is not a URL such as https://notary.example.org"));
                }
                if rest.is_some_and(|rest| rest.trim_end_matches('/').contains('/')) {
                    return Err(setting.refused(
                        "has a path, and the console's pages are at the root of their host alone; give it a host of its own",
                    ));
                }
                self.console_url = Some(value.trim_end_matches('/').to_owned());
            }
            ("witness", "policy") if value.is_empty() => {
                return Err(setting.refused("is empty; name a file such as witnesses.txt"));
            }
            ("witness", "policy") => self.witness_policy = Some(PathBuf::from(value)),
            ("erasure" | "keys" | "pkcs11", _) => self.apply_safeguard(setting)?,
            ("gateway", _) => self.gateway.apply_gateway(setting)?,
            ("policies", _) => self.observation.apply(setting)?,
            ("probes", _) => self.gateway.apply_probes(setting)?,
            ("limits", _) => self.gateway.apply_limit(setting)?,
            ("retention", _) => self.retention.apply(setting)?,
            (_, _) => self.apply_named(setting)?,
        }
        Ok(())
    }

    /// A key of a section with a name of its own.
    fn apply_named(&mut self, setting: &Setting) -> Result<(), Failure> {
        let named = |prefix: &str| setting.section.strip_prefix(prefix);
        if let Some(name) = named(UPSTREAM_PREFIX) {
            self.gateway.apply_upstream(name, setting)
        } else if let Some(name) = named(GUARD_PREFIX) {
            self.gateway.apply_guard(name, setting)
        } else if let Some(name) = named(ENRICH_PREFIX) {
            self.gateway.apply_enrichment(name, setting)
        } else if let Some(name) = named(MASKING_PREFIX) {
            self.gateway.apply_masking(name, setting)
        } else if let Some(name) = named(IDENTITY_PREFIX) {
            self.gateway.apply_identity(name, setting)
        } else if let Some(name) = named(ANCHOR_PREFIX) {
            self.anchors.apply(name, setting)
        } else if let Some(name) = named(RULE_PREFIX) {
            self.retention.apply_rule(name, setting)
        } else {
            Err(setting.unknown())
        }
    }
}

/// What a section is to be given that takes nothing but sections with names of their own.
fn each(section: &str) -> Option<&'static str> {
    Some(match section {
        "upstream" => "each provider a section [upstream.NAME]",
        "guard" => "each guard a section [guard.NAME]",
        "enrich" => "each enrichment a section [enrich.NAME]",
        "masking" => "each rule of masking a section [masking.NAME]",
        "identity" => "each identity provider a section [identity.NAME]",
        "anchor" => "each anchor a section [anchor.NAME]",
        _ => return None,
    })
}

/// Keys of a section; none where it takes names of its own. `None`: there is no such section.
fn keys_of(section: &str) -> Option<Vec<String>> {
    let fixed: &[&str] = match section {
        "log" => &["host", "tenant", "env", "segment_mib", "public"],
        "retention" => &[],
        "erasure" => &["second_person", "when_due", "rule_grace_hours"],
        "export" => &["disclose"],
        "console" => &["listen", "public_url"],
        "keys" => PASSPHRASE_KEYS,
        "pkcs11" => TOKEN_KEYS,
        "witness" => &["policy"],
        "gateway" => GATEWAY_KEYS,
        "policies" => POLICY_KEYS,
        "probes" => PROBE_KEYS,
        "limits" => return Some(gateway::limit_keys()),
        upstream if upstream.starts_with(UPSTREAM_PREFIX) => UPSTREAM_KEYS,
        guard if guard.starts_with(GUARD_PREFIX) => GUARD_KEYS,
        enrich if enrich.starts_with(ENRICH_PREFIX) => ENRICH_KEYS,
        rule if rule.starts_with(MASKING_PREFIX) => MASKING_KEYS,
        identity if identity.starts_with(IDENTITY_PREFIX) => IDENTITY_KEYS,
        anchor if anchor.starts_with(ANCHOR_PREFIX) => ANCHOR_KEYS,
        rule if rule.starts_with(RULE_PREFIX) => RULE_KEYS,
        _ => return None,
    };
    Some(fixed.iter().map(|key| (*key).to_owned()).collect())
}

impl Setting {
    fn refused(&self, why: &str) -> Failure {
        Failure::malformed(format!(
            "{}: [{}] {} = {:?} {why}. Correct it and start again",
            self.place, self.section, self.key, self.value
        ))
    }

    /// The same for a value that may be a secret.
    fn refused_unseen(&self, why: &str) -> Failure {
        Failure::malformed(format!(
            "{}: the value of [{}] {} {why}. Correct it and start again",
            self.place, self.section, self.key
        ))
    }

    fn unknown(&self) -> Failure {
        let Some(keys) = keys_of(&self.section) else {
            let near = nearest(&self.section, SECTIONS.into_iter());
            return Failure::malformed(format!(
                "{}: there is no section [{}]; did you mean [{near}]?",
                self.place, self.section
            ));
        };
        let near = nearest(&self.key, keys.iter().map(String::as_str));
        Failure::malformed(format!(
            "{}: there is no key {} in section [{}]; did you mean {near}? (known: {})",
            self.place,
            self.key,
            self.section,
            keys.join(", ")
        ))
    }
}

/// Whether `name` can be a retention class.
pub(crate) fn is_class(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= MAX_CLASS_BYTES
        && name.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
        && name.bytes().all(plain)
}

fn read(file: &Path, required: bool) -> Result<String, Failure> {
    match std::fs::metadata(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !required => return Ok(String::new()),
        Ok(facts) if facts.len() > MAX_FILE_BYTES => {
            let (path, size) = (file.display(), facts.len());
            return Err(Failure::malformed(format!(
                "{path} has {size} bytes, more than a configuration's {MAX_FILE_BYTES}; name the right file"
            )));
        }
        Ok(_) | Err(_) => {}
    }
    std::fs::read_to_string(file).map_err(|error| Failure::io("read the configuration", file, &error))
}

fn from_file(text: &str, place: &str) -> Result<Vec<Setting>, Failure> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        let line =
            error.span().map_or(1, |span| 1 + text.get(..span.start).unwrap_or("").matches('\n').count());
        Failure::malformed(format!("{place}:{line}: this is not TOML: {}", error.message()))
    })?;
    let mut settings = Vec::new();
    let setting = |section: &str, key: String, value: String| Setting {
        section: section.to_owned(),
        key,
        value,
        place: place.to_owned(),
    };
    for (section, content) in table {
        let Value::Table(content) = content else {
            let text = format!(
                "{place}: the key {section} stands outside a section; put it below [{}]",
                SECTIONS.join("], [")
            );
            return Err(Failure::malformed(text));
        };
        if !SECTIONS.contains(&section.as_str()) {
            return Err(setting(&section, String::new(), String::new()).unknown());
        }
        for (key, value) in content {
            let wrong = |kind: &str, due: &str| {
                Failure::malformed(format!("{place}: [{section}] {key} is of type {kind}; give {due}"))
            };
            match value {
                Value::Table(provider) if WITH_NAMES.contains(&section.as_str()) => {
                    let section = format!("{section}.{key}");
                    for (key, value) in provider {
                        let value = gateway::flat(&value).ok_or_else(|| {
                            wrong(value.type_str(), "texts, whole numbers, true, false, or a list of texts")
                        })?;
                        settings.push(setting(&section, key, value));
                    }
                }
                other if each(&section).is_some() => {
                    return Err(wrong(other.type_str(), each(&section).unwrap_or_default()));
                }
                Value::String(text) => settings.push(setting(&section, key, text)),
                Value::Integer(number) => settings.push(setting(&section, key, number.to_string())),
                Value::Boolean(flag) if SWITCHES.contains(&(section.as_str(), key.as_str())) => {
                    settings.push(setting(&section, key, flag.to_string()));
                }
                Value::Table(_) if section == "gateway" && key == "limits" => {
                    return Err(wrong("table", "the limits as a section of its own, [limits]"));
                }
                Value::Array(_) | Value::Table(_) if section == "gateway" && key.starts_with("upstream") => {
                    return Err(wrong("table", "each provider as a section [upstream.NAME]"));
                }
                other => return Err(wrong(other.type_str(), "a text or a whole number")),
            }
        }
    }
    Ok(settings)
}

fn from_variable(name: &str, value: String) -> Result<Setting, Failure> {
    let variable = name;
    let rest = name.strip_prefix(VARIABLE_PREFIX).unwrap_or(name);
    let Some((section, key)) = rest.split_once(VARIABLE_SEPARATOR) else {
        let keys = |section: &&str| keys_of(section).map(|keys| (section.to_string(), keys));
        let known: Vec<String> = SECTIONS
            .iter()
            .filter_map(keys)
            .flat_map(|(section, keys)| keys.into_iter().map(move |key| variable_of(&section, &key)))
            .collect();
        let near = nearest(name, known.iter().map(String::as_str));
        return Err(Failure::malformed(format!(
            "the variable {name} is no setting; settings are named TABELLION_SECTION__KEY. Did you mean {near}? Else unset it"
        )));
    };
    let section = section.to_ascii_lowercase();
    let mut key = key.to_ascii_lowercase();
    if WITH_NAMES.contains(&section.as_str())
        && let Some((name, rest)) = key.split_once(VARIABLE_SEPARATOR)
    {
        let section = format!("{section}.{}", name.replace('_', "-"));
        return Ok(Setting {
            section,
            key: rest.to_owned(),
            value,
            place: format!("the variable {variable}"),
        });
    }
    if section == "retention" {
        key = key.replace('_', "-"); // a class has hyphens, a variable's name cannot
    }
    Ok(Setting { section, key, value, place: format!("the variable {name}") })
}

fn variable_of(section: &str, key: &str) -> String {
    format!(
        "{VARIABLE_PREFIX}{}{VARIABLE_SEPARATOR}{}",
        section.to_ascii_uppercase(),
        key.to_ascii_uppercase()
    )
}

#[cfg(test)]
mod tests;
