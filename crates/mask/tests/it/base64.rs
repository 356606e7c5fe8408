//! What is passed over as a picture or sound: base 64 and nothing else.

use tabellion_mask::is_base64;

#[track_caller]
fn assert_is(text: &str, expected: bool) {
    let why =
        if expected { "a picture would be changed" } else { "a value would leave under a picture's name" };
    assert_eq!(is_base64(text, crate::FIRST), expected, "{why}: {text:?}");
}

#[test]
fn only_base64_from_end_to_end_is_passed_over() {
    let data = "QUJD+/09".repeat(16);
    for padding in ["", "QUI=", "QQ=="] {
        assert_is(&format!("{data}{padding}"), true);
        assert_is(&format!("data:image/png;base64,{data}{padding}"), true);
    }
    for text in [
        "a@b.org".to_owned(),
        "4111111111111111".to_owned(),
        "GB29NWBK60161331926819".to_owned(),
        "data:image/png;base64,4111111111111111".to_owned(),
        format!("data:image/png;base64,{data} 4111111111111111 ann@example.org"),
        format!("data:image/png;base64,{data}\n{data}"),
        format!("data:4111111111111111;base64,{data}"),
        format!("data:text/plain,{data}"),
        format!("{data}=QQ="),
        format!("{data}QQ"),
        format!("{data};base64,{data}"),
        format!("{data}ann@example.org=="),
    ] {
        assert_is(&text, false);
    }
}
