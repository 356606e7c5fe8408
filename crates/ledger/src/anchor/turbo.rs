//! Arweave, through a service that takes signed data items (ANS-104) and bundles them, and a gateway that serves them back.

use tabellion_tlog::Signer;
use tabellion_tlog::anchor::AnchorKind;
use tabellion_tlog::anchor::ans104::DataItem;

use super::exchange::{Exchange, Method, Outgoing};
use super::{Anchor, AnchorFault, Ed25519AnchorKey, Progress, Target};

/// Gateways serve an item minutes after its upload.
const ASK_AGAIN_S: u64 = 120;
/// Says what the 32 bytes are without saying whose: what is uploaded stays for ever.
const TAGS: [(&str, &str); 1] = [("Content-Type", "application/octet-stream")];

/// The service and a gateway.
pub struct ArweaveUpload {
    /// Reaches the upload service; the item is posted to its URL.
    pub upload: Box<dyn Exchange>,
    /// Reaches a gateway, which is asked for `/raw/<id>`.
    pub gateway: Box<dyn Exchange>,
    /// Signs the data items. What is uploaded can be linked by it.
    pub key: Ed25519AnchorKey,
    /// Seconds between questions while it is pending; absent: two minutes.
    pub ask_again_s: Option<u64>,
}

impl Anchor for ArweaveUpload {
    fn kind(&self) -> AnchorKind {
        AnchorKind::Arweave
    }

    fn begin(&mut self, target: &Target) -> Result<Progress, AnchorFault> {
        let signer: &dyn Signer = self.key.signer();
        // The same digest gives the same item and id, so asking twice uploads nothing new.
        let item = DataItem::sign(target.digest.as_bytes(), &TAGS, None, signer)
            .map_err(|error| AnchorFault::refused("key", error))?;
        let bytes = item.to_bytes();
        let request = Outgoing {
            method: Method::Post,
            path: "",
            content_type: "application/octet-stream",
            accept: "application/json",
            body: &bytes,
        };
        let answer =
            self.upload.send(&request).map_err(AnchorFault::Unavailable)?.good("the upload service")?;
        let said: serde_json::Value = serde_json::from_slice(&answer.body).map_err(|_| {
            AnchorFault::refused(
                "malformed",
                "the upload service answered 200 with something that is no JSON",
            )
        })?;
        match said.get("id").and_then(serde_json::Value::as_str) {
            Some(id) if id == item.id() => {
                Ok(Progress::Pending { state: bytes, ask_again_s: self.ask_again_s.unwrap_or(ASK_AGAIN_S) })
            }
            _ => Err(AnchorFault::refused(
                "id",
                format!("the upload service did not take the item under its id {}", item.id()),
            )),
        }
    }

    fn resume(&mut self, target: &Target, state: &[u8]) -> Result<Progress, AnchorFault> {
        let item = DataItem::parse(state).map_err(|error| AnchorFault::refused("state", error))?;
        item.verify().map_err(|error| AnchorFault::refused("state", error))?;
        if item.data != target.digest.as_bytes() {
            return Err(AnchorFault::refused("state", "the pending item is of another checkpoint"));
        }
        let id = item.id();
        let path = format!("/raw/{id}");
        let request = Outgoing { method: Method::Get, path: &path, content_type: "", accept: "", body: &[] };
        let answer = self.gateway.send(&request).map_err(AnchorFault::Unavailable)?;
        if matches!(answer.status, 202 | 404) {
            return Ok(Progress::Pending {
                state: state.to_vec(),
                ask_again_s: self.ask_again_s.unwrap_or(ASK_AGAIN_S),
            });
        }
        let answer = answer.good("the gateway")?;
        if answer.body != item.data {
            return Err(AnchorFault::refused(
                "content",
                format!("the gateway serves other bytes under {id}"),
            ));
        }
        Ok(Progress::Confirmed {
            evidence: state.to_vec(),
            time: None,
            checked: format!(
                "signed data item {id}, served back by the configured gateway; its block was not checked, so it dates nothing"
            ),
        })
    }
}
