//! URLs over what is found within them. Promises that each byte has the strictest operator of all that holds it: a URL that may pass takes no secret
//! along, and one that must not be sent takes everything in it along.

use std::ops::Range;

use super::Finding;
use super::named::rest_of;
use crate::class::{Class, Classes};
use crate::plan::{Operator, Plan};

/// `findings` beside the pieces that they leave of `urls`; both are in order and disjoint. A URL whose operator is at least as strict as what is within it
/// is one value.
pub(super) fn overlay<'t>(
    text: &'t str,
    findings: Vec<Finding<'t>>,
    urls: &[Range<usize>],
    plan: &Plan,
) -> Vec<Finding<'t>> {
    let mut standing = Vec::new();
    let mut pieces = Vec::new();
    let mut passed = 0;
    for finding in findings {
        passed += urls.iter().skip(passed).take_while(|url| url.end <= finding.range.start).count();
        let rest = urls.get(passed..).unwrap_or_default();
        let near = || rest.iter().take_while(|url| url.start < finding.range.end);
        if near().all(|url| stands(&finding, url, plan)) {
            standing.push(finding);
        } else if Classes::NAMES.has(finding.class) {
            rest_of(text, finding.range.clone(), near().cloned(), |piece| {
                pieces.push(cut(text, finding.class, piece));
            });
        } else {
            outside(finding.range.clone(), near(), |piece| pieces.push(cut(text, finding.class, piece)));
        }
    }
    let mut passed = 0;
    for url in urls {
        passed += standing.iter().skip(passed).take_while(|finding| finding.range.end <= url.start).count();
        let rest = standing.get(passed..).unwrap_or_default();
        let near = rest.iter().map(|finding| &finding.range).take_while(|range| range.start < url.end);
        outside(url.clone(), near, |piece| pieces.push(cut(text, Class::Url, piece)));
    }
    standing.append(&mut pieces);
    standing.sort_unstable_by_key(|finding| finding.range.start);
    standing
}

/// Whether a finding keeps its bytes beside a URL that it touches.
fn stands(finding: &Finding<'_>, url: &Range<usize>, plan: &Plan) -> bool {
    let operator = |class| plan.operator(class).unwrap_or(Operator::Block);
    let (own, of_url) = (operator(finding.class), operator(Class::Url));
    // What is within a URL that passes is counted as what it is.
    own > of_url
        || of_url == Operator::Pass
        || own == of_url && stands_alike(finding.class, &finding.range, url)
}

/// The same where both have one operator: not what lies within the URL, and no name.
pub(crate) fn stands_alike(class: Class, range: &Range<usize>, url: &Range<usize>) -> bool {
    let is_within = range.start > url.start && range.end <= url.end;
    !is_within && !Classes::NAMES.has(class)
}

/// Gives what `cuts` leave of a range to `take`; they are in order and touch it.
pub(crate) fn outside<'r>(
    range: Range<usize>,
    cuts: impl Iterator<Item = &'r Range<usize>>,
    mut take: impl FnMut(Range<usize>),
) {
    let mut at = range.start;
    for cut in cuts {
        if cut.start > at {
            take(at..cut.start);
        }
        at = at.max(cut.end);
    }
    if at < range.end {
        take(at..range.end);
    }
}

fn cut(text: &str, class: Class, range: Range<usize>) -> Finding<'_> {
    let value = text.get(range.clone()).unwrap_or_default();
    Finding { class, range, value }
}
