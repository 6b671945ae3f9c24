//! Opens a run to other processes.

use super::access::Token;
use super::event_log::{EventLog, LogSink};
use super::routes::Interface;
use super::server::{Places, Server};
use super::socket::SocketFile;
use crate::session::{CommandSender, LiveEdits, PreparedRun, Previewer};
use crate::store::home;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::time::Instant;

/// Where a run listens beside its socket.
#[derive(Clone, Debug, Default)]
pub struct Listen {
    /// An address of the network: `127.0.0.1:7000`, `:0` for any port, `0.0.0.0:7000` for every network.
    pub address: Option<String>,
    /// The folder of the store; `None` for `PLANDECK_HOME` or else the user's data folder.
    pub home: Option<PathBuf>,
}

/// A run that is ready to be opened to other processes, once it has started.
#[derive(Debug)]
pub struct Door {
    log: Arc<EventLog>,
    places: Places,
    /// The address on which it listens, and its token.
    opened: Option<(SocketAddr, String)>,
    trouble: Option<String>,
    previewer: Previewer,
    /// Where edits of the plan are taken from, if whoever runs it takes any.
    edits: Option<LiveEdits>,
}

impl Listen {
    /// Has the run keep its latest events, and takes the socket and the address. A run without a socket runs all the same:
    /// [`Door::trouble`] says why.
    ///
    /// # Errors
    /// When the address that was asked for cannot be used.
    pub fn prepare(self, run: PreparedRun) -> io::Result<(PreparedRun, Door)> {
        let tcp = self.address.as_deref().map(bind).transpose()?;
        let run_id = Arc::clone(run.run_id());
        let home = match self.home.map_or_else(home, Ok) {
            Ok(home) => home,
            Err(error) => return Err(io::Error::other(error.to_string())),
        };
        let (unix, trouble) = match SocketFile::bind(&home, &run_id) {
            Ok(bound) => (Some(bound), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let previewer = run.previewer();
        let log = EventLog::new(run_id, home);
        let run = run.with_sink(LogSink(Arc::clone(&log)));
        let mut opened = None;
        let tcp = match tcp {
            None => None,
            Some(listener) => {
                let (token, text) =
                    Token::new().map_err(|error| io::Error::other(error.to_string()))?;
                opened = Some((listener.local_addr()?, text));
                Some((listener, token))
            }
        };
        let door = Door {
            log,
            places: Places { unix, tcp },
            opened,
            trouble,
            previewer,
            edits: None,
        };
        Ok((run, door))
    }
}

impl Door {
    /// The address of the network on which the run listens, and the token that opens it.
    pub fn address(&self) -> Option<(SocketAddr, &str)> {
        let (address, token) = self.opened.as_ref()?;
        Some((*address, token))
    }

    /// Why the run has no socket, where it has none.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Clients may edit the plan: whoever runs it takes the edits from here.
    #[must_use]
    pub(crate) fn with_edits(self, edits: LiveEdits) -> Self {
        Self {
            edits: Some(edits),
            ..self
        }
    }

    /// Serves the run that takes these commands and whose events count from `origin`, until the server is dropped.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn open(self, commands: CommandSender, origin: Instant) -> io::Result<Server> {
        Server::start(
            Interface::new(self.log, commands, (self.previewer, self.edits), origin),
            self.places,
        )
    }
}

fn bind(address: &str) -> io::Result<std::net::TcpListener> {
    let whole = match address.strip_prefix(':') {
        Some(port) => format!("127.0.0.1:{port}"),
        None if address.parse::<u16>().is_ok() => format!("127.0.0.1:{address}"),
        None => address.to_owned(),
    };
    let listener = std::net::TcpListener::bind(&*whole)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}
