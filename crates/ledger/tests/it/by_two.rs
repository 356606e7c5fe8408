//! Erasures that take two people.

use std::sync::Arc;

use tabellion_ledger::{
    By, Clock as _, Draft, ErasureTarget, Ledger, OpenOptions, RejectCode, SystemClock, UnitContent,
    WantedErasure, fsck,
};
use tabellion_model::{CredentialId, Env, Micros, SystemId};
use tabellion_testkit::{Fault, Image, ManualClock, SimDisk};

use crate::fixture::{new_log, options, real};

fn by(person: u8) -> By {
    By { credential: Some(CredentialId::from_bytes([person; 16])), ..By::default() }
}

fn by_two() -> OpenOptions {
    OpenOptions { erase_by_two: vec![Env::Production], background: false, ..options() }
}

fn ada() -> ErasureTarget {
    ErasureTarget::Subject("ada".to_owned())
}

fn about_ada() -> Draft {
    Draft::new("loan.requested").with("amount_cents", 1).about("ada", "name", "Ada Lovelace")
}

fn is_shown(ledger: &Ledger, index: u64) -> bool {
    let units = ledger.reader().entry(index).expect("the entry stays").units;
    units.iter().any(|unit| unit.personal && matches!(unit.content, UnitContent::Shown(_)))
}

#[test]
fn nothing_goes_before_somebody_else_confirms_and_then_the_request_names_nobody_any_more() {
    let (_dir, disk, ledger) = real();
    ledger.close().expect("a clean end");
    let ledger = Ledger::open(Arc::clone(&disk), &by_two()).expect("the log opens");
    let index = ledger.append(&about_ada()).expect("an append").index;
    let refused = ledger.erase(&ada(), "alone").expect_err("one person erased");
    assert_eq!(refused.code(), Some(RejectCode::SecondPerson), "{refused}");
    let (request, _) = ledger.request_erasure(&ada(), "asked to be forgotten", &by(1)).expect("a request");
    assert!(is_shown(&ledger, index), "a request alone erased content");
    let own = ledger.confirm_erasure(&request, "fine", &by(1)).expect_err("who asked confirmed");
    assert_eq!(own.code(), Some(RejectCode::SecondPerson), "{own}");
    assert!(is_shown(&ledger, index), "who asked erased content");

    // It waits across a restart, with its target, its reason and who asked.
    ledger.close().expect("a clean end");
    let ledger = Ledger::open(Arc::clone(&disk), &by_two()).expect("the log opens");
    let pending = ledger.pending_erasures().expect("readable").pop().expect("it still waits");
    assert_eq!(
        (pending.request, pending.target.clone(), pending.by),
        (request, Some(ada()), by(1).credential)
    );
    let done = ledger.confirm_erasure(&request, "checked the request", &by(2)).expect("a second person");
    assert!(done.units >= 2, "the record and the name in the request go: {done:?}");
    assert!(!is_shown(&ledger, index), "confirmed content is still shown");
    assert!(!is_shown(&ledger, pending.index), "the request keeps the name of whom it was to forget");
    assert!(ledger.pending_erasures().expect("readable").is_empty(), "it waits although it is done");
    let again = ledger.confirm_erasure(&request, "again", &by(3)).expect_err("confirmed twice");
    assert_eq!(again.code(), Some(RejectCode::NotFound), "{again}");
    ledger.close().expect("a clean end");
    assert!(fsck(&disk, &options(), &[]).is_sound(), "the log is damaged");
}

#[test]
fn a_hold_a_refusal_and_the_operator_count_as_everybody_does() {
    let (_dir, _disk, ledger) = real();
    let index = ledger.append(&about_ada()).expect("an append").index;
    let (request, _) = ledger.request_erasure(&ada(), "r", &By::default()).expect("the operator asks");
    assert_eq!(
        ledger.pending_erasures().expect("readable").remove(0).by,
        None,
        "the operator is nobody else"
    );
    let own =
        ledger.confirm_erasure(&request, "r", &By::default()).expect_err("the operator confirmed their own");
    assert_eq!(own.code(), Some(RejectCode::SecondPerson), "{own}");

    let (hold, _) = ledger.place_hold(&ada(), "case 12/2026").expect("a hold");
    let refused = ledger.confirm_erasure(&request, "r", &by(1)).expect_err("a hold was passed");
    assert_eq!(refused.code(), Some(RejectCode::OnHold), "{refused}");
    assert!(refused.to_string().contains(&hold.to_hex()), "which hold forbids it? {refused}");
    let refused = ledger.request_erasure(&ada(), "r", &by(1)).expect_err("asked for what is on hold");
    assert_eq!(refused.code(), Some(RejectCode::OnHold), "{refused}");
    assert!(is_shown(&ledger, index), "held content was destroyed");
    ledger.release_hold(&hold, "closed").expect("a release");

    ledger.decline_erasure(&request, "not theirs to ask", &by(1)).expect("declined");
    let gone = ledger.confirm_erasure(&request, "r", &by(2)).expect_err("confirmed after it was declined");
    assert_eq!(gone.code(), Some(RejectCode::NotFound), "{gone}");
    assert!(is_shown(&ledger, index), "a declined erasure destroyed content");
    let forged = ledger.append(&Draft::new("erasure.confirmed")).expect_err("a confirmation by hand");
    assert_eq!(forged.code(), Some(RejectCode::Malformed), "{forged}");
}

/// Requirement: P47, P48
#[test]
fn one_person_cannot_delete_a_system_however_short_the_grace() {
    let (_dir, disk, ledger) = real();
    let system = SystemId::from_bytes([7; 16]);
    let mut draft = about_ada();
    draft.system = Some(system.to_string());
    let index = ledger.append(&draft).expect("an append").index;
    // Asked for by one person, before the log took two.
    ledger.request_deletion(&system, Micros(1), "by one").expect("a request of before");
    ledger.close().expect("a clean end");

    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let options = OpenOptions { clock: Arc::clone(&clock) as _, ..by_two() };
    let ledger = Ledger::open(Arc::clone(&disk), &options).expect("the log opens");
    assert!(
        ledger.purge_due().expect("a look").purged.is_empty(),
        "one person alone deleted a system's content"
    );
    assert!(is_shown(&ledger, index), "one person alone deleted a system's content");
    ledger.cancel_deletion(&system, "to be asked for anew").expect("taken back");
    let refused =
        ledger.request_deletion(&system, Micros(1), "alone").expect_err("one person deleted a system");
    assert_eq!(refused.code(), Some(RejectCode::SecondPerson), "{refused}");

    let (request, _) = ledger.request_deletion_by_two(&system, 3600, "retired", &by(1)).expect("a request");
    ledger.append(&draft).expect("a request alone stopped a system");
    let own = ledger.confirm_erasure(&request, "fine", &by(1)).expect_err("who asked confirmed");
    assert_eq!(own.code(), Some(RejectCode::SecondPerson), "{own}");
    let done = ledger.confirm_erasure(&request, "checked", &by(2)).expect("a second person");
    assert_eq!(
        (done.keys, done.units, done.orders.len()),
        (0, 0, 1),
        "content went before its grace: {done:?}"
    );
    let due = done.due.expect("when it goes");
    assert_eq!(ledger.append(&draft).expect_err("it is going").code(), Some(RejectCode::SystemGone));
    assert!(ledger.purge_due().expect("a look").purged.is_empty(), "the grace was no grace");
    ledger.close().expect("a clean end");
    clock.set(due);
    let ledger = Ledger::open(Arc::clone(&disk), &options).expect("the log opens");
    assert_eq!(ledger.purge_due().expect("a purge").purged.len(), 1, "a restart forgot who confirmed");
    assert!(!is_shown(&ledger, index), "the content of a deleted system is still there");
    ledger.close().expect("a clean end");
    assert!(fsck(&disk, &options, &[]).is_sound(), "the log is damaged");
}

#[test]
fn a_deletion_that_two_people_want_waits_for_a_legal_hold_and_names_a_system() {
    let (_dir, _disk, ledger) = real();
    let system = SystemId::from_bytes([7; 16]);
    let mut draft = about_ada();
    draft.system = Some(system.to_string());
    ledger.append(&draft).expect("an append");
    let (request, _) = ledger.request_deletion_by_two(&system, 0, "retired", &by(1)).expect("a request");
    let (hold, _) = ledger.place_hold(&ErasureTarget::System(system), "case 12/2026").expect("a hold");
    let refused = ledger.confirm_erasure(&request, "fine", &by(2)).expect_err("a hold was passed");
    assert_eq!(refused.code(), Some(RejectCode::OnHold), "{refused}");
    ledger.release_hold(&hold, "closed").expect("a release");
    ledger.confirm_erasure(&request, "fine", &by(2)).expect("nothing holds it any more");
    let of_a_person =
        WantedErasure { target: &ada(), grace_seconds: Some(60), reason: "r", idempotency_key: None };
    let refused = ledger.ask_for_erasure(&of_a_person, &by(1)).expect_err("a grace that nobody would keep");
    assert_eq!(refused.code(), Some(RejectCode::Malformed), "{refused}");
    // A system that nothing was recorded for can be closed too.
    ledger
        .request_deletion_by_two(&SystemId::from_bytes([8; 16]), 0, "never used", &by(1))
        .expect("a request");
}

/// Whoever opens the log later, under whatever configuration, is held to it.
#[test]
fn that_it_takes_two_is_on_record_from_the_first_opening_that_asks_for_it() {
    let (_dir, disk, ledger) = real();
    ledger.append(&about_ada()).expect("an append");
    assert!(!ledger.erases_by_two(), "nobody asked for it yet");
    ledger.close().expect("a clean end");
    let ledger = Ledger::open(Arc::clone(&disk), &by_two()).expect("the log opens");
    ledger.close().expect("a clean end");
    let size = Ledger::open(Arc::clone(&disk), &by_two()).expect("the log opens again").reader().size();
    let ledger =
        Ledger::open(Arc::clone(&disk), &options()).expect("the log opens under a laxer configuration");
    assert_eq!(ledger.reader().size(), size, "the rule is recorded again and again");
    assert!(ledger.erases_by_two(), "a configuration took back what is on record");
    let alone = ledger.erase(&ada(), "alone").expect_err("one person erased");
    assert_eq!(alone.code(), Some(RejectCode::SecondPerson), "{alone}");
    let forged = ledger.append(&Draft::new("erasure.rule_set")).expect_err("a rule by hand");
    assert_eq!(forged.code(), Some(RejectCode::Malformed), "{forged}");
    let (request, _) = ledger.request_erasure(&ada(), "r", &by(1)).expect("a request");
    ledger.confirm_erasure(&request, "r", &by(2)).expect("two people still erase");
    ledger.close().expect("a clean end");
    assert!(fsck(&disk, &options(), &[]).is_sound(), "the log is damaged");
}

#[test]
fn a_confirmation_that_is_cut_short_anywhere_is_whole_or_not_at_all() {
    let disk = SimDisk::new();
    let ledger = Ledger::create(Arc::new(disk.clone()), &new_log(), &by_two()).expect("a log");
    let index = ledger.append(&about_ada()).expect("an append").index;
    ledger.request_erasure(&ada(), "r", &by(1)).expect("a request");
    ledger.close().expect("a clean end");
    let base = disk.image();
    let steps = (0..200).take_while(|at| cut_short(&base, index, *at)).count();
    assert!((3..200).contains(&steps), "{steps} operations failed one by one");
}

/// The power goes at the operation `at` of the confirmation; `false`: it was over before.
fn cut_short(base: &Image, index: u64, at: u64) -> bool {
    let disk = SimDisk::from_image(base.clone());
    let ledger = Ledger::open(Arc::new(disk.clone()), &by_two()).expect("the log opens");
    let request = ledger.pending_erasures().expect("readable").remove(0).request;
    disk.fail_at(at, Fault::PowerOff, at);
    let confirmed = ledger.confirm_erasure(&request, "r", &by(2)).is_ok();
    let happened = disk.fault_happened();
    drop(ledger);
    disk.crash(at);
    let ledger = Ledger::open(Arc::new(disk.clone()), &by_two()).expect("the log opens after a crash");
    let waits = !ledger.pending_erasures().expect("readable").is_empty();
    assert_eq!(
        waits,
        is_shown(&ledger, index),
        "step {at}: confirmed without being erased, or erased without"
    );
    assert!(!(confirmed && waits), "step {at}: an acknowledged confirmation was lost");
    happened
}
