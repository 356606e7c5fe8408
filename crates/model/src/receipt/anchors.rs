//! The anchors of a receipt: evidence that somebody outside held the digest of the receipt's own checkpoint (formats §9).
//!
//! Promises: one byte form; what could not be checked is no bound. Must never: say when an entry was not there yet, which only the log's record of the
//! evidence could show.

use serde_json::{Value as Json, json};
use tabellion_tlog::Checkpoint;
use tabellion_tlog::anchor::{AnchorFinding, AnchorKind, AnchorTrust, MAX_EVIDENCE_BYTES, digest};

use crate::bounds::Bound;
use crate::form::{FormFault, Members, base64_text};
use crate::package::ANCHORS;
use crate::root_log::verify_anchor;
use crate::verdict::{Outcome, Problems, Report};

/// Most anchors of one receipt: one of each kind, twice over.
const MAX_ANCHORS: usize = 8;

/// Evidence of one anchor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptAnchor {
    /// Who confirmed.
    pub anchor: AnchorKind,
    /// The evidence in the anchor's own format.
    pub evidence: Vec<u8>,
}

impl ReceiptAnchor {
    pub(super) fn to_json(&self) -> Json {
        json!({ "anchor": self.anchor.as_str(), "evidence": base64_text(&self.evidence) })
    }

    /// By what they stand in order: the kind's name, then the evidence as it is written.
    pub fn sort_key(&self) -> (&'static str, String) {
        (self.anchor.as_str(), base64_text(&self.evidence))
    }
}

/// Reads the member `anchors`.
pub(super) fn read(value: Json) -> Result<Vec<ReceiptAnchor>, FormFault> {
    let place = "extra: `anchors`";
    let Json::Array(values) = value else { return Err(FormFault::new(place, "is not an array")) };
    if values.is_empty() || values.len() > MAX_ANCHORS {
        return Err(FormFault::new(place, "does not hold 1 to 8 anchors"));
    }
    let anchors = values.into_iter().map(|value| one(place, value)).collect::<Result<Vec<_>, _>>()?;
    let ascends =
        anchors.iter().zip(anchors.iter().skip(1)).all(|(one, next)| one.sort_key() < next.sort_key());
    if !ascends {
        return Err(FormFault::new(place, "is out of order or repeats one"));
    }
    Ok(anchors)
}

fn one(place: &str, value: Json) -> Result<ReceiptAnchor, FormFault> {
    let mut members = Members::of(place, value)?;
    let name = members.text("anchor")?;
    let anchor =
        AnchorKind::from_name(&name).ok_or_else(|| members.fault("anchor", "names no kind of anchor"))?;
    let evidence = members.bytes("evidence")?;
    if evidence.len() > MAX_EVIDENCE_BYTES {
        return Err(members.fault("evidence", "is larger than any evidence"));
    }
    members.finish()?;
    Ok(ReceiptAnchor { anchor, evidence })
}

/// Judges the check `anchors`. Gives what the anchors that hold say of time.
pub(super) fn check(
    report: &mut Report,
    anchors: &[ReceiptAnchor],
    checkpoint: &Checkpoint,
    trust: &AnchorTrust,
) -> Vec<Bound> {
    let (mut problems, mut bounds, mut open) = (Problems::default(), Vec::new(), Vec::new());
    let (digest, size) = (digest(checkpoint), checkpoint.size);
    for (number, one) in (1..).zip(anchors) {
        match verify_anchor(one.anchor, &one.evidence, &digest, trust) {
            AnchorFinding::Broken(problem) => problems.broken(|| format!("anchor {number}: {problem}")),
            AnchorFinding::NotChecked(why) => {
                open.push(format!("anchor {number}: {} not checked: {why}", one.anchor));
            }
            AnchorFinding::Holds { span, source, .. } => {
                // Without the log's record of it, evidence dates nothing from below.
                bounds.push(Bound { size, record: size, span, source, unforeseeable: false });
            }
        }
    }
    let told = open.first().map(|first| format!("{} of {} not checked ({first})", open.len(), anchors.len()));
    if problems.summary().is_none() && bounds.is_empty() {
        report.set(ANCHORS, Outcome::Undetermined, told.unwrap_or_default());
        return bounds;
    }
    let confirmed = format!("{} of {} confirmed", bounds.len(), anchors.len());
    let told: Vec<String> = std::iter::once(confirmed).chain(told).collect();
    report.settle(ANCHORS, &problems, told.join("; "));
    bounds
}
