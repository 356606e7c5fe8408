//! The demo's own server: the log held by this process, with the control plane and the gateway in front of it, and providers behind.
//!
//! Promises: takes the usual ports when they are free and others when not; ends with its handle, also after a failure. Must never: write an
//! address of one run into the configuration of the next.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use socket2::{Domain, Socket, Type};
use tabellion_gateway::UpstreamConfig;

use super::organisation::{Organisation, Upstream};
use crate::command::serve::{self, Ready};
use crate::config::{Config, Console};
use crate::directory::Directory;
use crate::failure::Failure;
use crate::simulated::Simulated;

/// The provider that a real model stands behind, when there is one.
const REAL: &str = "local";
/// The provider that is not there any more.
const CLOSED: &str = "closed-down";

/// A server that serves.
pub(super) struct Serving {
    pub(super) control: SocketAddr,
    pub(super) gateway: SocketAddr,
    stop: crate::socket::server::Stop,
    thread: Option<JoinHandle<Result<(), Failure>>>,
    /// Ends after the server, which still asks it.
    _simulated: Simulated,
    /// Likewise.
    _closed: ClosedDown,
}

/// An address that is taken and at which nobody listens: the system refuses every connection, and no other program can come to be there.
struct ClosedDown {
    _socket: Socket,
    address: SocketAddr,
}

impl ClosedDown {
    fn take() -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        let address = socket.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Self { _socket: socket, address })
    }
}

impl Serving {
    /// Starts it over the log of `directory`; `model` is the real model's base URL.
    pub(super) fn start(
        directory: &Directory,
        organisation: &Organisation,
        model: Option<&str>,
    ) -> Result<Self, Failure> {
        let simulated = Simulated::start()
            .map_err(|error| Failure::failed(format!("the simulated provider cannot start: {error}")))?;
        let closed = ClosedDown::take()
            .map_err(|error| Failure::failed(format!("no address is free on loopback: {error}")))?;
        let directory = directory
            .clone()
            .configured(|config| configure(config, organisation, model, &simulated, &closed));
        let (tell, told) = mpsc::channel();
        let held = move || {
            serve::hold(&directory, &serve::Said::default(), Arc::new(|_: &str| {}), |ready| {
                drop(tell.send(ready));
            })
        };
        let thread = thread::Builder::new()
            .name("serve".to_owned())
            .spawn(held)
            .map_err(|error| Failure::failed(format!("cannot start a thread: {error}")))?;
        match told.recv() {
            Ok(Ready { control: Some(control), gateway: Some(gateway), stop }) => Ok(Self {
                control,
                gateway,
                stop,
                thread: Some(thread),
                _simulated: simulated,
                _closed: closed,
            }),
            Ok(Ready { stop, .. }) => {
                stop.now();
                joined(Some(thread))?;
                Err(Failure::failed("the demo needs control plane and gateway, and one of them is off"))
            }
            // It ended before it was ready, and says why.
            Err(_) => {
                joined(Some(thread))?;
                Err(Failure::failed("the server ended before it was ready"))
            }
        }
    }

    /// Ends it.
    pub(super) fn end(mut self) -> Result<(), Failure> {
        self.stop.now();
        joined(self.thread.take())
    }

    /// Waits until somebody ends it.
    pub(super) fn wait(mut self) -> Result<(), Failure> {
        joined(self.thread.take())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.now();
        drop(joined(self.thread.take()));
    }
}

fn joined(thread: Option<JoinHandle<Result<(), Failure>>>) -> Result<(), Failure> {
    let ended = thread.map(JoinHandle::join).transpose();
    ended
        .map_err(|_| Failure::failed("the server broke; this is a fault of tabellion, please report it"))?
        .unwrap_or(Ok(()))
}

fn configure(
    config: &mut Config,
    organisation: &Organisation,
    model: Option<&str>,
    simulated: &Simulated,
    closed: &ClosedDown,
) {
    config.console_listen = Console(Some(free(config.console_listen.0)));
    let by_rule = simulated.base_url();
    let upstream = |upstream: &Upstream| {
        let base_url = match upstream.name.as_str() {
            REAL => model.unwrap_or(&by_rule).to_owned(),
            CLOSED => format!("http://{}/v1", closed.address),
            _ => by_rule.clone(),
        };
        UpstreamConfig { models: upstream.models.clone(), ..UpstreamConfig::new(&upstream.name, base_url) }
    };
    let upstreams = organisation.upstreams.iter().map(upstream).collect();
    config.gateway.set_up(free(Some(config.gateway.listen())), upstreams);
    // The story tells the same numbers each time; canaries in between would come when they like.
    config.gateway.probe_when_asked();
}

/// `wanted` when nobody has it, else another port beside it.
fn free(wanted: Option<SocketAddr>) -> SocketAddr {
    let any = SocketAddr::new(wanted.map_or(Ipv4Addr::LOCALHOST.into(), |wanted| wanted.ip()), 0);
    wanted.filter(|wanted| TcpListener::bind(wanted).is_ok()).unwrap_or(any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_can_be_reached_where_a_provider_closed_down() {
        let closed = ClosedDown::take().expect("loopback is there");
        let refused = std::net::TcpStream::connect(closed.address).map(drop).map_err(|error| error.kind());
        assert_eq!(refused, Err(io::ErrorKind::ConnectionRefused), "the sample call would end otherwise");
        assert!(TcpListener::bind(closed.address).is_err(), "another program could answer the sample call");
    }

    #[test]
    fn a_port_that_is_taken_is_left_to_whoever_has_it() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
        let address = taken.local_addr().expect("it is bound");
        assert_eq!(free(Some(address)).port(), 0, "the demo would not start beside another server");
        drop(taken);
        assert_eq!(free(Some(address)), address, "an address that is free is not taken");
    }
}
