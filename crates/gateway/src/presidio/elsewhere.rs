//! Long texts are looked at on threads that serve no calls, few at once.
//!
//! Promises: while a text of the largest size is looked at, whoever else is served by the thread that it came in on is not kept waiting. Must never: have more texts
//! looked at at once than are named here.

use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::code::Code;
use crate::decide::Refusal;

/// Up to here a text is looked at where it came in: that takes about a millisecond, and handing it over is a good part of that.
const IN_PLACE_BYTES: usize = 32 << 10;
/// Longer texts that are looked at at once, of the whole process: it shares its cores with the calls that it serves.
const AT_ONCE: usize = 2;
/// How long a request waits for its turn: so many of the largest take less when nobody else does.
const TURN_WITHIN: Duration = Duration::from_secs(5);
/// When a client whose turn did not come may ask again.
const RETRY_AFTER_SECONDS: u32 = 1;

/// Whose turn it is. Of the process and not of a gateway, since the cores are.
static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// Has `work` look at a text of so many bytes.
pub(super) async fn look<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    if bytes <= IN_PLACE_BYTES {
        return work();
    }
    let Ok(Ok(turn)) = timeout(TURN_WITHIN, TURNS.acquire()).await else {
        let why = "too many long texts are being looked at; try again in a moment";
        return Err(Refusal {
            retry_after_s: Some(RETRY_AFTER_SECONDS),
            ..Refusal::new(Code::RateLimited, why)
        });
    };
    let done = tokio::task::spawn_blocking(move || {
        let looked = work();
        drop(turn);
        looked
    });
    // The thread ends without an answer when the process does.
    done.await.unwrap_or_else(|_| Err(Refusal::new(Code::Stopping, Code::Stopping.explain())))
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn on(bytes: usize) -> thread::ThreadId {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(look(bytes, || Ok(thread::current().id()))).expect("it was looked at")
    }

    /// Requirement: N21. A long text keeps nobody waiting who is served by the same thread, and a short one is not handed about.
    #[test]
    fn long_texts_are_looked_at_elsewhere() {
        let here = thread::current().id();
        assert_eq!(on(IN_PLACE_BYTES), here, "a short text pays for a thread");
        assert_ne!(on(IN_PLACE_BYTES + 1), here, "calls wait while a long text is looked at");
    }

    /// Requirement: N21. A turn is given back, whatever came of it.
    #[test]
    fn turns_come_back() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        for _ in 0..=2 * AT_ONCE {
            let refused = || Err::<(), _>(Refusal::new(Code::MalformedBody, "no"));
            let answer = runtime.block_on(look(IN_PLACE_BYTES + 1, refused));
            assert_eq!(answer.map_err(|refusal| refusal.code).err(), Some(Code::MalformedBody));
        }
    }
}
