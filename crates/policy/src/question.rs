//! One call, as the rules see it.
//!
//! Promises: holds only what the gateway knows for certain when it asks; time comes with the question.

use cedar_policy::{Context, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression};
use tabellion_model::body::{Chain, DataTerms, SystemStage};
use tabellion_model::{CredentialId, Micros, SystemId};

use crate::scene::Scene;
use crate::schema::TYPES;

/// The most tools a call may offer and still be decided. Providers take 128; a set costs time in proportion.
pub const MAX_TOOLS: usize = 512;

/// Said when Cedar refuses a question. Its own words might repeat values of the call, and strings and numbers are never refused.
pub(crate) const CANNOT_BE_PUT: &str = "the call could not be put as a question to the rules";

const MICROS_PER_HOUR: u64 = 3_600_000_000;
const HOURS_PER_DAY: u64 = 24;
const HOURS_PER_WEEK: u64 = 7 * HOURS_PER_DAY;

/// What a system wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Talk to a model.
    Chat,
    /// Have a model turn texts into vectors.
    Embed,
    /// Use a declared route that nothing looks into: files, images, audio, batches, moderations.
    Opaque,
    /// Use a declared path of a provider with an interface of its own.
    Passthrough,
    /// See a model in the list of models; asked once for each.
    ListModels,
}

impl Action {
    /// As rules name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embed => "embed",
            Self::Opaque => "opaque",
            Self::Passthrough => "passthrough",
            Self::ListModels => "list_models",
        }
    }
}

/// Everything that a rule may look at.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// What is to be done.
    pub action: Action,
    /// The system that calls.
    pub system: SystemId,
    /// What people call the system.
    pub system_name: &'a str,
    /// Where the system stands.
    pub stage: SystemStage,
    /// What the system may be used for.
    pub purposes: &'a [String],
    /// The key that the call came with.
    pub key: CredentialId,
    /// Who is behind the call beside the key.
    pub chain: &'a Chain,
    /// The model, by the name that the upstream will be given.
    pub model: &'a str,
    /// The model, by the name that the application used.
    pub asked_as: &'a str,
    /// The upstream, by its name in the configuration.
    pub upstream: &'a str,
    /// What is declared of the upstream's use of data.
    pub terms: &'a DataTerms,
    /// The purpose claimed for this call.
    pub purpose: &'a str,
    /// Route of the gateway, as records name it.
    pub surface: &'a str,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// Size of the body as received, bytes.
    pub received_bytes: u64,
    /// Names of the tools that the model is offered.
    pub tools: &'a [String],
    /// When the call arrived.
    pub at: Micros,
}

impl Question<'_> {
    /// The question as Cedar takes it, asked in `scene`.
    pub(crate) fn request(&self, scene: &Scene) -> Result<Request, &'static str> {
        let action = uid(&TYPES.action, self.action.name());
        let (principal, resource) = (scene.principal.clone(), scene.resource.clone());
        Request::new(principal, action, resource, self.context()?, None).map_err(|_| CANNOT_BE_PUT)
    }

    /// Hours since the last Thursday, 00:00 UTC: all that a rule may know of the time.
    pub(crate) fn hour_of_week(&self) -> u64 {
        self.at.0 / MICROS_PER_HOUR % HOURS_PER_WEEK
    }

    /// Hour of the day, and day of the week from 1 for Monday.
    pub(crate) fn clock(&self) -> (u64, u64) {
        let hours = self.hour_of_week();
        // 1970-01-01 was a Thursday, the fourth day of its week.
        (hours % HOURS_PER_DAY, (hours / HOURS_PER_DAY + 3) % 7 + 1)
    }

    fn context(&self) -> Result<Context, &'static str> {
        let (hour, weekday) = self.clock();
        let Chain { person, agent, groups } = self.chain;
        let pairs = [
            ("key", RestrictedExpression::new_entity_uid(uid(&TYPES.key, &self.key.to_hex()))),
            ("purpose", text(self.purpose)),
            ("surface", text(self.surface)),
            ("stream", RestrictedExpression::new_bool(self.stream)),
            ("received_bytes", long(self.received_bytes)),
            ("tools", set(self.tools)),
            ("hour_utc", long(hour)),
            ("weekday_utc", long(weekday)),
            ("groups", set(groups)),
        ];
        // Whoever is not named is not there: a rule that would be true of them has to ask first, and is not.
        let named = [("person", person), ("agent", agent)];
        let named = named.into_iter().filter_map(|(name, value)| Some((name, text(value.as_deref()?))));
        let pairs = pairs.into_iter().chain(named).map(|(name, value)| (name.to_owned(), value));
        Context::from_pairs(pairs).map_err(|_| CANNOT_BE_PUT)
    }
}

pub(crate) fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

pub(crate) fn text(value: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(value.to_owned())
}

/// Beyond what Cedar can count, the largest number that it can.
pub(crate) fn long(value: u64) -> RestrictedExpression {
    RestrictedExpression::new_long(i64::try_from(value).unwrap_or(i64::MAX))
}

pub(crate) fn set(values: &[String]) -> RestrictedExpression {
    RestrictedExpression::new_set(values.iter().map(|value| text(value)))
}
