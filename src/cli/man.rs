//! `plandeck man`: prints the manual page, generated from the definition of the command line.

use super::args::Cli;
use super::failure::Failure;
use super::output::{out, out_line};
use crate::session::SessionError;
use clap::CommandFactory;
use clap_mangen::Man;
use std::path::Path;

/// Prints the program's page on standard output. With a folder, writes one page per command to it and prints the paths.
pub(super) fn man(folder: Option<&Path>) -> Result<u8, Failure> {
    match folder {
        None => out(&page(Cli::command())?)?,
        Some(folder) => {
            std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, error))?;
            let mut command = Cli::command();
            command.build();
            write(&command, folder)?;
        }
    }
    Ok(0)
}

/// Writes the pages of a command and of its subcommands.
fn write(command: &clap::Command, folder: &Path) -> Result<(), Failure> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let file = folder.join(format!("{name}.1"));
    std::fs::write(&file, page(command.clone())?).map_err(|error| unwritable(&file, error))?;
    out_line(&file.display().to_string())?;
    let visible = |command: &&clap::Command| !command.is_hide_set();
    for below in command.get_subcommands().filter(visible) {
        write(below, folder)?;
    }
    Ok(())
}

fn unwritable(path: &Path, error: std::io::Error) -> Failure {
    SessionError::file(path.display().to_string(), error).into()
}

fn page(command: clap::Command) -> Result<String, Failure> {
    let mut page = Vec::new();
    Man::new(command)
        .render(&mut page)
        .map_err(Failure::Output)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
