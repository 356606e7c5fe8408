//! Drafts, one JSON object per line, sealed by the log.
//!
//! Promises: lines are appended in order, in steps that succeed or fail whole; a refusal names the line, and what stands before it is recorded.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use serde_json::json;
use tabellion_ledger::{Draft, MAX_DRAFT_BYTES};

use super::Options;
use crate::directory::Directory;
use crate::failure::Failure;
use crate::request::{Appended, Request};
use crate::terminal;
use crate::writer::Writer;

/// Most drafts, and most of their bytes, that are appended in one step.
const GROUP_DRAFTS: usize = 128;
const GROUP_BYTES: usize = 2 << 20;

/// A step: drafts with the numbers of their lines.
#[derive(Default)]
struct Group {
    lines: Vec<u64>,
    drafts: Vec<Draft>,
    bytes: usize,
}

/// Records every draft in `file`, or on standard input when it is `-`.
pub(super) fn record(directory: &Directory, file: &Path, options: &Options) -> Result<(), Failure> {
    let as_json = options.json;
    let (mut input, place): (Box<dyn BufRead>, String) = if file.as_os_str() == "-" {
        (Box::new(BufReader::new(io::stdin())), "standard input".to_owned())
    } else {
        let opened = File::open(file)
            .map_err(|error| Failure::malformed(Failure::io("read drafts from", file, &error).to_string()))?;
        (Box::new(BufReader::new(opened)), file.display().to_string())
    };
    Writer::with(directory, |writer| {
        let mut group = Group::default();
        let (mut number, mut last) = (0, None);
        while let Some(line) = next_line(input.as_mut(), &place, number + 1)? {
            number += 1;
            if line.trim_ascii().is_empty() {
                continue;
            }
            let draft: Draft = serde_json::from_slice(&line).map_err(|error| {
                append(writer, &mut group, &place, as_json)
                    .err()
                    .unwrap_or_else(|| refused(&place, number, &error.to_string()))
            })?;
            if group.drafts.len() >= GROUP_DRAFTS || group.bytes + line.len() > GROUP_BYTES {
                last = append(writer, &mut group, &place, as_json)?.or(last);
            }
            group.bytes += line.len();
            group.lines.push(number);
            group.drafts.push(draft);
        }
        last = append(writer, &mut group, &place, as_json)?.or(last);
        options.wanted.wait(writer, last, directory.path(), as_json)
    })
}

/// Appends a step, leaves it empty, prints a line for each draft, and gives the last one's entry.
fn append(
    writer: &mut Writer,
    group: &mut Group,
    place: &str,
    as_json: bool,
) -> Result<Option<u64>, Failure> {
    let Group { lines, drafts, .. } = std::mem::take(group);
    let (Some(first), Some(last)) = (lines.first().copied(), lines.last().copied()) else { return Ok(None) };
    let records = writer.append(&Request::Append { drafts }).map_err(|failure| {
        failure.with(&format!(
            ". Lines {first} to {last} of {place} were not recorded; what was printed before is"
        ))
    })?;
    lines.iter().zip(&records).try_for_each(|(line, record)| tell(*line, record, as_json))?;
    Ok(records.last().map(|record| record.index))
}

fn tell(line: u64, record: &Appended, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return terminal::json_line(&json!({
            "duplicate": record.duplicate, "index": record.index, "line": line, "record_id": record.record_id, "size": record.size,
        }));
    }
    let before = if record.duplicate { " (recorded before)" } else { "" };
    terminal::data(&format!("line {line}  entry {}  record {}{before}\n", record.index, record.record_id))
}

/// The next line without its newline, at most as long as a draft; `None` at the end.
fn next_line(input: &mut dyn BufRead, place: &str, number: u64) -> Result<Option<Vec<u8>>, Failure> {
    let mut line = Vec::new();
    let limit = MAX_DRAFT_BYTES as u64 + 1;
    let count = input.take(limit).read_until(b'\n', &mut line);
    match count.map_err(|error| Failure::failed(format!("cannot read {place} at line {number}: {error}")))? {
        0 => Ok(None),
        _ if line.last() != Some(&b'\n') && line.len() as u64 == limit => Err(refused(
            place,
            number,
            &format!(
                "it is longer than the {MAX_DRAFT_BYTES} bytes of a draft; record the content as a file"
            ),
        )),
        _ => {
            line.pop_if(|last| *last == b'\n');
            Ok(Some(line))
        }
    }
}

fn refused(place: &str, line: u64, why: &str) -> Failure {
    Failure::malformed(format!(
        "{place}, line {line}: {why}. A line is one draft, for instance {{\"type\":\"event.logged\",\"body\":{{\"text\":\"...\"}}}}; what was \
         printed before is recorded, this line and those after it are not"
    ))
}
