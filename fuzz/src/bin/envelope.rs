//! Event envelopes, proof bundles and inclusion receipts: what is accepted has one canonical form, in which it is read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_model::envelope::{
    Envelope, EnvelopeContext, Found, InclusionReceipt, MAX_ENVELOPE_BYTES, verify_envelope,
};

fuzz_target!(|data: &[u8]| {
    let receipt = InclusionReceipt::parse(data);
    let context = EnvelopeContext {
        payload: Some(data),
        inclusion: receipt.as_ref().ok().map(|receipt| (receipt, data)),
        allow_legacy: true,
        ..EnvelopeContext::default()
    };
    let report = verify_envelope(data, &context);
    assert!(report.exit_code() != 0, "an envelope holds without a key that anybody believes");
    let Ok(Found::Envelope(envelope)) = Found::parse(data, true) else { return };
    let canonical = envelope.to_canonical();
    if canonical.len() > MAX_ENVELOPE_BYTES {
        return;
    }
    let again = Envelope::parse(&canonical, true).expect("what was read is written in a form that is read");
    assert!(
        again.is_canonical && again.digest == envelope.digest,
        "a second form of\n{}",
        canonical.escape_ascii()
    );
});
