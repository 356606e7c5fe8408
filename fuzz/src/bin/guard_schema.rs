//! Schemas of callers: taken or refused, and of a taken one it is known what a text costs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tabellion_guard::schema::{Examined, read};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(schema) = read(text) else { return };
    let Ok(examined) = Examined::of(&schema, |pattern| Some(pattern.len() as u64)) else { return };
    assert!(examined.effort(&Value::Null).whole > 0, "a look costs nothing");
    // A schema is a text as well.
    assert!(examined.effort(&schema).whole >= examined.effort(&Value::Null).whole, "more costs less");
    let label = examined.label("type", text, &schema, |_| true);
    assert!(label.len() <= 64, "a label is longer than records promise room for: {label}");
});
