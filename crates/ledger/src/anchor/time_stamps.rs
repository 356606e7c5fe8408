//! A time-stamp authority (RFC 3161 §3.4: HTTP).

use std::sync::Arc;

use tabellion_tlog::anchor::AnchorKind;
use tabellion_tlog::anchor::rfc3161::{Expected, NONCE_BYTES, TimeStampError, query, verify};

use super::exchange::{Exchange, Method, Outgoing};
use super::{Anchor, AnchorFault, JobTime, Progress, Services, Target, Told};
use crate::entropy::Entropy;

const QUERY: &str = "application/timestamp-query";
const REPLY: &str = "application/timestamp-reply";

/// The authority.
pub struct TimeStampAuthority {
    /// The authorities that can be asked; one answer is enough.
    pub services: Services,
    /// Draws nonces.
    pub entropy: Arc<dyn Entropy>,
    /// The policy asked for, in dotted decimals.
    pub policy: Option<String>,
    /// Certificates (DER) of the authorities that must vouch for its signer.
    pub roots: Vec<Vec<u8>>,
}

impl TimeStampAuthority {
    fn ask(&self, exchange: &dyn Exchange, target: &Target) -> Result<Progress, AnchorFault> {
        let mut nonce = [0; NONCE_BYTES];
        self.entropy
            .fill(&mut nonce)
            .map_err(|error| AnchorFault::Unavailable(format!("no random bytes: {error}")))?;
        let body = query(&target.digest, &nonce, self.policy.as_deref()).ok_or_else(|| {
            AnchorFault::refused("policy", "the policy in the configuration is no object identifier")
        })?;
        let request =
            Outgoing { method: Method::Post, path: "", content_type: QUERY, accept: REPLY, body: &body };
        let answer = exchange.send(&request).map_err(AnchorFault::Unavailable)?;
        let answer = answer.good("the time-stamp authority")?;
        if answer.content_type != REPLY {
            return Err(AnchorFault::refused(
                "content_type",
                format!("the time-stamp authority answered {:?} and not {REPLY}", answer.content_type),
            ));
        }
        let expected =
            Expected { imprint: &target.digest, nonce: Some(&nonce), policy: self.policy.as_deref() };
        let stamp = verify(&answer.body, &expected, &self.roots)
            .map_err(|error| AnchorFault::refused(code(&error), error))?;
        Ok(Progress::Confirmed {
            evidence: answer.body,
            time: Some(JobTime {
                earliest: stamp.time_us.saturating_sub(stamp.accuracy_us),
                latest: stamp.time_us.saturating_add(stamp.accuracy_us),
            }),
            checked: format!(
                "time-stamp {} under policy {}: imprint, nonce, signature, and the chain to the configured authority",
                stamp.serial, stamp.policy
            ),
        })
    }
}

impl Anchor for TimeStampAuthority {
    fn kind(&self) -> AnchorKind {
        AnchorKind::Rfc3161
    }

    fn told(&mut self) -> Told {
        self.services.take_told()
    }

    fn begin(&mut self, target: &Target) -> Result<Progress, AnchorFault> {
        let asked = self.services.first(|exchange| self.ask(exchange, target).map(Some))?;
        asked.ok_or_else(|| AnchorFault::Unavailable("no time-stamp authority answered".to_owned()))
    }

    fn resume(&mut self, target: &Target, _: &[u8]) -> Result<Progress, AnchorFault> {
        self.begin(target)
    }
}

/// Stable codes of refused answers.
fn code(error: &TimeStampError) -> &'static str {
    match error {
        TimeStampError::TooLong(_) | TimeStampError::Form(_) => "malformed",
        TimeStampError::Unsupported(_) => "unsupported",
        TimeStampError::Refused { .. } => "refused",
        TimeStampError::Imprint { .. } => "imprint",
        TimeStampError::Nonce => "nonce",
        TimeStampError::Policy { .. } => "policy",
        TimeStampError::Binding(_) => "binding",
        TimeStampError::Signer(_) => "signer",
        TimeStampError::UnknownAuthority | TimeStampError::Chain(_) | TimeStampError::Roots(_) => "chain",
        TimeStampError::Signature => "signature",
    }
}
