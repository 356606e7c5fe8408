//! Edits leave what they do not name as it came.

use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use tabellion_mask::{Edits, OverlapError, Piece};

#[test]
fn edits_apply_in_place_whatever_their_order() {
    let mut edits = Edits::new();
    edits.replace(8..9, "EIGHT").unwrap();
    edits.replace(0..2, "").unwrap();
    edits.replace(4..4, "+").unwrap();
    let original = b"0123456789";
    assert_eq!(edits.apply(original), b"23+4567EIGHT9");
    assert_eq!(edits.new_len(original.len()), 13, "the length in the header would be wrong");
    let kept: Vec<_> = edits
        .pieces(original.len())
        .filter_map(|piece| match piece {
            Piece::Kept(range) => Some(range),
            Piece::New(_) => None,
        })
        .collect();
    assert_eq!(kept, [2..4, 4..8, 9..10]);
}

#[test]
fn edits_that_overlap_are_refused() {
    let mut edits = Edits::new();
    edits.replace(2..5, "x").unwrap();
    for range in [4..6, 0..3, 2..3, 3..4, 2..2, 2..5] {
        let refused = edits.replace(range.clone(), "y");
        assert_eq!(
            refused,
            Err(OverlapError { start: range.start, end: 5 }),
            "a byte would be sent twice: {range:?}"
        );
    }
    edits.replace(5..6, "z").unwrap();
    edits.replace(0..2, "a").unwrap();
    assert_eq!(edits.apply(b"0123456"), b"axz6");
}

#[test]
fn no_edits_are_the_original() {
    let edits = Edits::new();
    assert!(edits.is_empty());
    assert_eq!(edits.apply(b"abc"), b"abc");
    assert_eq!(edits.pieces(3).count(), 1, "an untouched body is one slice");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn edits_equal_a_plain_splice(
        original in proptest::collection::vec(any::<u8>(), 0..60),
        wanted in proptest::collection::vec((0_usize..60, 0_usize..8, ".{0,5}"), 0..8),
    ) {
        let mut edits = Edits::new();
        let mut taken: Vec<(std::ops::Range<usize>, String)> = Vec::new();
        for (start, len, with) in wanted {
            if start + len <= original.len() && edits.replace(start..start + len, with.as_str()).is_ok() {
                taken.push((start..start + len, with));
            }
        }
        taken.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
        let mut expected = original.clone();
        for (range, with) in taken {
            expected.splice(range, with.into_bytes());
        }
        prop_assert_eq!(edits.new_len(original.len()), expected.len());
        prop_assert_eq!(edits.apply(&original), expected);
    }
}
