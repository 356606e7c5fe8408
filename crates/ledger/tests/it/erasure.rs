//! Erasing, holding and expiring content, while every proof stays.

use std::sync::Arc;

use tabellion_ledger::disk::{Disk as _, OpenMode};
use tabellion_ledger::{Draft, ErasureTarget, Ledger, OpenOptions, RejectCode, UnitContent, fsck};
use tabellion_model::{Entry, Micros, SystemId, verify};
use tabellion_testkit::{ManualClock, SeededEntropy, SimDisk};

use crate::fixture::{new_log, trust};
use crate::guess::Loot;

const START: u64 = 1_790_000_000_000_000;
const MONTH: u64 = 31 * 86_400 * 1_000_000;

fn open(disk: &SimDisk, clock: &Arc<ManualClock>, life: u64) -> Ledger {
    Ledger::open(Arc::new(disk.clone()), &options(clock, life)).expect("the log opens")
}

fn options(clock: &Arc<ManualClock>, life: u64) -> OpenOptions {
    let background = false;
    OpenOptions {
        segment_bytes: 256 << 10,
        background,
        ..OpenOptions::new(clock.clone(), Arc::new(SeededEntropy::new(life)))
    }
}

fn new() -> (SimDisk, Arc<ManualClock>, Ledger) {
    let (disk, clock) = (SimDisk::new(), Arc::new(ManualClock::at(Micros(START))));
    let ledger =
        Ledger::create(Arc::new(disk.clone()), &new_log(), &options(&clock, 0)).expect("a log can be made");
    (disk, clock, ledger)
}

fn loan(subject: &str) -> Draft {
    Draft::new("loan.requested").with("amount_cents", 120_000).about(
        subject,
        "name",
        format!("name of {subject}"),
    )
}

fn personal(ledger: &Ledger, index: u64) -> UnitContent {
    let entry = ledger.reader().entry(index).expect("the entry stays");
    let personal = |unit: &&tabellion_ledger::UnitView| unit.personal || unit.content == UnitContent::Erased;
    entry.units.iter().find(personal).expect("it has a personal unit").content.clone()
}

/// Requirement: P48, W05, W06
#[test]
fn an_erased_subject_is_gone_for_good_and_every_proof_still_verifies() {
    let (disk, clock, ledger) = new();
    let ada = ledger.append(&loan("ada")).expect("an append");
    let bob = ledger.append(&loan("bob")).expect("an append");
    let before = ledger.reader().receipt(ada.index).expect("a receipt");
    let Entry::Record(record) = ledger.reader().entry(ada.index).expect("an entry").entry else {
        panic!("an unsigned record")
    };
    let done =
        ledger.erase(&ErasureTarget::Subject("ada".to_owned()), "the subject asked").expect("an erasure");
    assert_eq!((done.keys, done.units), (1, 1), "exactly her content goes");
    assert_eq!(personal(&ledger, ada.index), UnitContent::Erased, "her name can still be read");
    assert!(
        matches!(personal(&ledger, bob.index), UnitContent::Shown(_)),
        "somebody else's name went with it"
    );

    let receipt = ledger.reader().receipt(ada.index).expect("a receipt after the erasure");
    assert!(receipt.disclosures.len() < before.disclosures.len(), "the receipt still shows erased content");
    let bytes = receipt.to_bytes().expect("its bytes");
    assert_eq!(verify(&bytes, Some(&trust(&ledger))).exit_code(), 0, "an erasure broke a proof");

    // Whoever holds the original text and the whole directory, keys included, can confirm nothing of it; of what was not erased they can.
    let loot = Loot::of(&disk);
    let header_of =
        |index| ledger.reader().entry(index).expect("an entry").entry.header().expect("a record").clone();
    assert!(
        loot.confirms(&header_of(bob.index), "name", "name of bob"),
        "the attack does not even work on what was kept, so it shows nothing"
    );
    assert!(
        !loot.confirms(&record.header, "name", "name of ada"),
        "an erased name was confirmed by guessing"
    );

    ledger.close().expect("a clean end");
    let again = open(&disk, &clock, 1);
    assert_eq!(personal(&again, ada.index), UnitContent::Erased, "a restart brought erased content back");
    let report = fsck(&(Arc::new(disk) as Arc<_>), &options(&clock, 2), &[]);
    assert!(report.is_sound(), "an erasure left the log unsound: {:?}", report.findings);
    assert_eq!(report.counts.get("units erased"), Some(&1), "fsck must tell erased from missing");
}

fn vault_bytes(disk: &SimDisk) -> Vec<u8> {
    let file = disk.open("vault/keys", OpenMode::Read).expect("the vault");
    let mut bytes = vec![0; usize::try_from(file.len().expect("a length")).expect("small")];
    file.read_at(0, &mut bytes).expect("readable");
    bytes
}

/// Puts an older copy back over the vault.
fn restore_vault(disk: &SimDisk, backup: &[u8]) {
    let now = vault_bytes(disk).len();
    let file = disk.open("vault/keys", OpenMode::ReadWrite).expect("the vault");
    let mut whole = backup.to_vec();
    whole.resize(now, 0);
    file.write_at(0, &whole).expect("a restore");
    file.sync().expect("a sync");
}

#[test]
fn a_vault_restored_from_a_backup_does_not_bring_erased_content_back() {
    let (disk, clock, ledger) = new();
    let ada = ledger.append(&loan("ada")).expect("an append");
    ledger.append(&loan("eve")).expect("an append");
    // From here on every key that later records need exists.
    ledger.erase(&ErasureTarget::Subject("eve".to_owned()), "asked before").expect("an erasure");
    let backup = vault_bytes(&disk);
    ledger.erase(&ErasureTarget::Subject("ada".to_owned()), "the subject asked").expect("an erasure");
    ledger.close().expect("a clean end");
    restore_vault(&disk, &backup);
    let again = open(&disk, &clock, 1);
    assert_eq!(personal(&again, ada.index), UnitContent::Erased, "a backup brought erased content back");
    again.close().expect("a clean end");
    let again = open(&disk, &clock, 2);
    assert_eq!(personal(&again, ada.index), UnitContent::Erased, "it came back one start later");
}

#[test]
fn a_vault_older_than_the_log_is_refused() {
    let (disk, clock, ledger) = new();
    let backup = vault_bytes(&disk);
    ledger.append(&loan("ada")).expect("an append");
    ledger.close().expect("a clean end");
    restore_vault(&disk, &backup);
    let refused = Ledger::open(Arc::new(disk), &options(&clock, 1))
        .err()
        .expect("content would be unreadable")
        .to_string();
    assert!(
        refused.contains("older copy") && refused.contains("backup"),
        "the way out is missing: {refused}"
    );
}

/// Requirement: P48
#[test]
fn a_legal_hold_forbids_erasure_until_it_is_released() {
    let (disk, clock, ledger) = new();
    let ada = ledger.append(&loan("ada")).expect("an append");
    let target = ErasureTarget::Subject("ada".to_owned());
    let (hold, _) = ledger.place_hold(&target, "case 12/2026").expect("a hold");
    let refused = ledger.erase(&target, "the subject asked").expect_err("a hold wins");
    assert_eq!(refused.code(), Some(RejectCode::OnHold), "{refused}");
    // Content recorded for the held subject later, under another key, is held as well.
    clock.set(Micros(START + 2 * MONTH));
    ledger.append(&loan("ada")).expect("an append");
    assert_eq!(ledger.erase(&target, "again").expect_err("still held").code(), Some(RejectCode::OnHold));
    ledger.close().expect("a clean end");
    let ledger = open(&disk, &clock, 1);
    assert_eq!(
        ledger.erase(&target, "after a restart").expect_err("still held").code(),
        Some(RejectCode::OnHold)
    );
    assert!(matches!(personal(&ledger, ada.index), UnitContent::Shown(_)), "held content was destroyed");
    ledger.release_hold(&hold, "case closed").expect("a release");
    let done = ledger.erase(&target, "the subject asked").expect("an erasure");
    assert_eq!((done.keys, done.units), (2, 2), "both months of her content go");
}

/// Requirement: P46
#[test]
fn retention_expires_whole_months_and_leaves_the_evidence() {
    let (_disk, clock, ledger) = new();
    let old = ledger.append(&loan("ada")).expect("an append");
    clock.set(Micros(START + 3 * MONTH));
    let new = ledger.append(&loan("ada")).expect("an append");
    let until = Micros(START).month();
    let target = ErasureTarget::Retention { class: "standard".to_owned(), until };
    let done = ledger.erase(&target, "retention of 2 months ended").expect("an expiry");
    assert_eq!(done.units, 2, "both units of the old record go, personal and business");
    assert_eq!(personal(&ledger, old.index), UnitContent::Erased, "expired content is still there");
    assert!(matches!(personal(&ledger, new.index), UnitContent::Shown(_)), "content expired too early");
    let evidence = ErasureTarget::Retention { class: "evidence".to_owned(), until: 209_912 };
    assert!(ledger.erase(&evidence, "no").is_err(), "what proves erasures must never expire");
}

/// Requirement: P47
#[test]
fn a_deleted_system_refuses_at_once_and_is_purged_when_due() {
    let (disk, clock, ledger) = new();
    let system = SystemId::from_bytes([7; 16]);
    let mut draft = loan("ada");
    draft.system = Some(system.to_string());
    let kept = ledger.append(&draft).expect("an append");
    let other = ledger.append(&loan("ada")).expect("an append of no system");
    let due = Micros(START + 7 * 86_400 * 1_000_000);
    ledger.request_deletion(&system, due, "decommissioned").expect("a request");
    let gone = ledger.append(&draft).expect_err("ingest answers 410");
    assert_eq!(
        (gone.code(), gone.code().map(RejectCode::http_status)),
        (Some(RejectCode::SystemGone), Some(410))
    );
    assert!(ledger.purge_due().expect("nothing is due").purged.is_empty(), "content went before its time");
    ledger.cancel_deletion(&system, "a mistake").expect("the days of grace");
    ledger.append(&draft).expect("the system is back");
    ledger.request_deletion(&system, due, "decommissioned after all").expect("a request");
    ledger.close().expect("a clean end");
    clock.set(Micros(due.0 + 1));
    let ledger = open(&disk, &clock, 1);
    let purged = ledger.purge_due().expect("a purge");
    assert_eq!(purged.purged.len(), 1, "a purge that is due was missed over a restart");
    assert_eq!(
        personal(&ledger, kept.index),
        UnitContent::Erased,
        "a deleted system's content is still there"
    );
    assert!(matches!(personal(&ledger, other.index), UnitContent::Shown(_)), "another system's content went");
    assert_eq!(ledger.append(&draft).expect_err("for good").code(), Some(RejectCode::SystemGone));
    assert!(ledger.cancel_deletion(&system, "too late").is_err(), "a purge cannot be taken back");
}

/// One hold is about what it names, and about nothing else.
#[test]
fn a_hold_keeps_one_system_and_no_other_from_its_purge_and_is_named() {
    let (disk, clock, ledger) = new();
    let systems = [1, 2, 3].map(|byte| SystemId::from_bytes([byte; 16]));
    let due = Micros(START + 86_400 * 1_000_000);
    let kept: Vec<u64> = systems
        .iter()
        .map(|system| {
            let mut draft = loan("ada");
            draft.system = Some(system.to_string());
            ledger.append(&draft).expect("an append").index
        })
        .collect();
    let (other, _) =
        ledger.place_hold(&ErasureTarget::System(SystemId::from_bytes([9; 16])), "b").expect("a hold");
    let (hold, _) = ledger.place_hold(&ErasureTarget::System(systems[1]), "case 12/2026").expect("a hold");
    for system in &systems {
        ledger.request_deletion(system, due, "decommissioned").expect("a request");
    }
    ledger.close().expect("a clean end");
    clock.set(Micros(due.0 + 1));
    let ledger = open(&disk, &clock, 1);
    let purge = ledger.purge_due().expect("one hold must not stop everybody's purge");
    assert_eq!(
        purge.purged.iter().map(|(system, _)| *system).collect::<Vec<_>>(),
        [systems[0], systems[2]],
        "what no hold keeps stays"
    );
    let (system, why) = purge.held.first().expect("nobody is told what stays");
    assert_eq!(*system, systems[1], "another system is said to be held");
    assert!(why.contains(&hold.to_hex()) && !why.contains(&other.to_hex()), "the wrong hold is named: {why}");
    assert!(matches!(personal(&ledger, kept[1]), UnitContent::Shown(_)), "held content went");
    let views = ledger.reader().holds();
    let shown = views.iter().find(|view| view.hold == hold).expect("it is in force");
    assert_eq!(
        (shown.system, shown.reason.as_deref()),
        (Some(systems[1]), Some("case 12/2026")),
        "nobody can tell which hold to release"
    );
    ledger.release_hold(&hold, "closed").expect("a release");
    let purge = ledger.purge_due().expect("a purge");
    assert_eq!((purge.purged.len(), purge.held.len()), (1, 0), "what is released stays for ever");
}

#[test]
fn one_record_goes_alone_only_when_it_was_recorded_so() {
    let (_disk, _clock, ledger) = new();
    let mut draft = loan("ada");
    draft.erasable_alone = true;
    let alone = ledger.append(&draft).expect("an append");
    let shared = ledger.append(&loan("ada")).expect("an append");
    assert!(
        ledger.erase(&ErasureTarget::Record(shared.index), "no").is_err(),
        "others' content would have gone with it"
    );
    ledger.erase(&ErasureTarget::Record(alone.index), "yes").expect("an erasure");
    assert_eq!(personal(&ledger, alone.index), UnitContent::Erased, "it is still there");
    assert!(matches!(personal(&ledger, shared.index), UnitContent::Shown(_)), "the other record went too");
}

#[test]
fn a_retry_after_erasure_neither_repeats_the_record_nor_confirms_its_content() {
    let (_disk, _clock, ledger) = new();
    let mut draft = loan("ada");
    draft.idempotency_key = Some("loan-1".to_owned());
    ledger.append(&draft).expect("an append");
    ledger.erase(&ErasureTarget::Subject("ada".to_owned()), "the subject asked").expect("an erasure");
    let size = ledger.reader().size();
    for retry in [draft.clone(), draft.with("amount_cents", 5)] {
        let refused = ledger.append(&retry).expect_err("nothing can be compared any more");
        assert_eq!(
            refused.code(),
            Some(RejectCode::IdempotencyErased),
            "right and wrong guesses must look alike: {refused}"
        );
    }
    assert_eq!(ledger.reader().size(), size, "a retry made a second record");
}
