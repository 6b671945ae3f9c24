//! `plandeck tools login` and `logout`: the tokens of MCP servers over HTTP.

use super::args::tools::LoginArgs;
use super::failure::Failure;
use super::known_tools::known;
use super::output::{note_line, out_line};
use crate::session::{Settings, servers_of};
use crate::text::line;
use crate::tools::CatalogToolbox;
use std::process::{Command, Stdio};

/// Exit code where the user is not logged in.
const NOT_LOGGED_IN: u8 = 1;

/// Logs the user in to a server.
pub(super) async fn log_in(args: LoginArgs) -> Result<u8, Failure> {
    let toolbox = toolbox(&args).await?;
    let mut show = |address: &str| {
        note_line("permit access at this address, in a browser on this machine:");
        let _ = out_line(&line(address));
        open(address);
    };
    match toolbox.log_in(&args.server, &mut show).await {
        Ok(()) => {
            note_line(&format!("logged in to {}", line(&args.server)));
            Ok(0)
        }
        Err(error) => {
            note_line(&error.message);
            Ok(NOT_LOGGED_IN)
        }
    }
}

/// Forgets the tokens of a server.
pub(super) async fn log_out(args: LoginArgs) -> Result<u8, Failure> {
    let toolbox = toolbox(&args).await?;
    let server = line(&args.server);
    match toolbox.log_out(&args.server) {
        Ok(true) => note_line(&format!("logged out of {server}")),
        Ok(false) => note_line(&format!("there are no tokens for {server}")),
        Err(error) => {
            note_line(&error.message);
            return Ok(NOT_LOGGED_IN);
        }
    }
    Ok(0)
}

async fn toolbox(args: &LoginArgs) -> Result<CatalogToolbox, Failure> {
    let here = std::env::current_dir().unwrap_or_default();
    let settings = Settings::load(&here)?;
    let (known, source) = known(None, &args.from)?;
    if !known.mcp_servers.contains_key(&args.server) {
        let names: Vec<&str> = known.mcp_servers.keys().map(String::as_str).collect();
        let names = match names.join(", ") {
            names if names.is_empty() => "there is none here".to_owned(),
            names => format!("there are: {names}"),
        };
        return Err(Failure::usage(format!(
            "there is no MCP server {:?} ({names}); name the file that has it with --tools or --mcp-config",
            args.server
        )));
    }
    Ok(servers_of(&known, &source, &settings).await?)
}

/// Opens the address in `$BROWSER`, where the user has set one.
fn open(address: &str) {
    let Some(browser) = std::env::var_os("BROWSER").filter(|name| !name.is_empty()) else {
        return;
    };
    let started = Command::new(&browser)
        .arg(address)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Err(error) = started {
        let browser = line(&browser.to_string_lossy());
        note_line(&format!("{browser} cannot be started: {error}"));
    }
}
