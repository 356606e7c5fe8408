//! `tabellion envelope chain`: the envelopes that were imported, in the order in which they name each other.
//!
//! Promises: every envelope whose content is still there stands in one chain; what is missing before one, or forked, is named and ends with 1. Must never: call a chain whole whose beginning is not there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde_json::{Value, json};
use tabellion_ledger::{EntryView, Reader, UnitContent};
use tabellion_model::envelope::{Chain, ChainLink, ChainStart, Found, chains};
use tabellion_model::registry::{self, Facts};

use crate::directory::{Directory, Place};
use crate::failure::{Exit, Failure};
use crate::terminal;

/// Most envelopes that are put in order: some hundred bytes of memory each.
const MAX_LINKS: usize = 1_000_000;

/// Of which log.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// Only chains of this signer (64 hex digits)
    #[arg(long, value_name = "KEY")]
    signer: Option<String>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Prints the chains.
pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let reader = Directory::find(&options.place)?.reader()?;
    let (links, unreadable) = links(&reader)?;
    let mut found = chains(&links);
    if let Some(signer) = &options.signer {
        let signer = signer.trim().to_ascii_lowercase();
        found.retain(|chain| hex::encode(chain.signer) == signer);
    }
    if options.json {
        let rows: Vec<Value> = found.iter().map(row).collect();
        terminal::json(&json!({ "chains": rows, "unreadable": unreadable }))?;
    } else {
        found.iter().try_for_each(|chain| terminal::data(&line(chain)))?;
        if unreadable > 0 {
            terminal::say(&format!(
                "{unreadable} imported envelopes are not in it: their content was erased or is not kept here"
            ));
        }
    }
    if found.iter().any(|chain| is_broken(chain.start)) {
        return Err(Failure::told(Exit::Failed));
    }
    if unreadable > 0 || found.iter().any(|chain| chain.start == ChainStart::NotSaid) {
        return Err(Failure::told(Exit::Undetermined));
    }
    Ok(())
}

/// Every envelope that was imported and can be read, and how many cannot.
fn links(reader: &Reader) -> Result<(Vec<ChainLink>, u64), Failure> {
    let (mut links, mut unreadable) = (Vec::new(), 0);
    reader.entries(0, reader.size(), |view| {
        let facts = view.entry.header().and_then(|header| registry::facts(header).ok().flatten());
        if let Some(Facts::EnvelopeImported(said)) = facts {
            match content(&view).and_then(|bytes| Found::parse(&bytes, true).ok()) {
                Some(found) if links.len() < MAX_LINKS => links.push(ChainLink {
                    entry: view.index,
                    signer: said.signer,
                    payload_hash: said.payload_hash,
                    digest: said.digest,
                    previous: found.envelope().previous(),
                }),
                _ => unreadable += 1,
            }
        }
        Ok(())
    })?;
    Ok((links, unreadable))
}

fn content(view: &EntryView) -> Option<Vec<u8>> {
    let fields = view.units.iter().filter_map(|unit| match &unit.content {
        UnitContent::Shown(fields) => Some(fields),
        UnitContent::Erased | UnitContent::Missing => None,
    });
    let content = fields.flatten().find(|field| field.name() == "content")?;
    STANDARD.decode(content.value().as_str()?).ok()
}

fn is_broken(start: ChainStart) -> bool {
    match start {
        ChainStart::Genesis | ChainStart::NotSaid => false,
        ChainStart::Missing(_)
        | ChainStart::Forked { .. }
        | ChainStart::OtherSigner { .. }
        | ChainStart::Circular => true,
    }
}

/// The word for how a chain begins, and the sentence.
fn told(start: ChainStart) -> (&'static str, String) {
    match start {
        ChainStart::Genesis => ("whole", "from GENESIS, no gap".to_owned()),
        ChainStart::Missing(hash) => {
            ("gap", format!("BROKEN: what came before, {}, was not imported", hash.to_hex()))
        }
        ChainStart::Forked { from } => {
            ("forked", format!("BROKEN: entry {from} has another successor; its signer signed two"))
        }
        ChainStart::OtherSigner { from } => {
            ("other_signer", format!("BROKEN: what came before, entry {from}, is another key's"))
        }
        ChainStart::Circular => ("circular", "BROKEN: each names another of them before it".to_owned()),
        ChainStart::NotSaid => ("not_said", "the envelope does not name the one before it".to_owned()),
    }
}

fn row(chain: &Chain) -> Value {
    let (word, text) = told(chain.start);
    json!({ "entries": chain.entries, "says": text, "signer": hex::encode(chain.signer), "state": word })
}

fn line(chain: &Chain) -> String {
    let entries: Vec<String> = chain.entries.iter().map(ToString::to_string).collect();
    format!("{}  {}: entries {}\n", hex::encode(chain.signer), told(chain.start).1, entries.join(" -> "))
}
