//! Whether an outside source itself signed the heartbeat that a receipt shows (formats §7.1, §12).
//!
//! Promises that a heartbeat without a signature is never called the source's own word: the notary wrote down what was sent under an API key.

use crate::entry::Entry;
use crate::registry::{Facts, facts};
use crate::verdict::{CheckPlan, Outcome, Report};

pub(crate) const SOURCE_SIGNATURE: &str = "source signature";
/// The check, which the report on a heartbeat has.
const SOURCE_SIGNATURE_PLAN: CheckPlan = CheckPlan {
    name: SOURCE_SIGNATURE,
    proves: "The source signed these counts itself, with the key that the heartbeat names.",
    does_not_prove: "Whose key it is: compare its id with the one that the application has; or that the source counted everything that it saw.",
};

/// Judges the signature, where the entry is a heartbeat. What an actor signed as a statement is not a source's count.
pub(super) fn check(report: &mut Report, entry: &Entry) {
    let Entry::Record(record) = entry else { return };
    let Ok(Some(Facts::SourceHeartbeat(beat))) = facts(&record.header) else { return };
    let Some(signed) = &beat.signed else {
        report.plan_optional(&SOURCE_SIGNATURE_PLAN);
        let text = "the source did not sign it: it is the notary's account of what was sent under an API key";
        return report.set(SOURCE_SIGNATURE, Outcome::NotRun, text);
    };
    report.plan_required(&SOURCE_SIGNATURE_PLAN);
    let (key, source) = (signed.key.key_id, beat.life.producer);
    if beat.is_signed() == Some(true) {
        let text = format!("source {source} signed it at {} by its own clock, with key {key}", signed.at);
        report.set(SOURCE_SIGNATURE, Outcome::Holds, text);
    } else {
        let text = format!("key {key}, which the heartbeat of source {source} names, did not sign it");
        report.set(SOURCE_SIGNATURE, Outcome::Broken, text);
    }
}
