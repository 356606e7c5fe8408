//! Writing one batch and making it durable, while the committer prepares the next.
//!
//! Promises: one batch at a time, one write and one sync each; the result is told once. Must never: start a batch before the one before it is
//! known to be durable.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::{self, JoinHandle};

use crate::disk::DiskFile;
use crate::error::LedgerError;

/// What is to be written where.
pub(crate) struct Job {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) offset: u64,
    pub(crate) bytes: Vec<u8>,
}

/// A job that is done: what became of it, and its memory for the next one.
pub(crate) struct Written {
    pub(crate) result: Result<(), LedgerError>,
    pub(crate) bytes: Vec<u8>,
}

/// Who does the writing.
pub(crate) enum BatchIo {
    /// The calling thread, at once: for one-shot commands and for simulated disks, where no thread may interleave.
    Inline(Option<Written>),
    /// A thread of its own.
    Thread(WriterThread),
}

/// The thread and the way to it.
pub(crate) struct WriterThread {
    /// `None` once the thread is to end.
    jobs: Option<SyncSender<Job>>,
    results: Receiver<Written>,
    thread: Option<JoinHandle<()>>,
    /// A result that was looked at and not yet taken.
    seen: Option<Written>,
}

impl BatchIo {
    pub(crate) fn inline() -> Self {
        Self::Inline(None)
    }

    /// Starts the thread. `landed` is called by it after every job.
    pub(crate) fn thread(landed: impl Fn() + Send + 'static) -> io::Result<Self> {
        let (jobs, incoming) = sync_channel::<Job>(1);
        let (outgoing, results) = sync_channel(1);
        let thread = thread::Builder::new().name("batch-writer".to_owned()).spawn(move || {
            for job in incoming {
                if outgoing.send(carry_out(job)).is_err() {
                    return;
                }
                landed();
            }
        })?;
        Ok(Self::Thread(WriterThread { jobs: Some(jobs), results, thread: Some(thread), seen: None }))
    }

    /// Begins a job; the one before it must have been taken.
    pub(crate) fn begin(&mut self, job: Job) {
        match self {
            Self::Inline(done) => *done = Some(carry_out(job)),
            Self::Thread(writer) => {
                if let Some(jobs) = &writer.jobs {
                    // A thread that is gone is noticed by whoever waits for the result.
                    drop(jobs.send(job));
                }
            }
        }
    }

    /// Whether the job is done.
    pub(crate) fn is_done(&mut self) -> bool {
        match self {
            Self::Inline(_) => true,
            Self::Thread(writer) => {
                if writer.seen.is_none() {
                    match writer.results.try_recv() {
                        Ok(written) => writer.seen = Some(written),
                        Err(TryRecvError::Empty) => return false,
                        Err(TryRecvError::Disconnected) => {}
                    }
                }
                true
            }
        }
    }

    /// The job's result, once it is done.
    pub(crate) fn wait(&mut self) -> Written {
        let done = match self {
            Self::Inline(done) => done.take(),
            Self::Thread(writer) => writer.seen.take().or_else(|| writer.results.recv().ok()),
        };
        done.unwrap_or_else(|| Written {
            result: Err(LedgerError::Fatal("the thread that writes batches ended".to_owned())),
            bytes: Vec::new(),
        })
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // Its last job, if any, was waited for or belongs to a log that failed; a panic there is no news here.
            drop(thread.join());
        }
    }
}

fn carry_out(Job { file, offset, bytes }: Job) -> Written {
    let result = file
        .write_at(offset, &bytes)
        .map_err(|error| LedgerError::fatal_io("writing the batch failed", &error))
        .and_then(|()| {
            file.sync().map_err(|error| LedgerError::fatal_io("making the batch durable failed", &error))
        });
    Written { result, bytes }
}
