//! Requests about erasures and holds.

use tabellion_app::work::Actor;
use tabellion_ledger::{
    By, ErasureTarget, Expiry, Ledger, LedgerError, PendingErasure, RejectCode, RetentionPlan, RetentionRule,
    WantedErasure,
};
use tabellion_model::catalogue::retention_floor;
use tabellion_model::{ErasureRequestId, HoldId, SystemId};

use super::people::unavailable;
use super::{appended, erased, erasure_target, id, malformed};
use crate::config::check_floor;
use crate::held::Held;
use crate::request::{
    Answer, Appended, Erased, Expiring, HeldSystem, KeepRule, Pending, Request, Response, Target,
};

/// Refuses what only the control plane knows to refuse: a confirmation where the operator let in who asked, and whatever would take what a budget or a stop says that is in force. `None`:
/// the ledger's own rules decide.
pub(super) fn refused(held: &Held, request: &Request) -> Option<Response> {
    let (target, pending) = match request {
        Request::Erase { target, .. } | Request::RequestErasure { target, .. } => {
            (erasure_target(target).ok()?, None)
        }
        Request::DecideErasure { request, confirmed: true, .. } => {
            let request = ErasureRequestId::from_hex(request)?;
            let pending = held.ledger.pending_erasure(&request).ok()?;
            (pending.target.clone()?, Some(pending).filter(|pending| pending.by.is_some()))
        }
        _ => return None,
    };
    let refused = match held.desk() {
        Ok(desk) => desk
            .refresh()
            .and_then(|()| pending.map_or(Ok(()), |pending| desk.check_confirms(&Actor::Operator, &pending)))
            .and_then(|()| desk.check_erasable(&target))
            .map_err(super::people::refusal),
        Err(failure) => Err(unavailable(failure.to_string())),
    };
    refused.err().map(Response::Refused)
}

/// Carries out `request`, which is about an erasure or a hold. Whoever asks over the socket is the operator.
pub(super) fn perform(ledger: &Ledger, request: &Request) -> Result<Answer, LedgerError> {
    match request {
        Request::Erase { target, reason } => {
            let erasure = ledger.erase(&erasure_target(target)?, reason)?;
            Ok(Answer::Erased { erasures: vec![erased(None, &erasure)] })
        }
        Request::RequestErasure { target, grace_seconds, reason } => {
            let target = &erasure_target(target)?;
            let grace_seconds = *grace_seconds;
            let wanted = WantedErasure { target, grace_seconds, reason, idempotency_key: None };
            let (request, ack) = ledger.ask_for_erasure(&wanted, &By::default())?;
            Ok(Answer::Requested { request: request.to_hex(), record: Appended::from(&ack) })
        }
        Request::DecideErasure { request, confirmed, reason } => {
            let request = id("erasure request", request, ErasureRequestId::from_hex)?;
            if !*confirmed {
                return Ok(appended(&ledger.decline_erasure(&request, reason, &By::default())?));
            }
            let erasure = ledger.confirm_erasure(&request, reason, &By::default())?;
            Ok(Answer::Erased { erasures: vec![erased(None, &erasure)] })
        }
        Request::PendingErasures {} => {
            let pending = ledger.pending_erasures()?;
            Ok(Answer::Pending { erasures: pending.into_iter().map(waiting).collect() })
        }
        Request::Expire { rules, beside, only_list } => expire(ledger, (rules, beside), *only_list),
        Request::ConfirmClock { reason, account } => {
            let by = By::at_the_machine(account.as_deref());
            Ok(appended(&ledger.confirm_clock_by(reason, &by)?))
        }
        Request::PurgeDue {} => {
            let purge = ledger.purge_due()?;
            let held =
                purge.held.into_iter().map(|(system, why)| HeldSystem { system: system.to_hex(), why });
            Ok(Answer::Purged {
                erasures: purge
                    .purged
                    .iter()
                    .map(|(system, erasure)| erased(Some(system), erasure))
                    .collect(),
                held: held.collect(),
            })
        }
        Request::PlaceHold { target, reason } => {
            let (hold, ack) = ledger.place_hold(&erasure_target(target)?, reason)?;
            Ok(Answer::Held { hold: hold.to_hex(), record: Appended::from(&ack) })
        }
        Request::ReleaseHold { hold, reason } => {
            Ok(appended(&ledger.release_hold(&id("hold", hold, HoldId::from_hex)?, reason)?))
        }
        _ => Err(malformed("this is about no erasure and no hold".to_owned())),
    }
}

fn expire(
    ledger: &Ledger,
    (rules, beside): (&[KeepRule], &[KeepRule]),
    only_list: bool,
) -> Result<Answer, LedgerError> {
    if !only_list && ledger.erases_by_two() {
        return Err(LedgerError::rejected(
            RejectCode::SecondPerson,
            "this log takes two people for an erasure, and whoever asks by rule chooses the rule: here content goes by the rules that the server recorded at its \
             start, when it looks once a day. Nothing was destroyed; --due says what is due",
        ));
    }
    let read = |rules: &[KeepRule]| rules.iter().map(retention_rule).collect::<Result<Vec<_>, _>>();
    let plan = RetentionPlan { beside: read(beside)?, ..RetentionPlan::of(&read(rules)?) };
    let mut found = Vec::new();
    if only_list {
        found.extend(ledger.reader().expiring(&plan)?.iter().map(|expiry| expiring(expiry, None)));
    } else {
        ledger.expire_due(&plan, |expired| {
            found.push(expiring(&expired.expiry, Some(erased(None, &expired.erasure))));
        })?;
    }
    Ok(Answer::Expiring { rules: found })
}

fn retention_rule(rule: &KeepRule) -> Result<RetentionRule, LedgerError> {
    let system = rule.system.as_deref().map(|hex| id("system", hex, SystemId::from_hex)).transpose()?;
    let rule = RetentionRule {
        class: rule.class.clone(),
        system,
        months: rule.months,
        counted_from: rule.counted_from,
    };
    if let Some(floor) = retention_floor(&rule.class) {
        check_floor(&rule, floor).map_err(|failure| malformed(failure.to_string()))?;
    }
    Ok(rule)
}

fn expiring(expiry: &Expiry, erased: Option<Erased>) -> Expiring {
    let Expiry { rule, until, keys, held, holds, waiting: _ } = expiry;
    Expiring {
        rule: KeepRule {
            class: rule.class.clone(),
            system: rule.system.map(|system| system.to_hex()),
            months: rule.months,
            counted_from: rule.counted_from,
        },
        until: *until,
        keys: *keys,
        held: *held,
        holds: holds.iter().map(ToString::to_string).collect(),
        erased,
    }
}

fn waiting(pending: PendingErasure) -> Pending {
    let target = pending.target.map(|target| match target {
        ErasureTarget::Subject(subject) => Target::Subject(subject),
        ErasureTarget::Record(index) => Target::Record(index),
        ErasureTarget::Call(call) => Target::Call(call.to_hex()),
        ErasureTarget::System(system) => Target::System(system.to_hex()),
        ErasureTarget::Retention { class, until } => Target::Retention { class, until },
    });
    let (request, by) = (pending.request.to_hex(), pending.by.map(|by| by.to_hex()));
    let (index, grace_seconds, reason) = (pending.index, pending.grace_seconds, pending.reason);
    Pending { request, index, by, target, grace_seconds, reason }
}
