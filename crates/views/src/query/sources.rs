//! Outside sources: what each sent, and which of its numbers are not here.

use std::collections::BTreeSet;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use tabellion_model::registry::{SourceLife, SourceSpan};
use tabellion_model::{KeyInfo, Micros, ProducerId, Spans, SystemId};
use tabellion_tlog::PublicKey;

use super::{Page, Rows, Where};
use crate::error::ViewsError;
use crate::values::{id, int, list, number, optional_id, optional_time, time};
use crate::views::Views;

/// Most stretches of one epoch that are looked at: a source sends in order, so that even a bad week leaves a few.
const MAX_STRETCHES: u32 = 4096;
/// Most epochs of one source in one answer, the latest: a year of daily restarts.
pub const MAX_SOURCE_EPOCHS: u32 = 400;
/// Most epochs with something unsettled that are given at once; whoever wants more goes on behind the last of them.
pub const MAX_UNSETTLED: u32 = 256;
/// Most gaps, and most losses, of one source that are given: a page of them.
pub const MAX_GAP_ROWS: u32 = 200;
/// What makes an epoch `e` unsettled: a hole in its numbers may be there, numbers are declared lost of which the source signed a count, or a gap that was found
/// and not said to be filled.
const UNSETTLED: &str = "(EXISTS (SELECT 1 FROM source_gaps AS g WHERE g.producer = e.producer AND g.epoch = e.epoch AND g.filled_at IS NULL)
    OR settled > ifnull((SELECT max(last) FROM source_spans AS s WHERE s.producer = e.producer AND s.epoch = e.epoch), 0)
    OR (SELECT min(first) FROM source_spans AS s WHERE s.producer = e.producer AND s.epoch = e.epoch) > 1
    OR (SELECT count(*) FROM source_spans AS s WHERE s.producer = e.producer AND s.epoch = e.epoch) > 1
    OR EXISTS (SELECT 1 FROM source_spans AS s
        WHERE s.producer = e.producer AND s.epoch = e.epoch AND s.seen = 0 AND s.first <= e.signed_settled))";

/// A source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSeen {
    /// Who counts.
    pub producer: ProducerId,
    /// The entry that it was first heard of with.
    pub entry: u64,
    /// The system that it belongs to; none: to none.
    pub system: Option<SystemId>,
    /// Its latest epoch.
    pub epoch: u64,
    /// Commit time of what was last heard of it.
    pub last_at: Micros,
    /// The key that it signs its heartbeats with, and the entry that says so; none: it signs nothing.
    pub key: Option<(KeyInfo, u64)>,
}

/// What the newest heartbeat of an epoch said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stated {
    /// Which heartbeat.
    pub beat: u64,
    /// When it was committed.
    pub at: Micros,
    /// The last number given out.
    pub last_seq: u64,
    /// Numbers waiting in the spool.
    pub spooled: u64,
    /// How long it takes, at most, until the source is heard of again, in seconds.
    pub interval_s: u64,
}

/// What the newest heartbeat of an epoch that the source itself signed said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedCount {
    /// The last number given out.
    pub last_seq: u64,
    /// Every number up to here is in the log or declared lost.
    pub settled: u64,
    /// Of those, numbers that are declared lost.
    pub lost: u64,
}

/// Numbers that are not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Which.
    pub span: SourceSpan,
    /// Since when a later number, or a heartbeat, says that they should be.
    pub since: Micros,
    /// Whether the source itself said that they are here.
    pub stated: bool,
}

/// One epoch of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceEpochSeen {
    /// Whose.
    pub life: SourceLife,
    /// Commit time of what was last heard in it.
    pub last_at: Micros,
    /// Numbers that are here.
    pub seen: Spans,
    /// Of those, without content by sampling.
    pub sampled: u64,
    /// Numbers that are declared lost and are not here. Where the source signed that it lost fewer than are declared, those that its count is about are gaps.
    pub lost: u64,
    /// Every number up to here is here or declared lost.
    pub complete_through: u64,
    /// The last number that is here or declared lost.
    pub last_seq: u64,
    /// What is not here, ascending.
    pub gaps: Vec<Gap>,
    /// Gaps of which the log says that they were found, and not yet that they were filled.
    pub found: Vec<SourceSpan>,
    /// The newest heartbeat.
    pub stated: Option<Stated>,
    /// The newest heartbeat that the source signed.
    pub signed: Option<SignedCount>,
    /// Whether the source said that it gives out no more numbers.
    pub closed: bool,
}

/// The epochs of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceEpochs {
    /// The [`MAX_SOURCE_EPOCHS`] latest, and as many of the earlier ones in which numbers are missing or that ended without a word; the latest first.
    pub epochs: Vec<SourceEpochSeen>,
    /// Earlier epochs that were looked at, and are complete and closed.
    pub settled: u64,
    /// Earlier epochs that may have something to say and were not looked at.
    pub not_looked_at: u64,
}

/// A gap as the log names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GapFound {
    /// Which numbers.
    pub span: SourceSpan,
    /// `jump` or `heartbeat`.
    pub why: String,
    /// The entry that names it.
    pub entry: u64,
    /// When that was committed.
    pub at: Micros,
    /// When the log said that they came after all; none: they have not.
    pub filled_at: Option<Micros>,
}

/// Numbers that a source declared lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Which numbers; some of them may be here all the same.
    pub span: SourceSpan,
    /// When the first of it was committed.
    pub since: Micros,
}

/// How many sources and gaps there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SourceCounts {
    /// Sources ever heard of.
    pub sources: u64,
    /// Gaps that the log names and that were not filled.
    pub gaps: u64,
    /// Sources whose latest epoch is open and that were not heard of for longer than twice their interval.
    pub silent: u64,
}

impl Views {
    /// The sources of these systems, or all; the one heard of last for the first time comes first.
    pub fn sources(
        &self,
        systems: Option<&BTreeSet<SystemId>>,
        page: Page,
    ) -> Result<Rows<SourceSeen>, ViewsError> {
        let mut wanted = Where::default();
        let ids = systems.map(|systems| list(&systems.iter().map(SystemId::to_hex).collect::<Vec<_>>()));
        wanted.with("lower(hex(system)) IN (SELECT value FROM json_each(?))", ids);
        self.ask(|db| wanted.page(db, "SELECT * FROM sources", "entry", page, source, |row| row.entry))
    }

    /// One source.
    pub fn source(&self, producer: &ProducerId) -> Result<Option<SourceSeen>, ViewsError> {
        let sql = "SELECT * FROM sources WHERE producer = ?1";
        self.ask(|db| {
            Ok(db.prepare_cached(sql)?.query_row(params![producer.as_bytes()], source).optional()?)
        })
    }

    /// The epochs of a source.
    pub fn source_epochs(&self, producer: &ProducerId) -> Result<SourceEpochs, ViewsError> {
        let latest = format!(
            "SELECT epoch FROM source_epochs WHERE producer = ?1 ORDER BY epoch DESC LIMIT {MAX_SOURCE_EPOCHS}"
        );
        // What is behind these counts too: a year later a gap is a gap.
        let earlier = format!(
            "FROM source_epochs AS e WHERE producer = ?1 AND epoch < ?2 AND (closed = 0 OR {UNSETTLED})"
        );
        let listed = format!("SELECT epoch {earlier} ORDER BY epoch DESC LIMIT {MAX_SOURCE_EPOCHS}");
        self.ask(|db| {
            let seen = |numbers: Vec<u64>| {
                let lives = numbers.into_iter().map(|epoch| SourceLife { producer: *producer, epoch });
                lives
                    .filter_map(|life| epoch_of(db, &life).transpose())
                    .collect::<Result<Vec<_>, ViewsError>>()
            };
            let numbers: Vec<u64> = db
                .prepare_cached(&latest)?
                .query_map(params![producer.as_bytes()], |row| number(row, 0))?
                .collect::<Result<_, _>>()?;
            let Some(first) = numbers.last().copied().filter(|_| numbers.len() == MAX_SOURCE_EPOCHS as usize)
            else {
                return Ok(SourceEpochs { epochs: seen(numbers)?, ..SourceEpochs::default() });
            };
            let mut epochs = seen(numbers)?;
            let key = params![producer.as_bytes(), int(first)];
            let count = |from: &str| {
                db.prepare_cached(&format!("SELECT count(*) {from}"))?.query_row(key, |row| number(row, 0))
            };
            let all = count("FROM source_epochs WHERE producer = ?1 AND epoch < ?2")?;
            let suspected = count(&earlier)?;
            let numbers: Vec<u64> = db
                .prepare_cached(&listed)?
                .query_map(key, |row| number(row, 0))?
                .collect::<Result<_, _>>()?;
            let looked_at = numbers.len() as u64;
            let mut told = seen(numbers)?;
            told.retain(|epoch| !epoch.closed || !epoch.gaps.is_empty());
            let settled = all - suspected + (looked_at - told.len() as u64);
            epochs.extend(told);
            Ok(SourceEpochs { epochs, settled, not_looked_at: suspected - looked_at })
        })
    }

    /// The gaps of a source that the log named, the latest first, [`MAX_GAP_ROWS`] at most.
    pub fn source_gaps(&self, producer: &ProducerId) -> Result<Vec<GapFound>, ViewsError> {
        let sql = format!(
            "SELECT epoch, first, last, why, entry, at, filled_at FROM source_gaps WHERE producer = ?1 ORDER BY entry DESC, first DESC LIMIT {MAX_GAP_ROWS}"
        );
        self.ask(|db| {
            let mut select = db.prepare_cached(&sql)?;
            let rows = select.query_map(params![producer.as_bytes()], |row| {
                Ok(GapFound {
                    span: span_of(row, *producer)?,
                    why: row.get("why")?,
                    entry: number(row, "entry")?,
                    at: time(row, "at")?,
                    filled_at: optional_time(row, "filled_at")?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// What a source declared lost, the latest epoch first, [`MAX_GAP_ROWS`] stretches at most.
    pub fn source_losses(&self, producer: &ProducerId) -> Result<Vec<Loss>, ViewsError> {
        let sql = format!(
            "SELECT epoch, first, last, since FROM source_spans WHERE producer = ?1 AND seen = 0 ORDER BY epoch DESC, first DESC LIMIT {MAX_GAP_ROWS}"
        );
        self.ask(|db| {
            let mut select = db.prepare_cached(&sql)?;
            let rows = select.query_map(params![producer.as_bytes()], |row| {
                Ok(Loss { span: span_of(row, *producer)?, since: time(row, "since")? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// One epoch of a source.
    pub fn source_epoch(&self, life: &SourceLife) -> Result<Option<SourceEpochSeen>, ViewsError> {
        self.ask(|db| epoch_of(db, life))
    }

    /// Epochs behind `after` with a hole in their numbers, or with a gap that was found and not said to be filled, of at most [`MAX_UNSETTLED`] that may be
    /// such; and the last one that was looked at, when there may be more. In the order of sources and epochs, so that whoever goes on comes to every one of them,
    /// however many another source has.
    pub fn unsettled_sources(
        &self,
        after: Option<SourceLife>,
    ) -> Result<(Vec<SourceEpochSeen>, Option<SourceLife>), ViewsError> {
        let sql = format!(
            "SELECT producer, epoch FROM source_epochs AS e WHERE (producer, epoch) > (?1, ?2) AND {UNSETTLED}
             ORDER BY producer, epoch LIMIT {MAX_UNSETTLED}"
        );
        let (producer, epoch) =
            after.map_or((Vec::new(), 0), |life| (life.producer.as_bytes().to_vec(), int(life.epoch)));
        self.ask(|db| {
            let lives: Vec<SourceLife> = db
                .prepare_cached(&sql)?
                .query_map(params![producer, epoch], |row| {
                    Ok(SourceLife { producer: id(row, 0)?, epoch: number(row, 1)? })
                })?
                .collect::<Result<_, _>>()?;
            let next = lives.last().copied().filter(|_| lives.len() == MAX_UNSETTLED as usize);
            let epochs = lives.iter().filter_map(|life| epoch_of(db, life).transpose());
            let unsettled = |epoch: &SourceEpochSeen| !epoch.gaps.is_empty() || !epoch.found.is_empty();
            let epochs = epochs.filter(|epoch| epoch.as_ref().map_or(true, unsettled));
            Ok((epochs.collect::<Result<_, ViewsError>>()?, next))
        })
    }

    /// How many sources and gaps there are at `now`.
    pub fn source_counts(&self, now: Micros) -> Result<SourceCounts, ViewsError> {
        let silent = "SELECT count(*) FROM sources JOIN source_epochs USING (producer, epoch)
            WHERE closed = 0 AND interval_s > 0 AND sources.last_at + 2000000 * interval_s < ?1";
        self.ask(|db| {
            let count = |sql: &str| db.prepare_cached(sql)?.query_row([], |row| number(row, 0));
            Ok(SourceCounts {
                sources: count("SELECT count(*) FROM sources")?,
                gaps: count("SELECT count(*) FROM source_gaps WHERE filled_at IS NULL")?,
                silent: db.prepare_cached(silent)?.query_row(params![int(now.0)], |row| number(row, 0))?,
            })
        })
    }
}

fn span_of(row: &Row<'_>, producer: ProducerId) -> rusqlite::Result<SourceSpan> {
    let life = SourceLife { producer, epoch: number(row, "epoch")? };
    Ok(SourceSpan { life, first: number(row, "first")?, last: number(row, "last")? })
}

fn source(row: &Row<'_>) -> rusqlite::Result<SourceSeen> {
    Ok(SourceSeen {
        producer: id(row, "producer")?,
        entry: number(row, "entry")?,
        system: optional_id(row, "system")?,
        epoch: number(row, "epoch")?,
        last_at: time(row, "last_at")?,
        key: key_of(row)?,
    })
}

/// The key of a source, which was a key where it was recorded.
fn key_of(row: &Row<'_>) -> rusqlite::Result<Option<(KeyInfo, u64)>> {
    let Some(bytes) = row.get::<_, Option<[u8; 32]>>("key")? else { return Ok(None) };
    let public = PublicKey::from_bytes(&bytes)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, Box::new(error)))?;
    Ok(Some((KeyInfo::of(public), number(row, "key_entry")?)))
}

/// What an epoch's own row says.
struct EpochRow {
    last_at: Micros,
    sampled: u64,
    settled: u64,
    closed: bool,
    stated: Option<Stated>,
    signed: Option<SignedCount>,
}

fn epoch_row(row: &Row<'_>) -> rusqlite::Result<EpochRow> {
    let stated = match optional_time(row, "stated_at")? {
        None => None,
        Some(at) => Some(Stated {
            beat: number(row, "beat")?,
            at,
            last_seq: number(row, "stated_seq")?,
            spooled: number(row, "spooled")?,
            interval_s: number(row, "interval_s")?,
        }),
    };
    let signed = SignedCount {
        last_seq: number(row, "signed_seq")?,
        settled: number(row, "signed_settled")?,
        lost: number(row, "signed_lost")?,
    };
    Ok(EpochRow {
        last_at: time(row, "last_at")?,
        sampled: number(row, "sampled")?,
        settled: number(row, "settled")?,
        closed: row.get("closed")?,
        stated,
        signed: (number(row, "signed_beat")? > 0).then_some(signed),
    })
}

fn epoch_of(db: &Connection, life: &SourceLife) -> Result<Option<SourceEpochSeen>, ViewsError> {
    let key = params![life.producer.as_bytes(), int(life.epoch)];
    let sql = "SELECT * FROM source_epochs WHERE producer = ?1 AND epoch = ?2";
    let Some(row) = db.prepare_cached(sql)?.query_row(key, epoch_row).optional()? else { return Ok(None) };
    let sql = format!(
        "SELECT first, last, seen, since FROM source_spans WHERE producer = ?1 AND epoch = ?2 ORDER BY first LIMIT {MAX_STRETCHES}"
    );
    let stretches: Vec<(u64, u64, bool, Micros)> = db
        .prepare_cached(&sql)?
        .query_map(key, |row| Ok((number(row, 0)?, number(row, 1)?, row.get(2)?, time(row, 3)?)))?
        .collect::<Result<_, _>>()?;
    // Behind the last stretch that was looked at nothing is known, so nothing is said to be missing there.
    let is_all = stretches.len() < MAX_STRETCHES as usize;
    let looked_at = if is_all { None } else { stretches.last().map(|(first, ..)| first.saturating_sub(1)) };
    let (mut seen, mut declared) = (Spans::default(), Spans::default());
    for (first, last, is_seen, _) in &stretches {
        let spans = if *is_seen { &mut seen } else { &mut declared };
        spans.insert(*first, *last);
    }
    let accounted = accounted(&seen, &declared, row.signed, looked_at);
    let sql = format!(
        "SELECT first, last FROM source_gaps WHERE producer = ?1 AND epoch = ?2 AND filled_at IS NULL ORDER BY first LIMIT {MAX_STRETCHES}"
    );
    let found = db
        .prepare_cached(&sql)?
        .query_map(key, |row| Ok(SourceSpan { life: *life, first: number(row, 0)?, last: number(row, 1)? }))?
        .collect::<Result<_, _>>()?;
    let last_seq = accounted.last().unwrap_or(0);
    let missing = accounted.missing(1, if is_all { last_seq.max(row.settled) } else { last_seq });
    let stated_at = row.stated.map_or(row.last_at, |stated| stated.at);
    let gaps = missing.iter().map(|(first, last)| {
        let later = stretches.iter().filter(|(begin, ..)| begin > last).map(|(_, _, _, since)| *since).min();
        Gap {
            span: SourceSpan { life: *life, first: *first, last: *last },
            since: later.unwrap_or(stated_at),
            stated: *first <= row.settled,
        }
    });
    Ok(Some(SourceEpochSeen {
        life: *life,
        last_at: row.last_at,
        lost: accounted.count() - seen.count(),
        complete_through: missing.first().map_or(last_seq, |(first, _)| first - 1),
        last_seq,
        gaps: gaps.collect(),
        found,
        seen,
        sampled: row.sampled,
        stated: row.stated,
        signed: row.signed,
        closed: row.closed,
    }))
}

/// The numbers that are here or declared lost. Declarations come under the API key alone: where the source signed that it lost fewer than are declared, they are not
/// its word, and up to where its count goes they account for nothing. `looked_at`: the last number up to which all is known; none: to the end.
fn accounted(seen: &Spans, declared: &Spans, signed: Option<SignedCount>, looked_at: Option<u64>) -> Spans {
    let all = seen.with(declared);
    let Some(signed) = signed else { return all };
    let through = looked_at.map_or(signed.settled, |last| signed.settled.min(last));
    if all.count_through(through) - seen.count_through(through) <= signed.lost {
        return all;
    }
    seen.with(&declared.after(through))
}
