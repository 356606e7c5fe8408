//! Which addresses a service may be at, whatever its name leads to.
//!
//! Promises: an address is judged by itself, after its name was looked up, and connected to as it was judged; a name that leads elsewhere the next time gains
//! nothing by it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{TcpStream, lookup_host};

use crate::upstream::connect::ConnectError;

/// How far a service may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Anywhere: an operator names it, and nothing that others say leads there.
    Anywhere,
    /// At addresses of the public network alone.
    Public,
    /// Also at those of this machine and of private networks.
    Private,
}

/// Whose an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One machine's in the public network.
    Global,
    /// This machine's, or one of a private network.
    Private,
    /// Nobody's to ask: links, where clouds tell their secrets, groups, tests, what is not given out.
    Special,
}

impl Reach {
    /// Whether a service may be at `address`.
    pub(crate) fn allows(self, address: IpAddr) -> bool {
        match (self, kind(address)) {
            (Self::Anywhere, _) | (_, Kind::Global) | (Self::Private, Kind::Private) => true,
            (Self::Public | Self::Private, _) => false,
        }
    }

    /// Connects to `host` at the first of its addresses that is allowed and answers.
    pub(crate) async fn connect(self, host: &str, port: u16) -> Result<TcpStream, ConnectError> {
        if self == Self::Anywhere {
            return Ok(TcpStream::connect((host, port)).await?);
        }
        let addresses: Vec<SocketAddr> = lookup_host((host, port)).await?.collect();
        let mut last = ConnectError::OutOfReach;
        for address in addresses.into_iter().filter(|address| self.allows(address.ip())) {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error.into(),
            }
        }
        Err(last)
    }
}

fn kind(address: IpAddr) -> Kind {
    match address.to_canonical() {
        IpAddr::V4(address) => kind_v4(address),
        IpAddr::V6(address) => kind_v6(address),
    }
}

/// The registry of special addresses (RFC 6890 and what followed it).
fn kind_v4(address: Ipv4Addr) -> Kind {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        // Of this machine; private (RFC 1918); shared behind a provider (RFC 6598), which clouds use inside.
        (127 | 10, ..) | (172, 16..=31, _) | (192, 168, _) | (100, 64..=127, _) => Kind::Private,
        // This network; links; assignments and examples; relays; measurements; groups, and all that is reserved.
        (0 | 224.., ..)
        | (169, 254, _)
        | (192, 0, 0 | 2)
        | (192, 88, 99)
        | (198, 18..=19, _)
        | (198, 51, 100)
        | (203, 0, 113) => Kind::Special,
        _ => Kind::Global,
    }
}

fn kind_v6(address: Ipv6Addr) -> Kind {
    if address.is_loopback() {
        return Kind::Private;
    }
    let segments = address.segments();
    match segments {
        // What a translator makes of an address of the other kind (RFC 6052) is as that one is.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            kind_v4(Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low)))
        }
        // Private (RFC 4193).
        [0xfc00..=0xfdff, ..] => Kind::Private,
        // Tunnels (2001::/32, 2002::/16) and examples (2001:db8::/32, 3fff::/20) are in what is given out, and for nobody to be asked at.
        [0x2001, 0x0000..=0x01ff | 0x0db8, ..] | [0x2002, ..] | [0x3fff, 0x0000..=0x0fff, ..] => {
            Kind::Special
        }
        // All that is given out for the public network so far.
        [0x2000..=0x3fff, ..] => Kind::Global,
        _ => Kind::Special,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    /// Requirement: N21. Where a guard may not be asked, whatever its name leads to.
    #[test]
    fn only_addresses_of_the_network_that_was_named_are_reached() {
        for text in
            ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
        {
            assert!(Reach::Public.allows(address(text)), "{text} cannot be reached");
        }
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
        ] {
            assert!(!Reach::Public.allows(address(text)), "{text} is reached without anybody saying so");
            assert!(Reach::Private.allows(address(text)), "{text} cannot be reached where it is said");
        }
        for text in [
            "0.0.0.0",
            "169.254.169.254",
            "192.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "2002:a00:1::",
            "2001::1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "::127.0.0.1",
            "fec0::1",
        ] {
            for reach in [Reach::Public, Reach::Private] {
                assert!(!reach.allows(address(text)), "{text} is reached ({reach:?})");
            }
        }
    }
}
