//! The listener and its connections, which can be told to break in the middle of an answer.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use crate::system::{Clock, Sleep};

/// How long to wait after a failed accept, as when the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Where in an answer a connection breaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    /// After this many bytes of the answer.
    Head(usize),
    /// After the head and this many bytes of the body.
    Body(usize),
}

/// What a connection does at that place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Break {
    /// Reset it, as a machine that dies does.
    Reset,
    /// Close it, as a proxy that gives up does.
    Close,
    /// Send nothing for this long, then go on.
    Pause(Duration),
}

/// The orders of one connection, given by whoever answers on it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Orders(Arc<Mutex<Option<(Place, Break)>>>);

impl Orders {
    /// Break the answer that comes next.
    pub(crate) fn give(&self, place: Place, action: Break) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((place, action));
    }

    fn take(&self) -> Option<(Place, Break)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Connected<IncomingStream<'_, Loopback>> for Orders {
    fn connect_info(stream: IncomingStream<'_, Loopback>) -> Self {
        stream.io().orders.clone()
    }
}

/// The listening socket.
#[derive(Debug)]
pub(crate) struct Loopback {
    listener: TcpListener,
    clock: Clock,
}

impl Loopback {
    /// Accept connections from `listener`; pauses are measured by `clock`.
    pub(crate) const fn new(listener: TcpListener, clock: Clock) -> Self {
        Self { listener, clock }
    }
}

impl Listener for Loopback {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    // Without this, small answers wait for the next acknowledgement.
                    drop(stream.set_nodelay(true));
                    return (Connection::new(stream, self.clock.clone()), address);
                }
                Err(_exhausted) => self.clock.sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One connection.
pub(crate) struct Connection {
    stream: TcpStream,
    clock: Clock,
    orders: Orders,
    state: State,
}

enum State {
    /// Everything passes.
    Free,
    /// This many bytes pass, then it breaks.
    Before(usize, Break),
    /// Nothing passes until the time is over.
    Pausing(Sleep),
}

impl Connection {
    fn new(stream: TcpStream, clock: Clock) -> Self {
        Self {
            stream,
            clock,
            orders: Orders::default(),
            state: State::Free,
        }
    }

    fn break_off(&mut self, action: Break) -> Option<io::Error> {
        match action {
            Break::Pause(duration) => {
                self.state = State::Pausing(self.clock.sleep(duration));
                None
            }
            Break::Close => Some(io::ErrorKind::BrokenPipe.into()),
            Break::Reset => {
                // Closing a socket that lingers for no time sends a reset.
                drop(self.stream.set_zero_linger());
                Some(io::ErrorKind::ConnectionReset.into())
            }
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some((place, action)) = self.orders.take() {
            self.state = State::Before(bytes_until(place, bytes), action);
        }
        loop {
            match &mut self.state {
                State::Free => return Pin::new(&mut self.stream).poll_write(cx, bytes),
                State::Pausing(sleep) => {
                    ready!(sleep.as_mut().poll(cx));
                    self.state = State::Free;
                }
                State::Before(0, action) => {
                    let action = *action;
                    if let Some(error) = self.break_off(action) {
                        return Poll::Ready(Err(error));
                    }
                }
                State::Before(left, action) => {
                    let (left, action) = (*left, *action);
                    let some = bytes.get(..left).unwrap_or(bytes);
                    let sent = ready!(Pin::new(&mut self.stream).poll_write(cx, some))?;
                    self.state = State::Before(left - sent, action);
                    return Poll::Ready(Ok(sent));
                }
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// How many bytes pass before `place`, in an answer that begins with `bytes`.
fn bytes_until(place: Place, bytes: &[u8]) -> usize {
    match place {
        Place::Head(count) => count,
        Place::Body(count) => {
            let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
            end.map_or(bytes.len(), |end| end + 4) + count
        }
    }
}
