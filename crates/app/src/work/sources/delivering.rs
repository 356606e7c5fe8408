//! Taking in what a source sends.
//!
//! Promises: a delivery is recorded whole or not at all; a number that was recorded before is answered with its first record, and with another
//! content refused; a source belongs to the system of its first record. Must never: acknowledge what is not durable.

use std::sync::{MutexGuard, PoisonError};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use tabellion_ledger::{Ack, Draft};
use tabellion_model::registry::{Facts, Kind, SourceLife, SourceSpan};
use tabellion_model::{ProducerId, SourceNumber, SystemId, Withheld};
use tabellion_views::query::{SourceEpochSeen, SourceSeen};

use super::sent::{Commitment, Delivery, NumberedRecord, WithheldForm};
use super::{Source, gaps, keys};
use crate::refusal::{Code, Refusal};
use crate::work::forms::IdForm;
use crate::work::{Actor, Desk, Written};

/// The type that a record is kept as of which only a commitment came.
const COMMITTED_TYPE: &str = "event.committed";

/// Where one number was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveredRecord {
    /// The source's number.
    pub seq: u64,
    /// Index of the entry: `/api/v1/entries/{index}`.
    pub index: u64,
    /// Id of the record.
    #[schemars(with = "IdForm")]
    pub record_id: String,
    /// Whether an earlier delivery had recorded it.
    pub repeated: bool,
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delivered {
    /// Where each number was recorded.
    pub records: Vec<DeliveredRecord>,
    /// Log size of the checkpoint that covers all of it.
    pub size: u64,
    /// How the source stands now.
    pub source: Source,
}

/// Deliveries of so many sources at a time; of one source, one after the other.
pub(crate) const DELIVERING: usize = 16;

impl Desk {
    /// Records what a source sent.
    pub fn deliver(
        &self,
        actor: &Actor,
        producer: ProducerId,
        delivery: &Delivery,
    ) -> Result<(Delivered, Written), Refusal> {
        self.check_present()?;
        delivery.check()?;
        // Held until the views know what was appended: whose a source is, and which key it has, is decided once.
        let _turn = self.turn_of_source(&producer);
        self.refresh()?;
        let system = system_of(actor);
        self.check_target(actor, system)?;
        let known = self.views.source(&producer)?;
        if known.as_ref().is_some_and(|source| source.system != system) {
            let text = "this source belongs to another system; draw a new id for this one";
            return Err(Refusal::new(Code::NotPermitted, text));
        }
        let life = SourceLife { producer, epoch: delivery.epoch };
        let epoch = self.views.source_epoch(&life)?;
        check_open(epoch.as_ref(), delivery)?;
        let drafts = self.drafts(actor, (known.as_ref(), &life, epoch.as_ref()), delivery)?;
        check_losses(known.as_ref(), epoch.as_ref(), delivery)?;
        let appended = self.ledger.append_all(&drafts);
        self.note(appended.as_ref().map(drop));
        let acks = appended?;
        let written = self.passed(&acks)?;
        if delivery.heartbeat.is_some() || epoch.is_some_and(|epoch| !epoch.found.is_empty()) {
            self.name_gaps_of(&life, gaps::When::Told)?;
        }
        let row = self.views.source(&producer)?.ok_or_else(|| Refusal::not_found("source"))?;
        let done = Delivered {
            records: delivery
                .records
                .iter()
                .zip(&acks)
                .map(|(sent, ack)| placed(sent.value.seq, ack))
                .collect(),
            size: acks.iter().map(|ack| ack.size).max().unwrap_or(0),
            source: self.shown_source(&row)?,
        };
        Ok((done, written))
    }

    /// The turn of one source: what is decided about it is recorded before the next decision.
    pub(super) fn turn_of_source(&self, producer: &ProducerId) -> Option<MutexGuard<'_, ()>> {
        let place = usize::from(*producer.as_bytes().last().unwrap_or(&0)) % DELIVERING;
        self.delivering.get(place).map(|turn| turn.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// With the actor that it was recorded by, when it was: a repeat under an API key that took the other's place is still the same request.
    fn as_before(&self, mut draft: Draft) -> Result<Draft, Refusal> {
        let earlier = self.earlier(draft.idempotency_key.as_deref(), false)?;
        draft.actor = earlier.map(|earlier| earlier.header.actor.to_hex());
        Ok(draft)
    }

    fn drafts(
        &self,
        actor: &Actor,
        (known, life, epoch): (Option<&SourceSeen>, &SourceLife, Option<&SourceEpochSeen>),
        delivery: &Delivery,
    ) -> Result<Vec<Draft>, Refusal> {
        let (producer, number) = (life.producer.to_hex(), life.epoch);
        let mut drafts = Vec::new();
        for (place, sent) in delivery.records.iter().enumerate() {
            let mut draft =
                record_draft(life, &sent.value).map_err(|refusal| within_record(place, refusal))?;
            draft.idempotency_key = Some(format!("source/{producer}/{number}/{}", sent.value.seq));
            let is_known = epoch.is_some_and(|epoch| epoch.seen.contains(sent.value.seq));
            drafts.push(if is_known { self.as_before(draft)? } else { draft });
        }
        for lost in &delivery.lost {
            let span = SourceSpan { life: *life, first: lost.first, last: lost.last };
            let key = format!("source/{producer}/{number}/lost/{}-{}", lost.first, lost.last);
            drafts.push(self.as_before(facts_draft(&Facts::GapDeclared(span, lost.reason.into()), key))?);
        }
        if let Some(form) = &delivery.heartbeat {
            let key = format!("source/{producer}/{number}/beat/{}", form.beat);
            let beat = form.of(*life)?;
            if self.earlier(Some(&key), false)?.is_none() {
                // One that is on record was judged by the key of its time; sent once more it is answered with that record.
                keys::check_signed(known.and_then(|source| source.key), &beat)?;
            }
            drafts.push(self.as_before(facts_draft(&Facts::SourceHeartbeat(beat), key))?);
        }
        let speaker = actor.credential().map(|id| id.to_hex());
        let system = system_of(actor);
        for draft in &mut drafts {
            draft.system = system.map(|system| system.to_hex());
            draft.actor = draft.actor.take().or_else(|| speaker.clone());
            draft.assurance = Some("observed".to_owned());
        }
        Ok(drafts)
    }
}

/// The system that an actor's sources belong to: that of an API key.
fn system_of(actor: &Actor) -> Option<SystemId> {
    match actor {
        Actor::Key { system, .. } => Some(*system),
        _ => None,
    }
}

/// Refuses numbers above the end that the source itself gave the epoch.
fn check_open(epoch: Option<&SourceEpochSeen>, delivery: &Delivery) -> Result<(), Refusal> {
    let Some(epoch) = epoch.filter(|epoch| epoch.closed) else { return Ok(()) };
    let end = epoch.stated.map_or(epoch.last_seq, |stated| stated.last_seq);
    let beyond = delivery.records.last().is_some_and(|record| record.value.seq > end)
        || delivery.lost.iter().any(|lost| lost.last > end)
        || delivery.heartbeat.as_ref().is_some_and(|beat| beat.last_seq > end);
    if !beyond {
        return Ok(());
    }
    let text = format!("epoch {} was closed at {end}; begin a later epoch", epoch.life.epoch);
    Err(Refusal::new(Code::Conflict, text))
}

/// Refuses losses above the last number that a source which signs its counts has signed for: else whoever has the API key could call lost what is still to come.
fn check_losses(
    known: Option<&SourceSeen>,
    epoch: Option<&SourceEpochSeen>,
    delivery: &Delivery,
) -> Result<(), Refusal> {
    if known.and_then(|source| source.key).is_none() {
        return Ok(());
    }
    let before = epoch.and_then(|epoch| epoch.signed).map_or(0, |signed| signed.last_seq);
    // Of a source with a key this one is signed too, or nothing of the delivery is recorded.
    let end = delivery.heartbeat.as_ref().map_or(before, |beat| beat.last_seq.max(before));
    let Some(place) = delivery.lost.iter().position(|lost| lost.last > end) else { return Ok(()) };
    let text = format!(
        "this source signs its counts, and has given out numbers up to {end} by its signed heartbeats: send the next one first, or with the losses"
    );
    Err(Refusal::at(Code::Conflict, format!("/lost/{place}"), text))
}

fn record_draft(life: &SourceLife, sent: &NumberedRecord) -> Result<Draft, Refusal> {
    let (mut draft, withheld) = match (&sent.record, &sent.commitment) {
        (Some(record), None) if record.acknowledge.is_none() && record.system.is_none() => {
            (record.to_draft()?, None)
        }
        (Some(_), None) => {
            let text = "in a delivery a record names neither its system nor what to wait for: both follow from the key";
            return Err(Refusal::at(Code::Malformed, "/record", text));
        }
        (None, Some(commitment)) => committed_draft(commitment),
        _ => {
            let text = "exactly one of record and commitment is to be recorded";
            return Err(Refusal::at(Code::Malformed, "", text));
        }
    };
    if let Some(at) = sent.captured_at {
        // In the unit that holds the content, so that it goes with it.
        let fields = draft.subjects.first_mut().map_or(&mut draft.body, |subject| &mut subject.fields);
        fields.insert("captured_at".to_owned(), Value::from(at));
    }
    draft.clear = SourceNumber { life: *life, seq: sent.seq, withheld }.to_clear();
    Ok(draft)
}

fn committed_draft(commitment: &Commitment) -> (Draft, Option<Withheld>) {
    let withheld = match commitment.withheld {
        WithheldForm::Sampled => Withheld::Sampled,
        WithheldForm::Private => Withheld::Private,
    };
    let mut draft = Draft::new(COMMITTED_TYPE);
    draft.body = Map::from_iter([
        ("commitment".to_owned(), Value::from(commitment.sha256.as_str())),
        ("content_withheld".to_owned(), Value::from(withheld.as_str())),
    ]);
    (draft, Some(withheld))
}

/// A draft of a record that says nothing but what stands in clear.
pub(super) fn facts_draft(facts: &Facts, key: String) -> Draft {
    let mut draft = Draft::new(Kind::name(facts.kind()));
    draft.clear = facts.to_clear().unwrap_or_default();
    draft.idempotency_key = Some(key);
    draft
}

fn within_record(place: usize, refusal: Refusal) -> Refusal {
    let pointer = refusal.pointer.unwrap_or_default();
    Refusal { pointer: Some(format!("/records/{place}{pointer}")), ..refusal }
}

fn placed(seq: u64, ack: &Ack) -> DeliveredRecord {
    DeliveredRecord { seq, index: ack.index, record_id: ack.record_id.to_hex(), repeated: ack.duplicate }
}
