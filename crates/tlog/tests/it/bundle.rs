//! Entry bundles: what is written is read, and nothing else.

use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use tabellion_tlog::{BundleError, BundleReader, MAX_ENTRY_BYTES, push_entry};

#[test]
fn the_longest_entry_fits_and_no_longer_one() {
    let (longest, too_long) = (vec![7; MAX_ENTRY_BYTES], vec![7; MAX_ENTRY_BYTES + 1]);
    let mut bundle = Vec::new();
    push_entry(&mut bundle, &longest).unwrap();
    let before = bundle.clone();
    let error = Err(BundleError::TooLong(MAX_ENTRY_BYTES + 1));
    assert_eq!(push_entry(&mut bundle, &too_long), error, "an entry that nobody can read back was written");
    assert_eq!(bundle, before, "a refused entry left bytes in the bundle");
    assert_eq!(
        BundleReader::new(&bundle).collect::<Vec<_>>(),
        [Ok(longest.as_slice())],
        "the longest entry was lost"
    );
}

#[test]
fn a_cut_bundle_is_named_where_it_breaks() {
    let mut bundle = Vec::new();
    push_entry(&mut bundle, b"one").unwrap();
    push_entry(&mut bundle, b"two").unwrap();
    for end in 0..bundle.len() {
        let read: Result<Vec<_>, _> = BundleReader::new(&bundle[..end]).collect();
        match end {
            0 => assert_eq!(read, Ok(vec![]), "an empty bundle has no entries"),
            5 => assert_eq!(read, Ok(vec![b"one".as_slice()]), "a bundle of one entry"),
            1..5 => assert_eq!(read, Err(BundleError::CutOff { entry: 0, at: 0 }), "cut at {end}"),
            _ => assert_eq!(read, Err(BundleError::CutOff { entry: 1, at: 5 }), "cut at {end}"),
        }
    }
    let mut reader = BundleReader::new(&[0, 9, 1]);
    assert!(reader.next().is_some_and(|entry| entry.is_err()), "a cut bundle was read");
    assert_eq!(reader.next(), None, "a reader went on behind an error");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_and_writing_are_inverse(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(entries) = BundleReader::new(&bytes).collect::<Result<Vec<_>, _>>() {
            let mut again = Vec::new();
            for entry in entries {
                push_entry(&mut again, entry).unwrap();
            }
            prop_assert_eq!(&again, &bytes);
        }
        let mut bundle = Vec::new();
        let entries: Vec<_> = bytes.chunks(37).collect();
        for entry in &entries {
            push_entry(&mut bundle, entry).unwrap();
        }
        let read: Vec<_> = BundleReader::new(&bundle).collect::<Result<_, _>>().unwrap();
        prop_assert!(read == entries, "an entry was changed on its way through a bundle");
    }
}
