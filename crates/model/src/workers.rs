//! Work on both cores: a list of independent tasks, results in the order of the list.
//!
//! Threads live only as long as the call; no pool, no queue, nothing shared but an index.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Threads to use: what the machine offers, at most this many, which bounds memory for stacks and results in flight.
const MAX_THREADS: usize = 64;

/// Number of threads worth starting for `tasks` tasks.
pub(crate) fn threads_for(tasks: usize) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    cores.min(MAX_THREADS).min(tasks)
}

/// Runs `work` on every item and returns the results in the order of the items.
///
/// Falls back to the calling thread for a single item or core. A thread that cannot be started costs speed only.
pub(crate) fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = threads_for(items.len());
    if threads <= 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(items.len()));
    let run = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(number) else { return };
            let result = work(item);
            done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((number, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            // A refused thread is not an error: the calling thread takes what is left.
            let _ = std::thread::Builder::new().spawn_scoped(scope, run);
        }
        run();
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<u64> = (0..1_000).collect();
        let squares = in_parallel(&items, |n| n * n);
        assert_eq!(
            squares,
            items.iter().map(|n| n * n).collect::<Vec<_>>(),
            "leaves would be hashed in another order"
        );
        assert!(in_parallel(&[] as &[u64], |n| *n).is_empty());
    }
}
