//! Transactions in blocks of EVM chains.

use tabellion_tlog::anchor::evm::{Evidence, EvmError, Transaction, keccak256, prove, rlp, root};
use tabellion_tlog::anchor::{AnchorFinding, AnchorKind, AnchorTrust, verify_evidence};
use tabellion_tlog::{Hash, sha256};

fn transaction(data: &Hash) -> Vec<u8> {
    let unsigned = Transaction {
        chain: 31_337,
        nonce: 4,
        priority_fee: 1_000,
        max_fee: 2_000_000_000,
        gas: 30_000,
        to: [0x11; 20],
        data: data.as_bytes().to_vec(),
    };
    unsigned.signed(true, &[0x22; 32], &[0x33; 32])
}

/// A header whose transactions root is this one.
fn header(transactions: &[u8; 32]) -> Vec<u8> {
    let mut fields: Vec<Vec<u8>> = (0..15).map(|_| rlp::string(&[0x44; 32])).collect();
    fields[4] = rlp::string(transactions);
    fields[8] = rlp::number(77);
    fields[11] = rlp::number(1_800_000_000);
    rlp::list(&fields)
}

pub(super) fn evidence(digest: &Hash, place: usize, of: usize) -> Evidence {
    let mut all: Vec<Vec<u8>> =
        (0..of).map(|number| vec![0x02, u8::try_from(number % 256).unwrap(), 7]).collect();
    all[place] = transaction(digest);
    Evidence {
        chain: 31_337,
        header: header(&root(&all)),
        transaction: all[place].clone(),
        index: place as u64,
        nodes: prove(&all, place),
    }
}

#[test]
fn the_trie_of_no_transactions_has_the_published_root() {
    assert_eq!(
        hex::encode(root(&[])),
        "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
        "blocks of real chains could not be checked (yellow paper, the empty trie)"
    );
}

#[test]
fn a_transaction_is_found_wherever_it_stands_in_a_block_and_nowhere_else() {
    let digest = sha256(b"checkpoint");
    for (place, of) in [(0, 1), (0, 2), (1, 2), (15, 17), (127, 128), (128, 130), (255, 300), (256, 300)] {
        let good = evidence(&digest, place, of);
        let bytes = good.to_bytes();
        assert_eq!(Evidence::parse(&bytes).as_ref(), Ok(&good), "evidence would change on disk");
        let block = good.verify(&digest).unwrap();
        assert_eq!((block.number, block.time), (77, 1_800_000_000), "the block would be dated otherwise");
        assert_eq!(block.hash, keccak256(&good.header), "another block would be named");
        assert_eq!(good.verify(&sha256(b"x")), Err(EvmError::Data), "another checkpoint would be dated");
        let moved = Evidence { index: good.index + 1, ..good.clone() };
        assert_eq!(
            moved.verify(&digest),
            Err(EvmError::NotInBlock),
            "a transaction is believed at another place"
        );
        let elsewhere = Evidence { header: header(&[0x55; 32]), ..good.clone() };
        assert_eq!(
            elsewhere.verify(&digest),
            Err(EvmError::NotInBlock),
            "a transaction is believed in any block"
        );
        let longer = Evidence { nodes: [good.nodes.clone(), vec![vec![0xc0]]].concat(), ..good };
        assert_eq!(longer.verify(&digest), Err(EvmError::NotInBlock), "evidence has a second spelling");
    }
}

#[test]
fn a_block_counts_only_when_the_reader_names_its_hash() {
    let digest = sha256(b"checkpoint");
    let good = evidence(&digest, 3, 9);
    let bytes = good.to_bytes();
    let finding = verify_evidence(AnchorKind::Evm, &bytes, &digest, &AnchorTrust::default());
    assert!(matches!(finding, AnchorFinding::NotChecked(_)), "any block counts: {finding:?}");
    let line = |hash: &str| AnchorTrust::parse(format!("#! evm 31337 77 0x{hash}\n").as_bytes()).unwrap();
    let finding =
        verify_evidence(AnchorKind::Evm, &bytes, &digest, &line(&hex::encode(keccak256(&good.header))));
    assert!(
        matches!(finding, AnchorFinding::Holds { .. }),
        "the chain's own block is not believed: {finding:?}"
    );
    let finding = verify_evidence(AnchorKind::Evm, &bytes, &digest, &line(&"00".repeat(32)));
    assert!(matches!(finding, AnchorFinding::Broken(_)), "a fork passes for the chain: {finding:?}");
}
