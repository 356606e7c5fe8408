//! How far the evidence of an entry has come, as a person or a script reads it.

use std::path::Path;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::perform::MAX_WAIT_SECONDS;
use crate::request::{Answer, Request};
use crate::terminal;
use crate::writer::{Writer, unexpected};

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Level {
    /// On this log's disk
    Durable,
    /// Under a signed checkpoint of this log: the same moment
    Included,
    /// Under a checkpoint that enough witnesses cosigned
    Witnessed,
    /// Under a checkpoint that an anchor confirmed; not waited for
    Anchored,
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Self::Durable => "durable",
            Self::Included => "included",
            Self::Witnessed => "witnessed",
            Self::Anchored => "anchored",
        }
    }
}

/// What an append is to wait for.
#[derive(Debug, Clone, Args)]
pub(crate) struct Wanted {
    /// How far the records have to have come; says at the end what was reached, with exit status 3 when it is less
    #[arg(long, value_name = "LEVEL")]
    ack: Option<Level>,
    /// Longest wait for that; only a server asks witnesses
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=MAX_WAIT_SECONDS))]
    ack_within: u64,
}

impl Wanted {
    /// Waits for what is wanted, for everything up to entry `last`, and says what was reached.
    pub(crate) fn wait(
        &self,
        writer: &mut Writer,
        last: Option<u64>,
        dir: &Path,
        as_json: bool,
    ) -> Result<(), Failure> {
        let (Some(level), Some(index)) = (self.ack, last) else { return Ok(()) };
        // Without a server nobody asks witnesses: waiting would change nothing.
        let within_seconds = if writer.own().is_some() { 0 } else { self.ack_within };
        let request = Request::Reached { index, level: level.as_str().to_owned(), within_seconds };
        let answer = writer.ask(&request)?;
        let Answer::Reached { levels, .. } = &answer else { return Err(unexpected(&answer)) };
        let met = levels.iter().any(|reached| reached == level.as_str());
        if as_json {
            let mut line = to_json(index, &answer);
            if let Some(members) = line.as_object_mut() {
                members.insert("asked".to_owned(), Value::from(level.as_str()));
                members.insert("met".to_owned(), Value::from(met));
            }
            terminal::json_line(&line)?;
        } else {
            terminal::data(&to_text(index, &answer))?;
        }
        if met {
            return Ok(());
        }
        Err(Failure::undetermined(format!(
            "everything is recorded, but not {} yet. Ask again later: tabellion log level {index} --dir {}",
            level.as_str(),
            dir.display()
        )))
    }
}

/// Prints how far entry `index` has come.
pub(super) fn run(reader: &tabellion_ledger::Reader, index: u64, as_json: bool) -> Result<(), Failure> {
    let answer = Answer::from(&reader.reached(index)?);
    if as_json { terminal::json(&to_json(index, &answer)) } else { terminal::data(&to_text(index, &answer)) }
}

fn to_json(index: u64, answer: &Answer) -> Value {
    let Answer::Reached { levels, witnessed, anchored } = answer else { return Value::Null };
    let anchored: Vec<Value> =
        anchored.iter().map(|(name, size)| json!({"name": name, "size": size})).collect();
    json!({"anchored": anchored, "index": index, "reached": levels, "witnessed_size": witnessed})
}

fn to_text(index: u64, answer: &Answer) -> String {
    let Answer::Reached { levels, witnessed, anchored } = answer else { return String::new() };
    let by_witnesses =
        witnessed.iter().map(|size| format!("; witnessed in the checkpoint of {size} entries"));
    let by_anchors = anchored.iter().map(|(name, size)| {
        format!("; anchored by {} in the checkpoint of {size} entries", terminal::printable(name))
    });
    let who: String = by_witnesses.chain(by_anchors).collect();
    format!("entry {index} is {}{who}\n", levels.join(", "))
}
