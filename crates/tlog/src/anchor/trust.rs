//! Whom a reader believes about time: lines of a trust file that a C2SP policy passes over as comments.
//!
//! ```text
//! #! rfc3161 <name> <base64 of the authority's certificate in DER>
//! #! bitcoin <height> <hex of the block's header, 80 bytes>
//! #! evm <chain id> <block number> <hex of the block's hash>
//! #! root-log <verifier key of a root log: that of its checkpoints, or its root key's>
//! ```
//!
//! Promises: a line that begins with `#!` is one of these or the file is refused, so that a misspelt one is never quietly without effect; and so is a
//! certificate that is not as it was made, because evidence must not be called broken for what was typed wrongly.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::ots::HEADER_BYTES;
use super::rfc3161::check_authority;
use crate::base64;
use crate::vkey::{SignatureType, VerifierKey};

/// Most such lines: a few authorities, and a block for each anchored checkpoint of a year.
pub const MAX_ANCHOR_LINES: usize = 4_096;
/// What such a line begins with.
const MARK: &str = "#!";

/// A line that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the trust file: {fault}")]
pub struct AnchorTrustError {
    /// Line number, from 1.
    pub line: usize,
    /// What is wrong.
    pub fault: &'static str,
}

/// A Bitcoin block that the reader has from a source of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BitcoinBlock {
    /// Its height.
    pub height: u64,
    /// Its header.
    pub header: [u8; HEADER_BYTES],
}

/// A block of an EVM chain that the reader has from a source of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvmBlock {
    /// The chain's id.
    pub chain: u64,
    /// Its height.
    pub number: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

/// Everything a trust file says about anchors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnchorTrust {
    /// Time-stamp authorities: name and certificate (DER).
    pub authorities: Vec<(String, Vec<u8>)>,
    /// Bitcoin blocks.
    pub bitcoin: Vec<BitcoinBlock>,
    /// Blocks of EVM chains.
    pub evm: Vec<EvmBlock>,
    /// Keys of root logs, as a policy's `log` line names them.
    pub root_logs: Vec<VerifierKey>,
}

impl AnchorTrust {
    /// Reads the lines of a trust file; all others are for others.
    pub fn parse(text: &[u8]) -> Result<Self, AnchorTrustError> {
        let mut trust = Self::default();
        let mut lines = 0;
        for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let Some(rest) = line.strip_prefix(MARK.as_bytes()) else { continue };
            let fail = |fault| AnchorTrustError { line: number, fault };
            lines += 1;
            if lines > MAX_ANCHOR_LINES {
                return Err(fail("more than 4096 lines about anchors"));
            }
            let rest = std::str::from_utf8(rest).map_err(|_| fail("has to be UTF-8"))?;
            trust.take(&rest.split_whitespace().collect::<Vec<_>>()).map_err(fail)?;
        }
        Ok(trust)
    }

    /// The certificates of its authorities.
    pub fn roots(&self) -> Vec<Vec<u8>> {
        self.authorities.iter().map(|(_, certificate)| certificate.clone()).collect()
    }

    /// The certificates in a file, each in DER: PEM with one or several, or one in DER. Empty when there is none.
    pub fn certificates_in(file: &[u8]) -> Vec<Vec<u8>> {
        const SEQUENCE: u8 = 0x30;
        if file.first() == Some(&SEQUENCE) {
            return vec![file.to_vec()];
        }
        CertificateDer::pem_slice_iter(file)
            .filter_map(Result::ok)
            .map(|found| found.as_ref().to_vec())
            .collect()
    }

    /// The line that names an authority.
    pub fn authority_line(name: &str, certificate: &[u8]) -> String {
        format!("{MARK} rfc3161 {name} {}\n", base64::encode(certificate))
    }

    /// The line that names a root log by one of its keys.
    pub fn root_log_line(key: &VerifierKey) -> String {
        format!("{MARK} root-log {key}\n")
    }

    fn take(&mut self, words: &[&str]) -> Result<(), &'static str> {
        match words {
            ["rfc3161", name, certificate] => {
                let certificate =
                    base64::decode(certificate).ok_or("the certificate has to be base64 of its DER form")?;
                check_authority(&certificate)?;
                self.authorities.push(((*name).to_owned(), certificate));
            }
            ["bitcoin", height, header] => {
                let height = decimal(height).ok_or("the height has to be a number")?;
                let header = bytes(header).ok_or("the header has to be 160 hex digits")?;
                self.bitcoin.push(BitcoinBlock { height, header });
            }
            ["evm", chain, number, hash] => {
                let chain = decimal(chain).ok_or("the chain has to be a number")?;
                let number = decimal(number).ok_or("the block has to be a number")?;
                let hash = hash.strip_prefix("0x").unwrap_or(hash);
                let hash = bytes(hash).ok_or("the block's hash has to be 64 hex digits")?;
                self.evm.push(EvmBlock { chain, number, hash });
            }
            ["root-log", key] => {
                let key = key.parse::<VerifierKey>().ok();
                let key = key.filter(|key| key.kind() == SignatureType::Ed25519);
                self.root_logs.push(key.ok_or("the key has to be the verifier key of a log: ORIGIN+ID+KEY")?);
            }
            _ => {
                return Err(
                    "write it as: #! rfc3161 NAME CERTIFICATE, #! bitcoin HEIGHT HEADER, #! evm CHAIN NUMBER HASH, or #! root-log KEY",
                );
            }
        }
        Ok(())
    }
}

fn decimal(text: &str) -> Option<u64> {
    crate::checkpoint::parse_decimal(text)
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    hex::decode(text).ok()?.try_into().ok()
}
