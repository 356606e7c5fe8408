//! What is said where: data on standard output, talk on standard error.
//!
//! Promises: text from records reaches a terminal without anything it would act on; a reader that goes away ends the command quietly.
//! No colours. Must never: print a secret.

use std::io::{self, Write as _};

use serde_json::Value;

use crate::failure::Failure;

/// Writes data to standard output.
pub(crate) fn data(text: &str) -> Result<(), Failure> {
    bytes(text.as_bytes())
}

/// Writes raw data to standard output.
pub(crate) fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::reader_gone()),
        Err(error) => Err(Failure::failed(format!("cannot write to standard output: {error}"))),
    }
}

/// Writes one JSON value, indented, to standard output.
pub(crate) fn json(value: &Value) -> Result<(), Failure> {
    data(&format!("{value:#}\n"))
}

/// Writes one JSON value on one line to standard output.
pub(crate) fn json_line(value: &Value) -> Result<(), Failure> {
    data(&format!("{value}\n"))
}

/// Says something to whoever watches. Nobody listening is no reason to stop.
pub(crate) fn say(text: &str) {
    let mut err = io::stderr().lock();
    let _ = writeln!(err, "{text}").and_then(|()| err.flush());
}

/// Writes `text` over the line that the cursor is on, on standard error: for a terminal only.
pub(crate) fn redraw(text: &str) {
    let mut err = io::stderr().lock();
    let _ = write!(err, "\r{text}").and_then(|()| err.flush());
}

/// Says what opening a log found and did.
pub(crate) fn say_notes(notes: &[String]) {
    for note in notes {
        say(&format!("note: {}", printable(note)));
    }
}

/// Replaces what could move a cursor, reverse a line or hide text: control characters and invisible marks.
pub(crate) fn printable(text: &str) -> String {
    let harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().map(|c| if harmful(c) { '\u{fffd}' } else { c }).collect()
}

/// The same for text of several lines.
pub(crate) fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_text_cannot_drive_the_terminal() {
        assert_eq!(
            printable("a\x1b[2Jb\u{202e}c\n"),
            "a\u{fffd}[2Jb\u{fffd}c\u{fffd}",
            "a record could rewrite what the auditor sees"
        );
        assert_eq!(printable("Kreditprüfung ✓"), "Kreditprüfung ✓", "ordinary text must stay readable");
    }
}
