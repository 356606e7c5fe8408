//! Many appends in flight at once, on a disk that fails while one batch is written and the next is staged on top of it.
//!
//! Threads decide what meets in one batch, so a seed does not repeat a run exactly; what must hold, must hold for every run.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::channel;

use tabellion_ledger::{ErasureTarget, GroupResult, Ledger, LedgerError, OpenOptions};
use tabellion_model::Purpose;
use tabellion_testkit::{Fault, Image, Random, SimDisk};

use crate::crash::{Journal, check, document, erase, fresh_log, options, remember};

const SEEDS: Range<u64> = 0..1_200;
const SUBJECTS: u64 = 3;

fn threaded(seed: u64, life: u64) -> OpenOptions {
    OpenOptions { background: true, ..options(seed, life) }
}

/// Submits a burst without waiting in between and takes the answers. `false`: the ledger said it is at its end.
fn burst(ledger: &Ledger, random: &mut Random, journal: &mut Journal) -> Result<bool, String> {
    let (answer, answers) = channel::<(u64, GroupResult)>();
    let count = 1 + random.below(40);
    let mut sent = BTreeMap::new();
    for n in 0..count {
        let subject = random.below(SUBJECTS);
        let mut drafts = vec![document(subject, n)];
        match random.below(10) {
            0 => drafts.push(document(subject, n + 100)),
            1 => drafts[0].idempotency_key = Some(format!("burst-{}", random.below(4))),
            2 => {
                drafts[0].stream =
                    Some(tabellion_ledger::DraftStream { name: "counted".to_owned(), expected: None });
            }
            _ => {}
        }
        let Ok(prepared) = drafts.iter().map(|draft| ledger.prepare(draft)).collect::<Result<Vec<_>, _>>()
        else {
            continue;
        };
        sent.insert(n, (subject, drafts[0].idempotency_key.is_some()));
        let answer = answer.clone();
        ledger.submit(prepared, Box::new(move |result| drop(answer.send((n, result)))));
    }
    drop(answer);
    let (mut last, mut alive) = (None, true);
    for (n, result) in answers {
        let Some((subject, keyed)) = sent.remove(&n) else {
            return Err(format!("append {n} was answered twice"));
        };
        match result {
            Ok(acks) => {
                for ack in &acks {
                    remember(journal, ack, subject);
                }
                let index = acks.last().map(|ack| ack.index);
                if !keyed && std::mem::replace(&mut last, index) > index {
                    return Err(format!("append {n} overtook another one"));
                }
            }
            Err(LedgerError::Fatal(_)) => alive = false,
            Err(_) => {}
        }
    }
    if let Some((n, _)) = sent.first_key_value() {
        return Err(format!("append {n} was never answered"));
    }
    journal.checkpoints.push(ledger.reader().checkpoint().to_string());
    Ok(alive)
}

fn run(seed: u64, base: &Image) -> Result<(), String> {
    let disk = SimDisk::from_image(base.clone());
    let mut random = Random::new(seed);
    let mut journal = Journal::default();
    for life in 1..=2 {
        let fault = [Fault::PowerOff, Fault::Eio, Fault::NoSpace][random.below(3) as usize];
        disk.fail_at(10 + random.below(60), fault, random.draw());
        if let Ok(ledger) = Ledger::open(Arc::new(disk.clone()), &threaded(seed, life)) {
            for _ in 0..random.below(8) {
                if !burst(&ledger, &mut random, &mut journal)? {
                    break;
                }
                // What goes alone waits for the batch in the air.
                let _ = match random.below(6) {
                    0 => erase(&ledger, random.below(SUBJECTS), &mut journal),
                    1 => ledger.rotate_key(Purpose::Writer).map(drop),
                    _ => Ok(()),
                };
            }
            if random.one_in(3) {
                let _ = ledger.close();
            }
        }
        if random.one_in(3) {
            disk.kill();
        } else {
            disk.crash(random.draw());
        }
    }
    let ledger = Ledger::open(Arc::new(disk), &options(seed, 99))
        .map_err(|error| format!("does not open: {error}"))?;
    check(ledger.reader(), &journal)?;
    ledger.append(&document(0, 0)).map_err(|error| format!("does not go on: {error}"))?;
    Ok(())
}

#[test]
fn batches_staged_on_top_of_each_other_lose_double_and_fork_nothing() {
    let base = fresh_log();
    for seed in SEEDS {
        run(seed, &base).unwrap_or_else(|what| panic!("seed {seed}: {what}"));
    }
}

/// The number of a stream, of an epoch and of an idempotency key go on from the batch in the air.
#[test]
fn what_is_staged_while_a_batch_is_written_counts_on_from_it() {
    let disk = SimDisk::from_image(fresh_log());
    let ledger = Ledger::open(Arc::new(disk.clone()), &threaded(1, 1)).expect("the log opens");
    let (answer, answers) = channel::<GroupResult>();
    for n in 0..2_000 {
        let mut draft = document(n % SUBJECTS, n);
        draft.stream =
            Some(tabellion_ledger::DraftStream { name: format!("s{}", n % 7), expected: Some(n / 7) });
        draft.idempotency_key = Some(format!("key-{}", n / 2 * 2));
        if n % 2 == 1 {
            // The same key and another request: refused, wherever the first one is.
            draft.stream = None;
        }
        let answer = answer.clone();
        let prepared = ledger.prepare(&draft).expect("a plain draft");
        ledger.submit(vec![prepared], Box::new(move |result| drop(answer.send(result))));
    }
    drop(answer);
    let mut refused = 0;
    for (n, result) in answers.iter().enumerate() {
        if let Err(error) = &result {
            assert!(
                error.to_string().contains("idempotency") || error.to_string().contains("stream"),
                "{n}: {error}"
            );
            refused += 1;
        }
    }
    assert!(refused >= 1_000, "the same key with another request went through: {refused} refused");
    ledger.erase(&ErasureTarget::Subject("subject-1".to_owned()), "asked for").expect("an erasure");
    ledger.close().expect("a clean end");
    let again =
        Ledger::open(Arc::new(disk), &options(1, 2)).expect("numbers that do not follow refuse to open");
    assert!(again.reader().size() > 500, "the records are not there: {}", again.reader().size());
}
