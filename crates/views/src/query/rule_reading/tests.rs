//! What is not known widens a number to both sides, and never moves it.

use tabellion_model::body::RuleComparison::{Above, Below};

use super::*;

fn group(calls: u64) -> Group {
    Group {
        within: Some(true),
        state: state::COMPLETED,
        outcome: Some("answered".to_owned()),
        end_gone: false,
        is_further: false,
        known: Some("counted".to_owned()),
        is_priced: true,
        calls,
        tokens: 10 * calls,
        micros: 100 * calls,
    }
}

/// Calls of which how they ended was erased.
fn erased(calls: u64) -> Group {
    Group { outcome: None, end_gone: true, ..group(calls) }
}

/// Requirement: P32. Calls of which nothing is known may all have been what is looked for, and none of them.
#[test]
fn what_is_not_known_widens_a_share_to_both_sides() {
    let found = of_whole(Above, 1, 8, 2);
    assert_eq!((found.low, found.high, found.observations), (Some(1_000), Some(3_000), 8));
    let found = of_whole(Below, 1, 9, 0);
    assert_eq!((found.low, found.high), (Some(1_111), Some(1_111)), "a known share is one number");
    assert_eq!(of_whole(Above, 0, 0, 3).low, None, "of nothing but unknown calls there is no share");
}

/// Requirement: P32. A rank lies between what it is if the others had taken no time and if they had never ended.
#[test]
fn what_is_not_known_widens_a_rank_to_both_sides() {
    let hundred: Vec<u64> = (1..=100).collect();
    let known = ranked(&[group(100)], &hundred, 95);
    assert_eq!((known.low, known.high, known.unknown), (Some(95), Some(95), 0));
    let some = ranked(&[group(100), erased(2)], &hundred, 95);
    assert_eq!((some.low, some.high, some.unknown), (Some(95), Some(97), 2));
    let many = ranked(&[group(100), erased(10)], &hundred, 95);
    assert_eq!((many.low, many.high), (Some(95), None), "erased calls made answers faster");
    let lost = ranked(&[group(1), erased(9)], &[7], 50);
    assert_eq!((lost.low, lost.high), (Some(0), None));
    assert_eq!(ranked(&[erased(3)], &[], 50).low, None);
    let denied = Group { state: state::DENIED, outcome: None, ..group(5) };
    assert_eq!(ranked(&[group(1), denied], &[7], 50).unknown, 0, "a denied call took no time");
}

/// Requirement: P32. Money of a call without a price is unknown, and never none; one that took nothing costs nothing.
#[test]
fn an_unpriced_call_leaves_money_without_a_bound() {
    let found = cost(&[group(3)]);
    assert_eq!((found.low, found.high, found.observations), (Some(300), Some(300), 3));
    let unpriced = || Group { is_priced: false, micros: 0, ..group(1) };
    let found = cost(&[group(3), unpriced()]);
    assert_eq!(
        (found.low, found.high, found.unknown),
        (Some(300), None, 1),
        "what has no price cost nothing"
    );
    let refused = Group { known: Some("nothing".to_owned()), tokens: 0, ..unpriced() };
    assert_eq!(cost(&[group(3), refused]).high, Some(300));
    let open = Group { state: state::OPEN, outcome: None, known: Some("open".to_owned()), ..group(2) };
    let found = cost(&[group(3), open]);
    assert_eq!((found.low, found.high), (Some(300), Some(500)), "what is only reserved is taken for counted");
}

/// Requirement: P32. Tokens that were counted are the least, those that are only reserved, or perhaps another model's, the most.
#[test]
fn reserved_tokens_are_the_most_that_there_may_be() {
    let reserved = Group { known: Some("reserve".to_owned()), ..group(2) };
    let found = tokens(&[group(3), reserved]);
    assert_eq!((found.low, found.high, found.observations, found.unknown), (Some(30), Some(50), 3, 2));
    let perhaps = Group { within: None, ..group(4) };
    let found = tokens(&[group(3), perhaps]);
    assert_eq!((found.low, found.high), (Some(30), Some(70)), "erased calls used nothing");
    let others = Group { within: Some(false), ..group(9) };
    assert_eq!(tokens(&[group(3), others]).high, Some(30), "calls of another model count");
    let uncharged = Group { known: None, tokens: 0, ..group(1) };
    assert_eq!(tokens(&[group(3), uncharged]).high, None, "a call without a charge used nothing");
}
