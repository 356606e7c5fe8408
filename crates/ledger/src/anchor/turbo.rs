//! Arweave, through a service that takes signed data items (ANS-104) and bundles them, and a gateway that serves them back.

use tabellion_tlog::Signer;
use tabellion_tlog::anchor::AnchorKind;
use tabellion_tlog::anchor::ans104::DataItem;

use super::exchange::{Exchange, Method, Outgoing};
use super::{Anchor, AnchorFault, Ed25519AnchorKey, Progress, Services, Target, Told};

/// Gateways serve an item minutes after its upload.
const ASK_AGAIN_S: u64 = 120;
/// Says what the 32 bytes are without saying whose: what is uploaded stays for ever.
const TAGS: [(&str, &str); 1] = [("Content-Type", "application/octet-stream")];

/// The service and a gateway.
pub struct ArweaveUpload {
    /// The upload services; the item is posted to the URL of one that takes it.
    pub upload: Services,
    /// The gateways, each asked for `/raw/<id>` until one serves it.
    pub gateway: Services,
    /// Signs the data items. What is uploaded can be linked by it.
    pub key: Ed25519AnchorKey,
    /// Seconds between questions while it is pending; absent: two minutes.
    pub ask_again_s: Option<u64>,
}

impl ArweaveUpload {
    fn pending(&self, item: &[u8]) -> Progress {
        Progress::Pending { state: item.to_vec(), ask_again_s: self.ask_again_s.unwrap_or(ASK_AGAIN_S) }
    }

    /// Hands the item in at one of the upload services.
    fn upload(exchange: &dyn Exchange, item: &DataItem, bytes: &[u8]) -> Result<(), AnchorFault> {
        let request = Outgoing {
            method: Method::Post,
            path: "",
            content_type: "application/octet-stream",
            accept: "application/json",
            body: bytes,
        };
        let answer = exchange.send(&request).map_err(AnchorFault::Unavailable)?.good("the upload service")?;
        let said: serde_json::Value = serde_json::from_slice(&answer.body).map_err(|_| {
            AnchorFault::refused(
                "malformed",
                "the upload service answered 200 with something that is no JSON",
            )
        })?;
        match said.get("id").and_then(serde_json::Value::as_str) {
            Some(id) if id == item.id() => Ok(()),
            _ => Err(AnchorFault::refused(
                "id",
                format!("the upload service did not take the item under its id {}", item.id()),
            )),
        }
    }

    /// Whether one of the gateways serves the item's data; `None`: not yet.
    fn served(exchange: &dyn Exchange, item: &DataItem) -> Result<Option<()>, AnchorFault> {
        let id = item.id();
        let path = format!("/raw/{id}");
        let request = Outgoing { method: Method::Get, path: &path, content_type: "", accept: "", body: &[] };
        let answer = exchange.send(&request).map_err(AnchorFault::Unavailable)?;
        if matches!(answer.status, 202 | 404) {
            return Ok(None);
        }
        if answer.good("the gateway")?.body != item.data {
            return Err(AnchorFault::refused(
                "content",
                format!("the gateway serves other bytes under {id}"),
            ));
        }
        Ok(Some(()))
    }
}

impl Anchor for ArweaveUpload {
    fn kind(&self) -> AnchorKind {
        AnchorKind::Arweave
    }

    fn told(&mut self) -> Told {
        self.upload.take_told().and(self.gateway.take_told())
    }

    fn begin(&mut self, target: &Target) -> Result<Progress, AnchorFault> {
        let signer: &dyn Signer = self.key.signer();
        // The same digest gives the same item and id, so asking twice uploads nothing new.
        let item = DataItem::sign(target.digest.as_bytes(), &TAGS, None, signer)
            .map_err(|error| AnchorFault::refused("key", error))?;
        let bytes = item.to_bytes();
        self.upload.first(|exchange| Self::upload(exchange, &item, &bytes).map(Some))?;
        Ok(self.pending(&bytes))
    }

    fn resume(&mut self, target: &Target, state: &[u8]) -> Result<Progress, AnchorFault> {
        let item = DataItem::parse(state).map_err(|error| AnchorFault::refused("state", error))?;
        item.verify().map_err(|error| AnchorFault::refused("state", error))?;
        if item.data != target.digest.as_bytes() {
            return Err(AnchorFault::refused("state", "the pending item is of another checkpoint"));
        }
        let id = item.id();
        if self.gateway.first(|exchange| Self::served(exchange, &item))?.is_none() {
            return Ok(self.pending(state));
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
