//! Why a call was denied or failed: the words of docs/records.md, with what HTTP says beside each.
//!
//! Promises: a code is never renamed or reused; its status and whether a retry can help are fixed here and nowhere else.

/// One word that programs may rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// No key, or one that is unknown, revoked or expired.
    InvalidApiKey,
    /// The keys of a token's issuer could not be read for too long.
    IdentityUnavailable,
    /// The key's system is not live.
    SystemNotLive,
    /// The key's system is deleted or being deleted; nothing more is recorded for it.
    SystemGone,
    /// The purpose claimed is not one of the key's.
    PurposeNotPermitted,
    /// The model is not one of the key's.
    ModelNotPermitted,
    /// A rule forbids the call, or none permits it.
    PolicyDenied,
    /// The rules could not be evaluated.
    PolicyError,
    /// The prompt holds data that may not be sent there.
    DataNotPermitted,
    /// An emergency stop is in force for the call.
    Stopped,
    /// A guard stops the prompt or the answer.
    GuardBlocked,
    /// A guard that others run gave no verdict.
    GuardErrored,
    /// A budget does not leave what the call may take.
    BudgetExceeded,
    /// A budget in money holds, and no price of the model is known.
    PriceUnknown,
    /// No upstream is configured for the model.
    UnknownModel,
    /// The gateway does not govern this path.
    UnknownRoute,
    /// A declared route that nobody has opened to the caller's system, or not any more.
    OpaqueNotEnabled,
    /// A file or batch at a provider that is not on record as the caller's system's, or a list of everybody's.
    ObjectNotOwn,
    /// A conversation in real time in a way that leads past the gateway.
    RealtimeNotGoverned,
    /// The route takes no query.
    UnexpectedQuery,
    /// Not the JSON of this route.
    MalformedBody,
    /// The provider has another interface, which cannot say what was asked.
    NotTranslatable,
    /// Larger than the gateway's limit, or more than a guard of others can be shown.
    BodyTooLarge,
    /// Too many calls in a minute or at once, by a budget; or too many requests without a valid key from one place.
    RateLimited,
    /// The provider answered with its own error, or refused the key that this gateway has for it.
    UpstreamRefused,
    /// No connection to the provider.
    UpstreamUnreachable,
    /// The provider's certificate is not one to be trusted; nothing was sent.
    UpstreamUntrusted,
    /// The provider's connection ended before its answer did.
    UpstreamBrokeOff,
    /// The provider answered what is no answer.
    UpstreamMalformed,
    /// The provider took too long.
    UpstreamTimeout,
    /// The provider's answer is larger than the gateway's limit.
    UpstreamTooLarge,
    /// The provider has failed too often just now; nothing was sent to it.
    UpstreamCircuitOpen,
    /// The record could not be made durable, or what is in force could not be read from the log: nothing was sent or released.
    EvidenceUnavailable,
    /// The gateway is ending.
    Stopping,
    /// The client went away first.
    ClientGone,
    /// The gateway's process ended before the call did.
    ProcessEnded,
}

impl Code {
    /// The word in records, answers and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidApiKey => "invalid_api_key",
            Self::IdentityUnavailable => "identity_unavailable",
            Self::SystemNotLive => "system_not_live",
            Self::SystemGone => "system_gone",
            Self::PurposeNotPermitted => "purpose_not_permitted",
            Self::ModelNotPermitted => "model_not_permitted",
            Self::PolicyDenied => "policy_denied",
            Self::PolicyError => "policy_error",
            Self::DataNotPermitted => "data_not_permitted",
            Self::Stopped => "stopped",
            Self::GuardBlocked => "guard_blocked",
            Self::GuardErrored => "guard_errored",
            Self::BudgetExceeded => "budget_exceeded",
            Self::PriceUnknown => "price_unknown",
            Self::UnknownModel => "unknown_model",
            Self::UnknownRoute => "unknown_route",
            Self::OpaqueNotEnabled => "opaque_not_enabled",
            Self::ObjectNotOwn => "object_not_own",
            Self::RealtimeNotGoverned => "realtime_not_governed",
            Self::UnexpectedQuery => "unexpected_query",
            Self::MalformedBody => "malformed_body",
            Self::NotTranslatable => "not_translatable",
            Self::BodyTooLarge => "body_too_large",
            Self::RateLimited => "rate_limited",
            Self::UpstreamRefused => "upstream_refused",
            Self::UpstreamUnreachable => "upstream_unreachable",
            Self::UpstreamUntrusted => "upstream_untrusted",
            Self::UpstreamBrokeOff => "upstream_broke_off",
            Self::UpstreamMalformed => "upstream_malformed",
            Self::UpstreamTimeout => "upstream_timeout",
            Self::UpstreamTooLarge => "upstream_too_large",
            Self::UpstreamCircuitOpen => "upstream_circuit_open",
            Self::EvidenceUnavailable => "evidence_unavailable",
            Self::Stopping => "stopping",
            Self::ClientGone => "client_gone",
            Self::ProcessEnded => "process_ended",
        }
    }

    /// HTTP status of an answer with this code. 499 is never sent: nobody is there to read it.
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidApiKey => 401,
            Self::SystemNotLive
            | Self::PurposeNotPermitted
            | Self::ModelNotPermitted
            | Self::PolicyDenied
            | Self::PolicyError
            | Self::DataNotPermitted
            | Self::Stopped
            | Self::GuardBlocked
            | Self::OpaqueNotEnabled
            | Self::ObjectNotOwn
            | Self::RealtimeNotGoverned
            | Self::PriceUnknown => 403,
            Self::UnknownModel | Self::UnknownRoute => 404,
            Self::SystemGone => 410,
            Self::MalformedBody | Self::NotTranslatable | Self::UnexpectedQuery => 400,
            Self::BodyTooLarge => 413,
            Self::RateLimited | Self::BudgetExceeded => 429,
            Self::UpstreamRefused
            | Self::UpstreamUnreachable
            | Self::UpstreamUntrusted
            | Self::UpstreamBrokeOff
            | Self::UpstreamMalformed
            | Self::UpstreamTooLarge => 502,
            Self::UpstreamTimeout => 504,
            Self::EvidenceUnavailable
            | Self::IdentityUnavailable
            | Self::GuardErrored
            | Self::Stopping
            | Self::ProcessEnded
            | Self::UpstreamCircuitOpen => 503,
            Self::ClientGone => 499,
        }
    }

    /// Whether the same request may succeed later: what `x-should-retry` says. A provider that broke off may have done the work, and
    /// so may one whose answer no guard could look at; whether to ask again is left to the client's own rule.
    pub fn retry(self) -> Option<bool> {
        match self {
            Self::EvidenceUnavailable
            | Self::IdentityUnavailable
            | Self::Stopping
            | Self::RateLimited
            | Self::UpstreamUnreachable => Some(true),
            Self::UpstreamBrokeOff | Self::UpstreamTimeout | Self::GuardErrored => None,
            _ => Some(false),
        }
    }

    /// What happened and what to do, in one line, where nothing more particular is known.
    pub(crate) fn explain(self) -> &'static str {
        match self {
            Self::InvalidApiKey => {
                "no valid key: send one of your system's keys as Authorization: Bearer; ask its owner for one"
            }
            Self::SystemGone => {
                "your key's system is deleted or being deleted: nothing more is recorded for it, so nothing is let through. Ask its owner; trying again does not help"
            }
            Self::RateLimited => {
                "too many requests without a valid key from this address; wait a second and send a valid key"
            }
            Self::UpstreamRefused => {
                "the provider refused this gateway's own key, or what it is used for; an operator has to look at it, your key is fine"
            }
            Self::UpstreamUnreachable => "the provider cannot be reached; try again later",
            Self::UpstreamUntrusted => {
                "the provider's certificate is not valid, so nothing was sent; an operator has to look at it"
            }
            Self::UpstreamBrokeOff => "the provider's connection ended before its answer did; try again",
            Self::UpstreamMalformed => {
                "the provider's answer is not of this interface; have its configuration checked"
            }
            Self::UpstreamTimeout => "the provider took too long; ask for less, or try again later",
            Self::UpstreamCircuitOpen => {
                "the provider has failed too often just now, so nothing is sent to it for a while; try again in a minute, or ask for another model"
            }
            Self::UpstreamTooLarge => {
                "the provider's answer is larger than the gateway's limit; ask for less"
            }
            Self::EvidenceUnavailable => {
                "this cannot be recorded now, so nothing was sent or released; try again later"
            }
            Self::Stopping => "the gateway is ending; try again",
            Self::Stopped => {
                "an emergency stop is in force for this, and nothing is let through until somebody other than who ordered it lifts it: an administrator, a compliance officer or an approver. Ask them; trying again does not help before that"
            }
            Self::GuardBlocked => {
                "a guard stopped the answer; its record names the guard. Ask for something else, or ask the governance engineer who keeps the guard"
            }
            Self::GuardErrored => {
                "a guard could not look at it, so it is not let through; its record names the guard and why. Unless that is too_costly, too_deep, too_much, too_large or unreadable, try again later; or ask the governance engineer who keeps the guard"
            }
            Self::OpaqueNotEnabled => {
                "this route is not open to your system, or not any more: nothing looks into what passes there, so two people open it for a system until a day. Ask whoever answers for the system; trying again does not help before that"
            }
            Self::ObjectNotOwn => {
                "no record says that your system has this: ask for a file or batch that it made through this gateway. Of what was made before that was recorded, or elsewhere, an operator knows at the provider"
            }
            Self::RealtimeNotGoverned => {
                "of conversations in real time the socket alone passes, GET /v1/realtime?model=, under the system's own key: secrets for clients and calls of other media lead past this gateway"
            }
            Self::ClientGone => "the client went away",
            _ => "the call was not let through",
        }
    }
}
