//! Whether outside sources themselves signed the heartbeats of a range (formats §7.1, §12).
//!
//! Promises that a heartbeat whose signature is wrong, one under another key than before without a person's word for it, and one without a signature after
//! others with one are broken and named; and that those of sources without a key are counted as what they are: the notary's account of what it was sent.

use std::collections::BTreeMap;

use crate::header::Header;
use crate::id::{KeyId, ProducerId};
use crate::registry::{Facts, Kind, Recognition, facts, recognise};
use crate::verdict::{CheckPlan, Problems, Report};

pub(crate) const SOURCE_SIGNATURES: &str = "source signatures";
/// The check, which a report has when the range tells of a source's key.
const SOURCE_SIGNATURES_PLAN: CheckPlan = CheckPlan {
    name: SOURCE_SIGNATURES,
    proves: "Each signed heartbeat is signed by the key that it names, and a source keeps its key in this range unless a person put another in its place.",
    does_not_prove: "Whose key it is, which the application can say, or that the source counted everything that it saw.",
};

/// What one record says of a source's key.
#[derive(Clone, Debug)]
pub(crate) struct SourceWord {
    index: u64,
    producer: ProducerId,
    said: Said,
}

#[derive(Clone, Copy, Debug)]
enum Said {
    /// A heartbeat under this key, and whether its signature is right.
    Signed(KeyId, bool),
    /// A heartbeat without a signature.
    Unsigned,
    /// A person's word for this key, after that one.
    KeySet(KeyId, Option<KeyId>),
}

/// What a sealed record says of a source's key, its signature checked.
pub(crate) fn source_word(index: u64, header: &Header) -> Option<SourceWord> {
    let is_one = matches!(recognise(header), Recognition::Known(Kind::SourceHeartbeat | Kind::SourceKeySet));
    match if is_one { facts(header).ok().flatten() } else { None }? {
        Facts::SourceHeartbeat(beat) => {
            let said = match (&beat.signed, beat.is_signed()) {
                (Some(signed), holds) => Said::Signed(signed.key.key_id, holds == Some(true)),
                (None, _) => Said::Unsigned,
            };
            Some(SourceWord { index, producer: beat.life.producer, said })
        }
        Facts::SourceKeySet(set) => {
            Some(SourceWord { index, producer: set.producer, said: Said::KeySet(set.key.key_id, set.old) })
        }
        _ => None,
    }
}

/// The keys of the sources of a range, record by record in the order of the log.
#[derive(Debug, Default)]
pub(crate) struct RangeSourceKeys {
    keys: BTreeMap<ProducerId, KeyId>,
    signed: u64,
    unsigned: u64,
    problems: Problems,
}

impl RangeSourceKeys {
    pub(crate) fn take(&mut self, word: &SourceWord) {
        let SourceWord { index, producer, said } = word;
        let known = self.keys.get(producer).copied();
        match *said {
            Said::Signed(key, holds) => {
                self.signed += 1;
                if !holds {
                    let text = "is not signed by the key that it names";
                    self.problems
                        .broken(|| format!("entry {index}: the heartbeat of source {producer} {text}"));
                } else if known.is_some_and(|known| known != key) {
                    let text =
                        "is signed with another key than the one before it, and nobody put that in its place";
                    self.problems
                        .broken(|| format!("entry {index}: the heartbeat of source {producer} {text}"));
                } else {
                    self.keys.insert(*producer, key);
                }
            }
            Said::Unsigned => {
                self.unsigned += 1;
                if known.is_some() {
                    let text = "is not signed, and those before it are";
                    self.problems
                        .broken(|| format!("entry {index}: the heartbeat of source {producer} {text}"));
                }
            }
            Said::KeySet(key, old) => {
                if known.is_some() && known != old {
                    let text = "puts a key in the place of another than the source's";
                    self.problems.broken(|| format!("entry {index}: {text}, {producer}"));
                }
                self.keys.insert(*producer, key);
            }
        }
    }

    /// Reports the signatures, when there are any.
    pub(crate) fn check(self, report: &mut Report) {
        if self.signed == 0 && self.keys.is_empty() {
            return;
        }
        report.plan_required(&SOURCE_SIGNATURES_PLAN);
        let counted = format!(
            "heartbeats signed by their source: {}, sources with a key: {}; not signed, so the notary's account alone: {}",
            self.signed,
            self.keys.len(),
            self.unsigned
        );
        report.settle(SOURCE_SIGNATURES, &self.problems, counted);
    }
}
