//! Bodies: what the walk accepts, another reader accepts; masked as arguments of a tool call, a body still is one; and what an
//! edit replaces is what was found.
#![no_main]

use std::ops::Range;

use libfuzzer_sys::fuzz_target;
use tabellion_mask::json::{self, Limits, Path, RawString, Scalar, Visitor, escaped};
use tabellion_mask::{Classes, Content, Edits, Place, Scope, ScopeKey, mask_string};

/// Sees that every string stands where the walk says.
struct Checked<'b>(&'b str);

impl<'b> Visitor<'b> for Checked<'b> {
    fn scalar(&mut self, _: Path<'_, 'b>, scalar: Scalar<'b>, range: Range<usize>) {
        let raw = &self.0[range];
        if let Scalar::String(string) = scalar {
            assert_eq!(raw, string.raw(), "a string stands elsewhere");
            let theirs: String = serde_json::from_str(raw).expect("a string that was accepted");
            assert_eq!(string.value(), theirs, "another reader reads another string");
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        assert!(json::walk(data, &Limits::default(), &mut Checked("")).is_err(), "not UTF-8");
        return;
    };
    let accepted = json::walk(data, &Limits::default(), &mut Checked(text)).is_ok();
    if accepted {
        serde_json::from_str::<serde_json::Value>(text).expect("another reader refuses what was accepted");
    }
    let body = format!("\"{}\"", escaped(text));
    let string = RawString::parse(&body).expect("what is escaped is a string");
    let mut edits = Edits::new();
    let place = Place { string, at: 0, content: Content::Json };
    let mut scope = Scope::new(&ScopeKey::new([7; 32]));
    if mask_string(place, Classes::ALL, &mut scope, &mut edits).is_ok() {
        let masked = edits.apply(body.as_bytes());
        assert_eq!(masked.len(), edits.new_len(body.len()), "the length in the header would be wrong");
        let arguments: String = serde_json::from_slice(&masked).expect("a masked string is a string");
        if accepted {
            // A name that two others become would be refused by the walk, not by a reader of JSON.
            serde_json::from_str::<serde_json::Value>(&arguments).expect("masked arguments are arguments");
        }
    }
});
