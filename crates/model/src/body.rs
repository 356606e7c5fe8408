//! The bodies of Tabellion's own record types: what the gateway, the control plane and the views agree on (`docs/records.md`).
//!
//! Promises: one struct per record type, whose members are exactly the record's body fields; integers and text only, nothing that
//! canonical JSON could not hold; an unknown member is passed over, so that a later version may add one. Must never: be needed to verify
//! anything. A body can be withheld or erased, and then reading it says so instead of inventing it.

mod access;
mod applicability;
mod assess;
mod budget;
mod call;
mod caller;
mod configuration;
mod content;
mod credential;
mod enrich;
mod erasure;
mod finding;
mod input;
mod invoice;
mod issuer;
mod measure;
mod opening;
mod operation;
mod pack;
mod person;
mod policy;
mod price;
mod probe;
mod pseudonym;
mod register;
mod rule;
mod stop;
mod system;
mod usage;
mod view;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use access::AccessGiven;
pub use applicability::{SoaApproved, SoaDecided, SoaRefused};
pub use assess::{AwaitedLook, CallAssessed};
pub use budget::{
    BudgetAlertEnd, BudgetAlertResolved, BudgetCrossed, BudgetEnded, BudgetScope, BudgetSet, BudgetSubject,
    CapKind, Caps,
};
pub use call::{
    Answered, Attempt, CallAuthorised, CallBroken, CallCompleted, CallDenied, Capture, Conversed, DataTerms,
    Delivered, GuardOutcome, Guarded, Masked, Observed, Outcome, Training, Usage,
};
pub use caller::{CallerShown, Chain, NOBODY, OF_PERSON, Proof, ProofKind, set_apart};
pub use configuration::{
    ConfigurationChanged, ConfigurationExplained, MemberChange, SafeguardChange, SafeguardTurn,
};
pub use content::ContentViewed;
pub use credential::{CredentialIssued, CredentialRevoked};
pub use enrich::{CallEnriched, EnrichLabel, EnrichOutcome, EnrichedSide, Enrichment};
pub use erasure::{
    ErasureConfirmed, ErasureDeclined, ErasureRequested, ErasureRuleSet, KeptFor, RetentionClockConfirmed,
    RetentionClockDoubted, RetentionRulesSet,
};
pub use finding::{FindingClosed, FindingKind, FindingOpened};
pub use input::Input;
pub use invoice::InvoiceRecorded;
pub use issuer::{IssuerAdded, IssuerRemoved};
pub use measure::{GuardMeasured, MeasuredGuard};
pub use opening::{
    BatchRequests, BatchSettled, BatchToldBy, FileKept, FileModel, FileSizes, FileTokens, ObjectKept, Opened,
    OpeningConfirmed, OpeningRefused, OpeningRequested, OpeningWithdrawn, RouteClass,
};
pub use operation::{
    CircuitClosed, CircuitOpened, ConfigLoaded, NoiseCounted, VaultKeyKeeping, VaultRotated,
    VaultRotationBegun, VerificationRan,
};
pub use pack::{
    PackAct, PackLoaded, PackPin, PackProposed, PackPublisherProposed, PackPublisherRemoved,
    PackPublisherSaid, PackPublisherTrusted, PackRefused, PackRemoved, PolicyLayer,
};
pub use person::{
    LinkIssued, PersonAdded, PersonDetails, Role, RoleGranted, RoleRevoked, SessionClosed, SessionOpened,
};
pub use policy::{
    ObservationEnd, PolicyConfirmed, PolicyObservationEnded, PolicyObserved, PolicyProposalWithdrawn,
    PolicyProposed, PolicyPublished, PolicyRefused, PolicyReplayed, PolicyWithdrawn,
};
pub use price::{PriceSet, PriceWithdrawn};
pub use probe::{GuardProbed, ProbeCause, ProbeResult, ProbedPlace};
pub use pseudonym::{MaskingUnmasked, ORIGINAL_FIELDS, Original, PseudonymScope, Pseudonyms, is_original};
pub use register::{
    RegisterDecided, RegisterMoved, RegisterNoted, RegisterRefreshOpened, RegisterRefused, RegisterSaved,
    RegisterSubmitted,
};
pub use rule::{
    RULE_WHOLE, RuleComparison, RuleCrossing, RuleEnded, RuleFired, RuleMeasure, RuleMetric, RuleResolved,
    RuleScope, RuleSet, RuleTest, RuleVerdict,
};
pub use stop::{StopLifted, StopOrdered, StopRefused, StopScope, StopSubject};
pub use system::{SystemRegistered, SystemStage, SystemStageChanged};
pub use usage::{UsageReconciled, UsageReported};
pub use view::{ViewRemoved, ViewSaved};

/// A record type with a known body.
pub trait Body: Serialize + DeserializeOwned {
    /// The type in records, `family.event`.
    const TYPE: &'static str;

    /// The body fields to seal.
    ///
    /// Errors only for a body that is no JSON object of integers and text, which no struct of this module is.
    fn fields(&self) -> Result<Map<String, Value>, BodyFault> {
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => Ok(fields),
            Ok(_) => Err(BodyFault { record_type: Self::TYPE, reason: "it is not an object".to_owned() }),
            Err(error) => Err(BodyFault { record_type: Self::TYPE, reason: error.to_string() }),
        }
    }

    /// Reads the body from the fields that are still disclosed; a missing field is an error, because a half-known record must not pass for a
    /// whole one.
    fn read(mut fields: Map<String, Value>) -> Result<Self, BodyFault> {
        caller::rejoin(&mut fields);
        serde_json::from_value(Value::Object(fields))
            .map_err(|error| BodyFault { record_type: Self::TYPE, reason: error.to_string() })
    }
}

/// A record whose fields are not the body of its type: erased, withheld, or written by something else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the fields do not make the body of a {record_type} record: {reason}")]
pub struct BodyFault {
    /// The record type.
    pub record_type: &'static str,
    /// What is missing or wrong.
    pub reason: String,
}

macro_rules! bodies {
    ($($body:ty => $name:literal),* $(,)?) => {
        $(impl Body for $body { const TYPE: &'static str = $name; })*
        /// Every record type that has a body here, in the order of `docs/records.md`.
        pub const BODY_TYPES: &[&str] = &[$($name),*];
    };
}

bodies! {
    SystemRegistered => "system.registered",
    SystemStageChanged => "system.stage_changed",
    CredentialIssued => "credential.issued",
    CredentialRevoked => "credential.revoked",
    PolicyPublished => "policy.published",
    PolicyWithdrawn => "policy.withdrawn",
    PolicyProposed => "policy.proposed",
    PolicyProposalWithdrawn => "policy.proposal_withdrawn",
    PolicyObserved => "policy.observed",
    PolicyObservationEnded => "policy.observation_ended",
    PolicyRefused => "policy.refused",
    PackPublisherProposed => "pack_publisher.proposed",
    PackPublisherTrusted => "pack_publisher.trusted",
    PackPublisherRemoved => "pack_publisher.removed",
    PackProposed => "policy_pack.proposed",
    PackLoaded => "policy_pack.loaded",
    PackRemoved => "policy_pack.removed",
    PackRefused => "policy_pack.refused",
    CallAuthorised => "call.authorised",
    CallCompleted => "call.completed",
    CallDenied => "call.denied",
    CallBroken => "call.broken",
    CallEnriched => "call.enriched",
    CallAssessed => "call.assessed",
    PersonAdded => "person.added",
    RoleGranted => "role.granted",
    RoleRevoked => "role.revoked",
    LinkIssued => "link.issued",
    SessionOpened => "session.opened",
    SessionClosed => "session.closed",
    SoaDecided => "soa.decided",
    SoaApproved => "soa.approved",
    SoaRefused => "soa.refused",
    ConfigLoaded => "config.loaded",
    ConfigurationChanged => "configuration.changed",
    ConfigurationExplained => "configuration.explained",
    NoiseCounted => "noise.counted",
    RegisterSaved => "register.saved",
    RegisterSubmitted => "register.submitted",
    RegisterDecided => "register.decided",
    RegisterMoved => "register.moved",
    RegisterNoted => "register.noted",
    RegisterRefreshOpened => "register.refresh_opened",
    RegisterRefused => "register.refused",
    ContentViewed => "content.viewed",
    MaskingUnmasked => "masking.unmasked",
    AccessGiven => "access.given",
    ErasureRequested => "erasure.requested",
    ErasureConfirmed => "erasure.confirmed",
    ErasureDeclined => "erasure.declined",
    ErasureRuleSet => "erasure.rule_set",
    RetentionRulesSet => "retention.rules_set",
    RetentionClockDoubted => "retention.clock_doubted",
    RetentionClockConfirmed => "retention.clock_confirmed",
    ViewSaved => "view.saved",
    ViewRemoved => "view.removed",
    IssuerAdded => "issuer.added",
    IssuerRemoved => "issuer.removed",
    VerificationRan => "verification.run",
    VaultRotationBegun => "vault.rotation_begun",
    VaultRotated => "vault.rotated",
    PriceSet => "price.set",
    PriceWithdrawn => "price.withdrawn",
    BudgetSet => "budget.set",
    BudgetEnded => "budget.ended",
    StopOrdered => "stop.ordered",
    StopLifted => "stop.lifted",
    StopRefused => "stop.refused",
    OpeningRequested => "opening.requested",
    OpeningConfirmed => "opening.confirmed",
    OpeningWithdrawn => "opening.withdrawn",
    OpeningRefused => "opening.refused",
    FileKept => "file.kept",
    ObjectKept => "object.kept",
    BatchSettled => "batch.settled",
    CircuitOpened => "provider.circuit_opened",
    CircuitClosed => "provider.circuit_closed",
    BudgetCrossed => "budget.crossed",
    BudgetAlertResolved => "budget.alert_resolved",
    UsageReported => "usage.reported",
    UsageReconciled => "usage.reconciled",
    InvoiceRecorded => "invoice.recorded",
    FindingOpened => "finding.opened",
    FindingClosed => "finding.closed",
    GuardProbed => "guard.probed",
    GuardMeasured => "guard.measured",
    RuleSet => "rule.set",
    RuleEnded => "rule.ended",
    RuleFired => "rule.fired",
    RuleResolved => "rule.resolved",
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Micros, SystemId};

    #[test]
    fn a_body_comes_back_from_its_fields_and_a_missing_field_is_no_body() {
        let body = SystemRegistered {
            name: "Loan support".to_owned(),
            owner: crate::CredentialId::from_bytes([7; 16]),
            purposes: vec!["loan-support".to_owned()],
            description: String::new(),
            capture: Capture::None,
            capture_reason: None,
            cost_centre: None,
        };
        let fields = body.fields().expect("a struct of text is an object");
        assert!(
            !fields.contains_key("capture_reason"),
            "records from before there were reasons would not come back as they were written"
        );
        assert_eq!(fields["capture"], "none", "captured content must be asked for, never the default word");
        assert_eq!(
            SystemRegistered::read(fields.clone()),
            Ok(body),
            "a view would show something else than was recorded"
        );
        let mut less = fields.clone();
        less.remove("owner");
        assert!(
            SystemRegistered::read(less).is_err(),
            "a system would seem to have an owner that was erased"
        );
        let mut more = fields;
        more.insert("later".to_owned(), Value::from(1));
        assert!(SystemRegistered::read(more).is_ok(), "a later version's member would hide the whole record");
    }

    #[test]
    fn numbers_and_ids_have_the_form_of_the_header() {
        let revoked = CredentialRevoked { reason: "lost".to_owned(), effective_at: Micros(5) };
        let fields = revoked.fields().expect("plain");
        assert_eq!(
            fields["effective_at"], 5,
            "a time is microseconds as an integer, as everywhere in records"
        );
        let system = SystemId::from_bytes([0xab; 16]);
        assert_eq!(
            serde_json::to_value(system).expect("plain"),
            Value::from("ab".repeat(16)),
            "an id is 32 lower-case hex digits everywhere"
        );
        assert!(
            serde_json::from_value::<SystemId>(Value::from("AB".repeat(16))).is_err(),
            "an id has one form"
        );
    }

    #[test]
    fn every_type_is_a_record_type_and_named_once() {
        let mut seen = std::collections::BTreeSet::new();
        for name in BODY_TYPES {
            assert!(crate::RecordType::new(name).is_ok(), "{name} could never be recorded");
            assert!(seen.insert(name), "{name} stands twice: two bodies would claim one record");
        }
    }
}
