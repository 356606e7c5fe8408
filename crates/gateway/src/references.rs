//! The header by which an application says what of its own a prompt stands on.
//!
//! Promises: what a record keeps of it are ids and digests alone, in one form, each once. Must never: send it on, or take a part of what it cannot read whole.

use std::collections::BTreeSet;

use hyper::HeaderMap;

/// The header; references stand in it with commas between, and it may come more than once.
pub(crate) const REFERENCES: &str = "tabellion-references";
/// Most of one call: so many fit into the room of its record, and nobody reads more.
const MAX_REFERENCES: usize = 16;
/// A record of a log: by its id.
const RECORD: (&str, usize) = ("record:", 32);
/// Anything else: by its digest.
const DIGEST: (&str, usize) = ("sha256:", 64);

/// What a call refers to; none where the header is absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum References {
    /// These, in their order.
    Named(BTreeSet<String>),
    /// Something else stands there.
    Unreadable,
}

impl References {
    /// What the headers of a request say.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut named = BTreeSet::new();
        for value in headers.get_all(REFERENCES) {
            let Ok(text) = value.to_str() else { return Self::Unreadable };
            for reference in text.split(',').map(str::trim) {
                if !is_reference(reference) {
                    return Self::Unreadable;
                }
                named.insert(reference.to_owned());
            }
        }
        if named.len() > MAX_REFERENCES { Self::Unreadable } else { Self::Named(named) }
    }

    /// As a record has them.
    pub(crate) fn to_record(&self) -> Vec<String> {
        match self {
            Self::Named(named) => named.iter().cloned().collect(),
            Self::Unreadable => Vec::new(),
        }
    }

    /// What is wrong with them where a call needs `least`; none: nothing.
    pub(crate) fn fault(&self, least: usize) -> Option<&'static str> {
        match self {
            Self::Unreadable => Some("unreadable"),
            Self::Named(named) => (named.len() < least).then_some("too_few"),
        }
    }
}

fn is_reference(text: &str) -> bool {
    let is_hex = |digits: &str| digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    [RECORD, DIGEST].into_iter().any(|(kind, length)| {
        text.strip_prefix(kind).is_some_and(|digits| digits.len() == length && is_hex(digits))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> References {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(REFERENCES, value.parse().expect("a value"));
        }
        References::of(&headers)
    }

    #[test]
    fn ids_and_digests_are_taken_and_nothing_else() {
        let (record, digest) = (format!("record:{}", "a1".repeat(16)), format!("sha256:{}", "0f".repeat(32)));
        assert_eq!(of(&[]), References::Named(BTreeSet::new()), "no header refers to nothing");
        let both = of(&[&format!("{digest} , {record}"), &record]);
        assert_eq!(both.to_record(), [record.clone(), digest.clone()], "each once, whatever the order");
        assert_eq!((both.fault(2), both.fault(3)), (None, Some("too_few")));
        for wrong in
            ["", "ann@example.org", "record:12", &record.to_uppercase(), &format!("{record},"), &record[7..]]
        {
            assert_eq!(of(&[wrong]), References::Unreadable, "{wrong:?} would stand in a record");
            assert_eq!(of(&[&digest, wrong]).fault(1), Some("unreadable"), "{wrong:?} was passed over");
        }
        let many: Vec<String> = (0..17).map(|number| format!("record:{number:032x}")).collect();
        assert_eq!(of(&[&many.join(",")]), References::Unreadable);
        assert_eq!(of(&[&many[..16].join(",")]).to_record().len(), 16);
    }
}
