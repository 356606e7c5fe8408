//! The end of the log, and what follows.
//!
//! Promises: every entry is printed once and in order. While a server runs it is asked; else the directory is read, again only when its head has
//! changed.

use std::fs;
use std::thread;
use std::time::Duration;

use serde_json::json;
use tabellion_model::Micros;

use crate::directory::Directory;
use crate::failure::Failure;
use crate::perform::{MAX_SUMMARIES, summaries};
use crate::request::{Answer, Request, Response, Summary};
use crate::socket::Client;
use crate::terminal;
use crate::writer::unexpected;

/// Between two looks for new entries: soon enough for a person, nothing for the machine.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// Prints the last `lines` entries and, when asked to follow, what comes after.
pub(super) fn run(directory: &Directory, lines: u32, follow: bool, as_json: bool) -> Result<(), Failure> {
    let reader = directory.reader()?;
    let size = reader.size();
    let mut next = size.saturating_sub(u64::from(lines));
    while next < size {
        next = print(&summaries(&reader, next, MAX_SUMMARIES)?, next, as_json)?;
    }
    drop(reader);
    let mut seen = head_of(directory);
    if !follow {
        return Ok(());
    }
    loop {
        thread::sleep(LOOK_INTERVAL);
        if let Some(lines) = ask_server(directory, next)? {
            next = print(&lines, next, as_json)?;
            continue;
        }
        let head = head_of(directory);
        if head != seen {
            seen = head;
            let reader = directory.reader()?;
            while next < reader.size() {
                next = print(&summaries(&reader, next, MAX_SUMMARIES)?, next, as_json)?;
            }
        }
    }
}

/// What the head file holds: changes with every commit.
fn head_of(directory: &Directory) -> Option<Vec<u8>> {
    fs::read(directory.path().join("head")).ok()
}

fn ask_server(directory: &Directory, from: u64) -> Result<Option<Vec<Summary>>, Failure> {
    let Some(mut client) = Client::connect(directory.path())? else { return Ok(None) };
    match client.ask(&Request::Summaries { from, limit: MAX_SUMMARIES })? {
        Response::Done(Answer::Summaries { lines }) => Ok(Some(lines)),
        Response::Done(other) => Err(unexpected(&other)),
        Response::Refused(refusal) => Err(refusal.into()),
    }
}

/// Prints lines and says which entry comes next.
fn print(lines: &[Summary], next: u64, as_json: bool) -> Result<u64, Failure> {
    for line in lines {
        if as_json {
            terminal::json_line(&json!(line))?;
        } else {
            let record = line.record_id.as_deref().unwrap_or("");
            let system = line.system.as_ref().map(|system| format!("  system {system}")).unwrap_or_default();
            terminal::data(&format!(
                "{:>8}  {}  {:<9}  {:<28}  {record}{system}\n",
                line.index,
                Micros(line.at),
                line.kind,
                line.record_type
            ))?;
        }
    }
    Ok(lines.last().map_or(next, |line| line.index + 1))
}
