//! Edits of a stream that was held whole: put into the pieces of its texts, and into whatever says them again; then it is read anew, as if it had come so.
//!
//! Promises: an event that no edit reaches stays byte for byte; pieces stay as many as they were. Must never: be used on a stream of which anything has left.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use tabellion_guard::service::EditFault;
use tabellion_mask::json::{Limits as JsonLimits, escaped};
use tabellion_mask::{Content, Edits, Place, Replacement, retext};

use crate::answer::parts::{Channel, Parts};
use crate::answer::relay::DONE;
use crate::guards::edits::Wanted;
use crate::guards::edits::places::{Applied, Of, counting, fault, rewrite};
use crate::sse::Event;
use crate::surface::Surface;

/// One piece of a text: in which event, and where there.
struct Piece<'b> {
    event: usize,
    place: Place<'b>,
}

/// One event on its way: its data, where pieces stand in that, and what becomes of it.
struct Changing {
    data: Option<Bytes>,
    pieces: BTreeSet<usize>,
    edits: Edits,
}

/// The events of a stream on `surface`, with everything put in.
pub(crate) fn edited(
    events: &[Event],
    surface: Surface,
    limits: &JsonLimits,
    wanted: &Wanted,
) -> Result<Vec<Event>, EditFault> {
    let all: Vec<Option<Bytes>> = events.iter().map(|event| data_of(event, surface)).collect();
    let mut changing: Vec<Changing> = all
        .iter()
        .map(|data| Changing { data: data.clone(), pieces: BTreeSet::new(), edits: Edits::new() })
        .collect();
    let mut texts: BTreeMap<(usize, Channel), Vec<Piece<'_>>> = BTreeMap::new();
    for ((event, data), changing) in all.iter().enumerate().zip(&mut changing) {
        let Some(data) = data else { continue };
        let parts = Parts::read(surface, data, limits).map_err(|_| EditFault::Unfit)?;
        for text in parts.texts.into_iter().chain(parts.untouched) {
            changing.pieces.insert(text.place.at);
            let piece = Piece { event, place: text.place };
            texts.entry((text.choice, text.channel)).or_default().push(piece);
        }
    }
    let mut applied = Applied::default();
    for ((_, channel), pieces) in &texts {
        let text: String = pieces.iter().map(|piece| piece.place.string.value()).collect();
        if !is_said(channel) {
            if wanted.speaks_of(&text) {
                return Err(EditFault::Sealed);
            }
            continue;
        }
        let content = pieces.first().map_or(Content::Text, |piece| piece.place.content);
        let with = retext(&text, content, &mut counting(wanted, &mut applied)).map_err(fault)?;
        spread(&with, pieces, &mut changing)?;
    }
    for Changing { data, pieces, edits } in &mut changing {
        let Some(data) = data else { continue };
        rewrite((data, pieces), Of::Answer(surface), limits, wanted, (edits, &mut applied))?;
    }
    applied.fits(wanted)?;
    let changed = events.iter().zip(changing).map(|(event, Changing { data, edits, .. })| match data {
        Some(data) if !edits.is_empty() => Event::new(event.with_data(&edits.apply(&data))),
        _ => event.clone(),
    });
    Ok(changed.collect())
}

/// What of an event is JSON.
fn data_of(event: &Event, surface: Surface) -> Option<Bytes> {
    event.data().filter(|data| surface != Surface::OpenAiChat || data.trim_ascii() != DONE)
}

/// Whether a text of this kind is said to somebody, or what a tool of the caller's is called with.
fn is_said(channel: &Channel) -> bool {
    match channel {
        Channel::Member(name) => matches!(*name, "content" | "refusal"),
        Channel::Tool(_) | Channel::Custom(_) | Channel::Function => true,
        Channel::Block(kind) => matches!(*kind, "text_delta" | "input_json_delta"),
        Channel::Item(kind, _) => {
            matches!(*kind, "output_text" | "refusal" | "function_call_arguments" | "custom_tool_call_input")
        }
    }
}

/// Puts replacements of a whole text into its pieces: what is new into the piece in which a range begins; the others lose their part of it.
fn spread(with: &[Replacement], pieces: &[Piece<'_>], changing: &mut [Changing]) -> Result<(), EditFault> {
    if with.is_empty() {
        return Ok(());
    }
    let mut from = 0;
    for (number, Piece { event, place }) in pieces.iter().enumerate() {
        let read = place.string.unescaped();
        let to = from + read.text.len();
        let is_last = number + 1 == pieces.len();
        let edits = &mut changing.get_mut(*event).ok_or(EditFault::Unfit)?.edits;
        for (range, new) in with {
            let begins = from <= range.start && (range.start < to || is_last);
            let (start, end) = (range.start.max(from), range.end.min(to));
            if !begins && start >= end {
                continue;
            }
            let raw = read.raw_range(start - from..end.max(start) - from);
            let new = if begins { escaped(new) } else { "".into() };
            let range = raw.start + place.at..raw.end + place.at;
            edits.replace(range, new.as_bytes()).map_err(|_| EditFault::Unfit)?;
        }
        from = to;
    }
    Ok(())
}
