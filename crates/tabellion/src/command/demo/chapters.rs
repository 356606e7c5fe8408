//! The chapters that follow the calls: a key gives way to another, somebody is forgotten, evidence is handed out.

use std::path::Path;

use tabellion_app::ExportRequest;
use tabellion_model::DisclosurePolicy;

use crate::command::{export, init};
use crate::directory::Directory;
use crate::failure::Failure;
use crate::request::{Answer, Request, Response, Target};
use crate::terminal;
use crate::writer::{Writer, unexpected};

/// Who asks to be forgotten in the story.
const FORGOTTEN: &str = "customer-1017";
/// What is said of them when there is nothing left to erase.
const FORGOTTEN_BEFORE: &str = "   An earlier run has erased everything about them already.\n\n";

/// Rotates the officers' key.
pub(super) fn rotate(directory: &Directory, writer: &mut Writer) -> Result<(), Failure> {
    let Answer::Status { actors, .. } = writer.ask(&Request::Status {})? else {
        return Err(Failure::failed("the log does not say which keys are in force"));
    };
    let old = actors
        .first()
        .cloned()
        .ok_or_else(|| Failure::failed("no actor key is in force; create one: tabellion key create"))?;
    let answer = writer.ask(&Request::RotateKey { key_id: old.clone() })?;
    let Answer::Key { key_id: Some(new), record, .. } = &answer else { return Err(unexpected(&answer)) };
    let short = |key: &str| key.chars().take(16).collect::<String>();
    terminal::data(&format!(
        "4. Rotating the officers' key\n   {}… gave way to {}… in entry {}, signed by both. What the old key signed stays valid.\n\n",
        short(&old),
        short(new),
        record.index
    ))?;
    init::write_trust(directory.path(), &directory.reader()?)
}

/// Erases what is about one person.
pub(super) fn forget(writer: &mut Writer) -> Result<(), Failure> {
    let reason = "the applicant withdrew and asked to be forgotten";
    let request = Request::Erase { target: Target::Subject(FORGOTTEN.to_owned()), reason: reason.to_owned() };
    terminal::data(&format!("5. Erasing {FORGOTTEN}, who asked to be forgotten\n"))?;
    match writer.respond(&request)? {
        Response::Done(Answer::Erased { erasures }) => {
            let (units, keys): (usize, usize) =
                erasures.iter().fold((0, 0), |(units, keys), done| (units + done.units, keys + done.keys));
            if units == 0 {
                return terminal::data(FORGOTTEN_BEFORE);
            }
            terminal::data(&format!(
                "   {units} pieces of content are gone with {keys} keys; their entries stay, every proof stays valid, nothing can be guessed.\n\n"
            ))
        }
        Response::Done(other) => Err(unexpected(&other)),
        Response::Refused(refusal) if refusal.code.as_deref() == Some("not_found") => {
            terminal::data(FORGOTTEN_BEFORE)
        }
        Response::Refused(refusal) => Err(refusal.into()),
    }
}

/// Writes the evidence package and records that.
pub(super) fn hand_out(directory: &Directory, package: &Path) -> Result<(), Failure> {
    let request = ExportRequest {
        framework: Some("iso42001".to_owned()),
        ..ExportRequest::everything(DisclosurePolicy::Business)
    };
    let (exported, index) = export::hand_out(directory, &directory.reader()?, &request, package, None)?;
    let index = index.map_err(Failure::failed)?;
    terminal::data(&format!(
        "6. Handing out evidence\n   {}: {} entries; {} units of content shown, {} about people withheld, {} erased. Recorded as entry {index}.\n\n",
        package.display(),
        exported.count,
        exported.totals.shown,
        exported.totals.withheld,
        exported.totals.erased
    ))
}
