//! What belongs to a call goes with it, and what is recorded after its erasure keeps nothing of it.

use std::sync::Arc;

use tabellion_ledger::disk::{Disk as _, OpenMode};
use tabellion_ledger::{
    Ack, ContentKeys, Draft, ErasureTarget, Ledger, LedgerError, OfCall, OpenOptions, RejectCode,
    UnitContent, fsck,
};
use tabellion_model::{Micros, SystemId};
use tabellion_testkit::{ManualClock, SeededEntropy, SimDisk};

use crate::fixture::new_log;

fn options(life: u64) -> OpenOptions {
    let clock = Arc::new(ManualClock::at(Micros(1_790_000_000_000_000)));
    OpenOptions {
        segment_bytes: 256 << 10,
        background: false,
        ..OpenOptions::new(clock, Arc::new(SeededEntropy::new(life)))
    }
}

fn new() -> (SimDisk, Ledger) {
    let disk = SimDisk::new();
    let ledger = Ledger::create(Arc::new(disk.clone()), &new_log(), &options(0)).expect("a log can be made");
    (disk, ledger)
}

fn of_call(record_type: &str, call: OfCall) -> Draft {
    let mut draft = Draft::new(record_type).with("said", "the flat in the Rue Morgue");
    draft.system = Some(SystemId::from_bytes([7; 16]).to_string());
    draft.call = Some(call);
    draft
}

fn permission() -> Draft {
    of_call("call.authorised", OfCall::First).about("corp|4711", "caller_person", "Ada")
}

fn begin(ledger: &Ledger) -> (Ack, ContentKeys) {
    let prepared = ledger.prepare(&permission()).expect("it can be sealed");
    let keys = prepared.content_keys();
    let acks = ledger.append_prepared(vec![prepared]).expect("an append");
    (acks.into_iter().next().expect("one"), keys)
}

fn end_of(call: &Ack) -> Draft {
    of_call("call.completed", OfCall::Of(call.record_id))
}

fn shows_anything(ledger: &Ledger, index: u64) -> bool {
    let units = ledger.reader().entry(index).expect("the entry stays").units;
    units.iter().any(|unit| matches!(unit.content, UnitContent::Shown(_)))
}

/// Requirement: P48. Prompt, answer, further attempts and what detectors said go together; another call of the same person in the same minute stays.
#[test]
fn a_call_is_erased_with_all_that_belongs_to_it_and_with_nothing_else() {
    let (disk, ledger) = new();
    let ((call, _), (other, _)) = (begin(&ledger), begin(&ledger));
    let attempt =
        of_call("call.authorised", OfCall::Of(call.record_id)).about("corp|4711", "caller_person", "Ada");
    let attempt = ledger.append(&attempt).expect("an append");
    let end = ledger.append(&end_of(&call)).expect("an append");
    let other_end = ledger.append(&end_of(&other)).expect("an append");
    let enriched = of_call("call.enriched", OfCall::Of(call.record_id));
    let enriched = ledger.append(&enriched).expect("an append");
    let mine = [call.index, attempt.index, end.index, enriched.index];

    let target = ErasureTarget::Call(call.record_id);
    let going = ledger.going(&target).expect("it can be told");
    assert_eq!(going.entries.as_deref(), Some(mine.as_slice()), "whoever confirms is shown something else");
    let by_entry = ledger.going(&ErasureTarget::Record(end.index)).expect("it can be told");
    assert_eq!(by_entry, going, "an entry of a call would be erased without the rest");
    let (hold, _) = ledger.place_hold(&target, "case 12/2026").expect("a hold on a call");
    let refused = ledger.erase(&target, "no").expect_err("it is held");
    assert_eq!(refused.code(), Some(RejectCode::OnHold), "{refused}");
    ledger.release_hold(&hold, "closed").expect("a release");

    let done = ledger.erase(&target, "they asked").expect("an erasure");
    assert_eq!((done.keys, done.units), (going.keys, 6), "a unit of it got no tombstone");
    assert!(
        mine.iter().all(|index| !shows_anything(&ledger, *index)),
        "something of the call can still be read"
    );
    assert!(
        [other.index, other_end.index].iter().all(|index| shows_anything(&ledger, *index)),
        "another call went with it"
    );
    let again = ledger.erase(&target, "again").expect_err("nothing is left");
    assert_eq!(again.code(), Some(RejectCode::NotFound), "{again}");
    ledger.close().expect("a clean end");
    let report = fsck(&(Arc::new(disk) as Arc<_>), &options(1), &[]);
    assert!(report.is_sound(), "an erasure left the log unsound: {:?}", report.findings);
}

/// Requirement: P48. What is sealed before the erasure and recorded after it is refused, whatever was erased: the call, its person, its system.
#[test]
fn what_comes_after_the_erasure_of_its_call_is_not_recorded_as_it_was() {
    type Target = fn(&Ack) -> ErasureTarget;
    let targets: [Target; 3] = [
        |call| ErasureTarget::Call(call.record_id),
        |_| ErasureTarget::Subject("corp|4711".to_owned()),
        |_| ErasureTarget::System(SystemId::from_bytes([7; 16])),
    ];
    for target in targets {
        let (_disk, ledger) = new();
        let (call, keys) = begin(&ledger);
        let target = target(&call);
        assert!(!ledger.is_erased(&keys), "{target:?}: nothing was erased yet");
        let sealed = ledger.prepare(&end_of(&call)).expect("it can be sealed").only_while(&keys);
        ledger.erase(&target, "they asked").expect("an erasure");
        assert!(ledger.is_erased(&keys), "{target:?}: nobody could tell that the call was erased");
        let size = ledger.reader().size();
        let late = ledger.append_prepared(vec![sealed]);
        assert!(
            matches!(late, Err(LedgerError::SealAgain)),
            "{target:?}: erased content came back: {late:?}"
        );
        let late = ledger.prepare(&end_of(&call)).expect("it can be sealed").only_while(&keys);
        let late = ledger.append_prepared(vec![late]);
        assert!(
            matches!(late, Err(LedgerError::SealAgain)),
            "{target:?}: it came back under a new key: {late:?}"
        );
        assert_eq!(ledger.reader().size(), size, "{target:?}: something was recorded");
    }
}

/// Requirement: P47. A call that was let through before its system went has its end; a new one has no beginning.
#[test]
fn a_call_of_a_system_that_goes_has_its_end() {
    let (_disk, ledger) = new();
    let (call, _) = begin(&ledger);
    let system = SystemId::from_bytes([7; 16]);
    ledger.request_deletion(&system, Micros(0), "decommissioned").expect("a request");
    let refused = ledger.append(&permission()).expect_err("a call began");
    assert_eq!(refused.code(), Some(RejectCode::SystemGone), "{refused}");
    ledger.append(&end_of(&call)).expect("its end, while the system goes");
    let (ended, purge) = (ledger.append(&end_of(&call)), ledger.purge_due().expect("a purge"));
    assert_eq!((ended.is_ok(), purge.purged.len()), (true, 1));
    let mut broken = Draft::new("call.broken").with("code", "process_ended");
    broken.system = Some(system.to_string());
    ledger.append(&broken).expect("its end, after the system went");
    assert!(ledger.append(&permission()).is_err(), "a call began for a system that is gone");
}

/// Requirement: P48, W06. A slot of the key table that was put back from an older copy is told, by its key and by what can be read again.
#[test]
fn fsck_tells_of_a_destroyed_key_that_came_back() {
    let (disk, ledger) = new();
    let (call, _) = begin(&ledger);
    let slots = |disk: &SimDisk| {
        let file = disk.open("vault/keys", OpenMode::Read).expect("the vault");
        let mut bytes = vec![0; usize::try_from(file.len().expect("a length")).expect("small")];
        file.read_at(0, &mut bytes).expect("readable");
        bytes
    };
    let before = slots(&disk);
    ledger.erase(&ErasureTarget::Call(call.record_id), "they asked").expect("an erasure");
    ledger.close().expect("a clean end");
    let shared: Arc<dyn tabellion_ledger::disk::Disk> = Arc::new(disk.clone());
    let sound = fsck(&shared, &options(1), &[]);
    assert!(sound.is_sound(), "{:?}", sound.findings);

    let after = slots(&disk);
    let slot = (256..before.len()).step_by(256).find(|at| before[*at..at + 256] != after[*at..at + 256]);
    let slot = slot.expect("the erasure destroyed a key that was there before");
    let file = disk.open("vault/keys", OpenMode::ReadWrite).expect("the vault");
    file.write_at(slot as u64, &before[slot..slot + 256]).expect("a restore");
    file.sync().expect("a sync");
    let report = fsck(&shared, &options(2), &[]);
    let said = report.findings.join("\n");
    assert!(said.contains("put back from an older copy"), "nobody is told of the key: {said}");
    assert!(
        said.contains(&format!("entry {}", call.index)) && said.contains("can be read again"),
        "nobody is told what can be read: {said}"
    );
    Ledger::open(Arc::clone(&shared), &options(3)).expect("it opens").close().expect("a clean end");
    let mended = fsck(&shared, &options(4), &[]);
    assert!(mended.is_sound(), "a start does not destroy it again: {:?}", mended.findings);
}
