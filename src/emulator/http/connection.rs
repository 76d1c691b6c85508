//! The listener and its connections, which can be told to break in the middle of an answer.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::emulator::http::tls::{Identity, Stream};
use crate::system::{Clock, Sleep};

/// How long to wait after a failed accept, as when the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How many connections are served at once; more wait in line.
const CONNECTIONS: usize = 1024;

/// What `arriving` brings, if it comes in time. A clock that a test moves does not hurry it.
pub(crate) async fn in_time<T>(
    clock: &Clock,
    patience: Duration,
    arriving: impl Future<Output = T>,
) -> Option<T> {
    // A test's clock never reaches a deadline by itself.
    if !clock.runs_by_itself() {
        return Some(arriving.await);
    }
    tokio::select! {
        arrived = arriving => Some(arrived),
        () = clock.sleep(patience) => None,
    }
}

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
pub(crate) struct Orders {
    next: Arc<Mutex<Option<(Place, Break)>>>,
    /// How many requests are being answered.
    busy: Arc<AtomicUsize>,
}

/// While it lives, a request is being answered.
#[derive(Debug)]
pub(crate) struct Busy(Arc<AtomicUsize>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Orders {
    /// Note that a request has arrived; the connection is not waiting for one as long as the answer takes.
    pub(crate) fn busy(&self) -> Busy {
        self.busy.fetch_add(1, Ordering::SeqCst);
        Busy(Arc::clone(&self.busy))
    }

    /// Break the answer that comes next.
    pub(crate) fn give(&self, place: Place, action: Break) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some((place, action));
    }

    fn take(&self) -> Option<(Place, Break)> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        next.take()
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
    /// For HTTPS.
    identity: Option<Arc<Identity>>,
    clock: Clock,
    patience: Duration,
    places: Arc<Semaphore>,
}

impl Loopback {
    /// Accept connections from `listener`, each of which waits so long for a request; pauses are measured by `clock`.
    pub(crate) fn new(
        listener: TcpListener,
        identity: Option<Arc<Identity>>,
        clock: Clock,
        patience: Duration,
    ) -> Self {
        Self {
            listener,
            identity,
            clock,
            patience,
            places: Arc::new(Semaphore::new(CONNECTIONS)),
        }
    }
}

impl Listener for Loopback {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        // The semaphore is never closed; without a permit the connection is served anyway.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    // Without this, small answers wait for the next acknowledgement.
                    drop(stream.set_nodelay(true));
                    let stream = match &self.identity {
                        Some(identity) => identity.accept(stream),
                        None => Stream::Plain(stream),
                    };
                    return (
                        Connection::new(stream, self.clock.clone(), self.patience, place),
                        address,
                    );
                }
                // No file descriptor is left; a moment later there may be one.
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
    stream: Stream,
    clock: Clock,
    orders: Orders,
    state: State,
    patience: Duration,
    /// When the wait for a request ends.
    deadline: Option<Sleep>,
    _place: Option<OwnedSemaphorePermit>,
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
    fn new(
        stream: Stream,
        clock: Clock,
        patience: Duration,
        place: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self {
            stream,
            clock,
            orders: Orders::default(),
            state: State::Free,
            patience,
            deadline: None,
            _place: place,
        }
    }

    /// Whether nothing is being answered, so that a request should arrive.
    fn is_waiting(&self) -> bool {
        // Only a connection between two requests may time out: an answer may take as long as it likes.
        let idle = self.orders.busy.load(Ordering::SeqCst) == 0;
        idle && matches!(self.state, State::Free) && self.clock.runs_by_itself()
    }

    fn break_off(&mut self, action: Break) -> Option<io::Error> {
        match action {
            Break::Pause(duration) => {
                self.state = State::Pausing(self.clock.sleep(duration));
                None
            }
            Break::Close => Some(io::ErrorKind::BrokenPipe.into()),
            Break::Reset => {
                self.stream.reset_at_close();
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
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if !self.is_waiting() {
            self.deadline = None;
            return read;
        }
        ready_or_late(&mut self, cx, read)
    }
}

/// What was read, or that the request has not arrived in time: bytes that trickle in do not put the end off.
fn ready_or_late(
    connection: &mut Connection,
    cx: &mut Context<'_>,
    read: Poll<io::Result<()>>,
) -> Poll<io::Result<()>> {
    if read.is_ready() {
        return read;
    }
    let Connection {
        deadline,
        clock,
        patience,
        ..
    } = connection;
    let deadline = deadline.get_or_insert_with(|| clock.sleep(*patience));
    match deadline.as_mut().poll(cx) {
        Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
        Poll::Pending => Poll::Pending,
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.clock.runs_by_itself() {
            // From here on it waits for the next request, and is woken when that has taken too long.
            let mut deadline = self.clock.sleep(self.patience);
            let _later = deadline.as_mut().poll(cx).is_pending();
            self.deadline = Some(deadline);
        }
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
                    // A part may be written at a time; the rest follows in the next call.
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
            // The head ends with an empty line.
            let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
            end.map_or(bytes.len(), |end| end + 4) + count
        }
    }
}
