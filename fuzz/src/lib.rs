//! What every target asks of a parser: no input makes it panic, hang or grow without bound, and what it accepts it would
//! have written itself, byte for byte. Two accepted forms of one thing would be two hashes of one thing.

/// Fails when `parse` accepts `data` and `write` gives other bytes.
pub fn one_form<'a, T, E>(
    data: &'a [u8],
    parse: impl Fn(&'a [u8]) -> Result<T, E>,
    write: impl Fn(&T) -> Vec<u8>,
) {
    let Ok(value) = parse(data) else { return };
    let again = write(&value);
    assert!(again == data, "accepted as a second form of\n{}", again.escape_ascii());
}

/// The same for a parser of text.
pub fn one_text<'a, T, E>(
    data: &'a [u8],
    parse: impl Fn(&'a str) -> Result<T, E>,
    write: impl Fn(&T) -> String,
) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    one_form(text.as_bytes(), |_| parse(text), |value| write(value).into_bytes());
}
