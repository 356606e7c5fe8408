//! What clients' libraries of one vendor expect to be told, and how.
//!
//! Promises: an error has the shape that the caller's library raises as its own exception, whatever the provider behind speaks; it names the record of
//! its decision where there is one. Must never: repeat anything of a request's content or of a key.

mod amazon;
pub(crate) mod anthropic;
pub(crate) mod headers;
pub(crate) mod openai;
mod presidio;
pub(crate) mod sent_on;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, Response, StatusCode};
use tabellion_ledger::Ack;

use crate::body::AnswerBody;
use crate::code::Code;

/// Read by the libraries: whether asking again may help.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
/// The word of docs/records.md, also for those who read no body.
const CODE: HeaderName = HeaderName::from_static("tabellion-code");

/// Whose interface a caller speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// That of `OpenAI`.
    OpenAi,
    /// That of Anthropic.
    Anthropic,
    /// That of Presidio.
    Presidio,
    /// That of Bedrock.
    Amazon,
}

impl Dialect {
    /// Which one a request speaks that names no route of either: only Anthropic's libraries send `anthropic-version`.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        if headers.contains_key(sent_on::ANTHROPIC_VERSION) { Self::Anthropic } else { Self::OpenAi }
    }

    /// The body of an error. An application that logs the exception can find the proof by the record that it names.
    pub(crate) fn error_body(self, code: Code, message: &str, record: Option<&Ack>) -> Bytes {
        match self {
            Self::OpenAi => openai::error_body(code, message, record),
            Self::Anthropic => anthropic::error_body(code, message, record),
            Self::Presidio => presidio::error_body(message),
            Self::Amazon => amazon::error_body(code, message, record),
        }
    }

    /// An error as a whole answer, with the reference of its record where there is one.
    pub(crate) fn error(self, code: Code, message: &str, record: Option<&Ack>) -> Response<AnswerBody> {
        let mut answer = Response::new(AnswerBody::from(self.error_body(code, message, record)));
        *answer.status_mut() =
            StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CODE, HeaderValue::from_static(code.as_str()));
        if self == Self::Amazon {
            headers.insert(amazon::ERROR_TYPE, amazon::error_type(code.status()));
        }
        if let Some(retry) = code.retry() {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static(if retry { "true" } else { "false" }));
        }
        if let Some(record) = record {
            self.refer(headers, record);
        }
        answer
    }

    /// Names the record of a decision in the headers of its answer.
    pub(crate) fn refer(self, headers: &mut HeaderMap, record: &Ack) {
        let request_id = match self {
            Self::OpenAi | Self::Presidio => openai::REQUEST_ID,
            Self::Anthropic => anthropic::REQUEST_ID,
            Self::Amazon => amazon::REQUEST_ID,
        };
        headers::refer(headers, &request_id, record);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_is_an_error_of_the_callers_own_library_that_is_not_retried() {
        for (dialect, place) in [(Dialect::OpenAi, "code"), (Dialect::Anthropic, "type")] {
            let answer = dialect.error(Code::PolicyDenied, "no rule permits this", None);
            assert_eq!(answer.status(), 403, "the library would raise another exception");
            assert_eq!(answer.headers()["x-should-retry"], "false", "one denial would become three records");
            assert_eq!(answer.headers()["tabellion-code"], "policy_denied", "programs branch on this word");
            let body = dialect.error_body(Code::PolicyDenied, "no rule permits this", None);
            let body: serde_json::Value = serde_json::from_slice(&body).expect("an error is JSON");
            assert!(body["error"][place].is_string(), "the library finds nothing to read in {body}");
            let message = body["error"]["message"].as_str().unwrap_or_default();
            assert!(message.contains("no rule permits this"), "people read this line: {message}");
        }
    }

    /// Requirement: N22. Libraries of AWS show `message` at the top, and raise what a header names.
    #[test]
    fn a_denial_is_an_exception_of_amazons_libraries() {
        let answer = Dialect::Amazon.error(Code::PolicyDenied, "no rule permits this", None);
        assert_eq!(answer.headers()["x-amzn-errortype"], "AccessDeniedException", "another one is raised");
        let body = Dialect::Amazon.error_body(Code::PolicyDenied, "no rule permits this", None);
        let body: serde_json::Value = serde_json::from_slice(&body).expect("an error is JSON");
        assert_eq!(body["message"], "policy_denied: no rule permits this", "its user reads nothing");
        for (code, due) in [
            (Code::UnknownModel, "ResourceNotFoundException"),
            (Code::BudgetExceeded, "ThrottlingException"),
            (Code::MalformedBody, "ValidationException"),
            (Code::UpstreamRefused, "InternalServerException"),
        ] {
            let answer = Dialect::Amazon.error(code, "", None);
            assert_eq!(answer.headers()["x-amzn-errortype"], due, "{}", code.as_str());
        }
    }

    #[test]
    fn who_sends_a_version_of_anthropic_speaks_its_dialect() {
        let mut headers = HeaderMap::new();
        assert_eq!(Dialect::of(&headers), Dialect::OpenAi, "most libraries speak it");
        headers.insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
        assert_eq!(Dialect::of(&headers), Dialect::Anthropic, "its library could not read our errors");
    }
}
