//! Which addresses a service may be at, whatever its name leads to.
//!
//! Promises: an address is judged by itself, after its name was looked up, and connected to as it was judged; a name that leads elsewhere the next time gains
//! nothing by it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{TcpStream, lookup_host};

use crate::upstream::connect::ConnectError;

/// The one address of a link at which something else may be: Podman has the machine that a container runs on there (`host.containers.internal`).
const HOST_OF_PODMAN: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 1, 2));

/// How far a service may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Wherever an operator says, but for addresses of a link: there clouds hand out the keys of their machines.
    Named,
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
    /// Of a link, or another at which a cloud tells a machine its secrets.
    Link,
    /// Nobody's to ask: groups, tests, what is not given out.
    Special,
}

impl Reach {
    /// Whether a service may be at `address`.
    pub(crate) fn allows(self, address: IpAddr) -> bool {
        match (self, kind(address)) {
            (Self::Named, kind) => kind != Kind::Link || address.to_canonical() == HOST_OF_PODMAN,
            (_, Kind::Global) | (Self::Private, Kind::Private) => true,
            (Self::Public | Self::Private, _) => false,
        }
    }

    /// Connects to `host` at the first of its addresses that is allowed and answers.
    pub(crate) async fn connect(self, host: &str, port: u16) -> Result<TcpStream, ConnectError> {
        self.connect_by(async { lookup_host((host, port)).await.map(Iterator::collect) }).await
    }

    /// The same at what a name is looked up as: once, so that what was judged is what is connected to.
    async fn connect_by(
        self,
        lookup: impl Future<Output = std::io::Result<Vec<SocketAddr>>>,
    ) -> Result<TcpStream, ConnectError> {
        let addresses = lookup.await?;
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
        // Links (RFC 3927), which all large clouds use so; two clouds have another address for it.
        (169, 254, _) => Kind::Link,
        _ if matches!(address.octets(), [100, 100, 100, 200] | [168, 63, 129, 16]) => Kind::Link,
        // Of this machine; private (RFC 1918); shared behind a provider (RFC 6598), which clouds use inside.
        (127 | 10, ..) | (172, 16..=31, _) | (192, 168, _) | (100, 64..=127, _) => Kind::Private,
        // This network; assignments and examples; relays; measurements; groups, and all that is reserved.
        (0 | 224.., ..)
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
        // Links (RFC 4291), and where a cloud answers within the private ones.
        [0xfe80..=0xfebf, ..] | [0xfd00, 0x0ec2, ..] => Kind::Link,
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
    use crate::config::UpstreamConfig;
    use crate::upstream::connect::{Address, Endpoint};
    use crate::upstream::tls::SystemTls;

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

    /// Requirement: N21. A provider is where an operator says, but never where a cloud hands out keys, in whatever form that is written.
    #[test]
    fn no_provider_is_at_a_link() {
        for text in [
            "169.254.169.254",
            "169.254.170.2",
            "169.254.1.1",
            "100.100.100.200",
            "168.63.129.16",
            "fe80::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
        ] {
            for reach in [Reach::Named, Reach::Public, Reach::Private] {
                assert!(!reach.allows(address(text)), "{text} is reached ({reach:?})");
            }
        }
        for text in
            ["127.0.0.1", "10.1.2.3", "8.8.8.8", "0.0.0.0", "198.18.0.1", "::1", "fd00::1", "169.254.1.2"]
        {
            assert!(Reach::Named.allows(address(text)), "{text} cannot be reached where an operator says it");
        }
    }

    /// Requirement: N19, N21. What is written down as one refuses the start.
    #[test]
    fn a_provider_that_is_said_to_be_at_a_link_refuses_the_start() {
        for url in [
            "http://169.254.169.254/v1",
            "https://169.254.170.2/v1",
            "http://[fe80::1]:8080/v1",
            "http://[::ffff:169.254.169.254]/v1",
        ] {
            let config = UpstreamConfig::new("own", url);
            let Err(refused) = Endpoint::new(&Address::from(&config), &mut SystemTls::default()) else {
                panic!("{url} is taken");
            };
            let said = refused.to_string();
            assert!(said.contains("upstream \"own\"") && said.contains("of a link"), "{said}");
        }
    }

    /// Requirement: N21. A name that is harmless when it is looked at and leads elsewhere when it is connected to gains nothing: it is looked up once for each
    /// connection, what was judged is what is connected to, and each connection judges anew.
    #[tokio::test]
    async fn a_name_that_changes_its_mind_gains_nothing() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let here = listener.local_addr().expect("an address");
        let link = SocketAddr::new(address("169.254.169.254"), here.port());
        let lookups = std::cell::Cell::new(0);
        let answers = [vec![here], vec![link], vec![link, here], Vec::new()];
        let resolver = || async {
            let number = lookups.get();
            lookups.set(number + 1);
            Ok::<_, std::io::Error>(answers.get(number).cloned().unwrap_or_default())
        };
        for reach in [Reach::Named, Reach::Private] {
            lookups.set(0);
            let first = reach.connect_by(resolver()).await.expect("it is where it was said to be");
            assert_eq!(first.peer_addr().expect("an address"), here, "{reach:?}");
            let second = reach.connect_by(resolver()).await.err();
            assert_eq!(second, Some(ConnectError::OutOfReach), "{reach:?}: a name led to where keys are");
            let third = reach.connect_by(resolver()).await.expect("one of its addresses may be");
            assert_eq!(third.peer_addr().expect("an address"), here, "{reach:?}");
            assert!(reach.connect_by(resolver()).await.is_err(), "{reach:?}: nowhere is somewhere");
            assert_eq!(
                lookups.get(),
                4,
                "{reach:?}: a name is looked up again between judging and connecting"
            );
        }
        lookups.set(0);
        let public = Reach::Public.connect_by(resolver()).await.err();
        assert_eq!(public, Some(ConnectError::OutOfReach), "a public name led into this machine");
    }
}
