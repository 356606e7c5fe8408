//! Requests that nobody stands behind: limited for each address, counted, and recorded together once a minute.
//!
//! Promises: a flood of them costs one record a minute and a bounded amount of memory. Must never: keep an address longer than its bucket
//! needs to fill again, or record one.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tabellion_model::Micros;
use tabellion_model::body::NoiseCounted;

/// Addresses remembered at once. When all are busy the newest is treated as if it had spent its burst: a flood from many addresses is still
/// a flood.
const MAX_ADDRESSES: usize = 4096;

/// What a request without a caller was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Without a key.
    Unauthenticated,
    /// With a key that is unknown, revoked or expired.
    BadKey,
    /// Not HTTP.
    Malformed,
    /// One too many from its address.
    RateLimited,
}

/// Counts since the last record, and a bucket for each address.
#[derive(Debug)]
pub(crate) struct Noise {
    counts: [AtomicU64; 4],
    since: AtomicU64,
    burst: u32,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// Requests that may still be made at once; one more each second.
    left: u32,
    filled: Instant,
}

impl Noise {
    /// Nothing counted yet, since `now`.
    pub(crate) fn new(burst: u32, now: Micros) -> Self {
        Self {
            counts: Default::default(),
            since: AtomicU64::new(now.0),
            burst: burst.max(1),
            buckets: Mutex::default(),
        }
    }

    /// Counts one request of `kind`.
    pub(crate) fn count(&self, kind: Kind) {
        self.counter(kind).fetch_add(1, Ordering::Relaxed);
    }

    /// Takes one request of an address without a valid key from its bucket. `false`: it had none left.
    pub(crate) fn admit(&self, peer: IpAddr, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_ADDRESSES && !buckets.contains_key(&peer) {
            let full = Duration::from_secs(u64::from(self.burst));
            buckets.retain(|_, bucket| now.duration_since(bucket.filled) < full);
            if buckets.len() >= MAX_ADDRESSES {
                return false;
            }
        }
        let bucket = buckets.entry(peer).or_insert(Bucket { left: self.burst, filled: now });
        let seconds = now.duration_since(bucket.filled).as_secs();
        if seconds > 0 {
            let more = u32::try_from(seconds).unwrap_or(u32::MAX);
            bucket.left = bucket.left.saturating_add(more).min(self.burst);
            bucket.filled = now;
        }
        let admitted = bucket.left > 0;
        bucket.left = bucket.left.saturating_sub(1);
        admitted
    }

    /// What was counted since the last time, and from now on nothing. `None`: there was none.
    pub(crate) fn take(&self, now: Micros) -> Option<NoiseCounted> {
        let from = self.since.swap(now.0, Ordering::Relaxed);
        let take = |kind| self.counter(kind).swap(0, Ordering::Relaxed);
        let counted = NoiseCounted {
            from,
            to: now.0,
            unauthenticated: take(Kind::Unauthenticated),
            bad_key: take(Kind::BadKey),
            malformed: take(Kind::Malformed),
            rate_limited: take(Kind::RateLimited),
        };
        let any = counted.unauthenticated + counted.bad_key + counted.malformed + counted.rate_limited > 0;
        any.then_some(counted)
    }

    /// Puts back what could not be recorded, so that the next record says it.
    pub(crate) fn put_back(&self, counted: &NoiseCounted) {
        self.since.fetch_min(counted.from, Ordering::Relaxed);
        for (kind, count) in [
            (Kind::Unauthenticated, counted.unauthenticated),
            (Kind::BadKey, counted.bad_key),
            (Kind::Malformed, counted.malformed),
            (Kind::RateLimited, counted.rate_limited),
        ] {
            self.counter(kind).fetch_add(count, Ordering::Relaxed);
        }
    }

    fn counter(&self, kind: Kind) -> &AtomicU64 {
        let [unauthenticated, bad_key, malformed, rate_limited] = &self.counts;
        match kind {
            Kind::Unauthenticated => unauthenticated,
            Kind::BadKey => bad_key,
            Kind::Malformed => malformed,
            Kind::RateLimited => rate_limited,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(number))
    }

    #[test]
    fn an_address_gets_its_burst_and_then_one_each_second() {
        let noise = Noise::new(3, Micros(0));
        let start = Instant::now();
        let admitted = (0..10).filter(|_| noise.admit(address(1), start)).count();
        assert_eq!(admitted, 3, "an address could guess keys as fast as it likes");
        assert!(noise.admit(address(2), start), "one address would lock out another");
        let later = start + Duration::from_secs(2);
        let admitted = (0..10).filter(|_| noise.admit(address(1), later)).count();
        assert_eq!(admitted, 2, "an address that corrected its key would stay locked out");
    }

    #[test]
    fn addresses_are_forgotten_and_never_without_limit() {
        let noise = Noise::new(3, Micros(0));
        let start = Instant::now();
        let limit = u32::try_from(MAX_ADDRESSES).expect("a small number");
        for number in 0..limit {
            assert!(noise.admit(address(number), start), "an address within the limit was refused");
        }
        assert!(!noise.admit(address(limit), start), "a flood of addresses would fill the memory");
        assert!(
            noise.admit(address(limit), start + Duration::from_secs(3)),
            "the flood is over, and a newcomer is still refused"
        );
    }

    #[test]
    fn what_could_not_be_recorded_is_in_the_next_record() {
        let noise = Noise::new(3, Micros(5));
        assert_eq!(noise.take(Micros(7)), None, "a quiet minute needs no record");
        noise.count(Kind::BadKey);
        let counted = noise.take(Micros(9)).expect("one was counted");
        assert_eq!((counted.from, counted.to, counted.bad_key), (7, 9, 1), "the minute is wrong");
        noise.put_back(&counted);
        noise.count(Kind::Malformed);
        let again = noise.take(Micros(11)).expect("two were counted");
        assert_eq!((again.from, again.bad_key, again.malformed), (7, 1, 1), "a failed append lost the count");
    }
}
