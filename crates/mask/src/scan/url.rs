//! Addresses of the web, for those who ask for them: most are about nobody. They are found apart from everything else, since they lie over what is
//! written in them.
//!
//! Promises: a URL is taken to its end, however long it is, in pieces of [`MAX_URL_BYTES`], so that no tail of it goes out and a stream knows when to let go;
//! the pieces are the same in whatever pieces the text comes.

use std::ops::Range;

use super::window::{Window, note};

/// Longest piece of a URL: what browsers and servers agree upon at least, with room. A longer one is so many values, one behind the other.
pub const MAX_URL_BYTES: usize = 2048;
/// What is looked for.
const SCHEMES: [&str; 3] = ["http", "https", "ftp"];
/// Letters before a colon that are looked at: a scheme, and those of an escape before it (`\nhttps`, `%0Ahttps`).
const MAX_SCHEME: usize = 8;
/// Letters of an escape that stand before a scheme.
const MAX_ESCAPE: usize = 2;
/// What is between a scheme and a host.
const BEHIND_SCHEME: &str = "://";

/// A search for URLs under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Urls {
    /// Decided up to here.
    pub(crate) at: usize,
    /// End of the last piece: no scheme reaches back across it.
    floor: usize,
    /// The last piece was as long as one may be, and its URL goes on.
    goes_on: bool,
    /// A URL's characters without a dot up to here, which need not be looked at again.
    dotless: usize,
}

/// A URL's piece before its end is known: where it begins, and what is behind its scheme.
struct Begun {
    start: usize,
    behind: usize,
}

impl Urls {
    /// All of a whole text, in order.
    pub(crate) fn of(text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        Self::default().read(text, false, |url| found.push(url));
        found
    }

    /// Reads on and gives what is found to `take`. `more` says that text may follow.
    pub(crate) fn read(&mut self, text: &str, more: bool, mut take: impl FnMut(Range<usize>)) {
        let mut window = Window::new(text, self.floor, more);
        loop {
            window.floor = self.floor;
            let begun = if self.goes_on {
                Some(Begun { start: self.at, behind: self.at })
            } else {
                self.begin(&window)
            };
            let Some(Begun { start, behind }) = begun else { return };
            let from = if self.goes_on { behind } else { behind.max(self.dotless) };
            let limit = start.saturating_add(MAX_URL_BYTES);
            let run = window.end_of(from, limit.saturating_sub(from), is_url);
            let is_full = run >= limit;
            if !is_full && window.unknown(run) {
                self.at = start;
                return;
            }
            let end = if is_full { on_border(text, run) } else { trimmed(&window, behind, run) };
            if !self.goes_on && !text.get(from..end).is_some_and(|rest| rest.contains('.')) {
                // Of a run without a dot no later part has one either.
                self.dotless = end;
                self.at = if is_full { behind } else { run };
                continue;
            }
            if start < end {
                take(start..end);
            }
            (self.at, self.floor, self.goes_on) = (end, end, is_full);
        }
    }

    /// Forgets so many bytes of the text's front.
    pub(crate) fn forget(&mut self, bytes: usize) {
        self.at = self.at.saturating_sub(bytes);
        self.floor = self.floor.saturating_sub(bytes);
        self.dotless = self.dotless.saturating_sub(bytes);
    }

    /// The next scheme; none: all is decided but what may be the front of one.
    fn begin(&mut self, window: &Window<'_>) -> Option<Begun> {
        let mut at = self.at;
        while let Some(offset) = window.from(at).find(BEHIND_SCHEME) {
            note(offset);
            let colon = at.saturating_add(offset);
            at = colon.saturating_add(BEHIND_SCHEME.len());
            if let Some(start) = scheme(window, colon) {
                return Some(Begun { start, behind: at });
            }
        }
        self.at = at.max(unfinished(window));
        None
    }
}

fn is_url(byte: u8) -> bool {
    byte >= 0x80 || byte.is_ascii_graphic() && !b"\"'<>`{}|\\^".contains(&byte)
}

/// Where the scheme begins that ends before this colon, behind an escape that is none of its own.
fn scheme(window: &Window<'_>, colon: usize) -> Option<usize> {
    let letters = window.start_of(colon, MAX_SCHEME, |byte| byte.is_ascii_alphabetic());
    (0..=MAX_ESCAPE).map(|skip| letters.saturating_add(skip)).find(|start| {
        let name = window.text.get(*start..colon).unwrap_or_default();
        let known = SCHEMES.iter().any(|scheme| name.eq_ignore_ascii_case(scheme));
        known && (*start == letters || window.behind_escape(*start))
    })
}

/// Where what may be the front of a URL begins that the text ends with.
fn unfinished(window: &Window<'_>) -> usize {
    let end = window.text.len();
    if !window.more {
        return end;
    }
    let front = window.text.trim_end_matches('/');
    let slashes = end.saturating_sub(front.len());
    let letters = match front.strip_suffix(':') {
        Some(letters) if slashes < BEHIND_SCHEME.len() => letters.len(),
        _ if slashes == 0 => end,
        _ => return end,
    };
    window.start_of(letters, MAX_SCHEME, |byte| byte.is_ascii_alphabetic())
}

/// Without what ends a sentence or a bracket around it.
fn trimmed(window: &Window<'_>, behind: usize, end: usize) -> usize {
    let mut end = end;
    while end > behind && b".,;:!?)]".contains(&window.before(end)) {
        end = end.saturating_sub(1);
    }
    end
}

fn on_border(text: &str, end: usize) -> usize {
    let mut end = end;
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    end
}
