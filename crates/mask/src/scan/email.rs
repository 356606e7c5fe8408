//! E-mail addresses: the shape of RFC 5321 and 6531 as people write it, not all that the grammar allows.
//!
//! Promises to take an address without what leans on it (`user=`, `mailto:`, quotes, the full stop behind it), and never to
//! take a decorator, a version (`left-pad@1.3.0`), a URL's login or an image (`icon@2x.png`) for one.

use std::ops::Range;

use super::MAX_VALUE_BYTES;
use super::window::{Probe, Window};

/// Octets of a local part (RFC 5321, 4.5.3.1.1). Of a longer run the last ones are taken: what is not hidden leaks.
pub(crate) const MAX_LOCAL_BYTES: usize = 64;
/// Octets of a domain (RFC 1035, 2.3.4, as text).
const MAX_DOMAIN_BYTES: usize = 253;
/// The longest writing of an at sign: `\u0040`.
const ESCAPED_AT: &str = "\\u0040";
/// How far a token reaches back that may still become an address: a local part and an unfinished at sign.
pub(crate) const MAX_PENDING_BYTES: usize = MAX_LOCAL_BYTES + ESCAPED_AT.len();
/// Last labels that are the ends of file names, where `name@2x.png` is an image for dense screens.
const IMAGE_ENDINGS: [&str; 6] = ["png", "jpg", "jpeg", "gif", "webp", "svg"];

/// Whether the character can stand in a local part. `=`, `/`, `&` and their like may by the grammar, yet in what people
/// send they separate: `user=ann@example.org`.
pub(crate) fn is_local(c: char) -> bool {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '+' | '-' | '\'' | '%' => true,
        c if c.is_ascii() => false,
        c => is_word(c),
    }
}

/// Letters, digits and combining marks beyond ASCII.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '\u{300}'..='\u{36f}')
}

/// Scripts that put no space between words: an ASCII address stands right beside such letters.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{2e80}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}

/// The address around an at sign, or around what is written in place of one, that begins here.
pub(crate) fn probe(window: &Window<'_>, at: usize) -> Probe {
    let Some(sign) = sign_len(window, at) else { return Probe::No };
    let Some(start) = local_start(window, at) else { return Probe::No };
    if is_login(window, start) {
        return Probe::No;
    }
    let domain = at.saturating_add(sign);
    match domain_end(window, at, domain) {
        Domain::End(end) => {
            let name = window.text.get(domain..end).unwrap_or_default();
            let local = window.text.get(start..at).unwrap_or_default();
            if is_image(name) || local.eq_ignore_ascii_case("git") {
                Probe::No
            } else {
                Probe::Found(start..end)
            }
        }
        Domain::More => Probe::More,
        Domain::No => Probe::No,
    }
}

/// The address whose local part holds what was found: `4111111111111111@example.org` is one value.
pub(crate) fn probe_around(window: &Window<'_>, found: &Range<usize>) -> Probe {
    let mut at = found.end;
    loop {
        if sign_len(window, at).is_some() {
            return match probe(window, at) {
                Probe::Found(range) if range.start > found.start => Probe::No,
                probe => probe,
            };
        }
        if window.more && is_unfinished_sign(window.from(at)) {
            return Probe::More;
        }
        match window.char_at(at) {
            Some(c) if is_local(c) && at.saturating_sub(found.start) < MAX_LOCAL_BYTES => {
                at = at.saturating_add(c.len_utf8());
            }
            _ => return Probe::No,
        }
    }
}

/// Bytes of the at sign here: plain, as in URLs, or as in JSON that is quoted in text.
fn sign_len(window: &Window<'_>, at: usize) -> Option<usize> {
    let rest = window.from(at);
    if rest.starts_with('@') {
        Some(1)
    } else if rest.starts_with("%40") {
        Some(3)
    } else if rest.starts_with(ESCAPED_AT) {
        Some(ESCAPED_AT.len())
    } else {
        None
    }
}

/// Whether the text ends here, or within what may become an at sign.
fn is_unfinished_sign(rest: &str) -> bool {
    "%40".starts_with(rest) || ESCAPED_AT.starts_with(rest)
}

/// Where the local part that ends at `end` begins, if it is one.
fn local_start(window: &Window<'_>, end: usize) -> Option<usize> {
    let last = window.char_before(end)?;
    let mut start = end;
    while let Some(before) = window.char_before(start) {
        let next = start.saturating_sub(before.len_utf8());
        let within = next >= window.floor && end.saturating_sub(next) <= MAX_LOCAL_BYTES;
        let dots = before == '.' && window.byte(start) == Some(b'.');
        let other_script = is_unspaced(before) && !is_unspaced(last);
        if !within || dots || other_script || !is_local(before) {
            break;
        }
        if before == '%' && !is_local_octet(window, next) {
            // `%3Dann@…` begins behind the escape, `100%ann@…` behind the sign.
            let escape = if window.behind_escape(next.saturating_add(3)) { 3 } else { 1 };
            start = next.saturating_add(escape).min(end);
            break;
        }
        start = next;
    }
    if window.byte_before(start) == Some(b'\\') && window.behind_escape(start.saturating_add(1)) {
        start = start.saturating_add(1);
    }
    while window.byte(start).is_some_and(|byte| matches!(byte, b'.' | b'\'' | b'-' | b'+')) && start < end {
        start = start.saturating_add(1);
    }
    let local = window.text.get(start..end)?;
    local.chars().any(char::is_alphanumeric).then_some(start)
}

/// Whether `%XX` here stands for something that belongs to a local part.
fn is_local_octet(window: &Window<'_>, percent: usize) -> bool {
    let digits = window.text.get(percent.saturating_add(1)..percent.saturating_add(3)).unwrap_or_default();
    match u8::from_str_radix(digits, 16) {
        Ok(octet) if digits.len() == 2 => {
            octet >= 0x80 || octet.is_ascii_alphanumeric() || b"._+-".contains(&octet)
        }
        _ => false,
    }
}

/// Whether the local part is the login of a URL: `https://ann@host.example`, `postgres://app:word@host.example`.
fn is_login(window: &Window<'_>, start: usize) -> bool {
    let before = window.until(start);
    if before.ends_with("://") {
        return true;
    }
    let Some(before) = before.strip_suffix(':') else { return false };
    let mut name = before.len();
    for c in before.chars().rev() {
        if before.len().saturating_sub(name) > MAX_LOCAL_BYTES {
            return false;
        }
        if c == '/' {
            return window.until(name).ends_with("://");
        }
        if !is_local(c) {
            return false;
        }
        name = name.saturating_sub(c.len_utf8());
    }
    false
}

/// Where a domain ends.
enum Domain {
    No,
    More,
    End(usize),
}

/// Where the domain ends: behind the last label that can be a top-level domain. `sign` is where the at sign begins.
fn domain_end(window: &Window<'_>, sign: usize, domain: usize) -> Domain {
    let mut at = domain;
    let mut end = None;
    for labels in 0_usize.. {
        let label = at;
        let mut previous = None;
        loop {
            if window.unknown(at) {
                return Domain::More;
            }
            let Some(c) = window.char_at(at).filter(|c| is_label(*c)) else { break };
            // Sentences of scripts without spaces go on right behind the address.
            let turns = is_unspaced(c) && previous.is_some_and(|p: char| !is_unspaced(p));
            if turns && (end.is_some() || labels > 0 && is_top_level(window, label, at)) {
                break;
            }
            previous = Some(c);
            at = at.saturating_add(c.len_utf8());
            let long = at.saturating_sub(sign) >= MAX_VALUE_BYTES - MAX_LOCAL_BYTES;
            if long || at.saturating_sub(domain) > MAX_DOMAIN_BYTES {
                return end.map_or(Domain::No, Domain::End);
            }
        }
        let text = window.text.get(label..at).unwrap_or_default();
        if text.is_empty() || text.starts_with('-') || end.is_some() && begins_sentence(text) {
            break;
        }
        if labels > 0 {
            let front = text.find('-').map_or(at, |dash| label.saturating_add(dash));
            if is_top_level(window, label, at) {
                end = Some(at);
            } else if is_top_level(window, label, front) {
                end = Some(front);
            }
        }
        if window.byte(at) != Some(b'.') {
            break;
        }
        at = at.saturating_add(1);
    }
    end.map_or(Domain::No, Domain::End)
}

fn is_label(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || (!c.is_ascii() && is_word(c))
}

/// Two letters or more, or a label in its ASCII form (RFC 5890).
fn is_top_level(window: &Window<'_>, from: usize, to: usize) -> bool {
    let label = window.text.get(from..to).unwrap_or_default();
    let encoded = label.get(..4).is_some_and(|front| front.eq_ignore_ascii_case("xn--")) && label.len() > 4;
    let letters = label.chars().count() >= 2 && label.chars().all(|c| c.is_alphabetic() || !c.is_ascii());
    encoded || letters
}

/// `ann@example.org.Thanks`: the next sentence began without a space.
fn begins_sentence(label: &str) -> bool {
    let mut letters = label.chars();
    letters.next().is_some_and(char::is_uppercase) && letters.next().is_some_and(char::is_lowercase)
}

fn is_image(domain: &str) -> bool {
    let Some((scale, ending)) = domain.split_once('.') else { return false };
    let dense = matches!(scale.as_bytes(), [b'1'..=b'4', b'x' | b'X']);
    dense && IMAGE_ENDINGS.iter().any(|image| ending.eq_ignore_ascii_case(image))
}
