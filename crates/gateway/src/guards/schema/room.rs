//! How much schemas of one owner may take: an operator's has much, and all that one request asks for have less together, since who writes them chooses the prompt
//! too, and they are made ready on a thread that serves others.

use serde_json::Value;
use tabellion_guard::schema::{MAX_SCHEMA_BYTES, SchemaFault};

/// Sizes that a pattern is tried in when it is made ready, in bytes.
const PATTERN_SIZES: [usize; 8] = [256, 512, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20];
/// Bytes of a state of a pattern, at least.
const STATE_BYTES: usize = 32;
/// All schemas of a request, written without spaces: a hundred tools have less.
const REQUESTED_BYTES: usize = 4 * MAX_SCHEMA_BYTES;
/// And their places, references put in place of what they stand for: as many as one schema has at most.
const REQUESTED_PLACES: usize = 20_000;
/// Largest pattern of a request, and all of them: a thousand of the smallest, each made ready in less than a millisecond.
const REQUESTED_PATTERN: usize = 64 << 10;
/// Patterns of a request as they are written, together: five letters can name a class of hundreds of ranges, which is read before its size is known.
const REQUESTED_PATTERN_TEXT: usize = 16 << 10;
const REQUESTED_PATTERNS: usize = 256 << 10;
/// Most work on an answer by a schema of its request, in steps of some hundred nanoseconds at their slowest: below half a second.
const REQUESTED_WORK: u64 = 1 << 22;
/// And by an operator's: at most a few seconds of a thread that serves others as well, and far less than that for what is not made to be slow, of which the steps
/// are counted too high some thirty times.
const OPERATORS_WORK: u64 = 1 << 25;
/// Largest pattern of an operator, and all of a schema.
const OPERATORS_PATTERN: usize = 1 << 20;
const OPERATORS_PATTERNS: usize = 16 << 20;

/// What is left for schemas.
pub(crate) struct Room {
    bytes: usize,
    places: usize,
    largest_pattern: usize,
    patterns: usize,
    pattern_text: usize,
    max_work: u64,
    whose: Whose,
}

/// Who wrote a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Operators,
    Requests,
}

impl Room {
    /// For one schema of an operator.
    pub(crate) fn of_operator() -> Self {
        Self {
            bytes: MAX_SCHEMA_BYTES,
            places: usize::MAX,
            largest_pattern: OPERATORS_PATTERN,
            patterns: OPERATORS_PATTERNS,
            pattern_text: usize::MAX,
            max_work: OPERATORS_WORK,
            whose: Whose::Operators,
        }
    }

    /// For all schemas of a request.
    pub(crate) fn of_request() -> Self {
        Self {
            bytes: REQUESTED_BYTES,
            places: REQUESTED_PLACES,
            largest_pattern: REQUESTED_PATTERN,
            patterns: REQUESTED_PATTERNS,
            pattern_text: REQUESTED_PATTERN_TEXT,
            max_work: REQUESTED_WORK,
            whose: Whose::Requests,
        }
    }

    /// Takes room for the text of a schema.
    pub(crate) fn take_bytes(&mut self, schema: &Value) -> Result<(), SchemaFault> {
        let bytes = schema.to_string().len();
        let left = self.bytes.checked_sub(bytes).filter(|_| bytes <= MAX_SCHEMA_BYTES);
        self.bytes = left.ok_or(SchemaFault::TooLarge)?;
        Ok(())
    }

    /// Takes room for its places.
    pub(crate) fn take_places(&mut self, places: usize) -> Result<(), SchemaFault> {
        self.places = self.places.checked_sub(places).ok_or(SchemaFault::TooMany)?;
        Ok(())
    }

    /// Takes room for a pattern that `fits` into some sizes, and says how many states it has at most; `None`: there is none for it.
    pub(crate) fn take_pattern(&mut self, pattern: &str, fits: impl Fn(usize) -> bool) -> Option<u64> {
        self.pattern_text = self.pattern_text.checked_sub(pattern.len())?;
        if self.whose == Whose::Requests && has_flags(pattern) {
            return None;
        }
        let most = self.largest_pattern.min(self.patterns);
        let size = PATTERN_SIZES.into_iter().take_while(|size| *size <= most).find(|size| fits(*size));
        // What fits into none was tried in all.
        self.patterns -= size.unwrap_or(most);
        Some((size? / STATE_BYTES) as u64)
    }

    /// Most bytes of one pattern.
    pub(crate) fn largest_pattern(&self) -> usize {
        self.largest_pattern
    }

    /// Most work on all texts of an answer together.
    pub(crate) fn max_work(&self) -> u64 {
        self.max_work
    }

    /// Whether names in such a schema may stand in records: a caller's may be anybody's.
    pub(crate) fn tells_names(&self) -> bool {
        self.whose == Whose::Operators
    }
}

/// Whether a pattern switches something for a part of it, such as case, which the draft's patterns cannot: each class in it would be folded.
fn has_flags(pattern: &str) -> bool {
    pattern.match_indices("(?").any(|(at, _)| {
        let is_plain = at > 0 && pattern.as_bytes().get(at - 1) == Some(&b'\\');
        let next = pattern.as_bytes().get(at + 2);
        !is_plain && next.is_some_and(|next| next.is_ascii_lowercase() || *next == b'-')
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn patterns_are_counted_by_what_they_take() {
        let mut room = Room::of_request();
        assert_eq!(room.take_pattern("a", |size| size >= 900), Some(32));
        assert_eq!(room.take_pattern("a", |size| size >= 40_000), Some(2048));
        let left = REQUESTED_PATTERNS - (1 << 10) - (64 << 10);
        let taken = (0..10_000).take_while(|_| room.take_pattern("a", |size| size > 1024).is_some()).count();
        assert_eq!(taken, left / (4 << 10), "many small ones take as long as a large one");
        let mut room = Room::of_request();
        assert_eq!(
            room.take_pattern("a", |size| size > REQUESTED_PATTERN),
            None,
            "half a minute of a thread"
        );
        assert_eq!(room.patterns, REQUESTED_PATTERNS - REQUESTED_PATTERN, "trying takes nothing");
        assert_eq!(room.take_pattern(&"a".repeat(REQUESTED_PATTERN_TEXT), |_| true), None);
        for (pattern, is_taken) in
            [(r"(?i)\p{L}", false), ("a(?-u:b)", false), (r"\(?i", true), ("(?:a)", true), ("(?<n>a)", true)]
        {
            assert_eq!(Room::of_request().take_pattern(pattern, |_| true).is_some(), is_taken, "{pattern}");
            assert!(Room::of_operator().take_pattern(pattern, |_| true).is_some(), "{pattern}");
        }
    }

    #[test]
    fn schemas_of_a_request_share_their_room() {
        let mut room = Room::of_request();
        let large = json!({ "description": "x".repeat(MAX_SCHEMA_BYTES - 100) });
        assert_eq!((0..9).filter(|_| room.take_bytes(&large).is_ok()).count(), 4);
        let larger = json!({ "description": "x".repeat(MAX_SCHEMA_BYTES) });
        assert_eq!(Room::of_request().take_bytes(&larger), Err(SchemaFault::TooLarge));
        assert_eq!(room.take_places(REQUESTED_PLACES), Ok(()));
        assert_eq!(room.take_places(1), Err(SchemaFault::TooMany));
    }
}
