//! A checkpoint's digest as the calldata of a transaction, on any chain whose blocks are Ethereum's.
//!
//! What the evidence shows, and all it shows: a transaction whose data is exactly the digest is in the transaction trie of a block header with this
//! hash. That the header is the chain's is for the reader to say, who names block hashes that they trust. Not shown: who sent it, whether it
//! succeeded (data counts either way), or that the chain will not be reorganised.
//!
//! Promises: RLP in its one canonical form; the block hash is computed from the header, the transaction's place from the trie. Must never: take a
//! node's word for a hash.

pub mod rlp;
mod transaction;
mod trie;

pub use transaction::Transaction;
pub use trie::{prove, root};

use sha3::{Digest as _, Keccak256};

use crate::hash::Hash;
use rlp::{Item, RlpError};

/// Largest evidence that is read: a header of 700 bytes, a transaction of 200, a few trie nodes of 532.
pub const MAX_EVIDENCE_BYTES: usize = 256 << 10;
/// First item of the evidence.
const FORMAT: &[u8] = b"tabellion.evm/1";
/// Most nodes on a path in a trie of transactions: their keys have at most ten nibbles.
const MAX_NODES: usize = 16;

/// Keccak-256, Ethereum's hash.
pub fn keccak256(bytes: &[u8]) -> [u8; 32] {
    Keccak256::digest(bytes).into()
}

/// Why evidence cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvmError {
    /// More bytes than evidence has.
    #[error("{0} bytes are too long for a transaction's evidence; the most is 262144")]
    TooLong(usize),
    /// Not the one form of it.
    #[error("not the evidence of a transaction: {0}")]
    Form(#[from] RlpError),
    /// A transaction that carries something else.
    #[error("the transaction's data is not the checkpoint's digest")]
    Data,
    /// A transaction of another chain.
    #[error("the transaction is of chain {given}, not {due}")]
    Chain {
        /// The chain of the evidence.
        due: u64,
        /// The chain that was signed for.
        given: u64,
    },
    /// Nodes that do not lead from the header to the transaction.
    #[error("the transaction is not in the block: the nodes do not lead from its transactions root to it")]
    NotInBlock,
}

/// A transaction and what places it in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The chain's id (EIP-155).
    pub chain: u64,
    /// The block's header in RLP.
    pub header: Vec<u8>,
    /// The signed transaction as it lies in the trie (EIP-2718).
    pub transaction: Vec<u8>,
    /// Its place in the block, from 0.
    pub index: u64,
    /// The nodes from the transactions root to it.
    pub nodes: Vec<Vec<u8>>,
}

/// The block that the evidence leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The chain's id.
    pub chain: u64,
    /// Its height.
    pub number: u64,
    /// Keccak-256 of its header.
    pub hash: [u8; 32],
    /// Its time, seconds since 1970.
    pub time: u64,
}

impl Evidence {
    /// The bytes: RLP of format, chain, header, transaction, index and nodes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let nodes: Vec<Vec<u8>> = self.nodes.iter().map(|node| rlp::string(node)).collect();
        rlp::list(&[
            rlp::string(FORMAT),
            rlp::number(self.chain.into()),
            rlp::string(&self.header),
            rlp::string(&self.transaction),
            rlp::number(self.index.into()),
            rlp::list(&nodes),
        ])
    }

    /// Reads what [`to_bytes`](Self::to_bytes) writes.
    pub fn parse(bytes: &[u8]) -> Result<Self, EvmError> {
        if bytes.len() > MAX_EVIDENCE_BYTES {
            return Err(EvmError::TooLong(bytes.len()));
        }
        let items = rlp::items(rlp::whole_list(bytes)?, 6)?;
        let [format, chain, header, transaction, index, nodes] = items.as_slice() else {
            return Err(RlpError("six items").into());
        };
        if format.string()? != FORMAT {
            return Err(RlpError("the format").into());
        }
        let nodes = rlp::items(nodes.list()?, MAX_NODES)?;
        Ok(Self {
            chain: chain.number()?,
            header: header.string()?.to_vec(),
            transaction: transaction.string()?.to_vec(),
            index: index.number()?,
            nodes: nodes.iter().map(|node| Ok(node.string()?.to_vec())).collect::<Result<_, RlpError>>()?,
        })
    }

    /// Checks that a transaction with `digest` as its data is in the block, and gives the block.
    pub fn verify(&self, digest: &Hash) -> Result<Block, EvmError> {
        let transaction = Transaction::parse_signed(&self.transaction)?;
        if transaction.data != digest.as_bytes() {
            return Err(EvmError::Data);
        }
        if transaction.chain != self.chain {
            return Err(EvmError::Chain { due: self.chain, given: transaction.chain });
        }
        let (block, transactions) = read_header(&self.header, self.chain)?;
        let key = rlp::number(self.index.into());
        let found = trie::find(&transactions, &key, &self.nodes).ok_or(EvmError::NotInBlock)?;
        if found == self.transaction { Ok(block) } else { Err(EvmError::NotInBlock) }
    }
}

/// The block of a header and its transactions root. Items after the first fifteen came with forks; their number may grow.
fn read_header(header: &[u8], chain: u64) -> Result<(Block, [u8; 32]), RlpError> {
    const MAX_FIELDS: usize = 64;
    let items = rlp::items(rlp::whole_list(header)?, MAX_FIELDS)?;
    let field = |at: usize| items.get(at).ok_or(RlpError("a field of the header"));
    let transactions: [u8; 32] =
        field(4)?.string()?.try_into().map_err(|_| RlpError("a transactions root of 32 bytes"))?;
    let (number, time) = (field(8)?.number()?, field(11)?.number()?);
    Ok((Block { chain, number, hash: keccak256(header), time }, transactions))
}

impl Item<'_> {
    /// A non-negative number without leading zeros.
    fn number(&self) -> Result<u64, RlpError> {
        let digits = self.string()?;
        if digits.len() > 8 || digits.first() == Some(&0) {
            return Err(RlpError("a number in its shortest form"));
        }
        Ok(digits.iter().fold(0, |sum, digit| sum << 8 | u64::from(*digit)))
    }
}
