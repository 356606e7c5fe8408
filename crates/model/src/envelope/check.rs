//! The verdict on an envelope: every check apart, with its code, in the words of every other report.
//!
//! Promises: the signature is checked over the signed scope of the profile and nothing else; without a key to believe the signer stays unknown, and
//! without its payload what an envelope is about stays unknown. Neither reads as fine.

use tabellion_tlog::PublicKey;

use super::json::{self, Value};
use super::read::{Envelope, Found};
use super::{DEV, EnvelopeContext, MAX_PAYLOAD_BYTES, sha256_hex};
use crate::jcs::shown_name;
use crate::verdict::{
    Aspect, AspectChecks, CheckPlan, EXISTED, Finding, ISSUED, Outcome, Report, Subject, UNALTERED,
    aspects_of,
};

const FORM: &str = "form";
const SIGNATURE: &str = "signature";
const PAYLOAD: &str = "payload";
const ENVIRONMENT: &str = "environment";
const SIGNER: &str = "signer";
const INCLUSION: &str = "inclusion";
const CO_SIGNATURES: &str = "co-signatures";

const SCOPE: &str = "An envelope shows that the holder of a key signed these bytes, and through its payload hash what they stand for. It does not show \
that the event took place, that anything was left out, or when it was signed; and it is no assessment of anybody.";

const PLANS: [CheckPlan; 5] = [
    CheckPlan {
        name: FORM,
        proves: "the file has one meaning, its version is known, and its members are those of its profile",
        does_not_prove: "that what the members say is so",
    },
    CheckPlan {
        name: SIGNATURE,
        proves: "the key that the envelope names signed every member of the signed scope as it stands",
        does_not_prove: "whose key it is, or when it signed",
    },
    CheckPlan {
        name: PAYLOAD,
        proves: "the payload is the one that was signed for",
        does_not_prove: "that the system it came from still says the same",
    },
    CheckPlan {
        name: ENVIRONMENT,
        proves: "the signer did not mark it as made for trying out",
        does_not_prove: "that it was made in production, where it says nothing",
    },
    CheckPlan {
        name: SIGNER,
        proves: "the key is one that you got another way and believe",
        does_not_prove: "that its holder was alone in using it",
    },
];
const INCLUSION_PLAN: CheckPlan = CheckPlan {
    name: INCLUSION,
    proves: "it is a leaf of the tree that the batch's checkpoint signs",
    does_not_prove: "that the batch holds everything that happened, or that it was published anywhere",
};
const CO_SIGNATURES_PLAN: CheckPlan = CheckPlan {
    name: CO_SIGNATURES,
    proves: "nothing: the family reserves the member and does not say yet what stands in it",
    does_not_prove: "that anybody else agreed",
};

/// Says what can be said of a file that should be an envelope or a proof bundle of the family.
pub fn verify_envelope(bytes: &[u8], context: &EnvelopeContext<'_>) -> Report {
    let mut report = Report::planned(Subject::Envelope, &PLANS, SCOPE);
    match Found::parse(bytes, context.allow_legacy) {
        Err(error) => refuse(&mut report, FORM, Outcome::Malformed, error.code(), &error),
        Ok(found) => check(&mut report, &found, context),
    }
    conclude(&mut report);
    report
}

/// Sets a check that did not hold; its code goes among the facts as well, in the order found.
fn refuse(
    report: &mut Report,
    check: &'static str,
    outcome: Outcome,
    code: &str,
    text: &dyn std::fmt::Display,
) {
    report.set(check, outcome, format!("{text} [{code}]"));
    let mut codes = match report.facts.get("codes") {
        Some(crate::Json::Array(codes)) => codes.clone(),
        _ => Vec::new(),
    };
    codes.push(code.into());
    report.fact("codes", codes);
}

fn check(report: &mut Report, found: &Found, context: &EnvelopeContext<'_>) {
    let envelope = found.envelope();
    let is_canonical = match found {
        Found::Envelope(envelope) => envelope.is_canonical,
        Found::Bundle(bundle) => bundle.is_canonical,
    };
    let layout =
        if is_canonical { "as its signer writes it" } else { "laid out anew, checked in canonical form" };
    report.set(FORM, Outcome::Holds, format!("{}, {layout}", found.kind().as_str()));
    tell(report, found, is_canonical);
    check_signature(report, envelope);
    check_payload(report, envelope, context.payload);
    check_environment(report, found, context.allow_dev);
    check_signer(report, envelope, context.keys);
    check_inclusion(report, found, context);
    if let Some(Value::List(others)) = envelope.value.get("co_signatures") {
        report.plan_optional(&CO_SIGNATURES_PLAN);
        report.set(
            CO_SIGNATURES,
            Outcome::NotRun,
            format!("{} there, outside the signed scope; none was looked at", others.len()),
        );
    }
}

/// Facts, each of a signed member or of the bytes.
fn tell(report: &mut Report, found: &Found, is_canonical: bool) {
    let envelope = found.envelope();
    report.fact("canonical", is_canonical);
    report.fact("digest", found.digest().to_hex());
    report.fact("kind", found.kind().as_str());
    report.fact("payload_hash", envelope.payload_hash.to_hex());
    report.fact("public_key", hex::encode(envelope.public_key.as_bytes()));
    for name in ["spec_version", "event_id", "event_type", "signed_at", "environment", "previous_hash"] {
        if let Some(text) = envelope.text(name) {
            report.fact(name, text);
        }
    }
    let unsigned = envelope.unsigned_members();
    if !unsigned.is_empty() {
        report.fact("unsigned_members", unsigned.iter().map(|name| shown(name)).collect::<Vec<_>>());
    }
}

/// A member's name, as far as one wants to read it.
fn shown(name: &str) -> String {
    let plain = name.strip_prefix('_').unwrap_or(name);
    if shown_name(plain) == plain { name.to_owned() } else { "*".to_owned() }
}

fn check_signature(report: &mut Report, envelope: &Envelope) {
    let fits = |bytes: &[u8]| envelope.public_key.verify(bytes, &envelope.signature).is_ok();
    if fits(&envelope.signed_bytes(|_| false)) {
        let unsigned = envelope.unsigned_members();
        let more = if unsigned.is_empty() {
            String::new()
        } else {
            format!("; outside its scope, so written by anybody: {}", names(&unsigned))
        };
        report.set(SIGNATURE, Outcome::Holds, format!("Ed25519, over every signed member{more}"));
        return;
    }
    // Which addition broke it: helps whoever has to find out, and changes nothing about the verdict.
    let added = envelope.unnamed_members();
    let one = added.iter().copied().find(|name| fits(&envelope.signed_bytes(|other| other == *name)));
    let added = match one {
        Some(name) => vec![name],
        None if fits(&envelope.signed_bytes(|other| added.contains(&other))) => added,
        None => Vec::new(),
    };
    if added.is_empty() {
        let text = "the signature does not fit: a signed member was changed, removed or added, or another key signed";
        refuse(report, SIGNATURE, Outcome::Broken, "bad_signature", &text);
    } else {
        let text = format!("added after it was signed: {}; without it the signature fits", names(&added));
        refuse(report, SIGNATURE, Outcome::Broken, "unsigned_member", &text);
    }
}

fn names(names: &[&str]) -> String {
    names.iter().map(|name| shown(name)).collect::<Vec<_>>().join(", ")
}

fn check_payload(report: &mut Report, envelope: &Envelope, given: Option<&[u8]>) {
    let committed = envelope.payload_hash.to_hex();
    let inside = envelope.value.get("payload").map(|payload| sha256_hex(&payload.to_canonical()));
    let outside = given.map(|bytes| bytes_fit(bytes, &committed));
    match (inside, outside) {
        (Some(inside), _) if inside != committed => {
            let text = "the payload in the envelope is not the one that was signed for";
            refuse(report, PAYLOAD, Outcome::Broken, "payload_mismatch", &text);
        }
        (_, Some(false)) => {
            let text = "the payload given is not the one that was signed for";
            refuse(report, PAYLOAD, Outcome::Broken, "payload_mismatch", &text);
        }
        (Some(_), _) => report.set(PAYLOAD, Outcome::Holds, "it stands in the envelope and fits its hash"),
        (None, Some(true)) => {
            report.set(PAYLOAD, Outcome::Holds, "the payload given fits the hash that was signed");
        }
        (None, None) => {
            let text = "it is kept elsewhere and was not given: what was signed for is unknown";
            refuse(report, PAYLOAD, Outcome::NotRun, "payload_not_given", &text);
        }
    }
}

/// The bytes themselves, or the canonical form of the same JSON.
fn bytes_fit(bytes: &[u8], committed: &str) -> bool {
    let canonical =
        || json::parse(bytes, MAX_PAYLOAD_BYTES).ok().map(|value| sha256_hex(&value.to_canonical()));
    sha256_hex(bytes) == committed || canonical().is_some_and(|canonical| canonical == committed)
}

fn check_environment(report: &mut Report, found: &Found, allow_dev: bool) {
    // The leaf is what a bundle is about; its checkpoint may be of production and hold it all the same.
    let is_dev_leaf = matches!(found, Found::Bundle(bundle) if bundle.is_dev);
    match found.envelope().text("environment") {
        _ if is_dev_leaf && !allow_dev => {
            let text = "the leaf is marked as made for trying out; it is no evidence of production (--dev accepts it)";
            refuse(report, ENVIRONMENT, Outcome::Broken, "dev_environment", &text);
        }
        Some(DEV) if !allow_dev => {
            let text = "its signer marked it as made for trying out, inside the signed bytes; it is no evidence of production (--dev accepts it)";
            refuse(report, ENVIRONMENT, Outcome::Broken, "dev_environment", &text);
        }
        _ if is_dev_leaf => {
            report.set(ENVIRONMENT, Outcome::Holds, "the leaf was made for trying out, and accepted as such");
        }
        Some(DEV) => report.set(ENVIRONMENT, Outcome::Holds, "made for trying out, and accepted as such"),
        Some(_) => report.set(ENVIRONMENT, Outcome::Holds, "its signer says production"),
        None => report.set(ENVIRONMENT, Outcome::Holds, "not marked as made for trying out; it says nothing"),
    }
}

fn check_signer(report: &mut Report, envelope: &Envelope, keys: &[PublicKey]) {
    let key = hex::encode(envelope.public_key.as_bytes());
    if keys.is_empty() {
        let text = format!("signed by {key}; whose key that is, no key you gave says (--key)");
        refuse(report, SIGNER, Outcome::Undetermined, "unknown_key", &text);
    } else if keys.contains(&envelope.public_key) {
        report.set(SIGNER, Outcome::Holds, format!("{key}, a key that you gave"));
    } else {
        let text = format!("signed by {key}, which is none of the keys that you gave");
        refuse(report, SIGNER, Outcome::Broken, "other_key", &text);
    }
}

fn check_inclusion(report: &mut Report, found: &Found, context: &EnvelopeContext<'_>) {
    let plan = |report: &mut Report| {
        report.checks.extend(Report::planned(Subject::Envelope, &[INCLUSION_PLAN], SCOPE).checks);
    };
    let holds = |name: &str| report.check(name).is_some_and(|check| check.outcome == Outcome::Holds);
    let proved = match (found, context.inclusion) {
        // Root and size stand in the payload: without a signature over it, anybody wrote them.
        (Found::Bundle(_), _) if !(holds(SIGNATURE) && holds(PAYLOAD)) => {
            plan(report);
            let text = "the checkpoint's signature and its payload do not both hold, so there is no signed root to lead to";
            return report.set(INCLUSION, Outcome::NotRun, text);
        }
        (Found::Bundle(bundle), _) => bundle.check(),
        (Found::Envelope(envelope), Some((receipt, record))) => {
            let checkpoint = &receipt.checkpoint;
            let signed = checkpoint.signed_bytes(|_| false);
            let is_dev = checkpoint.text("environment") == Some(DEV);
            if checkpoint.public_key.verify(&signed, &checkpoint.signature).is_err() {
                Err("the checkpoint's own signature does not fit".to_owned())
            } else if !context.keys.is_empty() && !context.keys.contains(&checkpoint.public_key) {
                Err("the checkpoint is signed by none of the keys that you gave".to_owned())
            } else if is_dev && !context.allow_dev {
                Err("the checkpoint is marked as made for trying out".to_owned())
            } else {
                receipt.check(envelope, record)
            }
        }
        (Found::Envelope(_), None) => return,
    };
    plan(report);
    match proved {
        Ok(batch) => report.set(
            INCLUSION,
            Outcome::Holds,
            format!("one of {} leaves under {}", batch.size, batch.root),
        ),
        Err(text) => refuse(report, INCLUSION, Outcome::Broken, "bad_inclusion", &text),
    }
}

/// The three questions and the four aspects.
fn conclude(report: &mut Report) {
    let unaltered: &[&str] = if report.check(INCLUSION).is_some() {
        &[FORM, SIGNATURE, PAYLOAD, INCLUSION]
    } else {
        &[FORM, SIGNATURE, PAYLOAD]
    };
    report.findings = vec![
        Finding {
            question: EXISTED,
            outcome: Outcome::NotRun,
            answer: "Cannot be said: the time in an envelope is what its signer says.".to_owned(),
            rests_on: "nothing; a record of its import says that it existed then".to_owned(),
        },
        Finding::from_checks(
            report,
            UNALTERED,
            unaltered,
            "Envelope and payload are as they were signed.",
            unaltered.join(", "),
        ),
        Finding::from_checks(
            report,
            ISSUED,
            &[FORM, SIGNATURE, SIGNER],
            "By the holder of a key that you believe.",
            "signature, and the key that you gave",
        ),
    ];
    let has_batch = report.check(INCLUSION).is_some();
    let checks = AspectChecks {
        signature: &[FORM, SIGNATURE, SIGNER],
        inclusion: if has_batch { &[INCLUSION] } else { &[] },
        time: &[],
    };
    report.aspects =
        aspects_of(report, &checks).into_iter().map(|aspect| worded(aspect, has_batch)).collect();
}

/// The aspects in words that fit an envelope: it has no ledger and no time of its own.
fn worded(aspect: Aspect, has_batch: bool) -> Aspect {
    let answer = match (aspect.name, has_batch) {
        ("ledger inclusion", false) => {
            "No batch was given; an envelope by itself stands in no ledger.".to_owned()
        }
        ("time", _) => "No outside clock: the time in an envelope is what its signer says.".to_owned(),
        ("live source", _) => "Not asked: compare the payload with what its system says today.".to_owned(),
        ("signature", _) if aspect.standing == crate::verdict::AspectStanding::Holds => {
            "The signature is valid, by a key that you gave.".to_owned()
        }
        ("ledger inclusion", true) if aspect.standing == crate::verdict::AspectStanding::Holds => {
            "It stands in the tree that the batch's checkpoint signs.".to_owned()
        }
        _ => aspect.answer,
    };
    Aspect { answer, ..aspect }
}
