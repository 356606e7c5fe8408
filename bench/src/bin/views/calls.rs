//! Calls as the gateway records them: most answered, some streamed, refused, failed, abandoned, denied; a few left open or found broken.

use tabellion_ledger::{Ack, Draft, DraftParent};
use tabellion_model::body::{
    Answered, CallAuthorised, CallBroken, CallCompleted, CallDenied, Delivered, Masked, Outcome as Ended,
    Usage,
};

use crate::Outcome;
use crate::house::{PURPOSES, SYSTEMS, about, captures, draft, id_bytes, key, model, system};

/// Numbers without rhyme that are the same in every run (SplitMix64).
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    /// Below `bound`.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((word ^ (word >> 31)) % u64::from(bound)).unwrap_or(0)
    }
}

/// One call.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    system: u32,
    key: u32,
    model: u32,
    is_stream: bool,
    fate: Fate,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Denied,
    Open,
    Broken,
    Ended(Ended),
}

impl Call {
    /// The next one: few systems make most of the calls, and each uses a few models.
    pub(crate) fn next(chance: &mut Chance) -> Self {
        let wide = chance.below(SYSTEMS);
        let system = chance.below(wide + 1);
        let spread = chance.below(3);
        let fate = match chance.below(10_000) {
            0..400 => Fate::Denied,
            400..403 => Fate::Open,
            403..406 => Fate::Broken,
            406..500 => Fate::Ended(Ended::Failed),
            500..560 => Fate::Ended(Ended::Refused),
            560..640 => Fate::Ended(Ended::Abandoned),
            640..660 => Fate::Ended(Ended::Cut),
            _ => Fate::Ended(Ended::Answered),
        };
        let is_stream = chance.below(10) < 3;
        Self { system, key: chance.below(4), model: system + spread, is_stream, fate }
    }

    /// Its first record.
    pub(crate) fn begin(&self, size: u64) -> Outcome<Draft> {
        let key = key(self.system, self.key);
        let purpose = PURPOSES[usize::try_from(self.system)? % PURPOSES.len()].to_owned();
        let surface = "openai.chat_completions".to_owned();
        let received_salted_sha256 = Some(digest("received", self.system));
        let received_bytes = 400 + u64::from(self.system) * 31;
        let policies = vec![digest("house", 0), digest("models", 0)];
        let mut draft = if self.fate == Fate::Denied {
            let body = CallDenied {
                caller: None,
                code: ["policy_denied", "purpose_not_allowed", "model_not_allowed"]
                    [usize::try_from(self.model)? % 3]
                    .to_owned(),
                reason: "a rule of the organisation forbids it".to_owned(),
                status: 403,
                surface,
                model: Some(model(self.model)),
                upstream: None,
                terms: None,
                attempt: None,
                upstream_model: None,
                purpose: Some(purpose),
                received_bytes,
                received_sha256: None,
                received_salted_sha256,
                policies,
                rules: vec!["house.rule1".to_owned()],
                input: None,
                guards: Vec::new(),
                observed: None,
                retry: 0,
            };
            draft(&body, key)?
        } else {
            let kept = captures(self.system);
            let body = CallAuthorised {
                caller: None,
                surface,
                model: model(self.model),
                upstream: "provider".to_owned(),
                upstream_model: None,
                terms: None,
                attempt: None,
                translated: None,
                budgets: Vec::new(),
                purpose,
                stream: self.is_stream,
                received_bytes,
                received_sha256: None,
                received_salted_sha256,
                forwarded_sha256: None,
                forwarded_salted_sha256: Some(digest("forwarded", self.model)),
                forwarded_headers_sha256: Some(digest("headers", 0)),
                masked: vec![Masked { class: "email".to_owned(), count: 1, operator: None }],
                passed: Vec::new(),
                masking: Vec::new(),
                pseudonyms: None,
                policies,
                rules: vec!["house.rule0".to_owned()],
                input: None,
                guards: Vec::new(),
                guards_after: Vec::new(),
                observed: None,
                references: Vec::new(),
                opened: None,
                retry: 0,
                prompt: kept.then(|| PROMPT.repeat(4)),
                prompt_withheld: (!kept).then(|| "capture_off".to_owned()),
            };
            draft(&body, key)?
        };
        draft.basis = Some(size);
        Ok(about(draft, system(self.system)))
    }

    /// Its last record, when it has one of its own.
    pub(crate) fn end(&self, authorised: &Ack, chance: &mut Chance) -> Outcome<Option<Draft>> {
        let key = key(self.system, self.key);
        let mut draft = match self.fate {
            Fate::Denied | Fate::Open => return Ok(None),
            Fate::Broken => {
                let body =
                    CallBroken { delivered: Delivered::Unknown, code: "process_ended".to_owned(), key };
                draft(&body, key)?
            }
            Fate::Ended(outcome) => draft(&self.completed(outcome, chance), key)?,
        };
        draft.parents = vec![DraftParent {
            hash: authorised.leaf.to_hex(),
            record_id: authorised.record_id.to_hex(),
            role: "authorised".to_owned(),
        }];
        Ok(Some(about(draft, system(self.system))))
    }

    fn completed(&self, outcome: Ended, chance: &mut Chance) -> CallCompleted {
        let is_answered = outcome == Ended::Answered;
        let kept = captures(self.system) && is_answered;
        let tokens = u64::from(chance.below(900));
        let usage =
            is_answered.then_some(Usage { prompt_tokens: 40 + tokens, completion_tokens: 2 * tokens });
        let duration_us = 200_000 + u64::from(chance.below(4_000_000));
        CallCompleted {
            outcome,
            status: if is_answered { 200 } else { 502 },
            upstream_status: is_answered.then_some(200),
            code: (!is_answered).then(|| "upstream_failed".to_owned()),
            delivered: if is_answered { Delivered::Whole } else { Delivered::Nothing },
            answered: Answered {
                model: is_answered.then(|| model(self.model)),
                finish_reason: is_answered.then(|| "stop".to_owned()),
                tools: Vec::new(),
                usage,
                kept: Vec::new(),
            },
            received_bytes: 900 + 4 * tokens,
            received_sha256: None,
            received_salted_sha256: Some(digest("answer", self.model)),
            released_sha256: None,
            released_salted_sha256: Some(digest("released", self.model)),
            masked: Vec::new(),
            guards: Vec::new(),
            conversed: None,
            duration_us,
            first_byte_us: Some(duration_us / 4),
            answer: kept.then(|| PROMPT.repeat(6)),
            answer_withheld: (!kept).then(|| "capture_off".to_owned()),
        }
    }
}

/// What people say, about 140 bytes.
const PROMPT: &str = "The applicant [[person_1]] asks whether the instalments can be put off by three months, and what that would cost in total by the end. ";

fn digest(kind: &str, number: u32) -> String {
    let bytes = [id_bytes(kind, number), id_bytes(kind, number + 1)].concat();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
