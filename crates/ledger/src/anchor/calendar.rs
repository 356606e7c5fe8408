//! `OpenTimestamps` calendars: take a commitment at once, commit to a Bitcoin block hours later. All of them are given it; one that keeps its promise is enough.

use std::fmt::Write as _;
use std::sync::Arc;

use tabellion_tlog::Hash;
use tabellion_tlog::anchor::AnchorKind;
use tabellion_tlog::anchor::ots::{NONCE_BYTES, OtsError, OtsProof};

use super::exchange::{Answer, Exchange, Method, Outgoing};
use super::{Anchor, AnchorFault, Progress, Services, Target, Told};
use crate::entropy::Entropy;

/// What the reference client accepts.
const TYPE: &str = "application/vnd.opentimestamps.v1";
/// Calendars let their "not yet" be cached for a minute and need hours; ten minutes lose nothing.
const ASK_AGAIN_S: u64 = 600;

/// The calendars.
pub struct Calendar {
    /// All of them.
    pub services: Services,
    /// Draws the argument that hides the digest.
    pub entropy: Arc<dyn Entropy>,
    /// Seconds between questions while it is pending; absent: ten minutes.
    pub ask_again_s: Option<u64>,
}

fn send(exchange: &dyn Exchange, request: &Outgoing<'_>) -> Result<Answer, AnchorFault> {
    exchange.send(request).map_err(AnchorFault::Unavailable)
}

fn malformed(error: OtsError) -> AnchorFault {
    AnchorFault::refused("malformed", error)
}

/// What one calendar answers to a commitment: a proof that promises something.
fn promised(exchange: &dyn Exchange, commitment: &Hash) -> Result<Vec<u8>, AnchorFault> {
    let request = Outgoing {
        method: Method::Post,
        path: "/digest",
        content_type: "application/x-www-form-urlencoded",
        accept: TYPE,
        body: commitment.as_bytes(),
    };
    Ok(send(exchange, &request)?.good("the calendar")?.body)
}

/// The proof with what one calendar has for a promise by now; `None`: nothing yet.
fn upgraded(
    exchange: &dyn Exchange,
    proof: &OtsProof,
    message: &[u8],
) -> Result<Option<OtsProof>, AnchorFault> {
    let path = message.iter().fold("/timestamp/".to_owned(), |mut path, byte| {
        let _ = write!(path, "{byte:02x}");
        path
    });
    let request = Outgoing { method: Method::Get, path: &path, content_type: "", accept: TYPE, body: &[] };
    let answer = send(exchange, &request)?;
    if answer.status == 404 {
        return Ok(None); // not yet, or a promise of another calendar
    }
    let answer = answer.good("the calendar")?;
    let mut next = proof.clone();
    next.upgrade(message, &answer.body).map_err(malformed)?;
    // What is kept must be what a reader takes, limits included.
    OtsProof::parse(&next.to_bytes()).map(Some).map_err(malformed)
}

impl Calendar {
    fn pending(&self, proof: &OtsProof) -> Progress {
        Progress::Pending { state: proof.to_bytes(), ask_again_s: self.ask_again_s.unwrap_or(ASK_AGAIN_S) }
    }
}

impl Anchor for Calendar {
    fn kind(&self) -> AnchorKind {
        AnchorKind::OpenTimestamps
    }

    fn told(&mut self) -> Told {
        self.services.take_told()
    }

    fn begin(&mut self, target: &Target) -> Result<Progress, AnchorFault> {
        let mut nonce = [0; NONCE_BYTES];
        self.entropy
            .fill(&mut nonce)
            .map_err(|error| AnchorFault::Unavailable(format!("no random bytes: {error}")))?;
        let commitment = OtsProof::commitment(&target.digest, &nonce);
        let mut whole: Option<OtsProof> = None;
        self.services.each(|exchange| {
            let answer = promised(exchange, &commitment)?;
            let own = OtsProof::begin(target.digest, &nonce, &answer).map_err(malformed)?;
            if own.promises().is_empty() && own.bitcoin_heights().is_empty() {
                return Err(AnchorFault::refused("no_promise", "the calendar's answer promises nothing"));
            }
            let joined = match &whole {
                None => own,
                Some(known) => known.join(&nonce, &answer).map_err(malformed)?,
            };
            whole = Some(OtsProof::parse(&joined.to_bytes()).map_err(malformed)?);
            Ok(())
        })?;
        let whole = whole.ok_or_else(|| AnchorFault::Unavailable("no calendar answered".to_owned()))?;
        Ok(self.pending(&whole))
    }

    fn resume(&mut self, target: &Target, state: &[u8]) -> Result<Progress, AnchorFault> {
        let mut proof = OtsProof::parse(state).map_err(|error| AnchorFault::refused("state", error))?;
        if proof.digest != target.digest {
            return Err(AnchorFault::refused("state", "the pending proof is of another checkpoint"));
        }
        let (mut fault, mut waits) = (None, false);
        for (_, message) in proof.promises() {
            if !proof.bitcoin_heights().is_empty() {
                break; // one block is enough
            }
            match self.services.first(|exchange| upgraded(exchange, &proof, &message)) {
                Ok(Some(next)) => proof = next,
                Ok(None) => waits = true,
                Err(one) => fault = Some(one),
            }
        }
        match (proof.bitcoin_heights().first(), fault) {
            (None, Some(fault)) if !waits => Err(fault),
            (None, _) => Ok(self.pending(&proof)),
            (Some(height), _) => Ok(Progress::Confirmed {
                evidence: proof.to_bytes(),
                time: None,
                checked: format!(
                    "leads from the checkpoint to Bitcoin block {height}; the block itself is not checked here, since that needs a Bitcoin node"
                ),
            }),
        }
    }
}
