//! What is kept about somebody: theirs alone, with proofs, and what was erased is counted.

use std::collections::BTreeSet;

use tabellion_ledger::{Draft, ErasureTarget, Reader, UnitContent};
use tabellion_model::verify;

use crate::fixture::{options, real, trust};

fn names(name: &str) -> BTreeSet<String> {
    BTreeSet::from([name.to_owned()])
}

/// Requirement: P48. A record about two people and the business shows each theirs alone; the same is found by the writer, which looks it up, and by a reader, which reads all of the log.
#[test]
fn what_is_kept_about_somebody_is_theirs_alone_and_proved() {
    let (_dir, disk, ledger) = real();
    for number in 0..20 {
        ledger.append(&Draft::new("event.logged").with("number", number)).expect("an append");
    }
    let both = Draft::new("loan.requested").with("amount_cents", 5).about("ada", "name", "Ada Lovelace");
    let both = ledger.append(&both.about("bruno", "guarantor", "Bruno Taut")).expect("an append").index;
    let second =
        ledger.append(&Draft::new("event.logged").about("ada", "letter", "Dear all")).expect("one").index;
    assert_eq!(ledger.about_subject("nobody").expect("an answer"), None, "a name that nobody has is known");

    let about = ledger.about_subject("ada").expect("an answer").expect("Ada is known");
    let indexes: Vec<u64> = about.entries.iter().map(|(index, _)| *index).collect();
    assert_eq!(
        (indexes, about.erased.as_slice()),
        (vec![both, second], [].as_slice()),
        "something is left out"
    );
    assert_eq!(about.size, ledger.reader().size(), "it is of another size than it says");
    let (reader, _) = Reader::open(disk, &options()).expect("a reader");
    let read = reader.about_subject(&names("ada")).expect("an answer").expect("Ada is known");
    assert_eq!(read, about, "a reader finds something else than the writer");

    let both_names = BTreeSet::from(["Ada".to_owned(), "ada".to_owned()]);
    let read = reader.about_subject(&both_names).expect("an answer").expect("Ada is known");
    let sought: Vec<_> =
        read.names.iter().map(|sought| (sought.name.as_str(), sought.kept, sought.erased)).collect();
    assert_eq!(
        sought,
        [("Ada", false, false), ("ada", true, false)],
        "nobody sees by which name it was found"
    );
    assert_eq!((read.kept_as("Ada"), read.kept_as("ada")), (Some("ada"), Some("ada")));

    for (index, units) in &about.entries {
        assert_eq!(units.len(), 1, "units of others count as hers");
        let receipt = ledger.reader().receipt_of_units(*index, units).expect("a receipt");
        let shown = format!("{:?}", receipt.disclosures);
        assert_eq!(receipt.disclosures.len(), 1, "more than hers is shown: {shown}");
        let report = verify(&receipt.to_bytes().expect("a file"), Some(&trust(&ledger)));
        assert_eq!(report.exit_code(), 0, "she cannot check it: {}", report.to_text());
    }
    let bruno = ledger.about_subject("bruno").expect("an answer").expect("Bruno is known");
    assert_ne!(bruno.entries[0].1, about.entries[0].1, "two people have one unit");

    // Exactly what an erasure takes, and nothing more; afterwards it is empty and says so.
    ledger.erase(&ErasureTarget::Subject("ada".to_owned()), "asked for").expect("an erasure");
    let view = ledger.reader().entry(both).expect("the entry stays");
    for unit in &view.units {
        let is_hers = about.entries[0].1.contains(&unit.id);
        assert_eq!(
            unit.content == UnitContent::Erased,
            is_hers,
            "access and erasure reach different content"
        );
    }
    let after = ledger.about_subject("ada").expect("an answer").expect("she was known");
    assert_eq!(
        (after.entries.len(), after.erased.as_slice()),
        (0, [both, second].as_slice()),
        "erased content is found, or nobody says that it was erased"
    );
    assert!(after.names.iter().all(|sought| sought.erased && !sought.kept), "{:?}", after.names);
    assert_eq!(after.kept_as("ada"), None, "something would be recorded under the name of somebody erased");
    assert_eq!(ledger.about_subject("bruno").expect("an answer").expect("known").entries, bruno.entries);
}
