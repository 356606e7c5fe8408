//! `tabellion envelope chain`: the envelopes that were imported, in the order in which they name each other.
//!
//! Promises: every envelope stands in one chain; what is missing before one, or forked, is named and ends with 1; what is only not kept any more, or not there at all, ends with 3. Must never: call a chain whole whose
//! beginning is not there, or accuse its signer of what others signed or an erasure took.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde_json::{Value, json};
use tabellion_ledger::{EntryView, Reader, UnitContent};
use tabellion_model::envelope::{Chain, ChainLink, ChainStart, Envelope, Found, Previous, chains};
use tabellion_model::registry::{self, EnvelopeImported, Facts};

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
    let signer = options.signer.as_deref().map(signer_of).transpose()?;
    let reader = Directory::find(&options.place)?.reader()?;
    let links = links(&reader)?;
    let mut found = chains(&links);
    found.retain(|chain| signer.is_none_or(|signer| chain.signer == signer));
    let unreadable = links
        .iter()
        .filter(|link| {
            link.previous == Previous::NotKept && signer.is_none_or(|signer| link.signer == signer)
        })
        .count();
    if options.json {
        let rows: Vec<Value> = found.iter().map(row).collect();
        terminal::json(&json!({ "chains": rows, "unreadable": unreadable }))?;
    } else {
        found.iter().try_for_each(|chain| terminal::data(&line(chain)))?;
        if unreadable > 0 {
            terminal::say(&format!(
                "of {unreadable} imported envelopes the content was erased or is not kept here: what they name as the one before them is not known"
            ));
        }
    }
    if found.is_empty() {
        return Err(Failure::undetermined(match signer {
            Some(signer) => format!("no envelope of the signer {} was imported", hex::encode(signer)),
            None => "no envelope was imported".to_owned(),
        }));
    }
    if found.iter().any(|chain| is_broken(chain.start)) {
        return Err(Failure::told(Exit::Failed));
    }
    if found.iter().any(|chain| matches!(chain.start, ChainStart::NotSaid | ChainStart::NotKept)) {
        return Err(Failure::told(Exit::Undetermined));
    }
    Ok(())
}

/// The key that `--signer` names.
fn signer_of(text: &str) -> Result<[u8; 32], Failure> {
    let mut key = [0; 32];
    hex::decode_to_slice(text.trim(), &mut key).map(|()| key).map_err(|_| {
        Failure::malformed(format!(
            "--signer {:?} is not a key: it takes 64 hex digits",
            terminal::printable(text)
        ))
    })
}

/// Every envelope that was imported; of one whose content is not there, what its header says.
fn links(reader: &Reader) -> Result<Vec<ChainLink>, Failure> {
    let (mut links, mut beyond) = (Vec::new(), 0_u64);
    reader.entries(0, reader.size(), |view| {
        let facts = view.entry.header().and_then(|header| registry::facts(header).ok().flatten());
        match facts {
            Some(Facts::EnvelopeImported(said)) if links.len() < MAX_LINKS => links.push(link(&view, &said)),
            Some(Facts::EnvelopeImported(_)) => beyond += 1,
            _ => {}
        }
        Ok(())
    })?;
    if beyond > 0 {
        // Without them, what follows one of them would be called a gap.
        return Err(Failure::undetermined(format!(
            "{} envelopes were imported, more than the {MAX_LINKS} that are put in order here; nothing was checked",
            beyond.saturating_add(links.len() as u64)
        )));
    }
    Ok(links)
}

/// The envelope that entry `view` imported, of which its header says `said`.
fn link(view: &EntryView, said: &EnvelopeImported) -> ChainLink {
    let found = content(view).and_then(|bytes| Found::parse(&bytes, true).ok());
    let envelope = found.as_ref().map(Found::envelope);
    ChainLink {
        entry: view.index,
        signer: said.signer,
        payload_hash: said.payload_hash,
        // Of a bundle, its checkpoint's envelope is the link.
        digest: envelope.map_or(said.digest, |envelope| envelope.digest),
        signed: envelope.map(Envelope::signed_digest),
        previous: envelope.map_or(Previous::NotKept, Envelope::previous),
    }
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
        ChainStart::Genesis | ChainStart::NotSaid | ChainStart::NotKept => false,
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
        ChainStart::Forked { from } => (
            "forked",
            format!(
                "BROKEN: entry {from} has another successor; its signer signed two, or one more with the same payload was not imported"
            ),
        ),
        ChainStart::OtherSigner { from } => (
            "other_signer",
            format!(
                "BROKEN: what came before was not imported from this key; entry {from}, of another key, has its hash"
            ),
        ),
        ChainStart::Circular => ("circular", "BROKEN: each names another of them before it".to_owned()),
        ChainStart::NotKept => (
            "not_kept",
            "the first of them was erased or is not kept here, so what came before it is not known"
                .to_owned(),
        ),
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
