//! The seam to the network: one request, one answer, within limits that whoever implements it keeps.

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
}

/// A request to the service that the exchange was made for.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// The method.
    pub method: Method,
    /// What is appended to the service's URL; may be empty.
    pub path: &'a str,
    /// Type of the body; empty when there is none.
    pub content_type: &'a str,
    /// What is accepted; empty for anything.
    pub accept: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`, without parameters, in lower case; empty when there is none.
    pub content_type: String,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Sends requests to one service.
///
/// Promises that every wait ends, that bodies have a limit and that no redirect is followed. An error is one line for the operator.
pub trait Exchange: Send {
    /// Sends one request and reads the whole answer.
    fn send(&self, request: &Outgoing<'_>) -> Result<Answer, String>;
}

impl Answer {
    /// The answer when its status is 200 to 299; else what is wrong with it.
    pub(crate) fn good(self, what: &str) -> Result<Self, super::AnchorFault> {
        match self.status {
            200..=299 => Ok(self),
            429 | 500.. => Err(super::AnchorFault::Unavailable(format!("{what} answered {}", self.status))),
            status => {
                Err(super::AnchorFault::refused("status", format!("{what} answered {status}{}", self.said())))
            }
        }
    }

    /// The beginning of a text answer, for the operator.
    fn said(&self) -> String {
        const MAX_CHARS: usize = 120;
        let text = String::from_utf8_lossy(&self.body);
        let text: String = text.chars().filter(|c| !c.is_control()).take(MAX_CHARS).collect();
        if text.is_empty() { text } else { format!(": {text}") }
    }
}
