//! Edits of a prompt that is about to go: in what is sent, in what records and guards may have of it, and in what is reserved for it.

use std::collections::BTreeSet;

use bytes::Bytes;
use tabellion_guard::service::EditFault;
use tabellion_mask::json::Limits as JsonLimits;
use tabellion_mask::{Class, Classes, Plan, Scope, ScopeKey};

use crate::call::Call;
use crate::guards::edits::places::{Of, rewritten};
use crate::guards::edits::{Proposals, Wanted};
use crate::guards::outside::Matter;
use crate::prepare::Ready;
use crate::surface::Surface;
use crate::surface::asks::Asks;
use crate::surface::request::{Changes, Request};
use crate::translate;

/// A prompt with everything put in.
struct Edited {
    bytes: Bytes,
    kept: Option<Bytes>,
    sent: Bytes,
    asks: Asks,
}

impl Call {
    /// Puts what services want changed into a prompt that nothing stops.
    pub(crate) fn edit(
        &self,
        surface: Surface,
        ready: &mut Ready,
        matter: &Matter<'_>,
        proposals: &Proposals,
    ) {
        let mut results = std::mem::take(&mut ready.guards);
        let apply = |wanted: &Wanted| self.edited(surface, ready, wanted);
        let made = self.worker.shared.guards.put_in(proposals, &mut results, matter, apply);
        ready.guards = results;
        let Some(Edited { bytes, kept, sent, asks }) = made else { return };
        // It may be longer than what came.
        let longest = bytes.len().max(sent.len());
        ready.charge = self.charge(surface, &asks, longest, &ready.permission, &ready.model);
        ready.treated.bytes = bytes;
        ready.treated.kept = kept;
        ready.sent = sent;
    }

    fn edited(&self, surface: Surface, ready: &Ready, wanted: &Wanted) -> Result<Edited, EditFault> {
        let limits = &self.worker.shared.limits;
        let json = JsonLimits { max_bytes: usize::MAX, max_depth: limits.depth };
        let treated = &ready.treated;
        let before = treated.kept.as_ref().unwrap_or(&treated.bytes);
        let shown = rewritten(before, Of::Prompt, &json, wanted)?;
        // The name of a field can make something of a text that it is not by itself.
        let found = |body: &Bytes| values(surface, body, &json, treated.classes);
        if !found(&shown.bytes)?.is_subset(&found(before)?) {
            return Err(EditFault::PersonalData);
        }
        let (bytes, kept) = if treated.kept.is_some() {
            // A text that holds what passes is another one there, in which no range of what was shown is anything.
            let passed = rewritten(&treated.bytes, Of::Prompt, &json, wanted);
            let passed = passed.ok().filter(|passed| passed.applied == shown.applied);
            (passed.ok_or(EditFault::Passed)?.bytes, Some(shown.bytes))
        } else {
            (shown.bytes, None)
        };
        let sent = translate::sent(ready.translation, &bytes, ready.asks, &json);
        let (sent, asks) = sent.map_err(|_| EditFault::Unfit)?;
        Ok(Edited { bytes, kept, sent, asks })
    }
}

/// What masking would find in a prompt.
fn values(
    surface: Surface,
    body: &Bytes,
    json: &JsonLimits,
    classes: Classes,
) -> Result<BTreeSet<(Class, String)>, EditFault> {
    let request = Request::read(surface.form(), body, json).map_err(|_| EditFault::Unfit)?;
    let mut scope = Scope::new(&ScopeKey::new([0; 32]));
    let unchanged = Changes { model: None, ask_usage: false };
    // What cannot be masked cannot be looked at.
    let masked = request.outgoing(&unchanged, &Plan::from(classes), &mut scope);
    masked.map_err(|_| EditFault::PersonalData)?;
    Ok(scope.originals().map(|found| (found.class, found.normalised.to_owned())).collect())
}
