//! `plandeck worker`: carries out calls of tools for an engine of durable calls.

use super::args::worker::WorkerArgs;
use super::failure::Failure;

/// Serves until the process is to end. Returns the exit code.
pub(super) async fn worker(args: WorkerArgs) -> Result<u8, Failure> {
    if args.temporal.is_some() {
        return Err(Failure::usage(
            "workers for Temporal are not supported yet: use --restate ADDRESS",
        ));
    }
    serving::serve(args).await
}

#[cfg(not(feature = "restate"))]
mod serving {
    use super::{Failure, WorkerArgs};

    #[allow(clippy::unused_async, reason = "as with the feature")]
    pub(super) async fn serve(_: WorkerArgs) -> Result<u8, Failure> {
        Err(Failure::usage(
            "this build has no workers: build plandeck with `cargo build --release --features restate`",
        ))
    }
}

#[cfg(feature = "restate")]
mod serving {
    use super::{Failure, WorkerArgs};
    use crate::cli::known_tools::known;
    use crate::cli::output::{note, note_line};
    use crate::cli::terminal::signal_code;
    use crate::remote::restate::{register, worker::serve as serve_restate};
    use crate::remote::serve::Served;
    use crate::session::{ItemServer, Settings, served_tools};
    use crate::tui::EndingSignals;
    use std::sync::Arc;
    use tokio::net::TcpListener;
    use tokio::sync::oneshot;

    pub(super) async fn serve(args: WorkerArgs) -> Result<u8, Failure> {
        let here = std::env::current_dir().unwrap_or_default();
        let settings = Settings::load(&here)?;
        let (catalog, mut source) = known(None, &args.from)?;
        source.worker = args.worker;
        source.base_url = args.base_url;
        source.seed = args.seed;
        source.allow_unsandboxed = args.allow_unsandboxed;
        settings.complete(&mut source);
        let listing = served_tools(&catalog, &source, &settings).await?;
        for error in &listing.failures {
            note_line(&error.message);
        }
        let tools = listing.catalog.tools().len();
        let mut signals = EndingSignals::listen_in_background()
            .map_err(|error| Failure::usage(format!("signals: {error}")))?;
        let address = args.restate.unwrap_or_default();
        let unusable = |error: std::io::Error| Failure::usage(format!("{address}: {error}"));
        let whole = match address.strip_prefix(':') {
            Some(port) => format!("127.0.0.1:{port}"),
            None => address.clone(),
        };
        let listener = TcpListener::bind(&*whole).await.map_err(unusable)?;
        let bound = listener.local_addr().map_err(unusable)?;
        if !bound.ip().is_loopback() {
            note(&format!(
                "note: whoever reaches {bound} can have these tools called: let only the engine reach it\n"
            ));
        }
        let own = format!("http://{bound}");
        let name = format!("{bound} (process {})", std::process::id());
        let toolbox = Arc::new(listing.toolbox);
        let items = ItemServer::new(listing.catalog, Arc::clone(&toolbox), &name);
        let served = Served::new(toolbox, &name);
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = serve_restate(served, items, listener, async {
            let _ = stopped.await;
        });
        let serving = tokio::spawn(serving);
        note_line(&format!("worker at {own}: {tools} tools"));
        if let Some(admin) = &args.register {
            let own = args.advertise.as_deref().unwrap_or(&own);
            let done = register(admin, own, args.force).await;
            let done = done.map_err(|error| Failure::usage(error.to_string()))?;
            note_line(&done);
        }
        let number = signals.next().await;
        note_line("calls that are being made have 10 s to end");
        let _ = stop.send(());
        let _ = serving.await;
        Ok(signal_code(number))
    }
}
