//! Ports for what a test starts.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// An address with a port that nobody listens on, below those that the system hands out by itself.
#[must_use]
pub fn free() -> SocketAddr {
    const FIRST: u16 = 15_000;
    const COUNT: u16 = 5_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Two test processes at once begin at different ports.
    let own = u16::try_from(std::process::id() * 50 % u32::from(COUNT)).unwrap_or_default();
    loop {
        let port = FIRST + (own + NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
