//! A server that others keep busy: who sends slowly, or not at all, takes nothing from anybody else.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};
use tabellion_model::body::Role;

use super::house::House;

/// More than the requests that are worked on at a time.
const SLOW: usize = 80;

/// A connection from `source`, one of this machine's own addresses.
fn connect_from(source: [u8; 4], address: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from((source, 0)).into()).expect("an address of this machine");
    socket.connect_timeout(&address.into(), Duration::from_secs(10)).expect("the server listens");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    stream
}

/// The head of a request whose body never comes whole.
fn begun(path: &str, media: &str, more: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: notary\r\ncontent-type: {media}\r\ncontent-length: 1000\r\n{more}\r\na"
    )
}

#[test]
fn who_sends_slowly_does_not_keep_others_from_being_answered() {
    let house = House::new();
    let (_, token) = house.person("Ada", &[Role::Administrator]);
    let cookie = format!("cookie: tabellion_session={token}\r\n");
    let bearer = format!("authorization: Bearer {token}\r\n");
    let form = "application/x-www-form-urlencoded";
    let kinds = [
        begun("/login", form, ""),
        begun("/api/v1/session", "application/json", ""),
        begun("/people/new", form, &cookie),
        begun("/api/v1/people", "application/json", &bearer),
    ];
    // Each kind from an address of its own: what one has open is limited too.
    for (source, request) in (2..).zip(kinds) {
        let open: Vec<TcpStream> = (0..SLOW)
            .map(|_| {
                let mut stream = connect_from([127, 0, 0, source], house.server.address());
                stream.write_all(request.as_bytes()).expect("a head and one byte");
                stream
            })
            .collect();
        let line = request.lines().next().unwrap_or_default();
        for path in ["/healthz", "/readyz", "/metrics"] {
            assert_eq!(house.ask("GET", path).send().status, 200, "{path} during {SLOW} slow {line}");
        }
        // All of them at once are looked at for a moment each; after that they hold nothing.
        let until = Instant::now() + Duration::from_secs(10);
        while house.get(&token, "/api/v1/session").status != 200 {
            assert!(Instant::now() < until, "the console is gone during {line}");
        }
        drop(open);
    }
}

#[test]
fn who_is_not_known_gets_little_time_and_room_for_a_body() {
    let house = House::new();
    let mut stream = TcpStream::connect(house.server.address()).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    stream.write_all(begun("/api/v1/session", "application/json", "").as_bytes()).expect("sent");
    let mut answer = String::new();
    drop(stream.read_to_string(&mut answer));
    // Whoever is known has longer than this socket waits.
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");

    let large = format!("{{\"link\":\"{}\",\"for\":\"program\"}}", "a".repeat(20_000));
    let ask = house.ask("POST", "/api/v1/session").header("content-type", "application/json");
    ask.raw(large.as_bytes()).send().refused(413, "too_large");
    // A form of somebody unknown is not read at all: the refusal comes before its body.
    let mut stream = connect_from([127, 0, 0, 1], house.server.address());
    let nobody =
        begun("/people/new", "application/x-www-form-urlencoded", "cookie: tabellion_session=tbs_x\r\n");
    stream.write_all(nobody.as_bytes()).expect("sent");
    let mut first = [0; 12];
    stream.read_exact(&mut first).expect("an answer, though the form never came");
    assert_eq!(&first, b"HTTP/1.1 401", "{}", String::from_utf8_lossy(&first));
}

#[test]
fn one_machine_cannot_take_every_connection() {
    let house = House::new();
    let address = house.server.address();
    assert!(matches!(address.ip(), IpAddr::V4(_)));
    let idle: Vec<TcpStream> = (0..520).map(|_| connect_from([127, 0, 0, 1], address)).collect();
    let mut other = connect_from([127, 0, 0, 2], address);
    other.write_all(b"GET /healthz HTTP/1.1\r\nhost: notary\r\nconnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    other.read_to_string(&mut answer).expect("an answer, while one machine holds connections open");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let mut first = idle.first().expect("a connection");
    first.set_nonblocking(true).expect("a setting");
    let still = first.read(&mut [0; 1]);
    assert!(
        still.is_err_and(|error| error.kind() == ErrorKind::WouldBlock),
        "the other was answered only after the first ones had been given up"
    );
}
