//! Carries out a request on an open log.
//!
//! Promises: one request is one call of the ledger, refused whole or done whole; what comes from a socket is checked here as strictly as what
//! comes from the command line. Must never: decide what a request may not say about itself (that is the ledger's rule).

mod erasing;
mod governing;
mod openings;
mod people;
mod probes;
mod statements;
mod stops;
mod usage;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tabellion_app::access_draft;
use tabellion_ledger::keyring::KeyPair;
use tabellion_ledger::{
    Ack, AckLevel, By, Draft, Erasure, ErasureTarget, Ledger, LedgerError, Reader, RejectCode,
};
use tabellion_model::body::{self, AccessGiven, Body as _, VerificationRan};
use tabellion_model::registry::{Kind, Revocation};
use tabellion_model::{
    CredentialId, Entry, KeyId, Micros, ProducerId, Purpose, RecordId, Standing, SystemId,
};
use tabellion_tlog::{PublicKey, SignedCheckpoint};

use crate::held::Held;
use crate::request::{
    Answer, Appended, Erased, LastEpoch, Refusal, RefusalKind, Request, Response, SignedStatement, Summary,
    Target,
};

/// Most lines of one [`Request::Summaries`]: about 200 bytes each, well below one message.
pub(crate) const MAX_SUMMARIES: u32 = 4096;

/// Longest wait for witnesses that a request may ask for, in seconds: they answer within a few, or not today.
pub(crate) const MAX_WAIT_SECONDS: u64 = 60;

/// Carries out `request`.
pub(crate) fn perform(held: &Held, request: &Request) -> Response {
    if let Some(response) = people::perform(held, request) {
        return response;
    }
    if let Some(response) = statements::perform(held, request) {
        return response;
    }
    if let Some(response) = stops::perform(held, request) {
        return response;
    }
    if let Some(response) = usage::perform(held, request) {
        return response;
    }
    if let Some(response) = probes::perform(held, request) {
        return response;
    }
    if let Some(response) = openings::perform(held, request) {
        return response;
    }
    if let Some(response) = governing::perform(held, request) {
        return response;
    }
    if let Some(response) = erasing::refused(held, request) {
        return response;
    }
    match done(&held.ledger, request) {
        Ok(answer) => Response::Done(answer),
        Err(error) => Response::Refused(refusal(&error)),
    }
}

/// A ledger's error as it is sent.
pub(crate) fn refusal(error: &LedgerError) -> Refusal {
    let kind = match error {
        LedgerError::Rejected { .. } => RefusalKind::Rejected,
        LedgerError::Unavailable(_) | LedgerError::Full(_) | LedgerError::SealAgain => {
            RefusalKind::Unavailable
        }
        LedgerError::Fatal(_) => RefusalKind::Fatal,
    };
    let code = error.code().map(|code| code.as_str().to_owned());
    Refusal { kind, code, message: error.to_string() }
}

fn last_epoch(ledger: &Ledger, producer: &str) -> Result<Answer, LedgerError> {
    let last = ledger.last_epoch(&id("producer", producer, ProducerId::from_hex)?);
    let last = last.map(|last| LastEpoch { epoch: last.epoch, closed: last.closed, last_seq: last.last_seq });
    Ok(Answer::Producer { last })
}

fn trouble(ledger: &Ledger) -> Answer {
    Answer::Trouble { why: ledger.check_in_place().err().map(|error| error.to_string()) }
}

fn done(ledger: &Ledger, request: &Request) -> Result<Answer, LedgerError> {
    match request {
        Request::Status {} => status(ledger.reader()),
        Request::Append { drafts } => append(ledger, drafts),
        Request::AppendStatements { statements } => append_statements(ledger, statements),
        Request::Producer { producer } => last_epoch(ledger, producer),
        Request::Remembered { signer, key } => {
            let signer = signer.as_deref().map(|hex| id("key", hex, KeyId::from_hex)).transpose()?;
            remembered(ledger, signer.as_ref(), key)
        }
        Request::Reached { index, level, within_seconds } => {
            reached(ledger.reader(), *index, level, *within_seconds)
        }
        Request::Trouble {} => Ok(trouble(ledger)),
        Request::IsAbout { index, subject } => is_about(ledger, *index, subject.as_deref()),
        Request::Receipt { index } => receipt(ledger.reader(), *index),
        Request::Summaries { from, limit } => {
            Ok(Answer::Summaries { lines: summaries(ledger.reader(), *from, *limit)? })
        }
        Request::RecordVerification { ran } => record_verification(ledger, ran),
        Request::RecordAccess { given } => record_access(ledger, given),
        Request::Erase { .. }
        | Request::RequestErasure { .. }
        | Request::DecideErasure { .. }
        | Request::PendingErasures {}
        | Request::Expire { .. }
        | Request::ConfirmClock { .. }
        | Request::PurgeDue {}
        | Request::PlaceHold { .. }
        | Request::ReleaseHold { .. } => erasing::perform(ledger, request),
        Request::LiftConflict { reason } => Ok(appended(&ledger.lift_conflict(reason)?)),
        Request::RequestDeletion { system, due, reason } => request_deletion(ledger, system, *due, reason),
        Request::CancelDeletion { system, reason } => {
            Ok(appended(&ledger.cancel_deletion(&id("system", system, SystemId::from_hex)?, reason)?))
        }
        Request::GrantKey { purpose } => {
            let (pair, ack) = ledger.grant_key(granted_purpose(purpose)?)?;
            Ok(changed(Some(&pair), &ack))
        }
        Request::GrantPublicKey { public, credential } => grant_public(ledger, public, credential),
        Request::RotateKey { key_id } => {
            let (pair, ack) = rotate(ledger, &id("key", key_id, KeyId::from_hex)?)?;
            Ok(changed(Some(&pair), &ack))
        }
        Request::IntroduceSecondKey {} => Ok(second(ledger.introduce_second_key()?)),
        Request::RotateSecondKey {} => Ok(second(ledger.rotate_second_key()?)),
        Request::WithdrawSecondKey { key_id, reason } => withdraw_second(ledger, key_id, reason),
        Request::RotateVaultKey { reason, account } => rotate_vault(ledger, reason, account.as_deref()),
        Request::RevokeKey { key_id, reason } => revoke(ledger, key_id, reason),
        Request::AddPerson { .. }
        | Request::IssueLink { .. }
        | Request::EndSessions { .. }
        | Request::AddIssuer { .. }
        | Request::RemoveIssuer { .. }
        | Request::ListIssuers {}
        | Request::OrderStop { .. }
        | Request::LiftStop { .. }
        | Request::ListStops {}
        | Request::ReportUsage { .. }
        | Request::RunProbes {}
        | Request::ListProbes {}
        | Request::MeasureGuards {}
        | Request::Openings { .. }
        | Request::Policies { .. }
        | Request::Configuration { .. }
        | Request::RegisterShard { .. }
        | Request::RegisterStatement { .. } => Err(malformed(
            "people, statements, stops and openings go through the desk of whoever holds the log".to_owned(),
        )),
    }
}

fn is_about(ledger: &Ledger, index: u64, subject: Option<&str>) -> Result<Answer, LedgerError> {
    Ok(Answer::IsAbout { same: ledger.is_about(index, subject)? })
}

fn revoke(ledger: &Ledger, key_id: &str, reason: &str) -> Result<Answer, LedgerError> {
    let (pair, ack) = ledger.revoke_key(&id("key", key_id, KeyId::from_hex)?, revocation(reason)?)?;
    Ok(changed(pair.as_ref(), &ack))
}

fn request_deletion(ledger: &Ledger, system: &str, due: u64, reason: &str) -> Result<Answer, LedgerError> {
    let system = id("system", system, SystemId::from_hex)?;
    Ok(appended(&ledger.request_deletion(&system, Micros(due), reason)?))
}

fn rotate_vault(ledger: &Ledger, reason: &str, account: Option<&str>) -> Result<Answer, LedgerError> {
    let done = ledger.rotate_vault_key(reason, &By::at_the_machine(account))?;
    Ok(Answer::VaultRotated {
        generation: done.generation,
        moved: done.moved,
        begun: done.begun,
        record: Appended::from(&done.ended),
    })
}

fn record_verification(ledger: &Ledger, ran: &VerificationRan) -> Result<Answer, LedgerError> {
    let mut draft = Draft::new(VerificationRan::TYPE);
    draft.assurance = Some("observed".to_owned());
    draft.body = ran.fields().map_err(|error| malformed(error.to_string()))?;
    Ok(appended(&ledger.append(&draft)?))
}

fn record_access(ledger: &Ledger, given: &AccessGiven) -> Result<Answer, LedgerError> {
    Ok(appended(&ledger.append(&access_draft(given).map_err(malformed)?)?))
}

fn appended(ack: &Ack) -> Answer {
    Answer::Appended { records: vec![Appended::from(ack)] }
}

/// Size and checkpoint belong together, whatever is committed while they are read.
fn status(reader: &Reader) -> Result<Answer, LedgerError> {
    let checkpoint = reader.checkpoint();
    let signed = SignedCheckpoint::parse(checkpoint.as_bytes())
        .map_err(|error| LedgerError::Fatal(format!("the newest checkpoint does not read back: {error}")))?;
    Ok(Answer::Status {
        origin: reader.origin().to_string(),
        env: reader.env().to_string(),
        size: signed.checkpoint.size,
        checkpoint: checkpoint.to_string(),
        pid: std::process::id(),
        actors: actors(reader),
    })
}

/// Actor keys in force, in the order of their grants.
pub(crate) fn actors(reader: &Reader) -> Vec<String> {
    let (keys, size) = (reader.keys(), reader.size());
    let mut actors: Vec<_> = keys
        .grants()
        .filter(|grant| {
            grant.purpose == Purpose::Actor && keys.may_sign(Purpose::Actor, &grant.info.key_id, size)
        })
        .collect();
    actors.sort_by_key(|grant| grant.since);
    actors.iter().map(|grant| grant.info.key_id.to_hex()).collect()
}

fn append(ledger: &Ledger, drafts: &[Draft]) -> Result<Answer, LedgerError> {
    if drafts.is_empty() {
        return Err(malformed("there is no draft to append".to_owned()));
    }
    if let Some(draft) = drafts.iter().find(|draft| is_own_type(&draft.record_type)) {
        return Err(malformed(format!(
            "a {} record comes about only through the control plane or the gateway, which check who may; it is not appended by hand",
            draft.record_type
        )));
    }
    let acks = ledger.append_all(drafts)?;
    Ok(Answer::Appended { records: acks.iter().map(Appended::from).collect() })
}

/// Whether readers take records of this type for what the program itself did or checked: whoever could append them by hand could make keys and roles, or
/// say that a statement was checked which was not.
fn is_own_type(record_type: &str) -> bool {
    body::BODY_TYPES.contains(&record_type) || record_type == Kind::StatementRegistered.name()
}

fn append_statements(ledger: &Ledger, statements: &[SignedStatement]) -> Result<Answer, LedgerError> {
    if statements.is_empty() {
        return Err(malformed("there is no statement to append".to_owned()));
    }
    let prepare = |statement: &SignedStatement| {
        let bytes = STANDARD
            .decode(&statement.entry)
            .map_err(|_| malformed("a statement is not canonical base64".to_owned()))?;
        match &statement.subject {
            Some(subject) => ledger.prepare_statement_about(bytes, &statement.disclosures, subject),
            None => ledger.prepare_statement(bytes, &statement.disclosures),
        }
    };
    let prepared = statements.iter().map(prepare).collect::<Result<Vec<_>, _>>()?;
    let acks = ledger.append_prepared(prepared)?;
    Ok(Answer::Appended { records: acks.iter().map(Appended::from).collect() })
}

fn reached(reader: &Reader, index: u64, level: &str, within_seconds: u64) -> Result<Answer, LedgerError> {
    let level = AckLevel::parse(level)
        .ok_or_else(|| malformed("a level is durable, included, witnessed or anchored".to_owned()))?;
    let patience = Duration::from_secs(within_seconds.min(MAX_WAIT_SECONDS));
    Ok(Answer::from(&reader.wait_for_level(index, level, patience)?))
}

fn receipt(reader: &Reader, index: u64) -> Result<Answer, LedgerError> {
    let unusable = |error: String| {
        LedgerError::Unavailable(format!("the receipt of entry {index} cannot be made: {error}"))
    };
    let bytes = reader.receipt(index)?.to_bytes().map_err(|error| unusable(error.to_string()))?;
    String::from_utf8(bytes).map(|text| Answer::Receipt { text }).map_err(|error| unusable(error.to_string()))
}

/// Lines about the entries from `from` on, at most `limit`.
pub(crate) fn summaries(reader: &Reader, from: u64, limit: u32) -> Result<Vec<Summary>, LedgerError> {
    let to = from.saturating_add(u64::from(limit.min(MAX_SUMMARIES))).min(reader.size());
    let mut lines = Vec::new();
    reader.entries(from, to, |view| {
        lines.push(summary(view.index, &view.entry));
        Ok(())
    })?;
    Ok(lines)
}

fn summary(index: u64, entry: &Entry) -> Summary {
    let kind = match entry {
        Entry::Record(_) => "record",
        Entry::Statement(_) => "statement",
        Entry::Seal(seal) => {
            let (kind, record_type) = ("seal".to_owned(), "seal".to_owned());
            return Summary {
                index,
                kind,
                record_type,
                record_id: None,
                at: seal.seal.committed_at.0,
                system: None,
            };
        }
    };
    let header = entry.header();
    Summary {
        index,
        kind: kind.to_owned(),
        record_type: header.map(|header| header.record_type.to_string()).unwrap_or_default(),
        record_id: header.map(|header| header.record_id.to_hex()),
        at: header.map(|header| header.observed_at.0).unwrap_or_default(),
        system: header.and_then(|header| header.system).map(|(system, _)| system.to_hex()),
    }
}

fn erased(system: Option<&SystemId>, erasure: &Erasure) -> Erased {
    Erased {
        system: system.map(SystemId::to_hex),
        orders: erasure.orders.iter().map(Appended::from).collect(),
        keys: erasure.keys,
        units: erasure.units,
        due: erasure.due.map(|due| due.0),
    }
}

/// A rotation gives the same credential another key and so another producer; a retry after it must still be recognised.
fn remembered(ledger: &Ledger, signer: Option<&KeyId>, key: &str) -> Result<Answer, LedgerError> {
    let Some(signer) = signer else {
        let found = ledger.idempotency_tag(&ProducerId::of_log(&ledger.reader().genesis()), key)?;
        return Ok(Answer::Remembered { tag: found.tag.to_hex(), index: found.index });
    };
    let found = ledger.idempotency_tag(&ProducerId::of_key(signer), key)?;
    let mut index = found.index;
    let keys = ledger.reader().keys();
    let credential = keys.credential_of(signer);
    for grant in keys.grants().filter(|grant| Some(grant.credential) == credential) {
        index = index.or(ledger.idempotency_tag(&ProducerId::of_key(&grant.info.key_id), key)?.index);
    }
    Ok(Answer::Remembered { tag: found.tag.to_hex(), index })
}

/// A key that was made or changed.
fn changed(pair: Option<&KeyPair>, ack: &Ack) -> Answer {
    Answer::Key {
        key_id: pair.map(|pair| pair.key_id().to_hex()),
        purpose: pair.map(|pair| pair.purpose.as_str().to_owned()),
        record: Appended::from(ack),
    }
}

/// The second key that is in force now.
fn second((key_id, ack): (KeyId, Ack)) -> Answer {
    Answer::Key {
        key_id: Some(key_id.to_hex()),
        purpose: Some("hybrid".to_owned()),
        record: Appended::from(&ack),
    }
}

fn withdraw_second(ledger: &Ledger, key_id: &str, reason: &str) -> Result<Answer, LedgerError> {
    let key_id = id("key", key_id, KeyId::from_hex)?;
    let ack = ledger.withdraw_second_key(&key_id, revocation(reason)?)?;
    Ok(Answer::Key { key_id: None, purpose: None, record: Appended::from(&ack) })
}

fn revocation(reason: &str) -> Result<Revocation, LedgerError> {
    Revocation::parse(reason)
        .ok_or_else(|| malformed("the reason of a revocation is compromised, lost or retired".to_owned()))
}

fn granted_purpose(name: &str) -> Result<Purpose, LedgerError> {
    let purpose = Purpose::parse(name).filter(|purpose| *purpose != Purpose::Root);
    purpose.ok_or_else(|| malformed("a purpose is log, writer, package or actor".to_owned()))
}

fn grant_public(ledger: &Ledger, public: &str, credential: &str) -> Result<Answer, LedgerError> {
    let public = public_key(public)?;
    let ack = ledger.grant_public_key(&public, id("credential", credential, CredentialId::from_hex)?)?;
    Ok(Answer::Key {
        key_id: Some(KeyId::of(&public).to_hex()),
        purpose: Some(Purpose::Actor.as_str().to_owned()),
        record: Appended::from(&ack),
    })
}

fn rotate(ledger: &Ledger, key_id: &KeyId) -> Result<(KeyPair, Ack), LedgerError> {
    let purpose = {
        let (keys, size) = (ledger.reader().keys(), ledger.reader().size());
        let status = keys.find(key_id, size).filter(|status| status.standing == Standing::InForce);
        status.map(|status| status.grant.purpose)
    };
    match purpose {
        Some(Purpose::Root) => {
            Err(malformed("the root key is fixed by the genesis and is never rotated".to_owned()))
        }
        Some(Purpose::Actor) => ledger.rotate_actor_key(key_id),
        Some(purpose) => ledger.rotate_key(purpose),
        None => {
            let text =
                format!("no key {key_id} is in force in this log; tabellion key list shows those that are");
            Err(LedgerError::rejected(RejectCode::NotFound, text))
        }
    }
}

fn public_key(text: &str) -> Result<PublicKey, LedgerError> {
    let bytes: Option<[u8; 32]> = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    let key = bytes.and_then(|bytes| PublicKey::from_bytes(&bytes).ok());
    key.ok_or_else(|| malformed("a public key is 32 bytes of an Ed25519 point as base64".to_owned()))
}

fn erasure_target(target: &Target) -> Result<ErasureTarget, LedgerError> {
    Ok(match target {
        Target::Subject(subject) => ErasureTarget::Subject(subject.clone()),
        Target::Record(index) => ErasureTarget::Record(*index),
        Target::Call(call) => ErasureTarget::Call(id("call", call, RecordId::from_hex)?),
        Target::System(system) => ErasureTarget::System(id("system", system, SystemId::from_hex)?),
        Target::Retention { class, until } => {
            ErasureTarget::Retention { class: class.clone(), until: *until }
        }
    })
}

fn id<T>(what: &str, hex: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, LedgerError> {
    read(hex).ok_or_else(|| {
        let shown: String = hex.chars().take(64).collect();
        malformed(format!("{what} {shown:?} is not an id of lower-case hex digits"))
    })
}

fn malformed(detail: String) -> LedgerError {
    LedgerError::rejected(RejectCode::Malformed, detail)
}
