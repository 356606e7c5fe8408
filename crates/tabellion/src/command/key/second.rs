//! The log's second key, ML-DSA-44, on the command line: made, replaced, withdrawn and shown.
//!
//! Must never: make a key in a copy of the log that signs nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tabellion_ledger::Reader;
use tabellion_model::{KeyId, SecondKeyEnd, SecondKeyGrant};
use tabellion_tlog::VerifierKey;

use super::change;
use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::request::Request;
use crate::terminal;

/// The word for it where a purpose is asked for.
pub(super) const PURPOSE: &str = "hybrid";

/// Makes the key, has it recorded, and writes the trust file anew with it.
pub(in crate::command) fn introduce(place: &Place) -> Result<(), Failure> {
    let directory = Directory::find(place)?;
    if let Some(why) = directory.retired()? {
        return Err(Failure::failed(format!(
            "a key for signatures to come helps nobody in a copy of the log that signs nothing: {why}. Make it in the log that goes on"
        )));
    }
    change(&directory, &Request::IntroduceSecondKey {}, "made")?;
    show_line(&directory)
}

/// Replaces it.
pub(super) fn rotate(directory: &Directory) -> Result<(), Failure> {
    let old = directory.reader()?.second_keys().in_force().map(|grant| grant.info.key_id);
    let what = old.map_or_else(|| "rotated".to_owned(), |old| format!("rotated {old} out"));
    change(directory, &Request::RotateSecondKey {}, &what)?;
    show_line(directory)
}

/// Takes it out of force.
pub(super) fn withdraw(directory: &Directory, key_id: &KeyId, reason: String) -> Result<(), Failure> {
    let what = format!("withdrew {key_id} ({reason})");
    change(directory, &Request::WithdrawSecondKey { key_id: key_id.to_hex(), reason }, &what)
}

fn show_line(directory: &Directory) -> Result<(), Failure> {
    let key = directory.reader()?.hybrid_key();
    let key = key.ok_or_else(|| Failure::failed("the key was recorded and is not found again"))?;
    terminal::data(&format!("log {key}\n"))?;
    terminal::say(
        "Hand out the trust file again: it names this key. What was handed out before stays valid under the one of before.",
    );
    Ok(())
}

/// A line of the list.
pub(super) fn row(grant: &SecondKeyGrant, held: &[KeyId]) -> String {
    let here = if held.contains(&grant.info.key_id) { "held here" } else { "held elsewhere" };
    format!(
        "{PURPOSE:<8} {}  since entry {:<6} {}, {here}\n",
        grant.info.key_id,
        grant.since,
        standing(grant)
    )
}

/// What is known of it.
pub(super) fn describe(grant: &SecondKeyGrant, held: &[KeyId]) -> Value {
    json!({
        "alg": "ml-dsa-44", "held_here": held.contains(&grant.info.key_id), "key_id": grant.info.key_id.to_hex(),
        "public": STANDARD.encode(grant.info.public.as_bytes()), "purpose": PURPOSE, "since": grant.since, "standing": standing(grant),
    })
}

/// The same, with the line of a trust file.
pub(super) fn describe_whole(reader: &Reader, grant: &SecondKeyGrant, held: &[KeyId]) -> Value {
    let mut facts = describe(grant, held);
    let line = VerifierKey::ml_dsa(reader.origin().as_str(), grant.info.public.clone()).ok();
    if let (Some(line), Some(members)) = (line, facts.as_object_mut()) {
        members.insert("vkey".to_owned(), line.to_string().into());
    }
    facts
}

fn standing(grant: &SecondKeyGrant) -> String {
    match grant.end {
        None => "in force".to_owned(),
        Some(SecondKeyEnd::Rotated { index }) => format!("rotated out at entry {index}"),
        Some(SecondKeyEnd::Withdrawn { index, reason }) => {
            format!("withdrawn at entry {index} ({})", reason.as_str())
        }
    }
}
