//! Services of others that look at texts: how each wants to be asked, and what of its answer counts.
//!
//! A service that may have texts changed says so by ranges of what it was shown ([`TextEdit`]); what cannot be one is no verdict either.
//!
//! Promises: an answer has one of four known forms and is read strictly; whatever else comes is a [`Fault`] and never a verdict. Must never: take over a word of
//! an answer that is no short identifier: whoever answers could put there what it was shown.

mod edit;
mod litellm;
mod own;
mod presidio;
mod protobuf;

use crate::findings::MAX_LABELS;

pub use edit::{EditFault, MAX_EDITS, MAX_REPLACEMENT_BYTES, TextEdit};
pub use presidio::Analysis;

/// Most questions that are asked together: their verdicts, of at most some two hundred bytes each, take a tenth of the largest answer.
pub const MAX_BATCH: usize = 500;
/// Largest answer that is read: some thousand findings; a verdict alone has a hundred bytes.
pub const MAX_ANSWER_BYTES: usize = 1 << 20;
/// Longest word that is taken over from an answer or stands in a question's settings.
pub const MAX_WORD_CHARS: usize = 32;

/// What a text is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// What is about to be sent to a model.
    Prompt,
    /// What came back from it.
    Answer,
}

/// What a service is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Name of the guard that asks.
    pub guard: &'a str,
    /// Version of the service that it was set up for.
    pub version: &'a str,
    /// What the texts are of.
    pub of: Of,
    /// Model that is asked.
    pub model: &'a str,
    /// Purpose of the call.
    pub purpose: &'a str,
    /// Id of the system that calls.
    pub system: &'a str,
    /// What to look at; none is empty.
    pub texts: &'a [&'a str],
    /// Whether it may have them changed.
    pub may_edit: bool,
}

/// What a service makes of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// It found nothing.
    Pass,
    /// It found something that may go on.
    Flag,
    /// It found something that may not.
    Block,
}

/// An answer that is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What it makes of the texts.
    pub ruling: Ruling,
    /// Why, in words of at most [`MAX_WORD_CHARS`]; none where it passed.
    pub labels: Vec<String>,
    /// What it calls itself, where it says so.
    pub detector: Option<String>,
    /// Its version, where it says so.
    pub version: Option<String>,
    /// What it wants changed, in the order of the texts; with [`Ruling::Flag`] alone.
    pub edits: Vec<TextEdit>,
}

impl Verdict {
    fn of(ruling: Ruling, labels: Vec<String>) -> Self {
        Self { ruling, labels, detector: None, version: None, edits: Vec::new() }
    }

    /// That texts may go on with these edits; its labels are theirs, each once, behind those that it has.
    fn with_edits(mut self, edits: Vec<TextEdit>) -> Self {
        for edit in &edits {
            if self.labels.len() < MAX_LABELS && !self.labels.contains(&edit.label) {
                self.labels.push(edit.label.clone());
            }
        }
        Self { edits, ..self }
    }
}

/// Why an answer is no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It has more than [`MAX_ANSWER_BYTES`].
    TooLarge,
    /// It does not have the form of an answer.
    Malformed,
    /// It has more verdicts, or fewer, than questions were asked together.
    Miscounted,
    /// It wants texts changed and may not, or does not say what into.
    Edited,
    /// It may, and an edit of it breaks a rule.
    Edit(EditFault),
}

impl Fault {
    /// The word for it in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::Miscounted => "miscounted",
            Self::Edited => "edited",
            Self::Edit(fault) => fault.as_str(),
        }
    }
}

/// How a service is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Service {
    /// In our own form.
    Tabellion,
    /// The same over gRPC: a message, without what gRPC puts before it.
    Grpc,
    /// As Presidio's analyser is, which finds personal data.
    Presidio(Analysis),
    /// As the gateway `LiteLLM` asks its generic guardrails.
    LiteLlm,
}

impl Service {
    /// The body of the request that asks.
    pub fn ask(&self, question: &Question<'_>) -> Vec<u8> {
        match self {
            Self::Tabellion => own::ask(question),
            Self::Grpc => protobuf::ask(question),
            Self::Presidio(analysis) => analysis.ask(question),
            Self::LiteLlm => litellm::ask(question),
        }
    }

    /// What the answer to that question says.
    pub fn read(&self, question: &Question<'_>, answer: &[u8]) -> Result<Verdict, Fault> {
        if answer.len() > MAX_ANSWER_BYTES {
            return Err(Fault::TooLarge);
        }
        let verdict = match self {
            Self::Tabellion => own::read(answer, question.may_edit),
            Self::Grpc => protobuf::read(answer, question.may_edit),
            Self::Presidio(analysis) => analysis.read(question, answer),
            Self::LiteLlm => litellm::read(question, answer),
        }?;
        edit::check(question.texts, &verdict.edits).map_err(Fault::Edit)?;
        Ok(verdict)
    }
}

impl Service {
    /// Whether it takes many questions in one request.
    pub fn takes_batches(&self) -> bool {
        !matches!(self, Self::LiteLlm)
    }

    /// Whether one that takes none is known by an error alone: older versions of it do not.
    pub fn may_take_none(&self) -> bool {
        matches!(self, Self::Presidio(_))
    }

    /// The body of the request that asks all of `questions` together; none: it takes no batches.
    pub fn ask_batch(&self, questions: &[Question<'_>]) -> Option<Vec<u8>> {
        match self {
            Self::Tabellion => Some(own::ask_batch(questions)),
            Self::Grpc => Some(protobuf::ask_batch(questions)),
            Self::Presidio(analysis) => Some(analysis.ask_batch(questions)),
            Self::LiteLlm => None,
        }
    }

    /// What the answer to those says: as many verdicts, in their order. One that is none makes the whole answer none, since whose it was cannot be told.
    pub fn read_batch(&self, questions: &[Question<'_>], answer: &[u8]) -> Result<Vec<Verdict>, Fault> {
        if answer.len() > MAX_ANSWER_BYTES {
            return Err(Fault::TooLarge);
        }
        let verdicts = match self {
            Self::Tabellion => own::read_batch(answer),
            Self::Grpc => protobuf::read_batch(answer),
            Self::Presidio(analysis) => analysis.read_batch(questions, answer),
            Self::LiteLlm => Err(Fault::Malformed),
        }?;
        if verdicts.len() == questions.len() { Ok(verdicts) } else { Err(Fault::Miscounted) }
    }
}

/// Whether `text` is a word as records take one from others: `[A-Za-z0-9][A-Za-z0-9._-]{0,31}`.
pub fn is_word(text: &str) -> bool {
    (1..=MAX_WORD_CHARS).contains(&text.len())
        && text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// An answer that is one object. What reads members by their names would take them from a list by their order as well.
fn object<T: serde::de::DeserializeOwned>(answer: &[u8]) -> Result<T, Fault> {
    if !answer.trim_ascii_start().starts_with(b"{") {
        return Err(Fault::Malformed);
    }
    serde_json::from_slice(answer).map_err(|_| Fault::Malformed)
}

/// A body of ours as JSON.
fn written(body: &impl serde::Serialize) -> Vec<u8> {
    // Plain texts and numbers always make JSON; a service that got nothing all the same would answer with no verdict.
    serde_json::to_vec(body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn services() -> [Service; 3] {
        let analysis = Analysis::new("en", vec!["IBAN_CODE".to_owned(), "EMAIL_ADDRESS".to_owned()], 50);
        [Service::Tabellion, Service::Presidio(analysis), Service::LiteLlm]
    }

    const QUESTION: Question<'static> = Question {
        guard: "outside",
        version: "1",
        of: Of::Prompt,
        model: "model-a",
        purpose: "loan-support",
        system: "51515151515151515151515151515151",
        texts: &["über \"it\"", "two"],
        may_edit: false,
    };

    fn read(service: usize, answer: &str) -> Result<Verdict, Fault> {
        services()[service].read(&QUESTION, answer.as_bytes())
    }

    fn ruling(service: usize, answer: &str) -> Result<(Ruling, Vec<String>), Fault> {
        read(service, answer).map(|verdict| (verdict.ruling, verdict.labels))
    }

    fn labels(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// Requirement: N21.
    #[test]
    fn our_own_form_is_read_strictly() {
        assert_eq!(ruling(0, r#"{"verdict":"pass"}"#), Ok((Ruling::Pass, vec![])));
        let flagged = ruling(0, r#" {"verdict":"flag","reason_code":"house-9"} "#);
        assert_eq!(flagged, Ok((Ruling::Flag, labels(&["house-9"]))));
        let said =
            read(0, r#"{"verdict":"block","detector":"topic-net","version":"7.1","reason_code":null}"#)
                .expect("a verdict");
        assert_eq!(said.ruling, Ruling::Block);
        assert_eq!((said.detector.as_deref(), said.version.as_deref()), (Some("topic-net"), Some("7.1")));
        for answer in [
            "",
            "{}",
            "null",
            "[]",
            r#"{"verdict":"allow"}"#,
            r#"{"verdict":"PASS"}"#,
            r#"{"verdict":null}"#,
            r#"{"verdict":true}"#,
            r#"{"verdict":["pass"]}"#,
            r#"{"verdict":{"pass":null}}"#,
            r#"["pass"]"#,
            r#"["pass",null,null,null]"#,
            r#"{"verdict":"block","verdict":"pass"}"#,
            r#"{"verdict":"block","\u0076erdict":"pass"}"#,
            r#"{"verdict":"pass"}{"verdict":"pass"}"#,
            r#"{"verdict":"pass"} x"#,
            r#"{"verdict":"pass","edits":[]}"#,
            r#"{"verdict":"pass","reason":"because"}"#,
            r#"{"verdict":"block","reason_code":"Ada Lovelace"}"#,
            r#"{"verdict":"block","reason_code":"ada@example.org"}"#,
            r#"{"verdict":"block","reason_code":""}"#,
            r#"{"verdict":"block","reason_code":"abcdefghijklmnopqrstuvwxyzabcdefg"}"#,
            r#"{"verdict":"block","detector":"a b"}"#,
            r#"{"verdict":"block","version":7}"#,
        ] {
            assert_eq!(read(0, answer), Err(Fault::Malformed), "{answer} is taken for a verdict");
        }
        let padded = format!("{{\"verdict\":\"pass\"{}}}", " ".repeat(MAX_ANSWER_BYTES));
        assert_eq!(read(0, &padded), Err(Fault::TooLarge));
        let deep = format!("{{\"verdict\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(read(0, &deep), Err(Fault::Malformed), "an answer's depth may not cost a stack");
        let bytes = b"{\"verdict\":\"pass\xff\"}";
        assert_eq!(services()[0].read(&QUESTION, bytes), Err(Fault::Malformed));
    }

    /// Requirement: N21.
    #[test]
    fn findings_of_presidio_count_by_kind_and_score() {
        let found = |kind: &str, score: &str| {
            format!(
                r#"{{"analysis_explanation":null,"start":0,"end":3,"entity_type":"{kind}","score":{score}}}"#
            )
        };
        let answer = format!("[{},{}]", found("IBAN_CODE", "1"), found("IBAN_CODE", "0.5"));
        assert_eq!(ruling(1, &answer), Ok((Ruling::Block, labels(&["IBAN_CODE"]))));
        for passes in [
            "[]".to_owned(),
            format!("[{}]", found("IBAN_CODE", "0.49")),
            format!("[{}]", found("PERSON", "1.0")),
        ] {
            assert_eq!(ruling(1, &passes), Ok((Ruling::Pass, vec![])), "{passes}");
        }
        for answer in [
            "{}".to_owned(),
            r#"{"error":"busy"}"#.to_owned(),
            r#"["IBAN_CODE"]"#.to_owned(),
            "[[]]".to_owned(),
            format!("[{}]", found("IBAN_CODE", "1.5")),
            format!("[{}]", found("IBAN_CODE", "-1")),
            format!("[{}]", found("IBAN_CODE", "\"1\"")),
            r#"[{"start":0,"end":3,"score":1.0}]"#.to_owned(),
            r#"[{"entity_type":"IBAN_CODE","start":3,"end":0,"score":1.0}]"#.to_owned(),
            r#"[{"entity_type":"IBAN_CODE","start":0,"end":14,"score":1.0}]"#.to_owned(),
            r#"[{"entity_type":"PERSON","entity_type":"IBAN_CODE","start":0,"end":3,"score":1.0}]"#
                .to_owned(),
        ] {
            assert_eq!(read(1, &answer), Err(Fault::Malformed), "{answer} is taken for findings");
        }
        let whole = r#"[{"entity_type":"IBAN_CODE","start":0,"end":13,"score":1.0}]"#;
        assert!(read(1, whole).is_ok(), "offsets count characters of the text that was sent");
    }

    /// Requirement: N21. What presidio-analyzer 2.2.366 answered to what is asked here, as its own server writes it.
    #[test]
    fn an_answer_that_presidio_gave_is_read() {
        let texts = [
            "Über IBAN DE89 3704 0044 0532 0130 00.",
            "Pay with 4111 1111 1111 1111 today, 👍 or mail ada@example.org",
        ];
        let question = Question { texts: &texts, ..QUESTION };
        let answer = r#"[{"analysis_explanation": null, "end": 37, "entity_type": "IBAN_CODE", "score": 1.0, "start": 10}, {"analysis_explanation": null, "end": 67, "entity_type": "CREDIT_CARD", "score": 1.0, "start": 48}, {"analysis_explanation": null, "end": 100, "entity_type": "EMAIL_ADDRESS", "score": 1.0, "start": 85}]"#;
        let said = services()[1].read(&question, answer.as_bytes()).expect("findings");
        assert_eq!((said.ruling, said.labels), (Ruling::Block, labels(&["EMAIL_ADDRESS", "IBAN_CODE"])));
    }

    /// Requirement: N21.
    #[test]
    fn a_guardrail_of_litellm_may_block_and_not_edit() {
        let blocked = r#"{"action":"BLOCKED","blocked_reason":"It says Ada Lovelace","texts":null}"#;
        assert_eq!(
            ruling(2, blocked),
            Ok((Ruling::Block, labels(&["blocked"]))),
            "a reason in words is kept"
        );
        for passes in [
            r#"{"action":"NONE"}"#,
            r#"{"action":"NONE","texts":["über \"it\"","two"],"images":[],"tools":null,"new_member":{"a":[1]}}"#,
        ] {
            assert_eq!(ruling(2, passes), Ok((Ruling::Pass, vec![])), "{passes}");
        }
        for edits in [
            r#"{"action":"GUARDRAIL_INTERVENED","texts":["*","two"]}"#,
            r#"{"action":"GUARDRAIL_INTERVENED"}"#,
            r#"{"action":"NONE","texts":["*","two"]}"#,
            r#"{"action":"NONE","texts":["two"]}"#,
            r#"{"action":"NONE","images":["x"]}"#,
            r#"{"action":"NONE","structured_messages":[{"role":"user"}]}"#,
        ] {
            assert_eq!(read(2, edits), Err(Fault::Edited), "{edits}");
        }
        for answer in
            ["{}", r#"{"action":"none"}"#, r#"{"action":"ALLOW"}"#, r#"{"action":"BLOCKED","action":"NONE"}"#]
        {
            assert_eq!(read(2, answer), Err(Fault::Malformed), "{answer} is taken for a verdict");
        }
    }

    /// Requirement: N21. Each is asked in its own form, with every text.
    #[test]
    fn questions_have_the_form_of_their_service() {
        let asked = |service: usize| {
            let body = services()[service].ask(&QUESTION);
            serde_json::from_slice::<serde_json::Value>(&body).expect("JSON")
        };
        assert_eq!(
            asked(0),
            serde_json::json!({
                "format": "tabellion.guard/1", "guard": "outside", "guard_version": "1", "of": "prompt", "model": "model-a",
                "purpose": "loan-support", "system": "51515151515151515151515151515151", "texts": ["über \"it\"", "two"],
            })
        );
        assert_eq!(
            asked(1),
            serde_json::json!({
                "text": "über \"it\"\ntwo", "language": "en", "score_threshold": 0.5, "entities": ["IBAN_CODE", "EMAIL_ADDRESS"],
            })
        );
        assert_eq!(
            asked(2),
            serde_json::json!({
                "input_type": "request", "texts": ["über \"it\"", "two"], "model": "model-a", "request_data": {},
            })
        );
    }

    /// Requirement: P13.
    #[test]
    fn questions_together_get_as_many_verdicts_in_their_order() {
        let together = services()[0].ask_batch(&[QUESTION, QUESTION]).expect("it takes batches");
        let alone: serde_json::Value =
            serde_json::from_slice(&services()[0].ask(&QUESTION)).expect("a question is JSON");
        let together: serde_json::Value = serde_json::from_slice(&together).expect("JSON");
        assert_eq!(
            together,
            serde_json::json!({ "format": "tabellion.guard-batch/1", "questions": [alone, alone] })
        );
        let read = |answer: &str| -> Result<Vec<Ruling>, Fault> {
            let said = services()[0].read_batch(&[QUESTION, QUESTION], answer.as_bytes());
            said.map(|all| all.into_iter().map(|verdict| verdict.ruling).collect())
        };
        let pass = r#"{"verdict":"pass"}"#;
        let of = |verdicts: &str| format!(r#"{{"verdicts":[{verdicts}]}}"#);
        let both = of(&format!(r#"{pass},{{"verdict":"block","reason_code":"x"}}"#));
        assert_eq!(read(&both), Ok(vec![Ruling::Pass, Ruling::Block]));
        for count in [of(""), of(pass), of(&[pass; 3].join(","))] {
            assert_eq!(
                read(&count),
                Err(Fault::Miscounted),
                "a verdict is taken for another call's: {count}"
            );
        }
        for junk in [
            pass.to_owned(),
            of(&format!("{pass},null")),
            of(&format!(r#"{pass},["pass"]"#)),
            of(&format!(r#"{pass},{{"verdict":"allow"}}"#)),
            of(&format!(r#"{pass},{{"verdict":"pass","edits":[]}}"#)),
            format!("[{pass},{pass}]"),
            format!(r#"{{"verdicts":[{pass},{pass}],"more":1}}"#),
            format!(r#"{{"verdicts":[{pass},{pass}],"verdicts":[{pass},{pass}]}}"#),
        ] {
            assert_eq!(read(&junk), Err(Fault::Malformed), "{junk}");
        }
        assert_eq!(services()[2].ask_batch(&[QUESTION]), None, "it is asked what it does not know");
        assert!(!services()[2].takes_batches() && services()[1].takes_batches());
    }

    /// Requirement: P13. Presidio is asked with a list of texts, and each list of findings is of its own.
    #[test]
    fn findings_of_many_texts_are_each_of_its_own() {
        let one = Question { texts: &["alone"], ..QUESTION };
        let together = services()[1].ask_batch(&[QUESTION, one]).expect("it takes batches");
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&together).expect("JSON"),
            serde_json::json!({
                "text": ["über \"it\"\ntwo", "alone"], "language": "en", "score_threshold": 0.5,
                "entities": ["IBAN_CODE", "EMAIL_ADDRESS"],
            })
        );
        let read = |answer: &str| -> Result<Vec<Ruling>, Fault> {
            let said = services()[1].read_batch(&[QUESTION, one], answer.as_bytes());
            said.map(|all| all.into_iter().map(|verdict| verdict.ruling).collect())
        };
        let found = r#"[{"entity_type":"IBAN_CODE","start":0,"end":5,"score":1.0}]"#;
        let long = r#"[{"entity_type":"IBAN_CODE","start":0,"end":9,"score":1.0}]"#;
        assert_eq!(read(&format!("[[],{found}]")), Ok(vec![Ruling::Pass, Ruling::Block]));
        assert_eq!(read(&format!("[{long},[]]")), Ok(vec![Ruling::Block, Ruling::Pass]));
        assert_eq!(read(&format!("[[],{long}]")), Err(Fault::Malformed), "it is beyond its own text");
        for count in ["[]", "[[]]", "[[],[],[]]"] {
            assert_eq!(read(count), Err(Fault::Miscounted), "findings are taken for another text's: {count}");
        }
        for junk in [found, "{}", "[[],{}]", "[[],null]"] {
            assert_eq!(read(junk), Err(Fault::Malformed), "{junk}");
        }
    }

    /// Requirement: N21. One byte that is another on the way lets nothing through that was to be blocked.
    #[test]
    fn no_byte_turns_a_block_into_a_pass() {
        for (service, answer) in
            [(0, r#"{"verdict":"block","reason_code":"x"}"#), (2, r#"{"action":"BLOCKED","texts":null}"#)]
        {
            for at in 0..answer.len() {
                for byte in u8::MIN..=u8::MAX {
                    let mut changed = answer.as_bytes().to_vec();
                    changed[at] = byte;
                    let said = services()[service].read(&QUESTION, &changed).map(|verdict| verdict.ruling);
                    assert_ne!(said, Ok(Ruling::Pass), "{}", String::from_utf8_lossy(&changed));
                }
            }
        }
    }
}
