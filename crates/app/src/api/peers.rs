//! How many connections each peer has open.
//!
//! Promises: no peer has more than its share, and a place is free again when its connection ends. Must never: grow beyond the connections that are
//! open.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Bits of an IPv6 address that tell networks apart: whoever has one address of a /64 has all of them.
const IPV6_NETWORK: u128 = !0 << 64;

/// The peers with open connections.
#[derive(Clone)]
pub(super) struct Peers {
    share: usize,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One open connection of a peer.
pub(super) struct Place {
    peers: Peers,
    peer: IpAddr,
}

impl Peers {
    /// Peers that may have `share` connections each.
    pub(super) fn new(share: usize) -> Self {
        Self { share, open: Arc::default() }
    }

    /// A place for one more connection of `address`; `None` when it has its share.
    pub(super) fn admit(&self, address: IpAddr) -> Option<Place> {
        let peer = match address.to_canonical() {
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & IPV6_NETWORK).into(),
            v4 @ IpAddr::V4(_) => v4,
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(peer).or_default();
        if *count >= self.share {
            return None;
        }
        *count += 1;
        Some(Place { peers: self.clone(), peer })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.peers.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_has_its_share_and_no_more_and_gets_it_back() {
        let peers = Peers::new(2);
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        let first = peers.admit(ip("192.0.2.1")).expect("a first connection");
        let _second = peers.admit(ip("::ffff:192.0.2.1")).expect("the same peer in the other notation");
        assert!(peers.admit(ip("192.0.2.1")).is_none(), "one machine could take every connection");
        assert!(peers.admit(ip("192.0.2.2")).is_some(), "another is shut out by the first");
        drop(first);
        assert!(peers.admit(ip("192.0.2.1")).is_some(), "who closed a connection may open another");
        let held: Vec<_> = ["2001:db8::1", "2001:db8::2"].map(|text| peers.admit(ip(text))).into();
        assert!(held.iter().all(Option::is_some));
        assert!(
            peers.admit(ip("2001:db8::3")).is_none(),
            "each of the addresses of one network gets a share"
        );
        assert!(peers.admit(ip("2001:db8:0:1::1")).is_some(), "another network is another peer");
        drop(held);
        assert_eq!(peers.open.lock().expect("not poisoned").len(), 1, "closed connections are kept for ever");
    }
}
