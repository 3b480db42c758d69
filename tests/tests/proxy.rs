//! The proxy does to a connection what its faults say, and undoes it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use tests::proxy::{Fault, Proxy, Way};

/// Long enough to see that nothing comes.
const SILENCE: Duration = Duration::from_millis(300);

/// Answers each connection with what it says, until the test's process ends.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            std::thread::spawn(move || std::io::copy(&mut &client, &mut &client));
        }
    });
    address
}

fn client(proxy: &Proxy) -> TcpStream {
    let client = TcpStream::connect(proxy.address()).expect("the proxy listens");
    client.set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out");
    client
}

/// Says it and hears it again. Out: how long that took.
fn round_trip(mut client: &TcpStream, bytes: usize) -> std::io::Result<Duration> {
    let began = Instant::now();
    let said = vec![7; bytes];
    client.write_all(&said)?;
    let mut heard = vec![0; bytes];
    client.read_exact(&mut heard)?;
    assert!(heard == said, "the bytes are those that were said");
    Ok(began.elapsed())
}

fn is_silent(mut client: &TcpStream) -> bool {
    client.set_read_timeout(Some(SILENCE)).expect("a time-out");
    let read = client.read(&mut [0; 1]);
    client.set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out");
    read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

#[test]
fn without_a_fault_all_passes_and_an_end_does_too() {
    let proxy = Proxy::to(echo());
    let mut client = client(&proxy);
    round_trip(&client, 100_000).expect("all of it");
    client.shutdown(std::net::Shutdown::Write).expect("an end");
    assert_eq!(client.read(&mut [0; 1]).expect("an end"), 0);
    let met = proxy.met();
    assert_eq!((met.cut, met.held), (0, 0));
}

#[test]
fn cut_ends_what_is_there_and_lets_nobody_in() {
    let proxy = Proxy::to(echo());
    let before = client(&proxy);
    round_trip(&before, 1).expect("it works");
    proxy.set(Fault::Cut);
    assert!(round_trip(&before, 1).is_err(), "it was cut");
    assert!(round_trip(&client(&proxy), 1).is_err(), "nobody is let in");
    proxy.set(Fault::None);
    assert!(round_trip(&before, 1).is_err(), "it stays so");
    round_trip(&client(&proxy), 1).expect("a new one works");
    assert_eq!(proxy.met().cut, 2);
}

#[test]
fn a_stall_keeps_everything_and_then_lets_it_go() {
    for way in [Way::Both, Way::Requests, Way::Answers] {
        let proxy = Proxy::to(echo());
        let mut before = client(&proxy);
        round_trip(&before, 1).expect("it works");
        proxy.set(Fault::Stall(way));
        let mut new = client(&proxy);
        for mut client in [&before, &new] {
            client.write_all(&[7]).expect("it is taken");
            assert!(is_silent(client), "{way:?}");
        }
        proxy.set(Fault::None);
        for client in [&mut before, &mut new] {
            let mut heard = [0];
            client.read_exact(&mut heard).expect("what was kept");
            assert_eq!(heard, [7]);
            round_trip(client, 1).expect("it works");
        }
        assert!(2 <= proxy.met().held, "{way:?}");
    }
}

/// What is asked arrives, what is answered does not, and is lost by a cut.
#[test]
fn a_stall_of_answers_keeps_answers_only() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let proxy = Proxy::to(listener.local_addr().expect("an address"));
    proxy.set(Fault::Stall(Way::Answers));
    let mut client = client(&proxy);
    let (mut target, _) = listener.accept().expect("the proxy connects");
    client.write_all(&[7]).expect("it is taken");
    let mut heard = [0];
    target.read_exact(&mut heard).expect("a request");
    target.write_all(&heard).expect("an answer");
    assert!(is_silent(&client));
    proxy.set(Fault::Cut);
    let read = client.read(&mut heard);
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
}

#[test]
fn half_open_connections_stay_silent_and_new_ones_work() {
    let proxy = Proxy::to(echo());
    let mut before = client(&proxy);
    round_trip(&before, 1).expect("it works");
    proxy.set(Fault::HalfOpen);
    before.write_all(&[7]).expect("it is taken");
    assert!(is_silent(&before));
    round_trip(&client(&proxy), 1).expect("a new one works");
    proxy.set(Fault::None);
    assert!(is_silent(&before), "it stays so");
    assert_eq!(proxy.met().cut, 1);
    proxy.set(Fault::Cut);
    assert!(round_trip(&before, 1).is_err(), "it was cut");
}

#[test]
fn a_delay_and_a_throttle_take_their_time() {
    let proxy = Proxy::to(echo());
    let client = client(&proxy);
    proxy.set(Fault::Delay(SILENCE));
    let delayed = round_trip(&client, 1).expect("late");
    assert!(2 * SILENCE <= delayed, "once each way, and it took {delayed:?}");
    proxy.set(Fault::Throttle { bytes_per_second: 10_000 });
    let throttled = round_trip(&client, 5_000).expect("slowly");
    assert!(Duration::from_millis(500) <= throttled, "it took {throttled:?}");
}
