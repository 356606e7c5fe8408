//! What must hold of a pack before it is put forward, and again before it comes into force.
//!
//! Promises: every refusal says which rule of docs/packs.md it is. Must never: rest on what the file says of its own publisher's key.

use std::collections::BTreeSet;

use tabellion_model::SystemId;
use tabellion_model::body::{PackAct, PackLoaded, PolicyLayer};
use tabellion_policy::{Layers, PackFault, PackFaultKind, SignedPack, Stack};
use tabellion_tlog::VerifierKey;
use tabellion_views::query::{PackSaid, PackVersion};

use super::super::asking::all;
use super::super::{Desk, digest_of};
use super::{MAX_SYSTEMS, pin_of};
use crate::refusal::{Code, Refusal};

/// What is to come into force.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coming<'a> {
    pub(super) signed: &'a SignedPack,
    pub(super) act: PackAct,
    pub(super) unit: Option<&'a str>,
    pub(super) systems: &'a [SystemId],
    /// Lowest version that may be loaded afterwards.
    pub(super) pin: u64,
}

/// A fault of a file as the API has it.
pub(super) fn faulty(fault: &PackFault) -> Refusal {
    let code = match fault.kind {
        PackFaultKind::Unsigned => Code::PackUnsigned,
        PackFaultKind::UnknownPublisher | PackFaultKind::WrongSignature => Code::PackPublisherUnknown,
        PackFaultKind::Faulty => Code::PolicyFaulty,
        PackFaultKind::Tests => Code::PackTestsFail,
        PackFaultKind::Widens => Code::PackWidens,
        // Malformed, and what this version does not know.
        _ => Code::Malformed,
    };
    Refusal::at(code, "/file", fault.what.clone())
}

impl Desk {
    /// Everything; the order is that in which the sentences help.
    pub(super) fn check_coming(&self, coming: &Coming<'_>) -> Result<(), Refusal> {
        let pack = coming.signed.pack();
        let pinned = self.check_publisher(coming)?;
        let rows = all(|page| self.views.pack_versions(&pack.name, page))?;
        check_place(coming, rows.first())?;
        check_version(coming, &rows, pinned)?;
        self.check_systems(coming)?;
        pack.check().map_err(|fault| faulty(&fault))?;
        let mut stack = self.stack_without(&pack.name)?;
        let above = stack.above(pack.layer, coming.systems);
        pack.check_tightens(&above).map_err(|fault| faulty(&fault))?;
        stack.add(pack, coming.systems);
        let together = Layers::compile(&stack).map(drop);
        together.map_err(|fault| Refusal::at(Code::PolicyFaulty, "/file", fault.to_string()))
    }

    /// Whether a trusted publisher signed it, for the layer where it stands; gives the lowest version that the publisher's trust allows of it.
    fn check_publisher(&self, coming: &Coming<'_>) -> Result<u64, Refusal> {
        let pack = coming.signed.pack();
        if coming.signed.signatures().is_empty() {
            return coming.signed.verify(&[]).map(|()| 0).map_err(|fault| faulty(&fault));
        }
        let trusted = self.views.pack_publisher(&pack.publisher)?.and_then(|row| row.said);
        let trusted = trusted.ok_or_else(|| {
            let text = format!(
                "{} is not trusted here; POST /api/v1/pack-publishers puts it forward",
                pack.publisher
            );
            Refusal::at(Code::PackPublisherUnknown, "/file", text)
        })?;
        let key: VerifierKey =
            trusted.said.key.parse().map_err(|error| Refusal::new(Code::Broken, format!("{error}")))?;
        coming.signed.verify(&[key]).map_err(|fault| faulty(&fault))?;
        if !trusted.said.layers.contains(&pack.layer) {
            let text = format!("{} is not trusted for the layer {}", pack.publisher, pack.layer.as_str());
            return Err(Refusal::at(Code::PackPublisherUnknown, "/file", text));
        }
        let pin = trusted.said.pins.iter().find(|pin| pin.pack == pack.name);
        Ok(pin.map_or(0, |pin| pin.version))
    }

    /// The systems are there, and are named where the layer has any.
    fn check_systems(&self, coming: &Coming<'_>) -> Result<(), Refusal> {
        let malformed = |text: &str| Err(Refusal::at(Code::Malformed, "/systems", text));
        match (coming.signed.pack().layer, coming.unit, coming.systems) {
            (PolicyLayer::Organisation, None, []) => return Ok(()),
            (PolicyLayer::Organisation, ..) => {
                return malformed(
                    "a pack of the organisation holds for all systems; name neither a unit nor systems",
                );
            }
            (PolicyLayer::Unit, Some(_), [_, ..]) | (PolicyLayer::System, None, [_, ..]) => {}
            (PolicyLayer::Unit, ..) => return malformed("name the unit and its systems"),
            (PolicyLayer::System, ..) => return malformed("name the systems that it is for, and no unit"),
        }
        if coming.systems.len() > MAX_SYSTEMS {
            return malformed("a pack is loaded for 1000 systems at most");
        }
        if coming.systems.iter().collect::<BTreeSet<_>>().len() != coming.systems.len() {
            return malformed("a system is named twice");
        }
        for system in coming.systems {
            if self.views.system(system)?.is_none() {
                let text = format!("there is no system {system}");
                return Err(Refusal::at(Code::UnknownReference, "/systems", text));
            }
        }
        Ok(())
    }

    /// What is in force, without the pack of this name; refused where some of it cannot be read.
    fn stack_without(&self, name: &str) -> Result<Stack, Refusal> {
        let unreadable = |what: &str| {
            let text = format!(
                "{what} is in force and cannot be read, so that nothing can be said to tighten it; publish or load it again, or take it out"
            );
            Refusal::new(Code::StateImpossible, text)
        };
        let mut stack = Stack::default();
        for row in self.policy_rows(u64::MAX)?.iter().filter(|row| !row.withdrawn) {
            let text = row.content.as_ref().and_then(|content| content.text.as_ref());
            stack.publish(&row.name, text.ok_or_else(|| unreadable(&row.name))?);
        }
        for row in self.pack_rows()?.iter().filter(|row| row.name != name) {
            match &row.said {
                PackSaid::Removed(_) => {}
                PackSaid::Erased => return Err(unreadable(&row.name)),
                PackSaid::Loaded(said) => {
                    stack.load(&said.file, &said.systems).map_err(|_| unreadable(&row.name))?;
                }
            }
        }
        Ok(stack)
    }
}

/// A name belongs to one publisher and one layer for as long as the pack is in force: else whoever may publish below could take an upper pack's place, and its
/// prohibitions out of force.
fn check_place(coming: &Coming<'_>, newest: Option<&PackVersion>) -> Result<(), Refusal> {
    let pack = coming.signed.pack();
    let Some(PackVersion { said: PackSaid::Loaded(said), .. }) = newest else { return Ok(()) };
    if said.publisher == pack.publisher && said.layer == pack.layer {
        return Ok(());
    }
    let text = format!(
        "the pack {} in force is {}'s, in the layer {}; another publisher or layer cannot take its place",
        pack.name,
        said.publisher,
        said.layer.as_str()
    );
    Err(Refusal::at(Code::PackTaken, "/file", text))
}

fn check_version(coming: &Coming<'_>, rows: &[PackVersion], pinned: u64) -> Result<(), Refusal> {
    let (pack, digest) = (coming.signed.pack(), coming.signed.digest());
    let loaded = |row: &PackVersion| match &row.said {
        PackSaid::Loaded(said) => Some((**said).clone()),
        PackSaid::Removed(_) | PackSaid::Erased => None,
    };
    let before: Vec<PackLoaded> = rows.iter().filter_map(loaded).collect();
    let same_version = before.iter().find(|said| said.pack_version == pack.version);
    // One more signature makes another file and no other pack.
    let is_other = |said: &PackLoaded| {
        let there = SignedPack::read(said.file.as_bytes());
        there.map_or(digest_of(&said.file).to_hex() != digest, |there| there.pack() != pack)
    };
    if same_version.is_some_and(is_other) {
        let text = format!(
            "version {} of this pack was loaded with another content; a version has one",
            pack.version
        );
        return Err(Refusal::at(Code::PackTaken, "/file", text));
    }
    let in_force = rows.first().and_then(loaded);
    let own_pin = if coming.act == PackAct::GoBack { coming.pin } else { pin_of(rows) };
    let pin = own_pin.max(pinned);
    if pack.version < pin {
        let text = format!(
            "version {} is below {pin}, the lowest that may be loaded; an earlier one comes into force again by going back, which two people decide",
            pack.version
        );
        return Err(Refusal::at(Code::PackBelowPin, "/file", text));
    }
    let same = |said: &PackLoaded| {
        said.digest == digest && said.systems == coming.systems && said.unit.as_deref() == coming.unit
    };
    if in_force.is_some_and(|said| same(&said)) {
        return Err(Refusal::new(Code::AlreadySo, "exactly this is in force"));
    }
    Ok(())
}
