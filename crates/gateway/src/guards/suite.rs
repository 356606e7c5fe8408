//! The guards in force, made ready, and what they say of a prompt.

use std::borrow::Cow;
use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};
use tabellion_guard::{Content, Findings, MAX_LABELS, Screen};
use tabellion_mask::{Class, Classes, scan};
use tabellion_model::SystemId;
use tabellion_model::body::{GuardOutcome, Guarded, Masked};
use tabellion_policy::Rego;

use crate::config::StartError;
use crate::declared;
use crate::guards::config::{DEFAULT_ORDER, GuardConfig, Kind, Mode, Side};
use crate::guards::cost::CostConfig;
use crate::guards::outside::Outside;
use crate::guards::outside::config::OnError;
use crate::guards::schema::SchemaGuard;
use crate::references::References;
use crate::surface::Surface;
use crate::upstream::tls::SystemTls;
use crate::words::{hex_of, is_purpose};

/// Most guards: so many results fit into the room that is promised to a call's end record.
pub(crate) const MAX_GUARDS: usize = 16;
const MAX_NAME: usize = 64;
/// Bytes of a guard's digest in its version: enough to tell settings apart that people wrote.
const VERSION_BYTES: usize = 6;

/// What a kind of guard does; a change in what it finds is another number.
fn kind_version(kind: Kind) -> &'static str {
    match kind {
        Kind::Words => "words.1",
        Kind::Topics => "topics.1",
        Kind::Injection => "injection.1",
        Kind::Invisible => "invisible.1",
        Kind::Secrets => "secrets.1",
        Kind::Size => "size.1",
        Kind::ProviderFlags => "provider_flags.1",
        Kind::References => "references.1",
        Kind::Http => "http.1",
        Kind::Grpc => "grpc.1",
        Kind::Schema => "schema.1",
        Kind::Rego => "rego.1",
        Kind::Cost => "cost.1",
    }
}

/// One guard, ready.
pub(crate) struct Guard {
    pub(crate) name: String,
    /// Kind, number and digest of its settings; of one that asks a service, that one's version too.
    pub(crate) version: String,
    pub(crate) mode: Mode,
    /// Whether anything that it says stops a call.
    pub(crate) can_stop: bool,
    /// Whether it may have texts changed.
    pub(crate) may_edit: bool,
    on: Vec<Side>,
    systems: BTreeSet<SystemId>,
    purposes: BTreeSet<String>,
    /// Routes, as records name them.
    routes: BTreeSet<String>,
    pub(crate) check: Check,
}

/// How a guard looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    /// At text, as the rule of this number; topics are known at the end alone.
    Screen { rule: usize, at_the_end: bool },
    /// At what masking found.
    Secrets,
    /// At how much there is: bytes, and tools in a prompt.
    Size { bytes: u64, tools: u64 },
    /// At why the provider stopped.
    ProviderFlags,
    /// At how many references the call has.
    References(usize),
    /// Not by itself: it asks the service of this number, when all others have looked.
    Outside(usize),
    /// At the answer as JSON, by the schema guard of this number.
    Schema(usize),
    /// At the facts of a call, by the policy of this number.
    Rego(usize),
    /// At what a call may take.
    Cost(CostConfig),
}

/// All guards.
pub(crate) struct Guards {
    pub(crate) all: Vec<Guard>,
    pub(crate) screen: Screen,
    /// The services that are asked.
    pub(crate) outside: Vec<Outside>,
    /// Those that hold answers against schemas.
    pub(crate) schemas: Vec<SchemaGuard>,
    /// The policies that are asked.
    pub(crate) rego: Vec<Rego>,
}

/// What is about to be sent.
pub(crate) struct Prompt<'a, T> {
    /// Every text of the request.
    pub(crate) texts: T,
    /// What masking found, whatever became of it.
    pub(crate) found: &'a [Masked],
    /// Size of the request.
    pub(crate) bytes: u64,
    /// Names of the tools that it offers, as rules see them.
    pub(crate) tools: &'a [String],
    /// What of the organisation's own it stands on.
    pub(crate) references: &'a References,
}

impl Guards {
    /// Makes guards ready.
    pub(crate) fn new(configs: &[GuardConfig]) -> Result<Self, StartError> {
        if configs.len() > MAX_GUARDS {
            return Err(StartError::Setting(format!(
                "{} sections [guard.NAME] are more than {MAX_GUARDS}; fold lists of words into one guard",
                configs.len()
            )));
        }
        let mut rules = Vec::new();
        let mut named = Vec::new();
        let mut all: Vec<Guard> = Vec::new();
        let (mut outside, mut schemas, mut rego) = (Vec::new(), Vec::new(), Vec::new());
        let mut tls = SystemTls::default();
        // Of those in one place the one that was given first comes first: by name, as the configuration has them.
        let mut configs: Vec<&GuardConfig> = configs.iter().collect();
        configs.sort_by_key(|config| config.order.unwrap_or(DEFAULT_ORDER));
        for config in configs {
            let refused = |why: &str| StartError::Setting(format!("[guard.{}] {why}", config.name));
            let places = Places {
                rule: rules.len(),
                service: outside.len(),
                schema: schemas.len(),
                policy: rego.len(),
            };
            let made = guard(config, places).map_err(|why| refused(&why))?;
            if let Some(service) = &config.service {
                outside.push(Outside::new(&config.name, service, outside.len(), &mut tls)?);
            }
            if let Some(schema) = &config.schema {
                schemas.push(SchemaGuard::new(schema).map_err(|why| refused(&why))?);
            }
            if let Some(policy) = &config.rego {
                let compiled = Rego::compile(&policy.policy, &policy.query, policy.content);
                rego.push(compiled.map_err(|fault| refused(&format!("policy, {fault}")))?);
            }
            if all.iter().any(|known| known.name == made.name) {
                return Err(refused("the name is there twice; records could not tell the two apart"));
            }
            if let Some(rule) = config.rule() {
                rules.push(rule);
                named.push(config.name.clone());
            }
            all.push(made);
        }
        let screen = Screen::new(&rules).map_err(|(rule, fault)| {
            let name = named.get(rule).map_or("", String::as_str);
            StartError::Setting(format!("[guard.{name}] {fault}"))
        })?;
        Ok(Self { all, screen, outside, schemas, rego })
    }

    /// Numbers of those that look at this side of such a call on `route`, as records name it.
    pub(crate) fn that_apply(&self, side: Side, system: SystemId, purpose: &str, route: &str) -> Vec<usize> {
        let applies = |guard: &Guard| {
            guard.on.contains(&side)
                && guard.is_for_route(route)
                && (guard.systems.is_empty() || guard.systems.contains(&system))
                && (guard.purposes.is_empty() || guard.purposes.contains(purpose))
        };
        self.all.iter().enumerate().filter(|(_, guard)| applies(guard)).map(|(number, _)| number).collect()
    }

    /// What those say of a prompt.
    pub(crate) fn prompt<'t>(
        &self,
        numbers: &[usize],
        prompt: Prompt<'_, impl Iterator<Item = (Cow<'t, str>, Content)>>,
    ) -> Vec<Guarded> {
        let mut findings = Findings::default();
        let screens = |number: &usize| {
            self.all.get(*number).is_some_and(|guard| matches!(guard.check, Check::Screen { .. }))
        };
        let wants_secrets =
            |number: &usize| self.all.get(*number).is_some_and(|guard| guard.check == Check::Secrets);
        let (screens, wants_secrets) = (numbers.iter().any(screens), numbers.iter().any(wants_secrets));
        let mut classes: BTreeSet<&str> = prompt.found.iter().map(|found| found.class.as_str()).collect();
        for (text, content) in prompt.texts {
            if screens {
                look(&self.screen, &text, content, &mut findings);
            }
            if wants_secrets {
                // What masking leaves as it is may hold one too.
                classes.extend(scan(&text, Classes::SECRETS).map(|finding| finding.class.name()));
            }
        }
        let secrets = secrets_of(classes.into_iter());
        let tools: BTreeSet<&String> = prompt.tools.iter().collect();
        let found = Found {
            findings: &findings,
            secrets: &secrets,
            bytes: prompt.bytes,
            tools: tools.len() as u64,
            flag: None,
            references: Some(prompt.references),
        };
        numbers.iter().filter_map(|number| self.all.get(*number)).map(|guard| guard.judge(&found)).collect()
    }
}

/// Looks at a whole text, and where it holds JSON or looks so, at what its escapes stand for too.
pub(crate) fn look(screen: &Screen, text: &str, content: Content, findings: &mut Findings) {
    let is_json = content == Content::Json || text.trim_start().starts_with(['{', '[']);
    for content in [Content::Text, Content::Json].into_iter().take(if is_json { 2 } else { 1 }) {
        let mut screening = screen.begin(content);
        screen.push(&mut screening, text, findings);
        screen.finish(screening, findings);
    }
}

/// What there is to judge by.
pub(crate) struct Found<'a> {
    pub(crate) findings: &'a Findings,
    /// Names of classes of secrets.
    pub(crate) secrets: &'a [String],
    pub(crate) bytes: u64,
    /// Tools that are offered; none by an answer.
    pub(crate) tools: u64,
    /// That the provider withheld or filtered something, by its own word.
    pub(crate) flag: Option<&'a str>,
    /// What the call refers to; none of an answer.
    pub(crate) references: Option<&'a References>,
}

impl Guard {
    /// Whether it is for calls on `route`, as records name it.
    pub(crate) fn is_for_route(&self, route: &str) -> bool {
        self.routes.is_empty() || self.routes.contains(route)
    }

    /// What it says.
    pub(crate) fn judge(&self, found: &Found<'_>) -> Guarded {
        let labels: Vec<String> = match self.check {
            Check::Screen { rule, .. } => found.findings.labels(rule).map(str::to_owned).collect(),
            Check::Secrets => found.secrets.to_vec(),
            Check::Size { bytes, tools } => {
                let beyond = [(found.bytes > bytes, "too_large"), (found.tools > tools, "too_many_tools")];
                beyond.iter().filter(|(is, _)| *is).map(|(_, label)| (*label).to_owned()).collect()
            }
            Check::ProviderFlags => found.flag.map(str::to_owned).into_iter().collect(),
            Check::References(least) => match found.references {
                Some(references) => references.fault(least).map(str::to_owned).into_iter().collect(),
                None => return self.not_run(),
            },
            Check::Outside(_) | Check::Schema(_) | Check::Rego(_) | Check::Cost(_) => return self.not_run(),
        };
        let outcome = match (labels.is_empty(), self.mode) {
            (true, _) => GuardOutcome::Passed,
            (false, Mode::Flag) => GuardOutcome::Flagged,
            (false, Mode::Block) => GuardOutcome::Blocked,
        };
        self.says(outcome, labels)
    }

    /// That it did not look.
    pub(crate) fn not_run(&self) -> Guarded {
        self.says(GuardOutcome::NotRun, Vec::new())
    }

    /// A result of it.
    pub(crate) fn says(&self, outcome: GuardOutcome, found: Vec<String>) -> Guarded {
        Guarded { guard: self.name.clone(), version: self.version.clone(), outcome, found, edits: None }
    }
}

/// Which classes are secrets, at most as many as a record has room for.
pub(crate) fn secrets_of<'a>(classes: impl Iterator<Item = &'a str>) -> Vec<String> {
    let is_secret = |name: &&str| Class::from_name(name).is_some_and(|class| Classes::SECRETS.has(class));
    classes.filter(is_secret).take(MAX_LABELS).map(str::to_owned).collect()
}

/// Whether a provider stopped because it withheld or filtered something: `content_filter` of `OpenAI`'s interface, `refusal` of Anthropic's.
pub(crate) fn is_flag(reason: &str) -> bool {
    matches!(reason, "content_filter" | "refusal")
}

/// Where what is made for a guard will stand among its like.
#[derive(Clone, Copy)]
struct Places {
    rule: usize,
    service: usize,
    schema: usize,
    policy: usize,
}

fn guard(config: &GuardConfig, places: Places) -> Result<Guard, String> {
    let rule = places.rule;
    let is_name = (1..=MAX_NAME).contains(&config.name.len())
        && config.name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if !is_name {
        return Err(format!("a guard is named with a-z, 0-9 and -, at most {MAX_NAME} characters"));
    }
    if let Some(why) = config.misfit() {
        return Err(why.to_owned());
    }
    let system = |id: &String| {
        SystemId::from_hex(id).ok_or_else(|| format!("systems: {id:?} is no id of a system (32 hex digits)"))
    };
    let purpose = |purpose: &String| {
        if is_purpose(purpose) {
            Ok(purpose.clone())
        } else {
            Err(format!("purposes: {purpose:?} is no purpose"))
        }
    };
    let route = |route: &String| {
        let is_known = declared::is_name(route) || Surface::ALL.iter().any(|known| known.name() == route);
        if is_known {
            Ok(route.clone())
        } else {
            Err(format!(
                "routes: {route:?} is no route; write one as records name it, such as openai.chat_completions or opaque.batches.create"
            ))
        }
    };
    let written = serde_json::to_vec(config).map_err(|error| error.to_string())?;
    let digest: [u8; 32] = Sha256::digest(written).into();
    let short: String = hex_of(digest).chars().take(2 * VERSION_BYTES).collect();
    let of_service = config.service.as_ref().map(|service| format!(":{}", service.version));
    let denies_unseen = config.service.as_ref().is_some_and(|service| service.on_error == OnError::Deny);
    Ok(Guard {
        name: config.name.clone(),
        version: format!("{}-{short}{}", kind_version(config.kind), of_service.unwrap_or_default()),
        mode: config.mode,
        // What may be changed has to wait as well, and what others want of the same bytes stops it.
        can_stop: config.mode == Mode::Block || denies_unseen || config.kind == Kind::Rego || config.may_edit,
        may_edit: config.may_edit,
        on: config.on.clone(),
        systems: config.systems.iter().map(system).collect::<Result<_, _>>()?,
        purposes: config.purposes.iter().map(purpose).collect::<Result<_, _>>()?,
        routes: config.routes.iter().map(route).collect::<Result<_, _>>()?,
        check: match config.kind {
            Kind::Words | Kind::Injection | Kind::Invisible => Check::Screen { rule, at_the_end: false },
            Kind::Topics => Check::Screen { rule, at_the_end: true },
            Kind::Secrets => Check::Secrets,
            Kind::Size => Check::Size {
                bytes: config.max_bytes.unwrap_or(u64::MAX),
                tools: config.max_tools.unwrap_or(u64::MAX),
            },
            Kind::ProviderFlags => Check::ProviderFlags,
            Kind::References => Check::References(config.references.unwrap_or(1)),
            Kind::Http | Kind::Grpc => Check::Outside(places.service),
            Kind::Schema => Check::Schema(places.schema),
            Kind::Rego => Check::Rego(places.policy),
            Kind::Cost => Check::Cost(config.cost.unwrap_or_default()),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(config: GuardConfig) -> String {
        Guards::new(&[config]).err().map(|error| error.to_string()).unwrap_or_default()
    }

    /// Requirement: N21. A guard for a route that nobody has would look at nothing, and nobody would know.
    #[test]
    fn a_route_that_nobody_has_refuses_the_start() {
        let of = |routes: &[&str]| GuardConfig {
            routes: routes.iter().map(|route| (*route).to_owned()).collect(),
            ..GuardConfig::new("one", Kind::Injection)
        };
        let known = ["openai.chat_completions", "anthropic.messages", "opaque.batches.create"];
        let made = Guards::new(&[of(&known)]).expect("routes that there are");
        let system = SystemId::from_bytes([1; 16]);
        let applies = |route: &str| !made.that_apply(Side::Prompt, system, "any", route).is_empty();
        assert!(known.iter().all(|route| applies(route)) && !applies("openai.responses"));
        for route in ["openai.chat", "/v1/chat/completions", ""] {
            assert!(refused(of(&[route])).contains("is no route"), "{route:?} is taken");
        }
    }

    /// Requirement: N21.
    #[test]
    fn limits_that_could_not_work_refuse_the_start() {
        let size = GuardConfig::new("one", Kind::Size);
        let tools = GuardConfig { max_tools: Some(0), ..size.clone() };
        assert!(refused(size).contains("max_bytes or max_tools"));
        assert!(refused(tools.clone()).contains("prompts alone"), "no answer offers a tool");
        let prompts = GuardConfig { on: vec![Side::Prompt], ..tools };
        assert!(refused(prompts.clone()).is_empty(), "no tools at all is a limit");
        let answers = GuardConfig { on: vec![Side::Answer], max_bytes: Some(9), ..prompts };
        assert!(refused(answers).contains("leaves them out"));
        let cost = GuardConfig { on: vec![Side::Prompt], ..GuardConfig::new("dear", Kind::Cost) };
        assert!(refused(cost.clone()).contains("kind cost takes"));
        let limits = CostConfig { max_input_tokens: Some(5), ..CostConfig::default() };
        let set = GuardConfig { cost: Some(limits), ..cost };
        assert!(refused(set.clone()).is_empty());
        assert!(refused(GuardConfig { on: vec![Side::Answer], ..set }).contains("before a call is sent"));
    }
}
