//! Addresses of pages: everything that a page shows stands in its address.

use super::pairs::Pairs;

/// An address in the making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    path: String,
    query: Vec<(String, String)>,
}

impl Link {
    /// The address of a page; `path` is one of ours, its parts encoded.
    pub(crate) fn to(path: &str) -> Self {
        Self { path: path.to_owned(), query: Vec::new() }
    }

    /// The same with one more parameter.
    pub(crate) fn with(mut self, name: &str, text: &str) -> Self {
        self.query.push((name.to_owned(), text.to_owned()));
        self
    }

    /// The same with a parameter where there is a text for it.
    pub(crate) fn with_some(self, name: &str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.with(name, text),
            None => self,
        }
    }

    /// The same with what `pairs` hold, but for the names in `without`.
    pub(crate) fn keep(mut self, pairs: &Pairs, without: &[&str]) -> Self {
        let kept = pairs.iter().filter(|(name, text)| !text.is_empty() && !without.contains(name));
        self.query.extend(kept.map(|(name, text)| (name.to_owned(), text.to_owned())));
        self
    }

    /// The address as text.
    pub(crate) fn href(&self) -> String {
        let query = self.query();
        if query.is_empty() { self.path.clone() } else { format!("{}?{query}", self.path) }
    }

    /// What stands behind the question mark; empty: nothing does.
    pub(crate) fn query(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.query {
            if !text.is_empty() {
                text.push('&');
            }
            encode(name, &mut text);
            text.push('=');
            encode(value, &mut text);
        }
        text
    }

    /// The same parameters for another page.
    pub(crate) fn at(self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self }
    }
}

/// One segment of a path, encoded.
pub(crate) fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    encode(text, &mut out);
    out
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
fn encode(text: &str, out: &mut String) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend([byte >> 4, byte & 15].iter().filter_map(|digit| HEX.get(usize::from(*digit))));
        }
    }
}

/// `text` when it is an address of ours that a visit may go on to: a path, not another host's.
pub(crate) fn own_path(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('/')?;
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    (!rest.starts_with('/') && text.bytes().all(plain)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_one_parameter() {
        let href = Link::to("/calls").with("q", "a&state=denied#\"><script>é").href();
        assert_eq!(
            href, "/calls?q=a%26state%3Ddenied%23%22%3E%3Cscript%3E%C3%A9",
            "text of others would change the address"
        );
    }

    #[test]
    fn only_own_paths_are_gone_on_to() {
        assert_eq!(own_path("/calls?state=denied"), Some("/calls?state=denied"));
        for hostile in ["//evil.example", "/\\evil.example", "https://evil.example", "", "/a b", "/\n/evil"] {
            assert_eq!(own_path(hostile), None, "{hostile:?} would lead away from here after coming in");
        }
    }
}
