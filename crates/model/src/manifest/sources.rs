//! The member `sources` of a manifest: what outside sources sent, counted (formats §11.1).

use serde_json::{Value as Json, json};

use crate::form::{FormFault, Members};
use crate::registry::SourceLife;
use crate::source::{MAX_NAMED_GAPS, SourceRow};

pub(super) fn to_json(row: &SourceRow) -> Json {
    let gaps: Vec<Json> =
        row.gaps.iter().map(|(first, last)| json!({"first": first, "last": last})).collect();
    let mut said = json!({
        "closed": row.closed, "count": row.count, "epoch": row.life.epoch, "first_seq": row.first_seq, "gaps": gaps,
        "last_seq": row.last_seq, "lost": row.lost, "missing": row.missing, "producer": row.life.producer.to_hex(),
        "repeated": row.repeated, "sampled": row.sampled, "waiting": row.waiting,
    });
    if row.unsigned_lost > 0
        && let Some(members) = said.as_object_mut()
    {
        members.insert("unsigned_lost".to_owned(), row.unsigned_lost.into());
    }
    said
}

/// Reads the member; a range without sources has none.
pub(super) fn read(members: &mut Members) -> Result<Vec<SourceRow>, FormFault> {
    let rows = match members.optional("sources") {
        None => return Ok(Vec::new()),
        Some(Json::Array(rows)) if !rows.is_empty() => rows,
        Some(_) => return Err(members.fault("sources", "is not an array with something in it")),
    };
    let rows = rows.into_iter().map(row).collect::<Result<Vec<_>, _>>()?;
    if !rows.is_sorted_by(|a, b| a.life < b.life) {
        return Err(members.fault("sources", "is out of order or names an epoch twice"));
    }
    Ok(rows)
}

fn row(value: Json) -> Result<SourceRow, FormFault> {
    let mut members = Members::of("manifest.json: `sources`", value)?;
    let row = SourceRow {
        life: SourceLife::read(&mut members)?,
        first_seq: members.natural("first_seq")?,
        last_seq: members.natural("last_seq")?,
        count: members.natural("count")?,
        sampled: members.natural("sampled")?,
        lost: members.natural("lost")?,
        unsigned_lost: members.count_optional("unsigned_lost")?.unwrap_or(0),
        missing: members.natural("missing")?,
        repeated: members.natural("repeated")?,
        waiting: members.natural("waiting")?,
        closed: members.flag("closed")?,
        gaps: gaps(&mut members)?,
    };
    members.finish()?;
    Ok(row)
}

fn gaps(members: &mut Members) -> Result<Vec<(u64, u64)>, FormFault> {
    let listed = members.list("gaps")?;
    if listed.len() > MAX_NAMED_GAPS {
        return Err(members.fault("gaps", "has more than 64 elements"));
    }
    listed
        .into_iter()
        .map(|gap| {
            let mut members = Members::of("manifest.json: `sources`: `gaps`", gap)?;
            let gap = (members.count("first")?, members.count("last")?);
            members.finish()?;
            Ok(gap)
        })
        .collect()
}
