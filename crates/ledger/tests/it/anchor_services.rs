//! Several services for one anchor: the next one is asked where one is down or lies, and who served is kept; and what takes too long is told.

#![expect(
    clippy::unnecessary_wraps,
    reason = "all services of a test have one signature, also those that always answer"
)]

use std::sync::{Arc, Mutex};

use tabellion_ledger::anchor::{
    Anchor, AnchorFault, AnchorPlan, Answer, ArweaveUpload, Calendar, Ed25519AnchorKey, Exchange, Job,
    JobState, Method, Outbox, Outgoing, Patience, Progress, Round, Services, Target, new_anchor_key,
};
use tabellion_ledger::disk::Disk;
use tabellion_ledger::{Draft, OsEntropy};
use tabellion_model::Micros;
use tabellion_testkit::ManualClock;
use tabellion_tlog::anchor::AnchorKind;
use tabellion_tlog::anchor::ans104::DataItem;
use tabellion_tlog::anchor::ots::{Attestation, Branch, OtsProof, Timestamp};

use crate::fixture::real;

const START: u64 = 1_790_000_000_000_000;
const SECOND: u64 = 1_000_000;
const HOUR_S: u64 = 3_600;

/// What a service does with a request.
type Does = fn(&Outgoing<'_>, &str) -> Result<Answer, String>;

/// A service whose behaviour can be changed while it is in use.
struct Service {
    url: &'static str,
    does: Arc<Mutex<Does>>,
}

impl Exchange for Service {
    fn send(&self, request: &Outgoing<'_>) -> Result<Answer, String> {
        (*self.does.lock().unwrap())(request, self.url)
    }
}

fn services<const N: usize>(all: [(&'static str, Does); N]) -> (Services, [Arc<Mutex<Does>>; N]) {
    let handles = all.map(|(_, does)| Arc::new(Mutex::new(does)));
    let made = all.iter().zip(&handles).map(|((url, _), does)| {
        let service: Box<dyn Exchange> = Box::new(Service { url, does: Arc::clone(does) });
        ((*url).to_owned(), service)
    });
    (Services::new(made.collect()), handles)
}

fn answer(status: u16, body: Vec<u8>) -> Answer {
    Answer { status, content_type: String::new(), body }
}

fn down(_: &Outgoing<'_>, _: &str) -> Result<Answer, String> {
    Err("cannot be reached".to_owned())
}

fn rubbish(_: &Outgoing<'_>, _: &str) -> Result<Answer, String> {
    Ok(answer(200, b"rubbish".to_vec()))
}

fn attested(attestation: Attestation) -> Vec<u8> {
    Timestamp { branches: vec![Branch::Attested(attestation)] }.to_bytes()
}

/// A calendar that promises and has no block yet.
fn promises(request: &Outgoing<'_>, url: &str) -> Result<Answer, String> {
    match request.method {
        Method::Post => Ok(answer(200, attested(Attestation::Pending(url.to_owned())))),
        Method::Get => Ok(answer(404, Vec::new())),
    }
}

/// The same, with a block by now.
fn has_a_block(request: &Outgoing<'_>, url: &str) -> Result<Answer, String> {
    match request.method {
        Method::Post => promises(request, url),
        Method::Get => Ok(answer(200, attested(Attestation::Bitcoin(900_000)))),
    }
}

fn round(disk: &Arc<dyn Disk>, clock: &Arc<ManualClock>, anchor: Box<dyn Anchor>) -> (Round, Notes) {
    let notes: Notes = Arc::default();
    let plan = AnchorPlan { name: "x".to_owned(), every_s: 60, overdue_s: HOUR_S, anchor };
    let said = Arc::clone(&notes);
    let note = Arc::new(move |line: &str| said.lock().unwrap().push(line.to_owned()));
    (Round::new(disk, Arc::clone(clock) as _, vec![plan], note), notes)
}

type Notes = Arc<Mutex<Vec<String>>>;

fn jobs(disk: &Arc<dyn Disk>) -> Vec<Job> {
    Outbox::new(Arc::clone(disk), "x").jobs().unwrap()
}

fn codes(job: &Job) -> Vec<&str> {
    job.passed_over.iter().map(|one| one.code.as_str()).collect()
}

/// Requirement: R20. Of four calendars one is down and one lies; both others promise, and the one that keeps its word is enough.
#[test]
fn calendars_that_are_down_or_lie_are_passed_over_and_any_that_keeps_its_promise_is_enough() {
    let (_dir, disk, ledger) = real();
    let clock = Arc::new(ManualClock::at(Micros(START)));
    let (services, handles) = services([
        ("https://down", down as Does),
        ("https://liar", rubbish),
        ("https://a", promises),
        ("https://b", promises),
    ]);
    let calendar = Calendar { services, entropy: Arc::new(OsEntropy), ask_again_s: Some(0) };
    let (mut work, notes) = round(&disk, &clock, Box::new(calendar));
    work.turn(&ledger);
    let job = jobs(&disk).remove(0);
    assert_eq!((job.state, job.attempts), (JobState::Pending, 0), "calendars that are there were not used");
    assert_eq!(job.served_by, ["https://a", "https://b"], "nobody knows who promised");
    assert_eq!(codes(&job), ["unavailable", "malformed"], "faults that were passed over are hidden");
    let said = notes.lock().unwrap().join("\n");
    assert!(said.contains("https://liar") && said.contains("https://a"), "the operator is not told: {said}");

    // The first that promised is gone for good; the other one, asked after it, has its block.
    *handles[2].lock().unwrap() = down;
    *handles[3].lock().unwrap() = has_a_block;
    clock.set(Micros(START + 10 * SECOND));
    work.turn(&ledger);
    let job = jobs(&disk).remove(0);
    assert_eq!(job.state, JobState::Confirmed, "what one calendar confirmed is lost with another: {job:?}");
    assert_eq!(job.served_by, ["https://b"], "the evidence is said to be by somebody else");
    let evidence = Outbox::new(Arc::clone(&disk), "x").evidence(&job).unwrap();
    let proof = OtsProof::parse(&evidence).unwrap();
    assert_eq!(proof.bitcoin_heights(), [900_000], "the evidence is not what the calendar gave");
}

/// Requirement: R20. Where none gives anything that can be used, nothing is called done, and what was wrong with each is told.
#[test]
fn faults_of_all_services_are_told_when_none_serves() {
    let (_dir, disk, ledger) = real();
    let clock = Arc::new(ManualClock::at(Micros(START)));
    let (services, handles) = services([("https://down", down as Does), ("https://liar", rubbish)]);
    let calendar = Calendar { services, entropy: Arc::new(OsEntropy), ask_again_s: Some(0) };
    let (mut work, _) = round(&disk, &clock, Box::new(calendar));
    work.turn(&ledger);
    let job = jobs(&disk).remove(0);
    let error = job.error.as_ref().unwrap();
    assert_eq!(
        (job.state, error.code.as_str()),
        (JobState::Queued, "malformed"),
        "a lie is called an outage"
    );
    for said in ["https://down: cannot be reached", "https://liar: "] {
        assert!(error.text.contains(said), "{said:?} is not told: {}", error.text);
    }
    *handles[1].lock().unwrap() = down;
    clock.set(Micros(job.next_at));
    work.turn(&ledger);
    let error = jobs(&disk).remove(0).error.unwrap();
    assert_eq!(error.code, "unavailable", "an outage of all is called a lie: {}", error.text);
}

/// Takes the item.
fn takes(request: &Outgoing<'_>, _: &str) -> Result<Answer, String> {
    let item = DataItem::parse(request.body).unwrap();
    Ok(answer(200, format!("{{\"id\":\"{}\"}}", item.id()).into_bytes()))
}

/// Says that it took another one.
fn takes_another(_: &Outgoing<'_>, _: &str) -> Result<Answer, String> {
    Ok(answer(200, b"{\"id\":\"somebody-elses\"}".to_vec()))
}

fn has_nothing(_: &Outgoing<'_>, _: &str) -> Result<Answer, String> {
    Ok(answer(404, Vec::new()))
}

/// Requirement: R20. Of gateways, one that serves other bytes and one that has nothing yet do not keep a third from being asked.
#[test]
fn an_item_goes_to_an_upload_service_that_takes_it_and_is_read_back_from_a_gateway_that_has_it() {
    let (dir, disk, ledger) = real();
    let clock = Arc::new(ManualClock::at(Micros(START)));
    let file = dir.path().join("anchor.key");
    new_anchor_key(&file, &OsEntropy).unwrap();
    let (upload, _) = services([
        ("https://down", down as Does),
        ("https://other", takes_another),
        ("https://takes", takes),
    ]);
    let (gateway, handles) = services([
        ("https://lies", rubbish as Does),
        ("https://empty", has_nothing),
        ("https://late", has_nothing),
    ]);
    let key = Ed25519AnchorKey::load(&file).unwrap();
    let arweave = ArweaveUpload { upload, gateway, key, ask_again_s: Some(0) };
    let (mut work, _) = round(&disk, &clock, Box::new(arweave));
    work.turn(&ledger);
    let job = jobs(&disk).remove(0);
    assert_eq!(job.state, JobState::Pending, "{:?}", job.error);
    assert_eq!(
        (job.served_by.as_slice(), codes(&job)),
        (&["https://takes".to_owned()][..], vec!["unavailable", "id"])
    );
    clock.set(Micros(START + SECOND));
    work.turn(&ledger);
    let job = jobs(&disk).remove(0);
    assert_eq!(
        (job.state, codes(&job)),
        (JobState::Pending, vec!["content"]),
        "a lie is hidden while others wait"
    );

    *handles[2].lock().unwrap() = |_, _| Ok(answer(200, DIGEST.lock().unwrap().clone()));
    let target = Target::of(&job.checkpoint).unwrap();
    *DIGEST.lock().unwrap() = target.digest.as_bytes().to_vec();
    clock.set(Micros(START + 2 * SECOND));
    work.turn(&ledger);
    let job = jobs(&disk).remove(0);
    assert_eq!(
        (job.state, job.served_by.as_slice()),
        (JobState::Confirmed, &["https://late".to_owned()][..])
    );
}

/// What the third gateway serves: a function without captures cannot hold it.
static DIGEST: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// A service that takes everything, and confirms when it is told to.
struct Slow(Arc<Mutex<bool>>);

impl Anchor for Slow {
    fn kind(&self) -> AnchorKind {
        AnchorKind::Evm
    }

    fn begin(&mut self, _: &Target) -> Result<Progress, AnchorFault> {
        Ok(Progress::Pending { state: b"taken".to_vec(), ask_again_s: 1 })
    }

    fn resume(&mut self, target: &Target, _: &[u8]) -> Result<Progress, AnchorFault> {
        if !*self.0.lock().unwrap() {
            return self.begin(target);
        }
        Ok(Progress::Confirmed { evidence: b"evidence".to_vec(), time: None, checked: "all".to_owned() })
    }
}

/// Requirement: V20. What was taken and is never confirmed is told once, after a restart again, and so is that it is over; a thread that stands still is seen
/// by whoever reads the numbers.
#[test]
fn an_anchor_that_is_not_confirmed_in_time_is_overdue_until_it_is() {
    let (_dir, disk, ledger) = real();
    let clock = Arc::new(ManualClock::at(Micros(START)));
    let confirms = Arc::new(Mutex::new(false));
    let patience = Patience { every_s: 60, overdue_s: HOUR_S };
    let at = |seconds: u64| START + seconds * SECOND;
    let said = |notes: &Notes| -> Vec<String> {
        notes.lock().unwrap().iter().filter(|line| line.contains("overdue")).cloned().collect()
    };
    let (mut work, notes) = round(&disk, &clock, Box::new(Slow(Arc::clone(&confirms))));
    for seconds in [0, 10, HOUR_S - 10] {
        clock.set(Micros(at(seconds)));
        work.turn(&ledger);
        assert_eq!(said(&notes), Vec::<String>::new(), "an alarm before its time, at {seconds} s");
    }
    let one = |work: &Round| work.coverage().remove(0);
    assert_eq!(one(&work).overdue_since(ledger.reader(), patience, at(HOUR_S - 10)), None);
    for seconds in [HOUR_S + 10, HOUR_S + 20] {
        clock.set(Micros(at(seconds)));
        work.turn(&ledger);
        assert_eq!(said(&notes).len(), 1, "told {:?} at {seconds} s", said(&notes));
    }
    let since = one(&work).overdue_since(ledger.reader(), patience, at(HOUR_S + 20));
    assert!(since.is_some_and(|since| since < at(1)), "not since the checkpoint was taken: {since:?}");
    assert_eq!(
        one(&work).overdue_since(ledger.reader(), Patience { overdue_s: 0, ..patience }, at(HOUR_S + 20)),
        None,
        "who wants no alarm gets one"
    );

    let (mut again, notes) = round(&disk, &clock, Box::new(Slow(Arc::clone(&confirms))));
    again.turn(&ledger);
    assert_eq!(said(&notes).len(), 1, "a restart forgets what is overdue: {notes:?}");
    *confirms.lock().unwrap() = true;
    clock.set(Micros(at(HOUR_S + 30)));
    again.turn(&ledger);
    let lines = said(&notes);
    assert!(lines.len() == 2 && lines[1].contains("no longer"), "the alarm does not end: {lines:?}");
    let whole = one(&again);
    assert_eq!(whole.overdue_since(ledger.reader(), patience, at(HOUR_S + 30)), None);

    // The thread stands still from here on: nothing is put into the outbox although the log grows.
    assert_eq!(
        whole.overdue_since(ledger.reader(), patience, at(9 * HOUR_S)),
        None,
        "a log at rest owes nothing"
    );
    ledger.append(&Draft::new("event.logged")).unwrap();
    let late = whole.overdue_since(ledger.reader(), patience, at(9 * HOUR_S));
    assert!(late.is_some(), "nobody sees that nothing is anchored any more");
}
