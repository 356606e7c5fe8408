//! Statements that others signed, and the receipts that carry the entry by which they were registered.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_fuzz::one_form;
use tabellion_tlog::{
    ForeignStatement, IssuerKey, attach_entry, attach_registrations, detach_entry, detach_registrations,
};

fuzz_target!(|data: &[u8]| {
    if let Ok(statement) = ForeignStatement::parse(data) {
        // One that can be registered can be handed out and told again.
        let receipts = [vec![0]];
        let transparent = attach_registrations(data, &receipts).expect("a statement takes receipts");
        assert_eq!(detach_registrations(&transparent).as_ref(), Ok(&(data.to_vec(), receipts.to_vec())));
        drop(statement);
    }
    one_form(data, detach_registrations, |(statement, receipts)| {
        attach_registrations(statement, receipts).expect("what was taken apart can be put together")
    });
    one_form(data, detach_entry, |(receipt, entry)| {
        attach_entry(receipt, entry).expect("what was taken apart can be put together")
    });
    one_form(data, IssuerKey::from_spki, IssuerKey::spki);
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = IssuerKey::from_pem(text);
    }
});
