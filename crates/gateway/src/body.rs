//! The body of an answer to a client: whole, or a stream that a call's task feeds.
//!
//! Promises: dropping it tells the call that its client is gone; pieces count as released only when the connection has taken them. Must
//! never: hold more than a few pieces that the client does not take.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

use crate::race::Alive;

/// Pieces that may wait for the client's connection. A few, so that one event being written does not stop the next from being read.
const PIECES: usize = 8;
/// Longest piece that is copied to have it alone: what a connection's buffer begins with.
const MAX_COPIED_BYTES: usize = 8 << 10;

/// The same bytes, where they are few in memory of their own: what came from a connection shares its buffer, and whoever keeps a word of it keeps all of that.
pub(crate) fn apart(bytes: Bytes) -> Bytes {
    if bytes.len() <= MAX_COPIED_BYTES { Bytes::copy_from_slice(&bytes) } else { bytes }
}

/// The answer ends before its end: its connection is closed, so that nobody takes a part for the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer broke off")]
pub(crate) struct BrokeOff;

/// The body.
pub(crate) enum AnswerBody {
    /// All of it, or nothing left.
    Whole(Option<Bytes>),
    /// Pieces as they come.
    Stream(StreamBody),
}

/// The connection's side of a stream.
pub(crate) struct StreamBody {
    pieces: mpsc::Receiver<Bytes>,
    taken: Arc<AtomicUsize>,
    broke_off: Arc<AtomicBool>,
    alive: Option<Alive>,
}

/// The call's side of a stream.
pub(crate) struct Pieces {
    pub(crate) sender: mpsc::Sender<Bytes>,
    taken: Arc<AtomicUsize>,
    broke_off: Arc<AtomicBool>,
}

impl Pieces {
    /// How many pieces the connection has taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Acquire)
    }

    /// Ends the answer as one that is not whole.
    pub(crate) fn break_off(self) {
        self.broke_off.store(true, Ordering::Release);
    }
}

/// Both sides of a stream.
pub(crate) fn stream() -> (Pieces, AnswerBody) {
    let (sender, pieces) = mpsc::channel(PIECES);
    let taken = Arc::new(AtomicUsize::new(0));
    let broke_off = Arc::new(AtomicBool::new(false));
    let body =
        StreamBody { pieces, taken: Arc::clone(&taken), broke_off: Arc::clone(&broke_off), alive: None };
    (Pieces { sender, taken, broke_off }, AnswerBody::Stream(body))
}

impl AnswerBody {
    /// Keeps the sign of life for as long as the body is read.
    pub(crate) fn keep(&mut self, alive: Alive) {
        if let Self::Stream(stream) = self {
            stream.alive = Some(alive);
        }
    }
}

impl From<Bytes> for AnswerBody {
    fn from(bytes: Bytes) -> Self {
        Self::Whole((!bytes.is_empty()).then_some(bytes))
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BrokeOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokeOff>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream(stream) => stream.pieces.poll_recv(context).map(|piece| {
                let Some(piece) = piece else {
                    // Told once: whoever asks again gets the end.
                    return stream.broke_off.swap(false, Ordering::AcqRel).then_some(Err(BrokeOff));
                };
                stream.taken.fetch_add(1, Ordering::Release);
                Some(Ok(Frame::data(piece)))
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}
