//! Closes what a child inherited by accident.

use rustix::stdio::{dup2_stdin, dup2_stdout};
use std::fs::File;
use std::io;

/// Closes all file descriptors but the standard three. Whoever started this program may have left files, sockets or a
/// terminal open; its children have no business with them.
///
/// Call it before this process opens anything itself.
pub(in crate::tools) fn close_inherited() {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else {
        return;
    };
    let open: Vec<i32> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    // The one with which the folder was read is closed already; closing it again is an error without consequences.
    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2) {
        let _ = nix::unistd::close(descriptor);
    }
}

/// Lets go of standard input and output, so that the other ends see when the program has closed them.
pub(super) fn release_pipes() -> io::Result<()> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    Ok(())
}
