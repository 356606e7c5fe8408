//! What the measurements share: a probe of the disk, medians, a line about the machine.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// A preallocated file of `len` bytes, as a segment is.
pub fn preallocated(path: &Path, len: u64) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, len)?;
    file.sync_all()?;
    Ok(file)
}

/// Times of `count` writes of `bytes` bytes, each made durable by one fdatasync, at page-aligned offsets of a preallocated file.
pub fn write_sync_loop(file: &File, bytes: usize, count: usize, capacity: u64) -> io::Result<Vec<Duration>> {
    let buffer: Vec<u8> = (0..bytes).map(|at| (at % 251) as u8 | 1).collect();
    let stride = (bytes as u64).next_multiple_of(4096);
    let mut at = 0;
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        if at + stride > capacity {
            at = 0;
        }
        let begin = Instant::now();
        file.write_all_at(&buffer, at)?;
        file.sync_data()?;
        times.push(begin.elapsed());
        at += stride;
    }
    Ok(times)
}

/// The p-th percentile (0 … 100) of some durations; zero when there are none.
pub fn percentile(times: &mut [Duration], p: usize) -> Duration {
    times.sort_unstable();
    times.get(times.len().saturating_sub(1) * p / 100).copied().unwrap_or_default()
}

/// Median of some figures; NaN when there are none.
pub fn median(figures: &mut [f64]) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// One line about the machine, for the results page.
pub fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{cores} cores of {name}; load average {}", load.split(' ').next().unwrap_or("unknown"))
}
