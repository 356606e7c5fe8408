//! Waiting for something while the client may go away, the gateway may stop, and time runs out.
//!
//! Promises: what is waited for is looked at first, so that an answer that is there is not thrown away; every wait has an end.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::stops::Orders;

/// What ended a wait before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// The client's connection is gone.
    ClientGone,
    /// The gateway ends its calls now.
    Stopping,
    /// An emergency stop holds for the call.
    Stopped,
    /// This wait took too long.
    Late,
    /// The whole call took too long.
    Overdue,
}

/// Dropped with the client's connection, or with the answer's body.
pub(crate) type Alive = oneshot::Sender<()>;

/// What may interrupt one call.
pub(crate) struct Watch {
    gone: oneshot::Receiver<()>,
    is_gone: bool,
    stop: watch::Receiver<bool>,
    orders: Orders,
    total: Pin<Box<Sleep>>,
    wait: Pin<Box<Sleep>>,
}

impl Watch {
    /// Watches over a call that may take `total` from now on. The client is there as long as the [`Alive`] is.
    pub(crate) fn new(stop: watch::Receiver<bool>, orders: Orders, total: Duration) -> (Self, Alive) {
        let (alive, gone) = oneshot::channel();
        let end = Instant::now() + total;
        let watch = Self {
            gone,
            is_gone: false,
            stop,
            orders,
            total: Box::pin(sleep_until(end)),
            wait: Box::pin(sleep_until(end)),
        };
        (watch, alive)
    }

    /// The same for what may take `total` from now on, and whose client is there as long as the new [`Alive`] is.
    pub(crate) fn anew(self, total: Duration) -> (Self, Alive) {
        let Self { stop, orders, .. } = self;
        Self::new(stop, orders, total)
    }

    /// Waits for `work`, at most `limit`.
    pub(crate) async fn race<T>(
        &mut self,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T, Interrupt> {
        let mut work = pin!(work);
        // Most of what is waited for is there already, and then no timer needs to be set.
        if let Poll::Ready(done) = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
            return Ok(done);
        }
        self.wait.as_mut().reset(Instant::now() + limit);
        let Self { gone, is_gone, stop, orders, total, wait } = self;
        let mut stopping = pin!(stop.wait_for(|stop| *stop));
        let mut stopped = pin!(orders.stopped());
        poll_fn(|context| {
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(Ok(done));
            }
            if is_ready(stopping.as_mut(), context) {
                return Poll::Ready(Err(Interrupt::Stopping));
            }
            if is_ready(stopped.as_mut(), context) {
                return Poll::Ready(Err(Interrupt::Stopped));
            }
            if *is_gone || is_ready(Pin::new(&mut *gone), context) {
                *is_gone = true;
                return Poll::Ready(Err(Interrupt::ClientGone));
            }
            if is_ready(total.as_mut(), context) {
                return Poll::Ready(Err(Interrupt::Overdue));
            }
            if is_ready(wait.as_mut(), context) {
                return Poll::Ready(Err(Interrupt::Late));
            }
            Poll::Pending
        })
        .await
    }

    /// Whether the client is gone by now.
    pub(crate) fn client_gone(&mut self) -> bool {
        // Nothing is ever sent: the channel either is open or was dropped.
        self.is_gone =
            self.is_gone || !matches!(self.gone.try_recv(), Err(oneshot::error::TryRecvError::Empty));
        self.is_gone
    }

    /// The emergency stops that the call is held against from now on.
    pub(crate) fn orders(&mut self) -> &mut Orders {
        &mut self.orders
    }

    /// Whether calls are to end by now.
    pub(crate) fn stopping(&self) -> bool {
        *self.stop.borrow()
    }
}

fn is_ready<T>(future: Pin<&mut impl Future<Output = T>>, context: &mut Context<'_>) -> bool {
    future.poll(context).is_ready()
}

/// Waits for all of `work`, which goes on side by side.
pub(crate) async fn together<F: Future<Output = ()>>(work: impl Iterator<Item = F>) {
    let mut left: Vec<Pin<Box<F>>> = work.map(Box::pin).collect();
    poll_fn(|context| {
        left.retain_mut(|one| one.as_mut().poll(context).is_pending());
        if left.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Waits for `main`, and lets `side` go on meanwhile; says whether `side` ended in that time.
pub(crate) async fn alongside<T>(main: impl Future<Output = T>, side: impl Future<Output = ()>) -> (T, bool) {
    let (mut main, mut side) = (pin!(main), pin!(side));
    let mut ended = false;
    poll_fn(|context| {
        ended = ended || is_ready(side.as_mut(), context);
        main.as_mut().poll(context).map(|done| (done, ended))
    })
    .await
}
