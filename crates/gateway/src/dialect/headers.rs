//! Headers of answers: what names a record, and what of a provider's is passed on.

use hyper::HeaderMap;
use hyper::header::{CONNECTION, HeaderName, HeaderValue};
use tabellion_ledger::Ack;

/// Record id of the decision.
const RECORD: HeaderName = HeaderName::from_static("tabellion-record");
/// Index of its entry in the log.
const ENTRY: HeaderName = HeaderName::from_static("tabellion-entry");
/// Where its receipt is found: `<log size>/<entry>/<record id>`.
const RECEIPT: HeaderName = HeaderName::from_static("tabellion-receipt");

/// Names the record of a decision in the headers of its answer; `request_id` is where the caller's library looks for the id of its request.
pub(crate) fn refer(headers: &mut HeaderMap, request_id: &HeaderName, record: &Ack) {
    let id = record.record_id.to_hex();
    let receipt = format!("{}/{}/{id}", record.size, record.index);
    for (name, text) in [
        (request_id.clone(), id.clone()),
        (RECORD, id),
        (ENTRY, record.index.to_string()),
        (RECEIPT, receipt),
    ] {
        // Digits and slashes; always a valid value.
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    }
}

/// Headers of a provider's answer that are not passed on: those of its connection (RFC 9110, 7.6.1), those that we set, and those that would
/// act on the client as if we were the provider.
const NOT_RETURNED: [&str; 25] = [
    "alt-svc",
    "connection",
    "content-encoding",
    "content-length",
    "date",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "request-id",
    "server",
    "set-cookie",
    "strict-transport-security",
    "tabellion-code",
    "tabellion-entry",
    "tabellion-receipt",
    "tabellion-record",
    "tabellion-salt",
    "tabellion-translated",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-amzn-requestid",
    "x-request-id",
];

/// Copies what may be passed on of a provider's headers.
pub(crate) fn return_headers(from: &HeaderMap, to: &mut HeaderMap) {
    let named_by_connection: Vec<String> = from
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    for (name, value) in from {
        let kept = NOT_RETURNED.binary_search(&name.as_str()).is_err()
            && !named_by_connection.iter().any(|named| named == name.as_str());
        if kept {
            to.append(name.clone(), value.clone());
        }
    }
}

/// How often the client's library had tried before, by its own count.
pub(crate) fn retry_count(headers: &HeaderMap) -> u64 {
    headers
        .get("x-stainless-retry-count")
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<u32>().ok())
        .map_or(0, u64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_headers_can_be_searched() {
        assert!(NOT_RETURNED.is_sorted(), "a header that must not be passed on would be");
    }

    #[test]
    fn only_harmless_headers_come_back() {
        let mut from = HeaderMap::new();
        for (name, value) in [
            ("connection", "x-hop, close"),
            ("x-hop", "1"),
            ("set-cookie", "c=d"),
            ("x-ratelimit-remaining-requests", "5"),
        ] {
            from.append(name, HeaderValue::from_static(value));
        }
        let mut back = HeaderMap::new();
        return_headers(&from, &mut back);
        for gone in ["connection", "x-hop", "set-cookie"] {
            assert!(!back.contains_key(gone), "{gone} is not for the client");
        }
        assert!(
            back.contains_key("x-ratelimit-remaining-requests"),
            "the client cannot see how much the provider still allows"
        );
    }
}
