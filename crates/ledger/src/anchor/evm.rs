//! A chain that speaks Ethereum's JSON-RPC: sends the digest as calldata, waits for its block, and brings home what places it there.
//!
//! Promises: nothing that the node says is kept unless it hashes to what it should: the transaction to its hash, the header to the block's, all
//! transactions to the header's root. Must never: pay more for each unit of gas than the configuration allows.

mod rpc;

use tabellion_tlog::anchor::AnchorKind;
use tabellion_tlog::anchor::evm::{Evidence, Transaction, keccak256, prove, rlp, root};

use super::{Anchor, AnchorFault, EvmKey, JobTime, Progress, Services, Target, Told};
use rpc::{Rpc, data, fixed, quantity, text};

/// Gas for a transfer (21,000) with 32 bytes of data at the highest price a byte has had (40, EIP-7623), and room.
const GAS: u64 = 30_000;
/// A block a minute at the slowest of the usual chains.
const ASK_AGAIN_S: u64 = 15;
/// Largest block whose transactions are fetched: Ethereum's hold some hundreds.
const MAX_TRANSACTIONS: usize = 4_096;
/// Transactions asked for at a time.
const BATCH: usize = 100;
/// Around a block's time, in seconds: how far its maker may be off.
const SLACK_S: u64 = 60;
const SECOND: u64 = 1_000_000;

/// The header's fields in their order, by their names in JSON; those after the fifteenth came with forks and may be missing. `true`: a number.
const HEADER: [(&str, bool); 21] = [
    ("parentHash", false),
    ("sha3Uncles", false),
    ("miner", false),
    ("stateRoot", false),
    ("transactionsRoot", false),
    ("receiptsRoot", false),
    ("logsBloom", false),
    ("difficulty", true),
    ("number", true),
    ("gasLimit", true),
    ("gasUsed", true),
    ("timestamp", true),
    ("extraData", false),
    ("mixHash", false),
    ("nonce", false),
    ("baseFeePerGas", true),
    ("withdrawalsRoot", false),
    ("blobGasUsed", true),
    ("excessBlobGas", true),
    ("parentBeaconBlockRoot", false),
    ("requestsHash", false),
];
/// Fields that every header has.
const FIRST_FIELDS: usize = 15;

/// The chain.
pub struct EvmChain {
    /// The nodes that can be asked.
    pub services: Services,
    /// Pays.
    pub key: EvmKey,
    /// The chain's id; a node of another chain is refused.
    pub chain: u64,
    /// Whom the transaction is sent to; absent: the paying account itself.
    pub to: Option<[u8; 20]>,
    /// Most that is paid for each unit of gas, in wei.
    pub max_fee_wei: u128,
    /// Blocks on top before the evidence is taken.
    pub confirmations: u64,
    /// Seconds between questions while it is pending; absent: fifteen.
    pub ask_again_s: Option<u64>,
}

impl EvmChain {
    fn pending(&self, transaction: &[u8]) -> Progress {
        Progress::Pending {
            state: transaction.to_vec(),
            ask_again_s: self.ask_again_s.unwrap_or(ASK_AGAIN_S),
        }
    }

    /// What is paid for each unit of gas: twice what the node says is usual, so that a few full blocks do not leave it behind.
    fn max_fee(&self, rpc: &Rpc<'_>) -> Result<u128, AnchorFault> {
        let usual = quantity(&rpc.call("eth_gasPrice", &[])?)?;
        if usual > self.max_fee_wei {
            return Err(AnchorFault::Unavailable(format!(
                "gas costs {usual} wei and max_fee_wei is {}; waiting for a better price",
                self.max_fee_wei
            )));
        }
        Ok(usual.saturating_mul(2).min(self.max_fee_wei))
    }

    fn evidence(
        &self,
        rpc: &Rpc<'_>,
        transaction: &[u8],
        block_hash: &str,
        index: u64,
    ) -> Result<(Evidence, u64), AnchorFault> {
        let block = rpc.call("eth_getBlockByHash", &[block_hash.into(), false.into()])?;
        let header = header(&block)?;
        if keccak256(&header).as_slice() != fixed::<32>(&block_hash.into())? {
            return Err(AnchorFault::refused(
                "header",
                "the block's fields do not hash to its hash: the node is wrong, or the chain's headers have fields that this version does not know",
            ));
        }
        let transactions = transactions(rpc, &block)?;
        let due = block.get("transactionsRoot").ok_or_else(|| rpc::malformed("transactionsRoot"))?;
        if root(&transactions).as_slice() != fixed::<32>(due)? {
            return Err(AnchorFault::refused(
                "transactions",
                "the block's transactions do not hash to its root",
            ));
        }
        let place = usize::try_from(index).unwrap_or(usize::MAX);
        let evidence = Evidence {
            chain: self.chain,
            header,
            transaction: transaction.to_vec(),
            index,
            nodes: prove(&transactions, place),
        };
        let time = block.get("timestamp").ok_or_else(|| rpc::malformed("timestamp"))?;
        Ok((evidence, u64::try_from(quantity(time)?).unwrap_or(u64::MAX)))
    }

    /// Sends the transaction through one node.
    fn send(&self, rpc: &Rpc<'_>, target: &Target) -> Result<Progress, AnchorFault> {
        let chain = quantity(&rpc.call("eth_chainId", &[])?)?;
        if chain != u128::from(self.chain) {
            return Err(AnchorFault::refused(
                "chain",
                format!("the node is of chain {chain}, not {}", self.chain),
            ));
        }
        let from = self.key.address();
        let account = format!("0x{}", hex::encode(from));
        let nonce = quantity(&rpc.call("eth_getTransactionCount", &[account.into(), "pending".into()])?)?;
        let max_fee = self.max_fee(rpc)?;
        let transaction = Transaction {
            chain: self.chain,
            nonce: u64::try_from(nonce).map_err(|_| rpc::malformed("a nonce"))?,
            priority_fee: (max_fee / 4).max(1).min(max_fee),
            max_fee,
            gas: GAS,
            to: self.to.unwrap_or(from),
            data: target.digest.as_bytes().to_vec(),
        };
        let signed = self.key.sign(&transaction);
        let raw = format!("0x{}", hex::encode(&signed));
        let hash = rpc.call("eth_sendRawTransaction", &[raw.into()])?;
        if fixed::<32>(&hash)? != keccak256(&signed) {
            return Err(AnchorFault::refused("hash", "the node took the transaction under another hash"));
        }
        Ok(self.pending(&signed))
    }

    /// What one node has of the transaction's block; `None`: not enough yet.
    fn confirmed(
        &self,
        rpc: &Rpc<'_>,
        target: &Target,
        state: &[u8],
    ) -> Result<Option<Progress>, AnchorFault> {
        let hash = format!("0x{}", hex::encode(keccak256(state)));
        let receipt = rpc.call("eth_getTransactionReceipt", &[hash.into()])?;
        if receipt.is_null() {
            return Ok(None);
        }
        let member = |name: &'static str| receipt.get(name).ok_or_else(|| rpc::malformed(name));
        let number = quantity(member("blockNumber")?)?;
        let newest = quantity(&rpc.call("eth_blockNumber", &[])?)?;
        if newest < number.saturating_add(self.confirmations.into()) {
            return Ok(None);
        }
        let index = u64::try_from(quantity(member("transactionIndex")?)?).unwrap_or(u64::MAX);
        let (evidence, time) = self.evidence(rpc, state, text(member("blockHash")?)?, index)?;
        let block =
            evidence.verify(&target.digest).map_err(|error| AnchorFault::refused("evidence", error))?;
        Ok(Some(Progress::Confirmed {
            evidence: evidence.to_bytes(),
            time: Some(JobTime {
                earliest: time.saturating_sub(SLACK_S).saturating_mul(SECOND),
                latest: time.saturating_add(SLACK_S).saturating_mul(SECOND),
            }),
            checked: format!(
                "in block {} of chain {}, hash {}: data, transaction, its place in the block and the header's hash; that the block is the chain's is the node's word",
                block.number,
                block.chain,
                hex::encode(block.hash)
            ),
        }))
    }
}

impl Anchor for EvmChain {
    fn kind(&self) -> AnchorKind {
        AnchorKind::Evm
    }

    fn told(&mut self) -> Told {
        self.services.take_told()
    }

    fn begin(&mut self, target: &Target) -> Result<Progress, AnchorFault> {
        let sent = self.services.first(|exchange| self.send(&Rpc(exchange), target).map(Some))?;
        sent.ok_or_else(|| AnchorFault::Unavailable("no node took the transaction".to_owned()))
    }

    fn resume(&mut self, target: &Target, state: &[u8]) -> Result<Progress, AnchorFault> {
        let found = self.services.first(|exchange| self.confirmed(&Rpc(exchange), target, state))?;
        Ok(found.unwrap_or_else(|| self.pending(state)))
    }
}

/// Every transaction of the block as it lies in the trie.
fn transactions(rpc: &Rpc<'_>, block: &serde_json::Value) -> Result<Vec<Vec<u8>>, AnchorFault> {
    let hashes = block.get("transactions").and_then(serde_json::Value::as_array);
    let hashes = hashes.ok_or_else(|| rpc::malformed("transactions"))?;
    if hashes.len() > MAX_TRANSACTIONS {
        return Err(AnchorFault::refused("block", "the block has more than 4096 transactions"));
    }
    let mut all = Vec::new();
    for some in hashes.chunks(BATCH) {
        for raw in rpc.batch("eth_getRawTransactionByHash", some)? {
            all.push(data(&raw)?);
        }
    }
    Ok(all)
}

/// The header of a block in RLP, from its fields in JSON.
fn header(block: &serde_json::Value) -> Result<Vec<u8>, AnchorFault> {
    let mut fields = Vec::new();
    for (place, (name, is_number)) in HEADER.into_iter().enumerate() {
        match block.get(name).filter(|value| !value.is_null()) {
            Some(value) if is_number => fields.push(rlp::number(quantity(value)?)),
            Some(value) => fields.push(rlp::string(&data(value)?)),
            None if place < FIRST_FIELDS => return Err(rpc::malformed(name)),
            None => {}
        }
    }
    Ok(rlp::list(&fields))
}
