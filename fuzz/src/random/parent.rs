//! Starts a process for each target, watches its memory, and keeps the input that ended it.

use super::child::{HANGS, PANICKED};
use super::options::{Options, home};
use plandeck_fuzz::Target;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// Most memory of one target, in kB.
const MOST_MEMORY: u64 = 1536 * 1024;

/// Runs every target; whether none found a fault.
pub fn run(options: &Options) -> Result<bool, String> {
    println!(
        "{} targets, {} s each, {} at a time, seed {}",
        options.targets.len(),
        options.seconds,
        options.jobs,
        options.seed
    );
    let next = AtomicUsize::new(0);
    let sound = AtomicBool::new(true);
    let broken: Mutex<Option<String>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..options.jobs {
            scope.spawn(|| {
                while let Some(target) = options.targets.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match watch(target, options) {
                        Ok(true) => {}
                        Ok(false) => sound.store(false, Ordering::Relaxed),
                        Err(message) => {
                            if let Ok(mut broken) = broken.lock() {
                                *broken = Some(message);
                            }
                        }
                    }
                }
            });
        }
    });
    match broken.into_inner() {
        Ok(Some(message)) => Err(message),
        _ => Ok(sound.into_inner()),
    }
}

/// Runs one target; whether it found no fault.
fn watch(target: &Target, options: &Options) -> Result<bool, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let current = folder.path().join("input");
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut child = Command::new(program)
        .args(["--child".as_ref(), current.as_os_str()])
        .args(["--seconds", &options.seconds.to_string()])
        .args(["--seed", &options.seed.to_string()])
        .arg(target.name)
        // What a target leaves behind goes with the folder.
        .env("TMPDIR", folder.path())
        .env("PLANDECK_HOME", folder.path().join("home"))
        .env("RUST_BACKTRACE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let (status, too_big) = wait(&mut child).map_err(|error| error.to_string())?;
    let mut count = String::new();
    if let Some(mut out) = child.stdout.take() {
        let _ = out.read_to_string(&mut count);
    }
    if status.success() {
        let (name, count) = (target.name, count.trim());
        println!("{name}: {count} inputs, no fault");
        return Ok(true);
    }
    if status.code() == Some(2) {
        return Err(format!("{}: could not be run", target.name));
    }
    let kept = keep(target, &current)?;
    println!(
        "{}: {}; the input is in {}",
        target.name,
        what(status, too_big),
        kept.display()
    );
    Ok(false)
}

fn what(status: ExitStatus, too_big: bool) -> String {
    match status.code() {
        _ if too_big => format!("takes more than {} MB", MOST_MEMORY / 1024),
        Some(PANICKED) => "panics".to_owned(),
        Some(HANGS) => "takes too long".to_owned(),
        _ => format!("ends the process: {status}"),
    }
}

/// Waits for the end; whether it was ended here because of its memory.
fn wait(child: &mut Child) -> std::io::Result<(ExitStatus, bool)> {
    let mut too_big = false;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok((status, too_big));
        }
        if resident(child.id()) > MOST_MEMORY {
            too_big = true;
            child.kill()?;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Memory of a process in kB; 0 where the system does not say.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// Copies the input into the folder of failures.
fn keep(target: &Target, current: &Path) -> Result<PathBuf, String> {
    let folder = home().join("failures");
    let input = std::fs::read(current).map_err(|error| error.to_string())?;
    let hash = blake3::hash(&input).to_hex();
    let kept = folder.join(format!("{}-{}", target.name, &hash[..12]));
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&kept, input))
        .map_err(|error| format!("{}: {error}", kept.display()))?;
    Ok(kept)
}
