//! Which numbers of which producer are here, in words (`docs/formats.md` §7).
//!
//! Promises: an epoch without its close reads "unknown after", never as complete.

use std::collections::BTreeMap;

use tabellion_model::{EpochRow, KeyChain, ProducerId, Purpose, SourceRow};

use super::words::{count, counted, short};

/// Rows of epochs: one per process life and producer; a year of daily restarts fits. The rest is counted.
const MAX_EPOCH_ROWS: usize = 400;

/// Gaps of one life of a source that are said; the manifest has more of them.
const MAX_GAPS_SAID: usize = 8;

/// Who the producers of a log are, as far as its keys say.
pub(super) struct Names {
    own: ProducerId,
    root: ProducerId,
    actors: BTreeMap<ProducerId, String>,
}

impl Names {
    pub(super) fn of(chain: &KeyChain) -> Self {
        let actors = chain.grants().filter(|grant| grant.purpose == Purpose::Actor);
        Self {
            own: ProducerId::of_log(chain.genesis_hash()),
            root: ProducerId::of_key(&chain.root().key_id),
            actors: actors
                .map(|grant| (ProducerId::of_key(&grant.info.key_id), short(&grant.info.key_id.to_hex())))
                .collect(),
        }
    }

    fn name(&self, producer: &ProducerId) -> String {
        if *producer == self.own {
            "The log itself".to_owned()
        } else if *producer == self.root {
            "The root key".to_owned()
        } else if let Some(key) = self.actors.get(producer) {
            format!("Actor with key {key}")
        } else {
            "Another producer".to_owned()
        }
    }
}

/// One producer and epoch.
pub(super) struct EpochLine {
    pub(super) name: String,
    pub(super) producer: String,
    pub(super) epoch: String,
    pub(super) records: String,
    pub(super) words: String,
    /// Whether the words say that something is not known.
    pub(super) open: bool,
}

/// The table and the sentence above it.
pub(super) struct Completeness {
    pub(super) lines: Vec<EpochLine>,
    pub(super) more: usize,
    pub(super) summary: String,
    /// What outside sources counted, one line for each life.
    pub(super) sources: Vec<SourceLine>,
    pub(super) more_sources: usize,
    pub(super) sources_summary: String,
}

/// One life of an outside source.
pub(super) struct SourceLine {
    pub(super) producer: String,
    pub(super) epoch: String,
    pub(super) records: String,
    pub(super) words: String,
    /// Whether the words say that something is missing or not known.
    pub(super) open: bool,
}

impl SourceLine {
    fn of(row: &SourceRow) -> Self {
        let mut parts = vec![match row.last_seq {
            0 => "no number is counted".to_owned(),
            last => stretch(row.first_seq, last),
        }];
        parts.push(if row.missing == 0 {
            "complete".to_owned()
        } else {
            let named = row.gaps.iter().take(MAX_GAPS_SAID).map(|(first, last)| stretch(*first, *last));
            let named: Vec<String> = named.collect();
            let more = if row.gaps.len() > MAX_GAPS_SAID { ", …" } else { "" };
            format!("{} missing: {}{more}", count(row.missing), named.join(", "))
        });
        parts.extend((row.lost > 0).then(|| format!("{} declared lost", count(row.lost))));
        parts.extend(
            (row.unsigned_lost > 0)
                .then(|| format!("{} more than the source signed", count(row.unsigned_lost))),
        );
        parts
            .extend((row.sampled > 0).then(|| format!("{} without content by sampling", count(row.sampled))));
        parts.extend(
            (row.repeated > 0)
                .then(|| format!("{} repeat a number", counted(row.repeated, "record", "records"))),
        );
        parts.extend((row.waiting > 0).then(|| format!("{} more had been counted", count(row.waiting))));
        parts.push(if row.closed {
            "closed".to_owned()
        } else {
            format!("unknown after {}", count(row.last_seq))
        });
        Self {
            producer: row.life.producer.to_string(),
            epoch: row.life.epoch.to_string(),
            records: count(row.count),
            words: parts.join(", "),
            open: row.missing > 0 || row.unsigned_lost > 0 || row.repeated > 0 || !row.closed,
        }
    }
}

pub(super) fn completeness(epochs: &[EpochRow], sources: &[SourceRow], names: &Names) -> Completeness {
    let lines = epochs.iter().take(MAX_EPOCH_ROWS).map(|row| EpochLine {
        name: names.name(&row.producer),
        producer: row.producer.to_string(),
        epoch: row.epoch.to_string(),
        records: count(row.count),
        words: in_words(row),
        open: !row.closed,
    });
    let missing: u64 = epochs.iter().map(|row| row.missing).sum();
    let open = epochs.iter().filter(|row| !row.closed).count() as u64;
    let epochs_here = counted(epochs.len() as u64, "epoch", "epochs");
    let gaps =
        if missing == 0 { "no number is missing".to_owned() } else { format!("{} missing", count(missing)) };
    let ends = match open {
        0 => "every epoch is closed".to_owned(),
        _ => format!(
            "{} not closed in this range",
            if open == 1 { "1 is".to_owned() } else { format!("{} are", count(open)) }
        ),
    };
    Completeness {
        lines: lines.collect(),
        more: epochs.len().saturating_sub(MAX_EPOCH_ROWS),
        summary: format!("{epochs_here}: {gaps}, {ends}."),
        sources: sources.iter().take(MAX_EPOCH_ROWS).map(SourceLine::of).collect(),
        more_sources: sources.len().saturating_sub(MAX_EPOCH_ROWS),
        sources_summary: sources_summary(sources),
    }
}

/// What is to be said of all sources together.
fn sources_summary(sources: &[SourceRow]) -> String {
    // Sources say what they like: together it may be more than 64 bits hold, which then is the most that is said.
    let sum = |of: fn(&SourceRow) -> u64| sources.iter().map(of).fold(0, u64::saturating_add);
    let lives = counted(sources.len() as u64, "epoch of a source", "epochs of sources");
    let missing = match sum(|row| row.missing) {
        0 => "no number is missing".to_owned(),
        missing => format!("{} numbers are missing, and what they stood for nobody can say", count(missing)),
    };
    let lost = match sum(|row| row.lost) {
        0 => String::new(),
        lost => format!(", {} are declared lost", count(lost)),
    };
    format!("{lives}: {missing}{lost}.")
}

fn stretch(first: u64, last: u64) -> String {
    if first == last { count(first) } else { format!("{}–{}", count(first), count(last)) }
}

fn in_words(row: &EpochRow) -> String {
    let range = stretch(row.first_seq, row.last_seq);
    let gaps =
        if row.missing == 0 { "complete".to_owned() } else { format!("{} missing", count(row.missing)) };
    let start = if row.opened || row.first_seq == 1 { "" } else { ", begins before this range" };
    let end =
        if row.closed { ", closed".to_owned() } else { format!(", unknown after {}", count(row.last_seq)) };
    format!("{range}, {gaps}{start}{end}")
}

#[cfg(test)]
mod tests {
    use tabellion_model::registry::SourceLife;

    use super::*;

    fn row(first_seq: u64, last_seq: u64, opened: bool, closed: bool) -> EpochRow {
        let producer = ProducerId::from_bytes([7; 16]);
        EpochRow {
            producer,
            epoch: 1,
            first_seq,
            last_seq,
            count: last_seq - first_seq + 1,
            missing: 0,
            opened,
            closed,
        }
    }

    /// Requirement: B01
    #[test]
    fn an_epoch_is_called_closed_only_when_its_close_is_here() {
        assert_eq!(in_words(&row(1, 57, true, true)), "1–57, complete, closed");
        assert_eq!(
            in_words(&row(1, 57, true, false)),
            "1–57, complete, unknown after 57",
            "an open end would pass for an end"
        );
        assert_eq!(
            in_words(&row(58, 1_090, false, false)),
            "58–1,090, complete, begins before this range, unknown after 1,090",
            "a part of an epoch would pass for the whole"
        );
        let gap = EpochRow { count: 55, missing: 2, ..row(1, 57, true, true) };
        assert_eq!(in_words(&gap), "1–57, 2 missing, closed", "missing records would not be seen");
    }

    fn source(lost: u64) -> SourceRow {
        SourceRow {
            life: SourceLife { producer: ProducerId::from_bytes([7; 16]), epoch: 3 },
            first_seq: 1,
            last_seq: 1_090,
            count: 1_087,
            sampled: 12,
            lost,
            unsigned_lost: 0,
            missing: 3,
            gaps: vec![(4, 5), (9, 9)],
            repeated: 0,
            waiting: 2,
            closed: false,
        }
    }

    /// Requirement: B01, W07
    #[test]
    fn the_table_of_sources_names_what_is_missing_lost_and_not_known() {
        let line = SourceLine::of(&source(0));
        let said = "1–1,090, 3 missing: 4–5, 9, 12 without content by sampling, 2 more had been counted, unknown after 1,090";
        assert_eq!((line.words.as_str(), line.open), (said, true), "an auditor would read it as complete");
        let whole =
            SourceRow { missing: 0, gaps: Vec::new(), waiting: 0, sampled: 0, closed: true, ..source(4) };
        let twice = SourceLine::of(&SourceRow { repeated: 2, ..whole.clone() });
        assert_eq!(
            (twice.words.as_str(), twice.open),
            ("1–1,090, complete, 4 declared lost, 2 records repeat a number, closed", true),
            "two records of one number pass for one"
        );
        let overruled = SourceLine::of(&SourceRow { unsigned_lost: 3, ..whole.clone() });
        assert_eq!(
            (overruled.words.as_str(), overruled.open),
            ("1–1,090, complete, 4 declared lost, 3 more than the source signed, closed", true),
            "losses that the source did not sign pass for its word"
        );
        let line = SourceLine::of(&whole);
        assert_eq!(
            (line.words.as_str(), line.open),
            ("1–1,090, complete, 4 declared lost, closed", false),
            "what was lost passes for what is here"
        );
        assert_eq!(
            sources_summary(&[source(0), source(4)]),
            "2 epochs of sources: 6 numbers are missing, and what they stood for nobody can say, 4 are declared lost."
        );
        let most = sources_summary(&[source(u64::MAX), source(1)]);
        assert!(most.contains("18,446,744,073,709,551,615 are declared lost"), "a lie wraps around: {most}");
    }

    /// Requirement: B01. What does not fit is said, and stands in the manifest.
    #[test]
    fn a_table_of_sources_that_is_cut_says_how_much_is_not_in_it() {
        let rows = vec![source(0); MAX_EPOCH_ROWS + 5];
        let id = ProducerId::from_bytes([7; 16]);
        let all = completeness(&[], &rows, &Names { own: id, root: id, actors: BTreeMap::new() });
        assert_eq!((all.sources.len(), all.more_sources), (MAX_EPOCH_ROWS, 5), "sources vanish unsaid");
        assert!(
            all.sources_summary.contains(&format!("{} numbers are missing", count(3 * rows.len() as u64)))
        );
    }
}
