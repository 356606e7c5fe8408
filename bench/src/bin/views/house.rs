//! The organisation around the calls: people and their roles, systems, keys, policies, a Statement of Applicability.

use tabellion_ledger::{Draft, DraftStream};
use tabellion_model::applicability::{Row, digest};
use tabellion_model::body::{
    Body, Capture, CredentialIssued, PersonAdded, PersonDetails, PolicyPublished, Role, RoleGranted,
    SoaApproved, SoaDecided, SystemRegistered, SystemStage, SystemStageChanged,
};
use tabellion_model::catalogue::Reference;
use tabellion_model::status::facts::Decision;
use tabellion_model::{CredentialId, SystemId};
use tabellion_tlog::sha256;

use crate::Outcome;

/// Systems in the inventory.
pub(crate) const SYSTEMS: u32 = 50;
/// Keys of each.
pub(crate) const KEYS_EACH: u32 = 4;
/// People: the first half write, the second half approve.
pub(crate) const PEOPLE: u32 = 12;
/// Models that providers answer with.
pub(crate) const MODELS: u32 = 12;
/// What the systems are for.
pub(crate) const PURPOSES: [&str; 5] =
    ["loan-support", "claims-triage", "code-review", "translation", "customer-letters"];

/// Sixteen bytes that look like an id and are the same in every run.
pub(crate) fn id_bytes(kind: &str, number: u32) -> [u8; 16] {
    let hash = sha256(format!("{kind} {number}").as_bytes()).0;
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    bytes
}

pub(crate) fn system(number: u32) -> SystemId {
    SystemId::from_bytes(id_bytes("system", number))
}

pub(crate) fn person(number: u32) -> CredentialId {
    CredentialId::from_bytes(id_bytes("person", number % PEOPLE))
}

pub(crate) fn key(system: u32, number: u32) -> CredentialId {
    CredentialId::from_bytes(id_bytes("key", system * KEYS_EACH + number % KEYS_EACH))
}

pub(crate) fn model(number: u32) -> String {
    format!("model-{}-2026-0{}", number % MODELS, number % MODELS / 3 + 1)
}

/// Whether what is said to and by a system is kept.
pub(crate) fn captures(system: u32) -> bool {
    system.is_multiple_of(3)
}

/// A draft of a body, by somebody, on a stream.
pub(crate) fn draft<B: Body>(body: &B, actor: CredentialId) -> Outcome<Draft> {
    let mut draft = Draft::new(B::TYPE);
    draft.body = body.fields()?;
    draft.actor = Some(actor.to_hex());
    draft.assurance = Some("observed".to_owned());
    Ok(draft)
}

pub(crate) fn on(mut draft: Draft, stream: String) -> Draft {
    draft.stream = Some(DraftStream { name: stream, expected: None });
    draft
}

pub(crate) fn about(mut draft: Draft, system: SystemId) -> Draft {
    draft.system = Some(system.to_hex());
    draft
}

/// Everything but calls and items, in the order in which it has to be recorded.
pub(crate) fn drafts() -> Outcome<Vec<Draft>> {
    let mut drafts = Vec::new();
    for number in 0..PEOPLE {
        drafts.extend(one_person(number)?);
    }
    for number in 0..SYSTEMS {
        drafts.extend(one_system(number)?);
    }
    for (name, versions) in [("house", 5), ("models", 9), ("purposes", 3), ("night", 2)] {
        for version in 0..versions {
            drafts.push(policy(name, version)?);
        }
    }
    drafts.extend(statement()?);
    Ok(drafts)
}

fn one_person(number: u32) -> Outcome<Vec<Draft>> {
    let person = person(number);
    let stream = format!("person/{person}");
    let details =
        PersonDetails { name: format!("Person Number {number}"), email: format!("p{number}@bank.example") };
    let mut added = on(draft(&PersonAdded { person }, person)?, stream.clone());
    for (field, value) in [("name", details.name), ("email", details.email)] {
        added = added.about(&person.to_hex(), field, value);
    }
    let role = if number < PEOPLE / 2 { Role::GovernanceEngineer } else { Role::Approver };
    let more = [Role::ComplianceOfficer, Role::BusinessOwner, Role::Developer, Role::Auditor];
    let more = more[usize::try_from(number)? % more.len()];
    let mut drafts = vec![added];
    for role in [role, more] {
        drafts.push(on(draft(&RoleGranted { person, role }, person)?, stream.clone()));
    }
    Ok(drafts)
}

fn one_system(number: u32) -> Outcome<Vec<Draft>> {
    let (system, owner) = (system(number), person(number));
    let stream = format!("system/{system}");
    let purpose = PURPOSES[usize::try_from(number)? % PURPOSES.len()];
    let registered = SystemRegistered {
        name: format!("{purpose} {number}"),
        owner,
        purposes: vec![purpose.to_owned()],
        description: format!("Helps the staff of unit {number} with {purpose}, in two languages"),
        capture: if captures(number) { Capture::Masked } else { Capture::None },
        capture_reason: None,
        cost_centre: None,
    };
    let live = SystemStageChanged { stage: SystemStage::Live, reason: "it was assessed".to_owned() };
    let mut drafts = vec![
        about(on(draft(&registered, owner)?, stream.clone()), system),
        about(on(draft(&live, owner)?, stream), system),
    ];
    for one in 0..KEYS_EACH {
        let key = key(number, one);
        let body = CredentialIssued {
            name: format!("backend {one}"),
            secret_sha256: sha256(key.as_bytes()).to_hex(),
            purposes: Vec::new(),
            models: Vec::new(),
            expires_at: None,
            replaces: None,
        };
        drafts.push(about(on(draft(&body, owner)?, format!("credential/{key}")), system));
    }
    Ok(drafts)
}

fn policy(name: &str, version: u32) -> Outcome<Draft> {
    let text = format!("// version {version}\npermit(principal, action, resource);");
    let digest = sha256(text.as_bytes()).to_hex();
    let body = PolicyPublished {
        name: name.to_owned(),
        text,
        digest,
        note: format!("round {version}"),
        replay: None,
        confirmed: None,
    };
    Ok(on(draft(&body, person(version))?, format!("policy/{name}")))
}

fn statement() -> Outcome<Vec<Draft>> {
    let mut drafts = Vec::new();
    let mut rows = Vec::new();
    for control in Reference::controls() {
        let reason = "it follows from the assessment of risks".to_owned();
        let row = Row { control, decision: Decision::Applied, reason, evidence: None };
        let body = SoaDecided { control, decision: row.decision, reason: row.reason.clone(), evidence: None };
        drafts.push(on(draft(&body, person(0))?, format!("soa/{}", control.as_str().to_ascii_lowercase())));
        rows.push(row);
    }
    let digest = digest(&rows)?.ok_or("a statement of all controls has no digest")?.to_hex();
    drafts.push(on(draft(&SoaApproved { digest }, person(PEOPLE - 1))?, "soa/approval".to_owned()));
    Ok(drafts)
}
