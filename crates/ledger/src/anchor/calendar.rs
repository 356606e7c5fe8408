//! An `OpenTimestamps` calendar: takes a commitment at once, commits to a Bitcoin block hours later.

use std::fmt::Write as _;
use std::sync::Arc;

use tabellion_tlog::anchor::AnchorKind;
use tabellion_tlog::anchor::ots::{NONCE_BYTES, OtsProof};

use super::exchange::{Answer, Exchange, Method, Outgoing};
use super::{Anchor, AnchorFault, Progress, Target};
use crate::entropy::Entropy;

/// What the reference client accepts.
const TYPE: &str = "application/vnd.opentimestamps.v1";
/// Calendars let their "not yet" be cached for a minute and need hours; ten minutes lose nothing.
const ASK_AGAIN_S: u64 = 600;

/// The calendar.
pub struct Calendar {
    /// Reaches it.
    pub exchange: Box<dyn Exchange>,
    /// Draws the argument that hides the digest.
    pub entropy: Arc<dyn Entropy>,
    /// Seconds between questions while it is pending; absent: ten minutes.
    pub ask_again_s: Option<u64>,
}

impl Calendar {
    fn send(&self, request: &Outgoing<'_>) -> Result<Answer, AnchorFault> {
        self.exchange.send(request).map_err(AnchorFault::Unavailable)
    }

    fn pending(&self, proof: &OtsProof) -> Progress {
        Progress::Pending { state: proof.to_bytes(), ask_again_s: self.ask_again_s.unwrap_or(ASK_AGAIN_S) }
    }
}

impl Anchor for Calendar {
    fn kind(&self) -> AnchorKind {
        AnchorKind::OpenTimestamps
    }

    fn begin(&mut self, target: &Target) -> Result<Progress, AnchorFault> {
        let mut nonce = [0; NONCE_BYTES];
        self.entropy
            .fill(&mut nonce)
            .map_err(|error| AnchorFault::Unavailable(format!("no random bytes: {error}")))?;
        let commitment = OtsProof::commitment(&target.digest, &nonce);
        let request = Outgoing {
            method: Method::Post,
            path: "/digest",
            content_type: "application/x-www-form-urlencoded",
            accept: TYPE,
            body: commitment.as_bytes(),
        };
        let answer = self.send(&request)?.good("the calendar")?;
        let proof = OtsProof::begin(target.digest, &nonce, &answer.body)
            .map_err(|error| AnchorFault::refused("malformed", error))?;
        if proof.promises().is_empty() && proof.bitcoin_heights().is_empty() {
            return Err(AnchorFault::refused("no_promise", "the calendar's answer promises nothing"));
        }
        Ok(self.pending(&proof))
    }

    fn resume(&mut self, target: &Target, state: &[u8]) -> Result<Progress, AnchorFault> {
        let mut proof = OtsProof::parse(state).map_err(|error| AnchorFault::refused("state", error))?;
        if proof.digest != target.digest {
            return Err(AnchorFault::refused("state", "the pending proof is of another checkpoint"));
        }
        for (_, message) in proof.promises() {
            let path = message.iter().fold("/timestamp/".to_owned(), |mut path, byte| {
                let _ = write!(path, "{byte:02x}");
                path
            });
            let request =
                Outgoing { method: Method::Get, path: &path, content_type: "", accept: TYPE, body: &[] };
            let answer = self.send(&request)?;
            if answer.status == 404 {
                continue; // not yet
            }
            let answer = answer.good("the calendar")?;
            proof
                .upgrade(&message, &answer.body)
                .map_err(|error| AnchorFault::refused("malformed", error))?;
        }
        // What is kept must be what a reader takes, limits included.
        let evidence = proof.to_bytes();
        OtsProof::parse(&evidence).map_err(|error| AnchorFault::refused("malformed", error))?;
        match proof.bitcoin_heights().first() {
            None => Ok(self.pending(&proof)),
            Some(height) => Ok(Progress::Confirmed {
                evidence,
                time: None,
                checked: format!(
                    "leads from the checkpoint to Bitcoin block {height}; the block itself is not checked here, since that needs a Bitcoin node"
                ),
            }),
        }
    }
}
