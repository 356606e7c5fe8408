//! The playground: what the gateway would do with a call, by the policies in force or with a draft of one.
//!
//! Promises: the answer stands on the page of whoever tried it alone, and the page says who else sees the text. Must never: keep, record or log what is
//! tried, not in the browser either.

use serde_json::{Map, Value, json};

use super::masking::operator;
use crate::console::answer::Answered;
use crate::console::block::{Block, Facts, Line, Note, Section, Text, section};
use crate::console::cell::Cell;
use crate::console::form::{Field, Form, Kind, Refused, sentence};
use crate::console::page::story;
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, count};
use crate::permission::Permission;
use crate::printable::visible;
use crate::refusal::Refusal;
use crate::work::calls::GuardSaid;
use crate::work::keys::works_at;
use crate::work::playground::{AnswerShown, NewTrial, SentShown, Trial};

/// The form that tries.
const TRY: &str = "try-call";
/// Most keys to choose from; of more, one is named by its id.
const MAX_CHOICES: usize = 100;
/// Longest body that is shown, in characters: the longest that a form brings.
const MAX_BODY_CHARS: usize = 1 << 20;
/// Where the one draft of this page stands in what the API takes.
const DRAFT: &str = "/policies/0";
/// What the version of a guard begins with that somebody else runs.
const OF_OTHERS: &str = "http.";

/// What the box says that has the provider asked.
const YES: &str = "yes";

/// Routes that can be tried, as records name them, and what each is asked for.
const SURFACES: [(&str, &str); 5] = [
    ("openai.chat_completions", "Chat (POST /v1/chat/completions)"),
    ("openai.responses", "Responses (POST /v1/responses)"),
    ("openai.embeddings", "Embeddings (POST /v1/embeddings)"),
    ("anthropic.messages", "Messages (POST /anthropic/v1/messages)"),
    ("anthropic.count_tokens", "Counting of tokens (POST /anthropic/v1/messages/count_tokens)"),
];

/// The page.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    page(visit, 200, None, None)
}

/// Tries a call. It comes back on the page of whoever sent it alone.
pub(crate) fn try_it(visit: &Visit<'_>) -> Answered {
    let playground = visit.settings.playground.as_ref();
    let tried = visit
        .read::<NewTrial>("tryCall", typed(visit))
        .and_then(|new| visit.desk.try_call(visit.actor()?, playground, new));
    match tried {
        Ok(trial) => page(visit, 200, Some(&trial), None),
        Err(refusal) => {
            let refusal = at_field(refusal);
            let refused = Refused { id: TRY, typed: &visit.form, refusal: &refusal };
            page(visit, refusal.code.status(), None, Some(&refused))
        }
    }
}

fn typed(visit: &Visit<'_>) -> Value {
    // A form sends line breaks as CR and LF.
    let text = |name: &str| visit.form.text(name).replace("\r\n", "\n");
    let mut body = Map::new();
    for name in ["key", "surface"] {
        body.insert(name.to_owned(), Value::from(visit.form.text(name).trim()));
    }
    let purpose = Some(visit.form.text("purpose").trim()).filter(|purpose| !purpose.is_empty());
    body.extend(purpose.map(|purpose| ("purpose".to_owned(), Value::from(purpose))));
    body.insert("body".to_owned(), Value::from(text("body")));
    body.insert("ask".to_owned(), Value::from(visit.form.get("ask") == Some(YES)));
    let (name, draft) = (visit.form.text("policy").trim(), text("draft"));
    if !name.is_empty() || !draft.trim().is_empty() {
        body.insert("policies".to_owned(), json!([{"name": name, "text": draft}]));
    }
    Value::Object(body)
}

/// The form has the draft's name and text beside the others.
fn at_field(mut refusal: Refusal) -> Refusal {
    let field = |pointer: &str| match pointer.strip_prefix(DRAFT) {
        Some(rest) if rest.starts_with("/name") => "/policy".to_owned(),
        Some(_) => "/draft".to_owned(),
        None => pointer.to_owned(),
    };
    if let Some(pointer) = &mut refusal.pointer {
        refusal.detail = without(pointer, &refusal.detail);
        *pointer = field(pointer);
    }
    for error in &mut refusal.errors {
        error.detail = without(&error.pointer, &error.detail);
        error.pointer = field(&error.pointer);
    }
    refusal
}

/// What is wrong at `pointer`, without the pointer.
fn without(pointer: &str, detail: &str) -> String {
    let rest = detail.strip_prefix(pointer).and_then(|rest| rest.strip_prefix(": "));
    rest.unwrap_or(detail).to_owned()
}

fn page(visit: &Visit<'_>, status: u16, trial: Option<&Trial>, refused: Option<&Refused<'_>>) -> Answered {
    let mut blocks = Vec::new();
    if visit.settings.playground.is_none() {
        blocks.push(note(
            Tone::Fair,
            "No gateway runs in this process",
            "A call is tried by the gateway's own steps. Configure a provider (docs/gateway.md) and start again; then calls are tried here.",
        )?);
    } else {
        if let Some(trial) = trial {
            blocks.extend(answer(visit, trial)?);
        }
        blocks.push(section("try", "The call", vec![promise()?, form(visit)?.block(visit, refused)?])?);
    }
    let content = Content {
        lead: "What would the gateway do with this call, and with this rule? The call runs through the gateway's own steps, up to where it would be recorded and sent; on request its provider is asked, too.".to_owned(),
        blocks,
        ..Content::titled("Playground")
    };
    visit.show_with(status, content)
}

fn promise() -> Result<Block, Refusal> {
    note(
        Tone::Quiet,
        "Nothing is recorded, and nothing is sent to a provider unless you ask for it",
        "No record, no change of a budget, no draft in your browser. Guards that others run are asked all the same, and see what they would see of the call.",
    )
}

fn note(tone: Tone, title: &str, text: &str) -> Result<Block, Refusal> {
    Block::of(&Note { tone, title: title.to_owned(), text: text.to_owned(), action: None })
}

fn form(visit: &Visit<'_>) -> Result<Form, Refusal> {
    // What was tried stands there again, to be changed and tried anew.
    let typed = |name: &str| visit.form.text(name).to_owned();
    let surfaces = SURFACES.map(|(value, label)| (value.to_owned(), label.to_owned())).to_vec();
    let mut fields = vec![
        key(visit)?,
        Field::new("surface", "Route", Kind::Select(surfaces)).value(typed("surface")),
        Field::new("purpose", "Purpose", Kind::Line)
            .optional()
            .value(typed("purpose"))
            .hint("What the call would claim; nothing: the key's first."),
        Field::new("body", "Body", Kind::Code(10)).value(typed("body")).hint(
            "The JSON that the application would send. Line breaks go as LF. One too large for a form is tried over the API.",
        ),
        Field::new("policy", "A policy to try, by name", Kind::Line)
            .optional()
            .value(typed("policy"))
            .hint("Its draft below stands in for the policy of this name, or beside the others."),
        Field::new("draft", "Draft of the policy", Kind::Code(8))
            .optional()
            .value(typed("draft"))
            .hint("In Cedar. Nothing: the policies in force alone."),
    ];
    if visit.can(Permission::AskProviders) {
        let label = "Ask the model, and show what it answers".to_owned();
        let ask = Field::new("ask", "And then", Kind::Checks(vec![(YES.to_owned(), label)])).optional();
        fields.push(ask.hint("The provider gets the call as it would get it, and bills it. No budget and no record has it. Stops hold; it takes a minute at most."));
    }
    let mut form = Form::new(TRY, "/playground".to_owned(), "Try the call", fields);
    form.keeps_no_draft = true;
    Ok(form)
}

/// The key that the call would come with: one of those within reach that work.
fn key(visit: &Visit<'_>) -> Result<Field, Refusal> {
    let typed = visit.form.get("key").unwrap_or_else(|| visit.query.text("key")).to_owned();
    let (mut choices, actor) = (Vec::new(), visit.actor()?);
    let mut working = visit.desk.key_rows(actor)?;
    working.retain(|row| works_at(row, visit.now()));
    // One more than there may be says that there are too many.
    for row in working.into_iter().take(MAX_CHOICES + 1) {
        let name = visit.names.key(visit.desk, actor, row.credential)?.text;
        let system = visit.names.system(visit.desk, row.system)?.text;
        choices.push((row.credential.to_hex(), format!("{name} ({system})")));
    }
    if choices.is_empty() || choices.len() > MAX_CHOICES {
        return Ok(Field::new("key", "API key", Kind::Line)
            .value(typed)
            .hint("Its id; its secret is not asked for. Its system is the one that calls."));
    }
    Ok(Field::new("key", "API key", Kind::Select(choices))
        .value(typed)
        .hint("Its secret is not asked for. Its system is the one that calls."))
}

/// What would come of the call.
fn answer(visit: &Visit<'_>, trial: &Trial) -> Result<Vec<Block>, Refusal> {
    let (title, tone, text) = match (trial.code, &trial.reason) {
        (None, _) if trial.answered.is_some() => (
            "It was sent",
            Tone::Good,
            "The rules permit it, no guard stops it, and its budgets have room. The provider was asked."
                .to_owned(),
        ),
        (None, _) => (
            "It would be sent",
            Tone::Good,
            "The rules permit it, no guard stops it, and its budgets have room.".to_owned(),
        ),
        (Some(code), reason) => {
            let reason = reason.as_deref().unwrap_or("it would be refused");
            ("It would not be sent", Tone::Bad, format!("{} ({code})", sentence(&Cell::text(reason).text)))
        }
    };
    let mut blocks = vec![note(tone, title, &text)?, decided(visit, trial)?];
    blocks.extend(guards(("guards", "What guards said"), &trial.guards)?);
    blocks.push(match &trial.sent {
        Some(sent) => would_get(sent)?,
        None => note(
            Tone::Quiet,
            "No body for a provider",
            "Rules, masking or a guard stop the call before there is one.",
        )?,
    });
    if let Some(answered) = &trial.answered {
        blocks.extend(came_back(answered)?);
    }
    let lead = match &trial.answered {
        None => "Nothing of it was recorded or sent to a provider.",
        Some(_) => "Nothing of it was recorded, and no budget was charged; the provider will bill it.",
    };
    let part = Section {
        id: "tried",
        title: "What would come of it".to_owned(),
        lead: lead.to_owned(),
        action: None,
        blocks,
    };
    Ok(vec![Block::of(&part)?])
}

fn decided(visit: &Visit<'_>, trial: &Trial) -> Result<Block, Refusal> {
    let rules = trial.rules.iter().map(|rule| story::rule_cell(visit, rule)).collect();
    let facts = Facts::default().with_all("Rules that decided", rules).with_all(
        "Policies and packs that decided, the draft among them",
        trial.policies.iter().map(|digest| Cell::id(digest)).collect(),
    );
    let facts = match &trial.budgets {
        Some(budgets) => facts.with_all(
            "Budgets that hold, with room",
            budgets.iter().map(|budget| Cell::text(budget)).collect(),
        ),
        None => facts.with("Budgets that hold", Cell::unknown("it did not come to them, or one has no room")),
    };
    facts.with("Log size it saw", Cell::number(trial.position)).block()
}

/// What guards said, and which of them somebody else runs who has seen the text now.
fn guards((id, title): (&'static str, &str), said: &[GuardSaid]) -> Result<Option<Block>, Refusal> {
    if said.is_empty() {
        return Ok(None);
    }
    let facts = said.iter().fold(Facts::default(), |facts, said| {
        let (word, tone) = story::guard_outcome(&said.outcome);
        let found = said.told();
        facts.with(Cell::text(&said.guard).text, Cell::state((&format!("{word}{found}"), tone)))
    });
    let asked = said.iter().filter(|said| said.version.starts_with(OF_OTHERS) && said.outcome != "not_run");
    let asked: Vec<Cell> = asked.map(|said| Cell::text(&said.guard)).collect();
    let asked = if asked.is_empty() { vec![Cell::unknown("none was asked")] } else { asked };
    let facts = facts.with_all("Of these, asked of others", asked);
    section(id, title, vec![facts.block()?]).map(Some)
}

/// What the provider answered, as the application would have it.
fn came_back(answer: &AnswerShown) -> Result<Vec<Block>, Refusal> {
    let masked = answer.masked.iter().map(|one| Cell::text(&format!("{} × {}", count(one.count), one.class)));
    let tokens = |tokens: Option<u64>| match tokens {
        Some(tokens) => Cell::number(tokens),
        None => Cell::unknown("the provider did not count them"),
    };
    let how = match &answer.code {
        None => answer.outcome.clone(),
        Some(code) => format!("{} ({code})", answer.outcome),
    };
    let facts = Facts::default()
        .with("How it ended", Cell::text(&how))
        .with("Status that the application would be given", Cell::number(answer.status))
        .with("What it would have of the answer", Cell::text(&answer.delivered))
        .with("Model that answered", Cell::maybe(answer.answered_by.as_deref(), "it did not say"))
        .with("Tokens of the prompt", tokens(answer.prompt_tokens))
        .with("Tokens of the answer", tokens(answer.completion_tokens))
        .with_all("Personal data that the model brought up", masked.collect());
    let line = |(number, line): (usize, &str)| Line {
        class: "same",
        number: (number + 1).to_string(),
        text: visible(line, MAX_BODY_CHARS),
    };
    let caption = if answer.is_cut {
        "The beginning of the answer as the application would get it"
    } else {
        "The answer as the application would get it"
    };
    let lines = answer.body.lines().enumerate().map(line).collect();
    let text = Text { caption: caption.to_owned(), lines };
    let mut blocks = vec![section("came-back", "What came back", vec![facts.block()?, Block::of(&text)?])?];
    blocks.extend(guards(("answer-guards", "What guards said of the answer"), &answer.guards)?);
    Ok(blocks)
}

fn would_get(sent: &SentShown) -> Result<Block, Refusal> {
    let values = |counts: &[crate::work::calls::MaskedCount], passed: bool| {
        let word = |one: &crate::work::calls::MaskedCount| {
            let became =
                if passed { operator("pass") } else { operator(one.operator.as_deref().unwrap_or("")) };
            Cell::text(&format!("{} × {}: {became}", count(one.count), one.class))
        };
        counts.iter().map(word).collect::<Vec<_>>()
    };
    let mut masked = values(&sent.masked, false);
    masked.extend(values(&sent.passed, true));
    let rules = sent.masking.iter().map(|rule| Cell::text(rule)).collect();
    let facts = Facts::default()
        .with("Provider", Cell::text(&sent.upstream))
        .with("Model asked for", Cell::text(&sent.model))
        .with("Model as the provider has it", Cell::maybe(sent.upstream_model.as_deref(), "the same"))
        .with("Purpose", Cell::text(&sent.purpose))
        .with_all("Personal data found", masked)
        .with_all("Rules of masking", rules);
    let line = |(number, line): (usize, &str)| Line {
        class: "same",
        number: (number + 1).to_string(),
        text: visible(line, MAX_BODY_CHARS),
    };
    let text = Text {
        caption: "The body as the provider would get it".to_owned(),
        lines: sent.body.lines().enumerate().map(line).collect(),
    };
    section("would-get", "What the provider would get", vec![facts.block()?, Block::of(&text)?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Code;

    #[test]
    fn a_fault_of_the_draft_is_said_at_its_field() {
        let at = |pointer: &str| {
            at_field(Refusal::at(Code::Malformed, pointer.to_owned(), "it is wrong"))
                .pointer
                .unwrap_or_default()
        };
        assert_eq!(
            [at("/policies/0/text"), at("/policies/0/name"), at("/policies/0"), at("/body")],
            ["/draft", "/policy", "/draft", "/body"],
            "nobody would see which field is at fault"
        );
    }
}
