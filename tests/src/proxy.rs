//! A TCP proxy between a service and what it needs, with faults that can be switched while it runs.
//!
//! Linux's own way to disturb a network, netem, is not in every kernel and asks for rights that a
//! test does not have.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Which of the two directions of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the one who connects.
    Requests,
    /// To the one who connects.
    Answers,
    /// Both.
    Both,
}

/// What is wrong with all connections of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Those that there are end, and new ones end at once.
    Cut,
    /// They stay and new ones are taken, but nothing passes this way, not even an end.
    Stall(Way),
    /// Those that there are pass nothing any more, not even an end, and never will; new ones are as
    /// if nothing were wrong. So it is when whoever is between the two has forgotten them.
    HalfOpen,
    /// Each piece that is read waits so long before it is passed on.
    Delay(Duration),
    /// At most so many bytes a second pass, on each connection and each way.
    Throttle {
        /// The rate, at least 1.
        bytes_per_second: u32,
    },
}

/// A proxy on a port of its own. With this value it ends, and all its connections do.
pub struct Proxy {
    address: SocketAddr,
    switch: Arc<Switch>,
    accepting: Option<JoinHandle<()>>,
}

/// So much is read at once.
const PIECE_BYTES: usize = 16 * 1024;

/// The target is on this machine.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// A stall ends when the fault does; until then it is looked at again so often.
const STALL_LOOK: Duration = Duration::from_secs(60);

impl Proxy {
    /// Listens on a free port of this machine, and passes everything on to `target`.
    ///
    /// # Panics
    /// The system has no port or no thread left.
    #[must_use]
    pub fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let switch = Arc::new(Switch::default());
        let own = Arc::clone(&switch);
        let accepting = std::thread::spawn(move || accept(&listener, target, &own));
        Self { address, switch, accepting: Some(accepting) }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on this is wrong, and what was wrong before is not.
    pub fn set(&self, fault: Fault) {
        self.switch.set(fault);
    }

    /// How many connections have been cut, and how many pieces have had to wait: whether a fault has
    /// met anything.
    #[must_use]
    pub fn met(&self) -> Met {
        self.switch.lock().met
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.switch.lock().is_closed = true;
        self.set(Fault::Cut);
        // Whoever waits for a connection has to get one to see that there will be no more.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

/// What faults have met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// Connections that were cut or forgotten, or were not let in.
    pub cut: usize,
    /// Pieces that had to wait.
    pub held: usize,
}

/// What all connections of a proxy look at.
struct Switch {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    fault: Fault,
    is_closed: bool,
    pairs: Vec<Weak<Pair>>,
    met: Met,
}

impl Default for Switch {
    fn default() -> Self {
        let (fault, met) = (Fault::None, Met::default());
        let state = State { fault, is_closed: false, pairs: vec![], met };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }
}

impl Switch {
    /// No state is half changed when somebody panics, so it can be used after that.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, fault: Fault) {
        let mut state = self.lock();
        state.fault = fault;
        match fault {
            Fault::Cut => {
                let pairs = std::mem::take(&mut state.pairs);
                for pair in pairs.iter().filter_map(Weak::upgrade) {
                    state.met.cut += 1;
                    pair.end();
                }
            }
            Fault::HalfOpen => {
                let pairs: Vec<_> = state.pairs.iter().filter_map(Weak::upgrade).collect();
                state.met.cut += pairs.len();
                pairs.iter().for_each(|pair| pair.forgotten.store(true, Ordering::Relaxed));
            }
            Fault::None | Fault::Stall(_) | Fault::Delay(_) | Fault::Throttle { .. } => (),
        }
        self.changed.notify_all();
    }

    /// Lets a connection in, unless all are cut.
    fn admit(&self, pair: &Arc<Pair>) -> bool {
        let mut state = self.lock();
        if state.fault == Fault::Cut {
            state.met.cut += 1;
            return false;
        }
        state.pairs.retain(|pair| 0 < pair.strong_count());
        state.pairs.push(Arc::downgrade(pair));
        true
    }

    /// Waits for as long as the fault, whichever it is by then, keeps a piece of so many bytes.
    fn hold(&self, pair: &Pair, way: Way, bytes: usize) {
        let came = Instant::now();
        let mut state = self.lock();
        let mut is_held = false;
        loop {
            let is_forgotten = pair.forgotten.load(Ordering::Relaxed) && state.fault != Fault::Cut;
            let time = if is_forgotten { Duration::MAX } else { keeps(state.fault, way, bytes) };
            let left = time.saturating_sub(came.elapsed());
            if left.is_zero() {
                return;
            }
            state.met.held += usize::from(!is_held);
            is_held = true;
            let waited = self.changed.wait_timeout(state, left.min(STALL_LOOK));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// For how long a fault keeps a piece that goes this way.
fn keeps(fault: Fault, way: Way, bytes: usize) -> Duration {
    match fault {
        Fault::Stall(stalled) if stalled == Way::Both || stalled == way => Duration::MAX,
        Fault::None | Fault::Cut | Fault::HalfOpen | Fault::Stall(_) => Duration::ZERO,
        Fault::Delay(time) => time,
        Fault::Throttle { bytes_per_second } => {
            Duration::from_secs_f64(bytes as f64 / f64::from(bytes_per_second.max(1)))
        }
    }
}

/// One connection: from the client to here, and from here to the target.
struct Pair {
    client: TcpStream,
    target: TcpStream,
    /// It passes nothing any more.
    forgotten: AtomicBool,
}

impl Pair {
    fn end(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.target.shutdown(Shutdown::Both);
    }
}

fn accept(listener: &TcpListener, target: SocketAddr, switch: &Arc<Switch>) {
    for client in listener.incoming().flatten() {
        if switch.lock().is_closed {
            return;
        }
        // A target that is away looks from here like a connection that is closed at once.
        let Ok(target) = TcpStream::connect_timeout(&target, CONNECT_LIMIT) else { continue };
        let _ = (client.set_nodelay(true), target.set_nodelay(true));
        let pair = Arc::new(Pair { client, target, forgotten: AtomicBool::new(false) });
        if !switch.admit(&pair) {
            continue;
        }
        for way in [Way::Requests, Way::Answers] {
            let (pair, switch) = (Arc::clone(&pair), Arc::clone(switch));
            std::thread::spawn(move || {
                if pump(&pair, way, &switch).is_err() {
                    pair.end();
                }
            });
        }
    }
}

/// Passes on what comes, and at last its end.
fn pump(pair: &Pair, way: Way, switch: &Switch) -> io::Result<()> {
    let Pair { client, target, .. } = pair;
    let (mut from, mut to) = if way == Way::Answers { (target, client) } else { (client, target) };
    let mut piece = [0; PIECE_BYTES];
    loop {
        let bytes = from.read(&mut piece)?;
        switch.hold(pair, way, bytes);
        if bytes == 0 {
            return to.shutdown(Shutdown::Write);
        }
        to.write_all(&piece[..bytes])?;
    }
}
