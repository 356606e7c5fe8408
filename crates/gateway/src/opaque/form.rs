//! A form with files (RFC 7578), read strictly: what could be read in two ways is refused, since the provider may read it in the other.
//!
//! Promises: parts are slices of the body that came; each field is there once, but for lists (`name[]`). Must never: pass a part whose head holds more than its
//! name, the name of its file and its type.

use std::ops::Range;

use memchr::memmem;

/// Most parts of a form.
const MAX_PARTS: usize = 64;
/// Longest head of a part.
const MAX_HEAD_BYTES: usize = 1024;
/// Longest boundary (RFC 2046, 5.1.1).
const MAX_BOUNDARY_BYTES: usize = 70;
/// Between the head of a part and its content.
const HEAD_END: &[u8] = b"\r\n\r\n";
/// What is said of a form that cannot be read in one way only.
const NOT_STRICT: &str = "the form is not of the strict form multipart/form-data: each part with its name once, and nothing around them; use your library's own upload";

/// One part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part<'b> {
    pub(super) name: &'b str,
    pub(super) is_file: bool,
    pub(super) content: Range<usize>,
}

/// The boundary that the content type names.
pub(super) fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameter) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let (name, value) = parameter.trim().split_once('=')?;
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"'-_.".contains(&byte);
    let fits = (1..=MAX_BOUNDARY_BYTES).contains(&value.len()) && value.bytes().all(plain);
    (name.eq_ignore_ascii_case("boundary") && fits).then_some(value)
}

/// The parts of a form.
pub(super) fn parse<'b>(body: &'b [u8], boundary: &str) -> Result<Vec<Part<'b>>, &'static str> {
    let delimiter = format!("\r\n--{boundary}");
    let (first, rest) = delimiter.split_at(2);
    debug_assert_eq!(first, "\r\n", "a delimiter begins a line");
    let mut at = if body.starts_with(rest.as_bytes()) { rest.len() } else { return Err(NOT_STRICT) };
    let finder = memmem::Finder::new(delimiter.as_bytes());
    let mut parts: Vec<Part<'b>> = Vec::new();
    loop {
        match body.get(at..).ok_or(NOT_STRICT)? {
            b"--" | b"--\r\n" => break,
            after if after.starts_with(b"\r\n") => at += 2,
            _ => return Err(NOT_STRICT),
        }
        let rest = body.get(at..).ok_or(NOT_STRICT)?;
        let head_end =
            memmem::find(rest.get(..MAX_HEAD_BYTES).unwrap_or(rest), HEAD_END).ok_or(NOT_STRICT)?;
        let head = rest.get(..head_end).and_then(|head| std::str::from_utf8(head).ok()).ok_or(NOT_STRICT)?;
        let (name, is_file) = head_of(head).ok_or(NOT_STRICT)?;
        let begin = at + head_end + HEAD_END.len();
        // The delimiter of an empty part begins with the line feed that ends its head, which some writers save; none is taken for two.
        let end = begin + finder.find(body.get(begin..).ok_or(NOT_STRICT)?).ok_or(NOT_STRICT)?;
        let twice = parts.iter().any(|known| known.name == name) && !name.ends_with("[]");
        if twice || parts.len() == MAX_PARTS {
            return Err(NOT_STRICT);
        }
        parts.push(Part { name, is_file, content: begin..end });
        at = end + delimiter.len();
    }
    if parts.is_empty() { Err(NOT_STRICT) } else { Ok(parts) }
}

/// The text of the one field `name`.
pub(super) fn field<'b>(body: &'b [u8], parts: &[Part<'_>], name: &str) -> Option<&'b str> {
    let part = parts.iter().find(|part| part.name == name && !part.is_file)?;
    std::str::from_utf8(body.get(part.content.clone())?).ok()
}

/// A form with these fields and one file, written anew.
pub(super) fn written(boundary: &str, fields: &[(&str, &str)], file: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(file.len() + MAX_HEAD_BYTES);
    for (name, value) in fields {
        let part =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        out.extend_from_slice(part.as_bytes());
    }
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"batch.jsonl\"\r\nContent-Type: application/octet-stream\r\n\r\n"
    );
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(file);
    out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    out
}

/// Name of a part, and whether it is a file.
fn head_of(head: &str) -> Option<(&str, bool)> {
    // A line feed or carriage return alone begins a line to some readers.
    if head.split("\r\n").any(|line| line.contains(char::is_control)) {
        return None;
    }
    let mut named = None;
    let mut types = 0;
    for line in head.split("\r\n") {
        let (header, value) = line.split_once(':')?;
        if header.eq_ignore_ascii_case("content-type") {
            is_type(value.trim()).then_some(())?;
            types += 1;
        } else if header.eq_ignore_ascii_case("content-disposition") && named.is_none() {
            named = Some(disposition(value.trim())?);
        } else {
            return None;
        }
    }
    named.filter(|_| types <= 1)
}

/// `text/plain`, alone or with `charset=utf-8`.
fn is_type(value: &str) -> bool {
    let (kind, parameter) = value.split_once(';').map_or((value, None), |(kind, rest)| (kind, Some(rest)));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-+._".contains(&byte);
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(plain);
    kind.trim_end().split_once('/').is_some_and(|(kind, of)| is_word(kind) && is_word(of))
        && parameter.is_none_or(|parameter| parameter.trim().eq_ignore_ascii_case("charset=utf-8"))
}

/// `form-data; name="file"; filename="a.jsonl"`, and nothing else.
fn disposition(value: &str) -> Option<(&str, bool)> {
    let rest = value.strip_prefix("form-data")?.trim_start().strip_prefix(';')?.trim_start();
    let (name, rest) = rest.strip_prefix("name=\"")?.split_once('"')?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-[]".contains(&byte);
    if name.is_empty() || !name.bytes().all(plain) {
        return None;
    }
    if rest.is_empty() {
        return Some((name, false));
    }
    let file =
        rest.trim_start().strip_prefix(';')?.trim_start().strip_prefix("filename=\"")?.strip_suffix('"')?;
    (!file.contains(['"', '\\'])).then_some((name, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jsonl\"\r\nContent-Type: application/octet-stream\r\n\r\n{}\r\n--c\r\n\r\n--b--\r\n";

    /// Requirement: N22.
    #[test]
    fn a_form_is_read_as_it_was_written() {
        assert_eq!(boundary("multipart/form-data; boundary=b"), Some("b"));
        let parts = parse(FORM.as_bytes(), "b").expect("a form");
        assert_eq!(field(FORM.as_bytes(), &parts, "purpose"), Some("batch"));
        let file = parts.iter().find(|part| part.is_file).expect("a file");
        assert_eq!(&FORM[file.content.clone()], "{}\r\n--c\r\n", "a part of the file is lost");
    }

    /// Requirement: N22. A form that two readers could read in two ways would be masked by the one reading and used by the other.
    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for (form, why) in [
            (FORM.replace("name=\"file\"; filename", "name=\"purpose\"; filename"), "a field twice"),
            (FORM.replace("--b--\r\n", "--b--\r\nmore"), "something after the end"),
            (format!("before\r\n{FORM}"), "something before the beginning"),
            (FORM.replace("Content-Type: application", "Content-Transfer-Encoding: base64"), "an encoding"),
            (FORM.replace("filename=\"a.jsonl\"", "filename*=UTF-8''a"), "another form of a name"),
            (FORM.replace("--b--", "--b"), "no end"),
            (FORM.replace("\r\n\r\nbatch", "\n\nbatch"), "other line feeds"),
            (FORM.replace("octet-stream", "octet-stream\n\n{\"custom_id\":1}"), "a line feed within a head"),
            (FORM.replace("a.jsonl", "a\r\rb"), "a carriage return within a name"),
            (FORM.replace("octet-stream", "octet-stream; note=ada"), "a place to hide text in a type"),
            (FORM.replace("octet-stream", "octet stream"), "a type that is none"),
        ] {
            assert!(parse(form.as_bytes(), "b").is_err(), "{why} passes: {form}");
        }
        for kind in [
            "multipart/form-data",
            "multipart/mixed; boundary=b",
            "multipart/form-data; boundary=b; charset=x",
        ] {
            assert_eq!(boundary(kind), None, "{kind}");
        }
    }
}
