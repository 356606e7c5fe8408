//! The forms of openings: one asks, one confirms what somebody else asked for, one withdraws.
//!
//! Must never: offer what the reader's role, or the state of the opening, can only refuse.

use tabellion_model::SystemId;

use super::opening_words::{CLASSES, class, opens, unseen, word};
use super::openings::{CONFIRM, REQUEST, WITHDRAW};
use super::systems;
use crate::console::block::Block;
use crate::console::form::{Field, Form, Kind, Refused};
use crate::console::visit::Visit;
use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::work::openings::{Opening, StateForm};

/// The form that asks.
pub(super) fn request(visit: &Visit<'_>) -> Result<Form, Refusal> {
    let classes = CLASSES.map(|known| {
        let follows = format!("{} Not looked into: {}", opens(known), unseen(known));
        (word(known).to_owned(), class(known).to_owned(), follows)
    });
    let fields = vec![
        system(visit)?,
        Field::new("class", "What is opened", Kind::Radio(classes.to_vec())),
        provider(visit),
        Field::new("until", "Ends by itself on", Kind::Day)
            .hint("When this day begins, in UTC; within 366 days. Whoever needs it longer asks again."),
        Field::new("reason", "Why", Kind::Area(2))
            .hint("What the system needs it for, and why it may go unread. The second person reads it."),
    ];
    let mut form = Form::new(REQUEST, "/openings".to_owned(), "Ask for it", fields);
    form.consequence = "Nothing is open by that. Somebody else has to confirm it; you cannot.";
    Ok(form)
}

fn system(visit: &Visit<'_>) -> Result<Field, Refusal> {
    let asked = visit.query.text("ask");
    Ok(match systems::to_choose(visit)? {
        Some(choices) => Field::new("system", "For the system", Kind::Select(choices)).value(asked),
        None => Field::new("system", "For the system", Kind::Line).hint("Its id.").value(asked),
    })
}

/// The one provider it is for: one that runs here, or by its name where none does.
fn provider(visit: &Visit<'_>) -> Field {
    let running = visit.settings.running.providers.as_ref().map(|now| now()).unwrap_or_default();
    if running.is_empty() {
        return Field::new("provider", "At the provider", Kind::Line)
            .optional()
            .hint("Its name in the configuration; nothing for every one that has such routes.");
    }
    let mut choices = vec![(String::new(), "Every one that has such routes".to_owned())];
    choices.extend(running.into_iter().map(|provider| (provider.name.clone(), provider.name)));
    Field::new("provider", "At the provider", Kind::Select(choices)).optional()
}

/// What the reader can do about `opening` as it stands.
pub(super) fn steps(
    visit: &Visit<'_>,
    opening: &Opening,
    refused: Option<&Refused<'_>>,
) -> Result<Vec<Block>, Refusal> {
    let mut forms = Vec::new();
    if opening.state == StateForm::Requested && visit.can(Permission::ConfirmOpenings) {
        forms.push(confirm(opening).block(visit, refused)?);
    }
    let system = opening.system.as_deref().and_then(SystemId::from_hex);
    let may_withdraw = visit.desk.may(visit.actor()?, Permission::ChangeOpenings, system)?;
    if matches!(opening.state, StateForm::Requested | StateForm::Open) && may_withdraw {
        let title = if opening.state == StateForm::Open { "Close it now" } else { "Take the request back" };
        forms.push(withdraw(opening).folded(visit, title, refused)?);
    }
    forms.retain(|form| !form.html().is_empty());
    Ok(forms)
}

fn confirm(opening: &Opening) -> Form {
    let fields = vec![
        Field::new("reason", "Why it may be opened", Kind::Area(2))
            .hint("What you looked at. It is on record under your name."),
    ];
    let mut form = Form::new(CONFIRM, format!("/openings/{}/confirm", opening.id), "Open it", fields);
    form.version = Some(opening.version);
    form.consequence = "Calls of the system pass on these routes from now on, unread, until the day above. Whoever asked for it cannot confirm it; an attempt is recorded.";
    form
}

fn withdraw(opening: &Opening) -> Form {
    let action = format!("/openings/{}/withdraw", opening.id);
    let consequence = "The next call on these routes is refused, and an answer on its way breaks off. It does not come back: somebody would ask anew.";
    Form::ending(WITHDRAW, action, "Withdraw it", opening.version, consequence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::page::openings::confirmers;

    /// Requirement: N22.
    #[test]
    fn every_class_says_what_nothing_looks_into() {
        for known in CLASSES {
            assert!(unseen(known).contains("guard"), "{} hides that no guard looks", word(known));
        }
        assert!(confirmers().contains("approver"), "nobody knows whom to ask: {}", confirmers());
    }
}
