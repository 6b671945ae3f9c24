//! The server of a live run, on a thread of its own, so that no reader takes time from the run.

use super::access::Token;
use super::patient::{PATIENCE, Patient};
use super::routes::{Interface, routes};
use super::socket::SocketFile;
use axum::serve::Listener;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::oneshot;

/// How long readers may take the last events when the program ends.
const FAREWELL: Duration = Duration::from_secs(2);
/// The pause after a connection could not be accepted.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Where a run listens.
#[derive(Debug)]
pub(super) struct Places {
    /// Its socket.
    pub unix: Option<(SocketFile, std::os::unix::net::UnixListener)>,
    /// An address of the network, and the token that opens it.
    pub tcp: Option<(std::net::TcpListener, Token)>,
}

/// The server of a live run. Dropping it lets readers take what is left for a moment, and then closes the socket.
#[derive(Debug)]
pub struct Server {
    close: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves until it is dropped.
    pub(super) fn start(interface: Arc<Interface>, places: Places) -> io::Result<Self> {
        let (close, closed) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = std::thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || runtime.block_on(serve(interface, places, closed)))?;
        Ok(Self {
            close: Some(close),
            thread: Some(thread),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was reported when it happened.
            let _ = thread.join();
        }
    }
}

async fn serve(interface: Arc<Interface>, places: Places, closed: oneshot::Receiver<()>) {
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let mut servers = tokio::task::JoinSet::new();
    let until = |mut stopped: tokio::sync::watch::Receiver<bool>| async move {
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let mut socket = None;
    if let Some((file, listener)) = places.unix {
        socket = Some(file);
        match UnixListener::from_std(listener) {
            Ok(listener) => {
                let routes = routes(Arc::clone(&interface), None);
                let server = axum::serve(Local(listener), routes);
                let until = until(stopped.clone());
                servers.spawn(async move { server.with_graceful_shutdown(until).await });
            }
            Err(error) => tracing::error!(%error, "the socket cannot be served"),
        }
    }
    if let Some((listener, token)) = places.tcp {
        match TcpListener::from_std(listener) {
            Ok(listener) => {
                let routes = routes(interface, Some(token));
                let server = axum::serve(Remote(listener), routes);
                let until = until(stopped);
                servers.spawn(async move { server.with_graceful_shutdown(until).await });
            }
            Err(error) => tracing::error!(%error, "the address cannot be served"),
        }
    }
    // Also when the other end is gone.
    let _ = closed.await;
    drop(socket);
    let _ = stop.send(true);
    let done = async { while servers.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(FAREWELL, done).await;
}

struct Local(UnixListener);

impl Listener for Local {
    type Io = Patient<UnixStream>;
    type Addr = ();

    async fn accept(&mut self) -> (Self::Io, ()) {
        loop {
            match self.0.accept().await {
                Ok((stream, _)) => return (Patient::new(stream, PATIENCE), ()),
                Err(error) => refused(&error).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

struct Remote(TcpListener);

impl Listener for Remote {
    type Io = Patient<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            match self.0.accept().await {
                Ok((stream, address)) => {
                    let _ = stream.set_nodelay(true);
                    return (Patient::new(stream, PATIENCE), address);
                }
                Err(error) => refused(&error).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A connection could not be accepted: too many files are open, or the other end has gone.
async fn refused(error: &io::Error) {
    tracing::warn!(%error, "a connection was not accepted");
    tokio::time::sleep(AGAIN_AFTER).await;
}
