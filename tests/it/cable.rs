//! A cable between a process and a server, which can be cut or go dead.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How the cable is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// Bytes go through.
    Sound,
    /// Connections stay open, and nothing goes through.
    Deaf,
    /// Deaf once so many bytes have gone through, in either direction.
    DeafAfter(usize),
}

/// A TCP proxy on a port of its own.
pub(crate) struct Cable {
    address: SocketAddr,
    state: Arc<watch::Sender<State>>,
    /// Counts cuts: a connection ends when it sees another number than at its beginning.
    cuts: Arc<watch::Sender<u32>>,
    task: JoinHandle<()>,
}

impl Cable {
    /// A cable to a port of this machine.
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(watch::Sender::new(State::Sound));
        let cuts = Arc::new(watch::Sender::new(0));
        let (known, cutting) = (Arc::clone(&state), Arc::clone(&cuts));
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (state, mut cut) = (Arc::clone(&known), cutting.subscribe());
                cut.mark_unchanged();
                tokio::spawn(async move {
                    let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else {
                        return;
                    };
                    let (near_in, near_out) = near.into_split();
                    let (far_in, far_out) = far.into_split();
                    tokio::select! {
                        () = pump(near_in, far_out, &state) => {}
                        () = pump(far_in, near_out, &state) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        Self {
            address,
            state,
            cuts,
            task,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Let nothing through from now on, while connections seem to stand.
    pub(crate) fn deafen(&self) {
        self.state.send_replace(State::Deaf);
    }

    /// Let nothing through after so many bytes.
    pub(crate) fn deafen_after(&self, bytes: usize) {
        self.state.send_replace(State::DeafAfter(bytes));
    }

    /// Wait until nothing goes through any more.
    pub(crate) async fn is_deaf(&self) {
        let mut state = self.state.subscribe();
        let _state = state.wait_for(|state| *state == State::Deaf).await.unwrap();
    }

    /// End all connections; new ones work.
    pub(crate) fn cut(&self) {
        self.state.send_replace(State::Sound);
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Copy bytes while the cable is sound.
async fn pump(
    mut from: impl tokio::io::AsyncRead + Unpin,
    mut to: impl tokio::io::AsyncWrite + Unpin,
    state: &watch::Sender<State>,
) {
    let mut bytes = vec![0; 16 * 1024];
    let mut known = state.subscribe();
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        state.send_if_modified(|state| {
            let State::DeafAfter(left) = *state else {
                return false;
            };
            *state = match left.checked_sub(read) {
                Some(left) => State::DeafAfter(left),
                None => State::Deaf,
            };
            true
        });
        let sound = known.wait_for(|state| *state != State::Deaf).await.is_ok();
        if !sound || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
