//! Which findings stay when two kinds meet.

use super::Finding;

/// All findings of the first kind, and of the second what touches none of them; each kind is in order and disjoint. Within a
/// kind the longest was found already. What a form and a check tell is the first kind, names are the second: a name's model
/// never takes a card's digits away.
pub(crate) fn beside<'t>(
    first: impl Iterator<Item = Finding<'t>>,
    second: impl Iterator<Item = Finding<'t>>,
) -> Vec<Finding<'t>> {
    let mut second = second.peekable();
    let mut all = Vec::new();
    for finding in first {
        while let Some(other) = second.next_if(|other| other.range.start < finding.range.end) {
            if other.range.end <= finding.range.start {
                all.push(other);
            }
        }
        all.push(finding);
    }
    all.extend(second);
    all
}
