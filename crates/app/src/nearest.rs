//! The known name that a misspelt one most likely means.
//!
//! Promises only a suggestion: it never decides.

/// The candidate with the fewest single-character edits from `name`; the first of equals, empty without candidates.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> &'a str {
    candidates.min_by_key(|candidate| edits(name, candidate)).unwrap_or("")
}

/// Levenshtein distance over characters, one row at a time.
fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        for (slot, b) in row.iter_mut().skip(1).zip(&right) {
            let kept = diagonal + usize::from(a != *b);
            diagonal = *slot;
            before = kept.min(diagonal + 1).min(before + 1);
            *slot = before;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_edits() {
        for (left, right, expected) in
            [("", "", 0), ("abc", "", 3), ("", "ab", 2), ("hots", "host", 2), ("kitten", "sitting", 3)]
        {
            assert_eq!(edits(left, right), expected, "{left:?} to {right:?} would suggest the wrong key");
        }
    }

    #[test]
    fn the_closest_name_is_suggested() {
        assert_eq!(
            nearest("tennant", ["host", "tenant", "env"].into_iter()),
            "tenant",
            "the suggestion would mislead"
        );
        assert_eq!(nearest("x", std::iter::empty()), "", "there is nothing to suggest");
    }
}
