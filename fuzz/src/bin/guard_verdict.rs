//! Answers of services that look at texts: read or refused, and never a word taken over that is no short identifier.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_guard::MAX_LABELS;
use tabellion_guard::service::{Analysis, Of, Question, Service, is_word};

fuzz_target!(|data: &[u8]| {
    for may_edit in [false, true] {
        read(data, may_edit);
    }
});

fn read(data: &[u8], may_edit: bool) {
    let question = Question {
        guard: "outside",
        version: "1",
        of: Of::Answer,
        model: "model-a",
        purpose: "testing",
        system: "51",
        texts: &["a text", "and another"],
        may_edit,
    };
    let analysis = Analysis::new("en", vec!["IBAN_CODE".to_owned(), "PERSON".to_owned()], 50);
    for service in [Service::Tabellion, Service::Grpc, Service::Presidio(analysis), Service::LiteLlm] {
        let Ok(verdict) = service.read(&question, data) else { continue };
        let words = verdict.labels.iter().chain(&verdict.detector).chain(&verdict.version);
        assert!(words.clone().all(|word| is_word(word)), "a text is taken over: {verdict:?}");
        assert!(verdict.labels.len() <= MAX_LABELS, "more labels than a record has room for");
        assert!(may_edit || verdict.edits.is_empty(), "a text is changed that may not be: {verdict:?}");
        for edit in &verdict.edits {
            let text = question.texts.get(edit.text).expect("a text that was shown");
            assert!(text.get(edit.range.clone()).is_some(), "a range that cannot be cut out: {edit:?}");
        }
    }
}
