//! Guards that ask a policy in Rego, over the facts of a call: what rules know, how much is sent, which personal data was found.
//!
//! Promises: they look wherever rules do, on declared routes and in the lines of batches as well, unless they need texts that nobody reads there. What is no answer stops the
//! call. Must never: put a word of a policy's into a record or an answer that is no id.

use serde::{Deserialize, Serialize};
use tabellion_guard::MAX_LABELS;
use tabellion_model::body::{GuardOutcome, Guarded, Masked};
use tabellion_policy::{Rego, RegoCall, RegoError, RegoVerdict, UNNAMED};

use crate::budget::Charge;
use crate::call::Call;
use crate::decide::{self, Asked, Permission, Refusal};
use crate::guards::config::{Mode, Side};
use crate::guards::suite::{Check, Guard, Guards};
use crate::prepare::Treated;
use crate::surface::request::Request;
use crate::words::is_impersonal;

/// A policy, as an operator writes it down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegoConfig {
    /// Its text.
    pub policy: String,
    /// The rule that is asked, such as `data.house.deny`: a set of ids, or of objects with one.
    pub query: String,
    /// Whether it is shown the texts of a prompt.
    #[serde(default)]
    pub content: bool,
}

/// What is sent, beside the question that rules were asked.
#[derive(Clone, Copy)]
pub(crate) struct Sent<'a> {
    pub(crate) bytes: u64,
    pub(crate) masked: &'a [Masked],
    pub(crate) passed: &'a [Masked],
}

impl Guards {
    /// The policy that a guard asks.
    fn rego_of(&self, guard: &Guard) -> Option<&Rego> {
        let Check::Rego(place) = guard.check else { return None };
        self.rego.get(place)
    }

    /// Whether any of these asks a policy.
    pub(crate) fn asks_rego(&self, numbers: &[usize]) -> bool {
        numbers.iter().filter_map(|number| self.all.get(*number)).any(|guard| self.rego_of(guard).is_some())
    }

    /// Whether any of these is shown the texts of a prompt.
    pub(crate) fn rego_reads(&self, numbers: &[usize]) -> bool {
        let guards = numbers.iter().filter_map(|number| self.all.get(*number));
        guards.filter_map(|guard| self.rego_of(guard)).any(Rego::has_content)
    }

    /// What the policies among these say of a call, each in its place in `results`. Without texts nobody read the prompt, and those that ask for what stands in it have not run.
    pub(crate) fn ask_rego(
        &self,
        numbers: &[usize],
        results: &mut [Guarded],
        call: &RegoCall<'_>,
        texts: Option<&[&str]>,
    ) {
        for (number, result) in numbers.iter().zip(results) {
            let Some(guard) = self.all.get(*number) else { continue };
            let Some(rego) = self.rego_of(guard) else { continue };
            if rego.reads_prompt() && texts.is_none() {
                continue;
            }
            *result = says(guard, rego.decide(call, texts.unwrap_or_default()));
        }
    }

    /// That no policy could be asked.
    fn unasked_rego(&self, numbers: &[usize], results: &mut [Guarded]) {
        for (number, result) in numbers.iter().zip(results) {
            if let Some(guard) = self.all.get(*number).filter(|guard| matches!(guard.check, Check::Rego(_))) {
                *result = says(guard, RegoVerdict::Erred(RegoError::Undefined));
            }
        }
    }
}

fn says(guard: &Guard, verdict: RegoVerdict) -> Guarded {
    match verdict {
        RegoVerdict::Clear => guard.says(GuardOutcome::Passed, Vec::new()),
        RegoVerdict::Erred(error) => guard.says(GuardOutcome::Errored, vec![error.as_str().to_owned()]),
        RegoVerdict::Against(ids) => {
            // A policy can make an id of what it was told: a card's number has the form of one.
            let id = |id: String| if is_impersonal(&id) { id } else { UNNAMED.to_owned() };
            let outcome =
                if guard.mode == Mode::Block { GuardOutcome::Blocked } else { GuardOutcome::Flagged };
            guard.says(outcome, ids.into_iter().take(MAX_LABELS).map(id).collect())
        }
    }
}

impl Call {
    /// What policies in Rego say of what is `asked`, as `permission` has it, among the results of the guards `numbers`.
    pub(crate) fn ask_rego(
        &self,
        numbers: &[usize],
        results: &mut [Guarded],
        asked: &Asked<'_>,
        permission: &Permission,
        (sent, texts): (Sent<'_>, Option<&[&str]>),
    ) {
        let target = &permission.target;
        let Some(question) = decide::question(&self.caller, asked, &permission.purpose, target) else {
            // Nobody is permitted without a system; whoever came here all the same is stopped.
            return self.worker.shared.guards.unasked_rego(numbers, results);
        };
        let Sent { bytes, masked, passed } = sent;
        let call = RegoCall { question, sent_bytes: bytes, masked, passed };
        self.worker.shared.guards.ask_rego(numbers, results, &call, texts);
    }

    /// What policies, and guards over costs, say of a line of a batch; refused where one stops it.
    pub(crate) fn line_passes(
        &self,
        request: &Request<'_>,
        treated: &Treated,
        permission: &Permission,
        asked: &Asked<'_>,
        charge: &Charge,
    ) -> Result<Vec<Guarded>, Refusal> {
        let guards = &self.worker.shared.guards;
        let (whose, purpose) = (self.caller.stands_for, &permission.purpose);
        let numbers = guards.that_apply(Side::Prompt, whose, purpose, asked.surface);
        let mut results: Vec<Guarded> =
            numbers.iter().filter_map(|number| guards.all.get(*number)).map(Guard::not_run).collect();
        self.ask_rego_of_prompt(&numbers, &mut results, (request, treated), permission, asked);
        self.ask_cost(&numbers, &mut results, charge);
        match guards.stop(&results, Side::Prompt) {
            Some(stop) => Err(Refusal { guards: results, ..Refusal::new(stop.code, stop.text) }),
            None => Ok(results),
        }
    }

    /// The guards of a declared route: those that read did not run, policies are asked without texts, and those over costs where something is reserved. Refused where one stops the call.
    pub(crate) fn guarded_unread(
        &self,
        asked: &Asked<'_>,
        permission: &Permission,
        sent: Sent<'_>,
        charge: &Charge,
    ) -> Result<Vec<Guarded>, Refusal> {
        let guards = &self.worker.shared.guards;
        let (whose, purpose) = (self.caller.stands_for, &permission.purpose);
        let numbers = guards.that_apply(Side::Prompt, whose, purpose, asked.surface);
        let mut results: Vec<Guarded> =
            numbers.iter().filter_map(|number| guards.all.get(*number)).map(Guard::not_run).collect();
        self.ask_rego(&numbers, &mut results, asked, permission, (sent, None));
        // What reserves nothing may cost something all the same, by the piece.
        if charge.reserved.tokens().total() > 0 {
            self.ask_cost(&numbers, &mut results, charge);
        }
        match guards.stop(&results, Side::Prompt) {
            Some(stop) => Err(Refusal { guards: results, ..Refusal::new(stop.code, stop.text) }),
            None => Ok(results),
        }
    }
}
