//! Why something was not done: a stable code, what, and what to do.
//!
//! Promises: every code has one HTTP status and one remedy, listed here alone. Must never: carry a secret or content.

use tabellion_ledger::{LedgerError, RejectCode};
use tabellion_views::ViewsError;

macro_rules! codes {
    ($($name:ident $text:literal $status:literal $title:literal $remedy:literal;)*) => {
        /// Stable codes of refused requests. Never renamed, never used for something else.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $(#[doc = $title] $name,)* }
        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
            /// The code as programs read it.
            pub fn as_str(self) -> &'static str { match self { $(Self::$name => $text,)* } }
            /// The HTTP status that goes with it.
            pub fn status(self) -> u16 { match self { $(Self::$name => $status,)* } }
            /// What happened, without the case.
            pub fn title(self) -> &'static str { match self { $(Self::$name => $title,)* } }
            /// What to do.
            pub fn remedy(self) -> &'static str { match self { $(Self::$name => $remedy,)* } }
        }
    };
}

codes! {
    Malformed "malformed" 400 "The request is not of this route's form" "Compare it with /api/openapi.json.";
    StatementMalformed "statement_malformed" 400 "The body is no statement that can be registered" "Send one tagged COSE_Sign1 with an attached payload and an empty unprotected header (docs/scitt.md).";
    AlgorithmUnsupported "algorithm_unsupported" 400 "Bad Signature Algorithm" "Sign with EdDSA (Ed25519) or ES256.";
    PayloadMissing "payload_missing" 400 "Payload Missing" "Attach the payload, or state its digest in a hash envelope (RFC 9995).";
    HeaderCritical "header_critical" 400 "A critical header parameter is not understood" "Leave it out of crit, or out.";
    ClaimsMissing "claims_missing" 400 "The statement names no issuer or no subject" "Put iss and sub into the CWT claims (protected header 15).";
    IssuerUnknown "issuer_unknown" 400 "Rejected" "An administrator adds the issuer's public key: POST /api/v1/issuers or tabellion issuer add.";
    SignatureWrong "signature_wrong" 400 "The signature does not fit" "Sign it again with the key that is registered for this issuer.";
    NotSignedIn "not_signed_in" 401 "Nobody stands behind the request" "Send Authorization: Bearer with a session's token or an API key, or open a new link.";
    NotPermitted "not_permitted" 403 "The role does not permit this" "Ask an administrator for a role that does; docs/api.md has the table.";
    OwnAuthority "own_authority" 403 "Nobody raises their own authority" "Ask another administrator.";
    OwnWork "own_work" 403 "Nobody decides on their own work" "Ask somebody with the role who neither wrote any of it nor put it forward.";
    OwnLink "own_link" 403 "Who wrote it and who decides let one another in" "Decide in a session that goes back to nobody who wrote it, put it forward or asked for it: by a link of an administrator who did none of that and whom none of them let in, or, unless the operator is one of them, by the operator's (tabellion person link). Whoever let one of them in leaves it to somebody else. What the operator asked for is confirmed in a session by an administrator's link; what was asked for in a session by the operator's link, the operator does not confirm.";
    CrossSite "cross_site" 403 "The request does not come from this site's own pages" "Send x-csrf-token with the token that GET /api/v1/session gives, or use a bearer token.";
    LinkUnusable "link_unusable" 403 "The link does not let anybody in" "It is unknown, used or expired: ask for a new one.";
    HeartbeatUnsigned "heartbeat_unsigned" 403 "The heartbeat is not signed by the key of its source" "Sign it with the source's key (docs/formats.md §7.1). Where that key is gone, somebody who may change the system's keys puts another on record: POST /api/v1/sources/{source}/key.";
    ShardUnsigned "shard_unsigned" 403 "This is not signed by the key that is known of the shard" "Send its key.rotated records along, or have an administrator register its keys anew: POST /api/v1/shards or tabellion shard register.";
    PackUnsigned "pack_unsigned" 403 "Nobody signed the policy pack" "Ask its publisher for the signed file.";
    PackPublisherUnknown "pack_publisher_unknown" 403 "No trusted publisher signed the policy pack, or not for this layer" "Two people trust a publisher: POST /api/v1/pack-publishers, then …/trust (docs/packs.md).";
    NotFound "not_found" 404 "There is nothing here for you" "Check the id; what lies outside your reach looks the same.";
    MethodNotAllowed "method_not_allowed" 405 "The route does not take this method" "See the Allow header.";
    TooSlow "too_slow" 408 "The request took too long to arrive" "Send it again.";
    Conflict "conflict" 409 "It was changed at the same time" "Read it again, decide anew, send it again.";
    OnHold "on_hold" 409 "A legal hold forbids the erasure" "Nothing was erased. The operator sees the hold and its reason with tabellion hold list, and releases it once the case is closed (tabellion hold release); then confirm again. What is not held can be erased by a request of its own.";
    InForce "in_force" 409 "What would be erased is in force" "Nothing was erased. End the budget or have the stop lifted that the detail names, then send it again.";
    AlreadySo "already_so" 409 "It is so already" "Nothing needs to be done.";
    OwnerUnknown "owner_unknown" 409 "A system without a known owner cannot go live" "Name a person who is known as its owner.";
    StageImpossible "stage_impossible" 409 "The system cannot go there from where it stands" "draft → live ⇄ paused → retired; retired is for good.";
    LastAdministrator "last_administrator" 409 "The last administrator stays" "Grant the role to somebody else first.";
    IdempotencyConflict "idempotency_conflict" 409 "The idempotency key belongs to another request" "Use a new key for a new request.";
    IdempotencyErased "idempotency_erased" 409 "The idempotency key belongs to a request whose content is erased" "Use a new key.";
    StateImpossible "state_impossible" 409 "The item cannot go there from where it stands" "GET /api/v1/registers lists each register's states and steps, and who may take them.";
    ShardAhead "shard_ahead" 409 "Another checkpoint of the shard is the newest here" "GET the shard for its size, and send a proof from there; if the shard itself is smaller, it was put back to an earlier state.";
    StillObserved "still_observed" 409 "The text is observed before it is enforced" "GET /api/v1/policies/{policy}/observation says what is missing. To publish another text, end the observation first.";
    SecondPersonNeeded "second_person_needed" 409 "Two people change policies here" "Put it forward: PUT /api/v1/policies/{policy}/proposal. Somebody else confirms it: POST /api/v1/policies/{policy}/proposal/confirm.";
    ReplayNeeded "replay_needed" 409 "Somebody has to have looked at what the change comes to" "Look at whom it hits and acknowledge that: on the page, tick it below and send again; over the API, POST /api/v1/policies/{policy}/replays shows it, and what it gives as acknowledge goes with the change, as replay.";
    ReplayOutdated "replay_outdated" 409 "This is not what the change comes to" "Look at what it comes to now and acknowledge that: on the page, below; over the API, by POST /api/v1/policies/{policy}/replays again.";
    NotWhatWasShown "not_what_was_shown" 409 "The content is not the one that the digest names" "Read it again, look at what changed, and decide on the digest that it has now.";
    PackBelowPin "pack_below_pin" 409 "The policy pack's version is below the lowest that may be loaded" "Load a newer one, or put forward to go back: POST /api/v1/policy-packs/{pack}/go-back.";
    NoGateway "no_gateway" 409 "No gateway runs in this process" "Start a server with a provider, as docs/gateway.md says, then send it again.";
    PackTaken "pack_taken" 409 "The name or version of the policy pack is another one's" "Give the pack a name of its own, or the next version.";
    ContentErased "content_erased" 410 "The content was erased" "Nobody can show it any more; that it was there, and that it was erased, stays proved.";
    SystemGone "system_gone" 410 "The system is deleted or being deleted" "Cancel the deletion, or use another system.";
    Stale "stale" 412 "It is not at the version that If-Match names" "Read it again, look at what changed, send the new ETag.";
    TooLarge "too_large" 413 "The request is too large" "Record large files by their digest.";
    NotJson "not_json" 415 "The body is not declared as JSON" "Send Content-Type: application/json.";
    NotCose "not_cose" 415 "The body is not declared as COSE" "Send Content-Type: application/cose.";
    EncodingUnsupported "encoding_unsupported" 415 "The body is compressed" "Send it as it is, without Content-Encoding.";
    PolicyFaulty "policy_faulty" 422 "The policy's text has a fault" "Correct it at the place named; POST /api/v1/policies/check tries a text without publishing.";
    PackTestsFail "pack_tests_fail" 422 "The policy pack does not pass its own cases, or a rule has no case or no source" "Its publisher corrects it; tabellion policy pack verify says what is wrong.";
    PackWidens "pack_widens" 422 "The policy pack permits what a layer above forbids" "A lower layer only tightens: leave the permission out, or have the prohibition above changed.";
    ContentFaulty "content_faulty" 422 "A field does not fit the register" "Correct the fields named; GET /api/v1/registers says what each takes.";
    Incomplete "incomplete" 422 "Required fields are not filled in" "Fill in the fields named and save, then put it forward or take the step.";
    UnknownReference "unknown_reference" 422 "The request names something that is not there" "Register it first, or correct the id.";
    ShardForked "shard_forked" 422 "The checkpoint does not continue the one that is here" "Find out which history is the shard's; nothing of it is taken before it continues what is here.";
    DigestMismatch "digest_mismatch" 422 "Content and digest do not belong together" "Compute the SHA-256 over the bytes that are sent.";
    NothingToExport "nothing_to_export" 422 "The period holds nothing that can be packed" "Choose a period that holds a commit.";
    VersionRequired "version_required" 428 "The change does not say which version it changes" "Send If-Match with the ETag of the resource as you read it.";
    Broken "broken" 500 "The log contradicts itself or stopped" "The operator runs tabellion fsck; the program ends and recovers at its next start.";
    Unavailable "unavailable" 503 "Not now" "Send it again later, with the same Idempotency-Key.";
    StorageFull "storage_full" 507 "The disk is full" "The operator frees space below the data directory; then send it again, with the same Idempotency-Key. Reading goes on meanwhile.";
    ViewBehind "view_behind" 503 "Recorded, but the views have not passed it yet" "Send it again with the same Idempotency-Key: nothing is recorded twice.";
}

/// One field that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// JSON Pointer into the request's body.
    pub pointer: String,
    /// What is wrong with it, as a sentence that names it.
    pub detail: String,
}

/// A request that was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail} [{}]", code.as_str())]
pub struct Refusal {
    /// The stable code.
    pub code: Code,
    /// What failed, on what.
    pub detail: String,
    /// JSON Pointer into the request's body, where the fault has a place there.
    pub pointer: Option<String>,
    /// Every field at fault, where a form has several; then `pointer` is the first of them.
    pub errors: Vec<FieldError>,
}

impl Refusal {
    /// A refusal.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), pointer: None, errors: Vec::new() }
    }

    /// A refusal at a place in the body.
    pub fn at(code: Code, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.into()), ..Self::new(code, detail) }
    }

    /// A refusal for fields of a form.
    pub fn of_fields(code: Code, detail: impl Into<String>, errors: Vec<FieldError>) -> Self {
        let pointer = errors.first().map(|error| error.pointer.clone());
        Self { pointer, errors, ..Self::new(code, detail) }
    }

    /// The same for a part of a larger body, which stands at `pointer` there.
    #[must_use]
    pub fn within(mut self, pointer: &str) -> Self {
        let place = self.pointer.take().unwrap_or_default();
        self.pointer = Some(format!("{pointer}{place}"));
        for error in &mut self.errors {
            error.pointer.insert_str(0, pointer);
        }
        self
    }

    /// Nothing is there, or nothing that the caller may know of.
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("there is no {what} of this name or id"))
    }
}

impl From<LedgerError> for Refusal {
    fn from(error: LedgerError) -> Self {
        let code = match &error {
            LedgerError::Rejected { code, .. } => match code {
                RejectCode::Malformed => Code::Malformed,
                RejectCode::TooLarge => Code::TooLarge,
                RejectCode::IdempotencyConflict => Code::IdempotencyConflict,
                RejectCode::IdempotencyErased => Code::IdempotencyErased,
                RejectCode::StreamConflict | RejectCode::SequenceConflict => Code::Conflict,
                RejectCode::OnHold => Code::OnHold,
                // Nothing that is asked for over the API goes by the clock.
                RejectCode::ClockInDoubt => Code::Unavailable,
                RejectCode::KeyNotInForce => Code::NotPermitted,
                RejectCode::SystemGone => Code::SystemGone,
                RejectCode::SecondPerson => Code::OwnWork,
                RejectCode::NotFound => Code::NotFound,
            },
            LedgerError::Unavailable(_) | LedgerError::SealAgain => Code::Unavailable,
            LedgerError::Full(_) => Code::StorageFull,
            LedgerError::Fatal(_) => Code::Broken,
        };
        let detail = match error {
            LedgerError::Rejected { detail, .. } => detail,
            other => other.to_string(),
        };
        Self::new(code, detail)
    }
}

impl From<ViewsError> for Refusal {
    fn from(error: ViewsError) -> Self {
        let code = match &error {
            ViewsError::Log(LedgerError::Fatal(_))
            | ViewsError::UnknownCritical { .. }
            | ViewsError::Malformed { .. } => Code::Broken,
            ViewsError::Log(_)
            | ViewsError::Database(_)
            | ViewsError::File { .. }
            | ViewsError::Busy
            | ViewsError::Stopped(_) => Code::Unavailable,
        };
        Self::new(code, error.to_string())
    }
}
