//! Erasures that take two people.

use std::sync::Arc;

use tabellion_ledger::{By, Draft, ErasureTarget, Ledger, OpenOptions, RejectCode, UnitContent, fsck};
use tabellion_model::{CredentialId, Env};
use tabellion_testkit::{Fault, Image, SimDisk};

use crate::fixture::{new_log, options, real};

fn by(person: u8) -> By {
    By { credential: Some(CredentialId::from_bytes([person; 16])), parents: Vec::new() }
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
