//! A port with limits on who comes in, so that neither many nor slow clients can hold the service.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};

/// What clients may do.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// So many connections at once; more wait until one ends.
    pub connections: usize,
    /// From the first byte of a request to the first byte of its response.
    pub request: Duration,
    /// Without a request, or without taking more of a response.
    pub idle: Duration,
}

impl Limits {
    /// Those of a service.
    pub const DEFAULT: Self =
        Self { connections: 256, request: Duration::from_secs(30), idle: Duration::from_secs(60) };
}

/// A listener with limits.
pub struct Limited {
    listener: TcpListener,
    limits: Limits,
    free: Arc<Semaphore>,
}

impl Limited {
    /// Puts `limits` on `listener`.
    pub fn new(listener: TcpListener, limits: Limits) -> Self {
        Self { listener, limits, free: Arc::new(Semaphore::new(limits.connections)) }
    }
}

impl Listener for Limited {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let Ok(place) = Arc::clone(&self.free).acquire_owned().await else {
            unreachable!("the semaphore is never closed")
        };
        let (stream, address) = Listener::accept(&mut self.listener).await;
        (Connection::new(stream, self.limits, place), address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends when a limit is passed.
pub struct Connection {
    stream: TcpStream,
    limits: Limits,
    deadline: Pin<Box<Sleep>>,
    /// A request has begun to come, and nothing of its response has gone out.
    in_request: bool,
    /// Frees a place for another connection.
    _place: OwnedSemaphorePermit,
}

impl Connection {
    fn new(stream: TcpStream, limits: Limits, place: OwnedSemaphorePermit) -> Self {
        let deadline = Box::pin(tokio::time::sleep(limits.idle));
        Self { stream, limits, deadline, in_request: false, _place: place }
    }

    fn ends_after(&mut self, time: Duration) {
        self.deadline.as_mut().reset(Instant::now() + time);
    }

    /// Nothing moves: the wait for it ends at the deadline.
    fn poll_deadline<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        ready!(self.deadline.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Pending => self.poll_deadline(context),
            Poll::Ready(read) => {
                if before < buffer.filled().len() && !self.in_request {
                    self.in_request = true;
                    let limit = self.limits.request;
                    self.ends_after(limit);
                }
                Poll::Ready(read)
            }
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(context, bytes) {
            Poll::Pending => self.poll_deadline(context),
            Poll::Ready(written) => {
                self.in_request = false;
                let limit = self.limits.idle;
                self.ends_after(limit);
                Poll::Ready(written)
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
