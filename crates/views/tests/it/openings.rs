//! Openings of declared routes: open from the second person's word to their end, never by what cannot be read, the same after a rebuild and as of then.

use tabellion_ledger::{Ack, Draft};
use tabellion_model::body::{
    BatchRequests, BatchSettled, BatchToldBy, FileKept, FileModel, FileSizes, FileTokens, ObjectKept,
    OpeningConfirmed, OpeningRequested, OpeningWithdrawn, RouteClass,
};
use tabellion_model::charge::Spent;
use tabellion_model::{Micros, OpeningId, SystemId};
use tabellion_views::gate::{Begun, OfBatch};
use tabellion_views::query::Page;

use crate::fixture::{Bench, START, by, credential, draft, of_system, on, system};

const OPENING: OpeningId = OpeningId::from_bytes([7; 16]);
const UNTIL: Micros = Micros(START + 1_000_000);

fn requested(opening: OpeningId, of: SystemId) -> Draft {
    let body = OpeningRequested {
        opening,
        system: of,
        class: RouteClass::Files,
        provider: Some("openai".to_owned()),
        until: UNTIL,
        reason: "a trial".to_owned(),
    };
    on(draft(&body), format!("opening/{opening}"))
}

fn confirmed(opening: OpeningId, request: &Ack) -> Draft {
    let body = OpeningConfirmed { opening, requested: request.record_id, reason: "yes".to_owned() };
    on(draft(&body), format!("opening/{opening}"))
}

fn withdrawn(opening: OpeningId, request: &Ack) -> Draft {
    let body = OpeningWithdrawn { opening, requested: request.record_id, reason: "no more".to_owned() };
    on(draft(&body), format!("opening/{opening}"))
}

/// Requirement: N22.
#[test]
fn an_opening_opens_from_its_confirmation_to_its_end() {
    let bench = Bench::new();
    let views = bench.views();
    let request = bench.append(&requested(OPENING, system(1)));
    bench.catch_up(&views);
    assert!(views.gate_now().openings.is_empty(), "it is open because somebody asked");
    let confirm = bench.append(&confirmed(OPENING, &request));
    bench.catch_up(&views);
    let gate = views.gate_now();
    let opening = gate.openings.first().expect("it is open");
    let just_before = Micros(UNTIL.0 - 1);
    for (of, class, provider, now, opens) in [
        (system(1), RouteClass::Files, "openai", just_before, true),
        (system(2), RouteClass::Files, "openai", just_before, false),
        (system(1), RouteClass::Audio, "openai", just_before, false),
        (system(1), RouteClass::Files, "other", just_before, false),
        (system(1), RouteClass::Files, "openai", UNTIL, false),
    ] {
        assert_eq!(opening.opens(of, class, provider, now), opens, "{of:?} {class:?} {provider} {now:?}");
    }
    let withdraw = bench.append(&withdrawn(OPENING, &request));
    bench.catch_up(&views);
    assert!(views.gate_now().openings.is_empty(), "a withdrawal leaves it open");
    bench.append(&confirmed(OPENING, &request));
    bench.catch_up(&views);
    assert!(views.gate_now().openings.is_empty(), "what was withdrawn is opened again");
    let row = views.opening(&OPENING).expect("an answer").expect("the opening");
    assert_eq!(row.confirmed.map(|step| step.entry), Some(confirm.index));
    assert_eq!(row.withdrawn.map(|step| step.entry), Some(withdraw.index));
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt(), "a rebuild would open others");
    let past = views.past(confirm.size, 1000).expect("a past").expect("a short log");
    let then = past.views.openings(Page::default()).expect("an answer").rows.remove(0);
    assert!(then.confirmed.is_some() && then.withdrawn.is_none(), "{then:?}");
}

/// Requirement: N22. An erasure of what an opening is for closes it; one of why it was confirmed or withdrawn changes nothing.
#[test]
fn what_cannot_be_read_opens_nothing() {
    let bench = Bench::new();
    let views = bench.views();
    let other = OpeningId::from_bytes([8; 16]);
    let first = bench.append(&requested(OPENING, system(1)));
    let confirm = bench.append(&confirmed(OPENING, &first));
    let second = bench.append(&requested(other, system(2)));
    bench.append(&confirmed(other, &second));
    bench.erase_record(&confirm);
    bench.catch_up(&views);
    assert_eq!(views.gate_now().openings.len(), 2, "why it was confirmed is not what it is for");
    bench.erase_record(&first);
    bench.catch_up(&views);
    let open: Vec<_> = views.gate_now().openings.iter().map(|opening| opening.opening).collect();
    assert_eq!(open, [other], "what it opens is a guess");
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt());
}

/// Requirement: N22. A file that was masked is known by system and provider until what names it is erased.
#[test]
fn a_batchs_file_is_known_by_its_record() {
    let bench = Bench::new();
    let call = bench.authorise(system(1), credential(2), "small");
    let models = vec![FileModel {
        surface: "openai.chat_completions".to_owned(),
        model: "small".to_owned(),
        tools: vec!["search".to_owned()],
        bytes: Some(FileSizes { least: 3, most: 9 }),
        tokens: Some(FileTokens { requests: 3, input: 18, most_input: 9, ..FileTokens::default() }),
    }];
    let body = FileKept {
        file: "file-1".to_owned(),
        provider: "openai".to_owned(),
        call: call.record_id,
        lines: 3,
        models: Some(models.clone()),
    };
    let kept = bench.append(&of_system(by(draft(&body), credential(2)), system(1)));
    let views = bench.views();
    let files: Vec<_> = views.gate_now().files.iter().cloned().collect();
    assert_eq!(files.len(), 1);
    assert_eq!((files[0].system, files[0].file.as_str()), (system(1), "file-1"));
    assert_eq!(files[0].models(), Some(models), "nobody knows what a batch of it would ask for");
    bench.erase_record(&kept);
    bench.catch_up(&views);
    assert!(views.gate_now().files.is_empty(), "an erased name is known");
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt());
}

/// Requirement: N22. What a call made at a provider is its system's by the record, of its class alone, and nobody's once that is erased; a batch is begun of none of it.
#[test]
fn what_a_call_made_at_a_provider_is_its_systems() {
    let bench = Bench::new();
    let call = bench.authorise(system(1), credential(2), "small");
    let kept = |object: &str, class, of| {
        let body = ObjectKept {
            object: object.to_owned(),
            class,
            provider: "openai".to_owned(),
            call: call.record_id,
            requests: None,
            batch: None,
        };
        bench.append(&of_system(by(draft(&body), credential(2)), of))
    };
    let file = kept("same-1", RouteClass::Files, system(1));
    kept("same-1", RouteClass::Batches, system(2));
    let views = bench.views();
    let whose = || {
        let files = views.gate_now().files.clone();
        files.iter().map(|file| (file.system, file.class, file.models().is_some())).collect::<Vec<_>>()
    };
    let batch = (system(2), RouteClass::Batches, false);
    assert_eq!(whose(), [batch, (system(1), RouteClass::Files, false)], "one system's is another's");
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt());
    bench.erase_record(&file);
    bench.catch_up(&views);
    assert_eq!(whose(), [batch], "an erased name is known");
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt());
}

/// Requirement: N22, N23. A batch is known with the call that began it and what that reserved, and the file with its answers by the batch, until it is on record what it took.
#[test]
fn a_batch_is_known_until_it_is_settled() {
    let bench = Bench::new();
    let call = bench.authorise(system(1), credential(2), "none");
    let requests = BatchRequests { count: 3, input: 30, output: 60, most_input: 10, most_output: 20 };
    let of_call = |mut draft: Draft| {
        draft.parents.push(bench.parent(call.record_id, call.index, "authorised"));
        bench.append(&of_system(by(draft, credential(2)), system(1)))
    };
    let kept = |object: &str, class, requests, batch: Option<&str>| {
        let (provider, batch) = ("openai".to_owned(), batch.map(str::to_owned));
        let object = object.to_owned();
        of_call(draft(&ObjectKept { object, class, provider, call: call.record_id, requests, batch }))
    };
    kept("batch-1", RouteClass::Batches, Some(requests), None);
    kept("file-out", RouteClass::Files, None, Some("batch-1"));
    let views = bench.views();
    let known = || views.gate_now().files.iter().map(|file| file.of_batch.clone()).collect::<Vec<_>>();
    let begun = |is_settled| {
        let (call, hash) = (call.record_id, call.leaf);
        Some(OfBatch::Begun(Begun { call, hash, requests, is_settled }))
    };
    let answers = Some(OfBatch::Answers("batch-1".to_owned()));
    assert_eq!(known(), [answers.clone(), begun(false)], "nobody knows what to settle");
    let body = BatchSettled {
        batch: "batch-1".to_owned(),
        provider: "openai".to_owned(),
        call: call.record_id,
        told_by: BatchToldBy::Batch,
        requests: 3,
        uncounted: 0,
    };
    let mut settled = draft(&body);
    settled.clear = Spent::Nothing.to_clear();
    of_call(settled);
    bench.catch_up(&views);
    assert_eq!(known(), [answers, begun(true)], "it would be settled each time that somebody looks");
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt());
}
