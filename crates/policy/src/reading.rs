//! What the records of calls say of decisions: the one reading of them, whoever asks again.
//!
//! Promises: what a record does not say is absent; a record whose content is gone says nothing but that there was a decision. Must never: take a word that a
//! record does not have from how things are today.

use tabellion_model::body::{CallAuthorised, CallDenied, CallerShown, Chain, Input};
use tabellion_model::charge::Reserved;
use tabellion_model::{CredentialId, Header};

use crate::recorded::RecordedDecision;

impl RecordedDecision {
    /// What a `call.authorised` says; `body`: none where its content is erased or withheld.
    pub fn of_authorised(name: String, header: &Header, body: Option<CallAuthorised>) -> Self {
        let mut decision = Self::of_header(name, header, true);
        if let Some(body) = body {
            // Since calls are charged, a record names the model as its upstream is given it wherever that is another name; before, nobody knows.
            let same = Reserved::of(header).map(|_| body.model.clone());
            decision.served_as = body.upstream_model.or(same);
            decision.surface = Some(body.surface);
            decision.model = Some(body.model);
            decision.upstream = Some(body.upstream).filter(|upstream| !upstream.is_empty());
            // Where none stand in the record, none were declared: before records had them, nothing could be.
            decision.terms = Some(body.terms.unwrap_or_default());
            decision.purpose = Some(body.purpose);
            decision.stream = Some(body.stream);
            decision.take_input(body.input, body.caller.as_ref());
            // Where nobody stands in the record, nobody was named: before records had them, nobody could be.
            decision.chain = chain(body.caller);
            decision.received_bytes = Some(body.received_bytes);
            decision.policies = body.policies;
            decision.rules = body.rules;
        }
        decision
    }

    /// What a `call.denied` says; `body`: none where its content is erased or withheld.
    pub fn of_denied(name: String, header: &Header, body: Option<CallDenied>) -> Self {
        let mut decision = Self::of_header(name, header, false);
        match body {
            Some(body) => {
                let same = body.upstream.as_ref().and(body.model.clone());
                decision.served_as = body.upstream_model.or(same);
                decision.surface = Some(body.surface);
                decision.model = body.model;
                // A denial that names no upstream is older than terms, or led to none.
                decision.terms = body.upstream.as_ref().map(|_| body.terms.unwrap_or_default());
                decision.upstream = body.upstream;
                decision.purpose = body.purpose;
                decision.received_bytes = Some(body.received_bytes);
                decision.take_input(body.input, body.caller.as_ref());
                decision.chain = chain(body.caller);
                decision.code = Some(body.code);
                decision.policies = body.policies;
                decision.rules = body.rules;
            }
            // That rules decided it is not known either, and `question` says what is missing.
            None => decision.code = Some("policy_denied".to_owned()),
        }
        decision
    }

    /// Takes in what the rules were given, where the record says it.
    fn take_input(&mut self, input: Option<Box<Input>>, caller: Option<&CallerShown>) {
        let Some(input) = input else { return };
        self.at = input.at;
        self.stream = Some(input.stream);
        if input.purpose.is_some() {
            self.purpose.clone_from(&input.purpose);
        }
        self.input_salt = caller.and_then(CallerShown::salt);
        self.input = Some(*input);
    }

    fn of_header(name: String, header: &Header, permitted: bool) -> Self {
        Self {
            name,
            system: header.system.as_ref().map(|(system, _)| *system),
            key: CredentialId::from_bytes(*header.actor.as_bytes()),
            chain: None,
            surface: None,
            model: None,
            served_as: None,
            upstream: None,
            terms: None,
            purpose: None,
            stream: None,
            received_bytes: None,
            at: header.observed_at,
            input: None,
            input_salt: None,
            permitted,
            code: None,
            policies: Vec::new(),
            rules: Vec::new(),
        }
    }
}

/// Who was behind the key; nobody where nobody is named, and none where somebody is who cannot be read: rules may have asked for them.
fn chain(caller: Option<CallerShown>) -> Option<Chain> {
    caller.map_or_else(|| Some(Chain::default()), CallerShown::whole)
}
