//! A transaction of type 2 (EIP-1559) that carries data and no value.

use super::keccak256;
use super::rlp::{self, RlpError};

/// The type's byte (EIP-2718).
const TYPE: u8 = 2;

/// What is sent. Amounts are in wei.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The chain's id.
    pub chain: u64,
    /// How many the sender has sent before.
    pub nonce: u64,
    /// Most that is given to the block's maker, for each unit of gas.
    pub priority_fee: u128,
    /// Most that is paid altogether, for each unit of gas.
    pub max_fee: u128,
    /// Most units of gas.
    pub gas: u64,
    /// Whom it is sent to.
    pub to: [u8; 20],
    /// The calldata.
    pub data: Vec<u8>,
}

impl Transaction {
    /// What the sender's key signs.
    pub fn signing_hash(&self) -> [u8; 32] {
        keccak256(&typed(&rlp::list(&self.fields())))
    }

    /// The signed transaction: parity of the point's y, and the two numbers of the signature.
    pub fn signed(&self, parity: bool, r: &[u8; 32], s: &[u8; 32]) -> Vec<u8> {
        let digits = |number: &[u8; 32]| {
            let zeros = number.iter().take_while(|digit| **digit == 0).count();
            rlp::string(number.get(zeros..).unwrap_or_default())
        };
        let mut fields = self.fields();
        fields.extend([rlp::number(u128::from(parity)), digits(r), digits(s)]);
        typed(&rlp::list(&fields))
    }

    fn fields(&self) -> Vec<Vec<u8>> {
        vec![
            rlp::number(self.chain.into()),
            rlp::number(self.nonce.into()),
            rlp::number(self.priority_fee),
            rlp::number(self.max_fee),
            rlp::number(self.gas.into()),
            rlp::string(&self.to),
            rlp::number(0),
            rlp::string(&self.data),
            rlp::list(&[]),
        ]
    }

    /// Reads chain and data of a signed transaction of this type; the rest has the form that it must have, and its signature is not checked.
    pub(super) fn parse_signed(bytes: &[u8]) -> Result<Self, RlpError> {
        let body = bytes.strip_prefix(&[TYPE]).ok_or(RlpError("transaction of type 2"))?;
        let items = rlp::items(rlp::whole_list(body)?, 12)?;
        let [chain, nonce, priority, fee, gas, to, value, data, access, _, r, s] = items.as_slice() else {
            return Err(RlpError("twelve fields of a transaction"));
        };
        let wide = |item: &rlp::Item<'_>| match item.string()? {
            digits if digits.len() <= 16 && digits.first() != Some(&0) => {
                Ok(digits.iter().fold(0u128, |sum, digit| sum << 8 | u128::from(*digit)))
            }
            _ => Err(RlpError("amount in its shortest form")),
        };
        access.list()?;
        for part in [value, r, s] {
            part.string()?;
        }
        Ok(Self {
            chain: chain.number()?,
            nonce: nonce.number()?,
            priority_fee: wide(priority)?,
            max_fee: wide(fee)?,
            gas: gas.number()?,
            to: to.string()?.try_into().map_err(|_| RlpError("address of 20 bytes"))?,
            data: data.string()?.to_vec(),
        })
    }
}

fn typed(body: &[u8]) -> Vec<u8> {
    [&[TYPE][..], body].concat()
}
