//! Outside sources and the numbers that they gave to their records (`docs/formats.md` §7.1).
//!
//! Promises: all of it is in headers, so no erasure changes a row; a number counts once, however often it comes. Must never: count what an actor
//! signed elsewhere.

use rusqlite::{Connection, params};
use tabellion_model::registry::{self, Facts, Heartbeat, SourceKeySet, SourceLife, SourceSpan};
use tabellion_model::{SourceNumber, Withheld};

use super::{Applied, Projection, Table, changed, run};
use crate::record::Record;
use crate::values::int;

pub(super) const SOURCES: Projection =
    Projection { name: "sources", version: 3, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

const TABLES: &[Table] = &[
    Table { name: "sources", key: "producer", tagged: &[] },
    Table { name: "source_epochs", key: "producer, epoch", tagged: &[] },
    Table { name: "source_spans", key: "producer, epoch, seen, first", tagged: &[] },
    Table { name: "source_gaps", key: "producer, epoch, first, last", tagged: &[] },
];

const DDL: &str = "
CREATE TABLE sources (
    producer BLOB PRIMARY KEY,
    entry INTEGER NOT NULL,
    system BLOB,
    epoch INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    key BLOB,
    key_entry INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX sources_first ON sources (entry);
CREATE INDEX sources_system ON sources (system, entry);
CREATE TABLE source_epochs (
    producer BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    sampled INTEGER NOT NULL,
    repeated INTEGER NOT NULL,
    beat INTEGER NOT NULL,
    stated_at INTEGER,
    stated_seq INTEGER NOT NULL,
    stated_lost INTEGER NOT NULL,
    spooled INTEGER NOT NULL,
    settled INTEGER NOT NULL,
    interval_s INTEGER NOT NULL,
    closed INTEGER NOT NULL,
    signed_beat INTEGER NOT NULL,
    signed_seq INTEGER NOT NULL,
    signed_settled INTEGER NOT NULL,
    signed_lost INTEGER NOT NULL,
    PRIMARY KEY (producer, epoch)
) STRICT, WITHOUT ROWID;
CREATE TABLE source_spans (
    producer BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (producer, epoch, seen, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE source_gaps (
    producer BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    why TEXT NOT NULL,
    entry INTEGER NOT NULL,
    at INTEGER NOT NULL,
    filled_at INTEGER,
    PRIMARY KEY (producer, epoch, first, last)
) STRICT, WITHOUT ROWID;
CREATE INDEX source_gaps_open ON source_gaps (producer, epoch) WHERE filled_at IS NULL;
";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if record.header.clear.is_none() {
        return Ok(Applied::Passed);
    }
    if let Some(number) = SourceNumber::of(record.header) {
        return numbered(db, record, &number);
    }
    match registry::facts(record.header) {
        Ok(Some(Facts::SourceHeartbeat(beat))) => heartbeat(db, record, &beat),
        Ok(Some(Facts::SourceKeySet(set))) => key_set(db, record, &set),
        Ok(Some(Facts::GapDeclared(span, _))) => {
            alive(db, record, &span.life)?;
            add(db, record, &span, false)?;
            Ok(Applied::Changed)
        }
        Ok(Some(Facts::GapFound(span, why))) => found(db, record, &span, why.as_str()),
        Ok(Some(Facts::GapFilled(span))) => filled(db, record, &span),
        _ => Ok(Applied::Passed),
    }
}

fn numbered(db: &Connection, record: &Record<'_>, number: &SourceNumber) -> rusqlite::Result<Applied> {
    alive(db, record, &number.life)?;
    let span = SourceSpan { life: number.life, first: number.seq, last: number.seq };
    let new = add(db, record, &span, true)?;
    let (sampled, repeated) = (new && number.withheld == Some(Withheld::Sampled), !new);
    if sampled || repeated {
        let sql = "UPDATE source_epochs SET sampled = sampled + ?3, repeated = repeated + ?4 WHERE producer = ?1 AND epoch = ?2";
        let (producer, epoch) = (number.life.producer.as_bytes(), int(number.life.epoch));
        run(db, sql, params![producer, epoch, sampled, repeated])?;
    }
    Ok(Applied::Changed)
}

/// Notes that a source was heard of. The system of its first record is the one that it belongs to.
fn alive(db: &Connection, record: &Record<'_>, life: &SourceLife) -> rusqlite::Result<()> {
    let (producer, epoch, at) = (life.producer.as_bytes(), int(life.epoch), int(record.committed_at.0));
    let system = record.header.system.as_ref().map(|(system, _)| *system.as_bytes());
    let sql = "INSERT INTO sources (producer, entry, system, epoch, last_at) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (producer) DO UPDATE SET epoch = max(epoch, excluded.epoch), last_at = excluded.last_at";
    run(db, sql, params![producer, int(record.index), system, epoch, at])?;
    let sql = "INSERT INTO source_epochs
        (producer, epoch, first_at, last_at, sampled, repeated, beat, stated_seq, stated_lost, spooled, settled, interval_s, closed,
         signed_beat, signed_seq, signed_settled, signed_lost)
        VALUES (?1, ?2, ?3, ?3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        ON CONFLICT (producer, epoch) DO UPDATE SET last_at = excluded.last_at";
    run(db, sql, params![producer, epoch, at])?;
    Ok(())
}

/// Adds numbers to the stretches that they touch; gives whether any of them is new.
fn add(db: &Connection, record: &Record<'_>, span: &SourceSpan, seen: bool) -> rusqlite::Result<bool> {
    let (producer, epoch) = (span.life.producer.as_bytes(), int(span.life.epoch));
    let near = "SELECT first, last, since FROM source_spans
        WHERE producer = ?1 AND epoch = ?2 AND seen = ?3 AND first <= ?5 + 1 AND last >= ?4 - 1 ORDER BY first";
    let (mut first, mut last, mut since) = (int(span.first), int(span.last), int(record.committed_at.0));
    let touched: Vec<(i64, i64, i64)> = db
        .prepare_cached(near)?
        .query_map(params![producer, epoch, seen, first, last], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?
        .collect::<Result<_, _>>()?;
    let is_new = !touched.iter().any(|(begin, end, _)| *begin <= first && last <= *end);
    if !is_new {
        return Ok(false);
    }
    for (begin, end, known) in &touched {
        (first, last, since) = (first.min(*begin), last.max(*end), since.min(*known));
        let sql = "DELETE FROM source_spans WHERE producer = ?1 AND epoch = ?2 AND seen = ?3 AND first = ?4";
        run(db, sql, params![producer, epoch, seen, begin])?;
    }
    let sql = "INSERT INTO source_spans (producer, epoch, seen, first, last, since) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    run(db, sql, params![producer, epoch, seen, first, last, since])?;
    Ok(true)
}

fn heartbeat(db: &Connection, record: &Record<'_>, beat: &Heartbeat) -> rusqlite::Result<Applied> {
    alive(db, record, &beat.life)?;
    let sql = "UPDATE source_epochs SET closed = max(closed, ?3), settled = max(settled, ?4) WHERE producer = ?1 AND epoch = ?2";
    let (producer, epoch) = (beat.life.producer.as_bytes(), int(beat.life.epoch));
    run(db, sql, params![producer, epoch, beat.closed, int(beat.settled())])?;
    let sql = "UPDATE source_epochs SET beat = ?3, stated_at = ?4, stated_seq = ?5, stated_lost = ?6, spooled = ?7, interval_s = ?8
        WHERE producer = ?1 AND epoch = ?2 AND beat < ?3";
    let values = params![
        producer,
        epoch,
        int(beat.beat),
        int(record.committed_at.0),
        int(beat.last_seq),
        int(beat.lost),
        int(beat.spooled),
        int(beat.interval_s)
    ];
    run(db, sql, values)?;
    if let Some(signed) = &beat.signed {
        // The first signed heartbeat says which key the source has; from then on only a person says another.
        let sql = "UPDATE sources SET key = ?2, key_entry = ?3 WHERE producer = ?1 AND key IS NULL";
        run(db, sql, params![producer, signed.key.public.as_bytes(), int(record.index)])?;
        let sql = "UPDATE source_epochs SET signed_beat = ?3, signed_seq = ?4, signed_settled = ?5, signed_lost = ?6
            WHERE producer = ?1 AND epoch = ?2 AND signed_beat < ?3";
        let (last_seq, settled, lost) = (int(beat.last_seq), int(beat.settled()), int(beat.lost));
        run(db, sql, params![producer, epoch, int(beat.beat), last_seq, settled, lost])?;
    }
    Ok(Applied::Changed)
}

fn key_set(db: &Connection, record: &Record<'_>, set: &SourceKeySet) -> rusqlite::Result<Applied> {
    let sql = "UPDATE sources SET key = ?2, key_entry = ?3 WHERE producer = ?1";
    let values = params![set.producer.as_bytes(), set.key.public.as_bytes(), int(record.index)];
    Ok(changed(run(db, sql, values)?, "no such source is known"))
}

fn found(db: &Connection, record: &Record<'_>, span: &SourceSpan, why: &str) -> rusqlite::Result<Applied> {
    let sql = "INSERT INTO source_gaps (producer, epoch, first, last, why, entry, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (producer, epoch, first, last) DO UPDATE SET filled_at = NULL";
    let (producer, epoch) = (span.life.producer.as_bytes(), int(span.life.epoch));
    let (entry, at) = (int(record.index), int(record.committed_at.0));
    run(db, sql, params![producer, epoch, int(span.first), int(span.last), why, entry, at])?;
    Ok(Applied::Changed)
}

fn filled(db: &Connection, record: &Record<'_>, span: &SourceSpan) -> rusqlite::Result<Applied> {
    let sql = "UPDATE source_gaps SET filled_at = ?5 WHERE producer = ?1 AND epoch = ?2 AND first = ?3 AND last = ?4";
    let (producer, epoch) = (span.life.producer.as_bytes(), int(span.life.epoch));
    let at = int(record.committed_at.0);
    let rows = run(db, sql, params![producer, epoch, int(span.first), int(span.last), at])?;
    Ok(changed(rows, "no such gap was found"))
}
