//! Errors as SCITT's clients read them: RFC 9290 concise problem details.

use minicbor::Encoder;

use crate::refusal::Refusal;

/// The media type of concise problem details.
pub(super) const CONCISE_MEDIA: &str = "application/concise-problem-details+cbor";
/// Names our own part of one (RFC 9290 §3): 0 the stable code, 1 what to do, 2 the `x-request-id` of the answer.
pub(super) const OWN_PART: &str = "urn:tabellion:problem";
/// Title, detail and response code (RFC 9290 §2).
const TITLE: i64 = -1;
const DETAIL: i64 = -2;
const RESPONSE_CODE: i64 = -4;

/// The problem details of `refusal`: title, detail, status, and our part.
pub(super) fn of(refusal: &Refusal, request_id: &str) -> Vec<u8> {
    let code = refusal.code;
    let mut out = Encoder::new(Vec::new());
    let written = (|| {
        out.map(4)?.i64(TITLE)?.str(code.title())?.i64(DETAIL)?.str(&refusal.detail)?;
        out.i64(RESPONSE_CODE)?.u16(code.status())?;
        out.str(OWN_PART)?.map(3)?.u8(0)?.str(code.as_str())?.u8(1)?.str(code.remedy())?;
        out.u8(2)?.str(request_id)?.ok()
    })();
    let written: Result<(), minicbor::encode::Error<std::convert::Infallible>> = written;
    // Writing to memory does not fail; if it did, the status says enough.
    written.map(|()| out.into_writer()).unwrap_or_default()
}
