//! Addresses of the web, for those who ask for them: most are about nobody.

use std::ops::Range;

use super::window::Window;

/// Longest that is looked for; what is longer is taken so far.
const MAX_URL: usize = 240;

/// The URL whose `://` begins here.
pub(crate) fn probe(window: &Window<'_>, colon: usize) -> Option<Range<usize>> {
    let scheme = window.start_of(colon, 8, |byte| byte.is_ascii_alphabetic());
    let name = window.text.get(scheme..colon)?;
    if !["http", "https", "ftp"].iter().any(|known| name.eq_ignore_ascii_case(known)) {
        return None;
    }
    if window.ahead(colon, 3) != b"://" {
        return None;
    }
    let is_url = |byte: u8| byte >= 0x80 || byte.is_ascii_graphic() && !b"\"'<>`{}|\\^".contains(&byte);
    let mut end = window.end_of(colon.saturating_add(3), MAX_URL, is_url);
    while end > colon && b".,;:!?)]".contains(&window.before(end)) {
        end = end.saturating_sub(1);
    }
    while !window.text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let host = window.text.get(colon.saturating_add(3)..end)?;
    host.contains('.').then_some(scheme..end)
}
