//! One target, in a process of its own.

use super::mutate::mutated;
use super::options::{Options, corpus};
use fastrand::Rng;
use plandeck_fuzz::Target;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long one input may take, on a busy machine too.
const DEADLINE: Duration = Duration::from_secs(30);
/// The status after a panic, whichever thread panicked, and after an input that took too long.
pub const PANICKED: i32 = 70;
/// See [`PANICKED`].
pub const HANGS: i32 = 71;

/// Inputs so far; while it stands still, one input is running.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// Runs a target until its time is over. The parent finds the input in the file.
pub fn run(options: &Options) -> Result<bool, String> {
    let ([target], Some(current)) = (&options.targets[..], &options.child) else {
        return Err("a child runs one target".to_owned());
    };
    end_on_faults();
    let inputs = corpus(target)?;
    let mut place = Place::open(current.clone())?;
    let mut rng = Rng::with_seed(options.seed ^ name_as_number(target.name));
    let end = Instant::now() + Duration::from_secs(options.seconds);
    for input in &inputs {
        take(target, &mut place, input)?;
    }
    while Instant::now() < end {
        let input = mutated(&inputs, target.words, &mut rng);
        take(target, &mut place, &input)?;
    }
    println!("{}", COUNT.load(Ordering::Relaxed));
    Ok(true)
}

/// Runs one input from a file.
pub fn once(options: &Options) -> Result<bool, String> {
    let ([target], Some(file)) = (&options.targets[..], &options.file) else {
        return Err("--file needs one target".to_owned());
    };
    end_on_faults();
    let input = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let start = Instant::now();
    (target.run)(&input);
    println!("{}: no fault in {:?}", target.name, start.elapsed());
    Ok(true)
}

fn take(target: &Target, place: &mut Place, input: &[u8]) -> Result<(), String> {
    place.note(input)?;
    (target.run)(input);
    COUNT.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// Ends the process at the first panic of any thread, and when an input takes too long.
fn end_on_faults() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        print(info);
        std::process::exit(PANICKED);
    }));
    std::thread::spawn(|| {
        let mut seen = (COUNT.load(Ordering::Relaxed), Instant::now());
        loop {
            std::thread::sleep(Duration::from_millis(200));
            let count = COUNT.load(Ordering::Relaxed);
            if count != seen.0 {
                seen = (count, Instant::now());
            } else if seen.1.elapsed() > DEADLINE {
                std::process::exit(HANGS);
            }
        }
    });
}

/// The file in which the parent finds the input of a child that ended.
struct Place(PathBuf);

impl Place {
    fn open(path: PathBuf) -> Result<Self, String> {
        let mut place = Self(path);
        place.note(b"")?;
        Ok(place)
    }

    fn note(&mut self, input: &[u8]) -> Result<(), String> {
        std::fs::File::create(&self.0)
            .and_then(|mut file| file.write_all(input))
            .map_err(|error| format!("{}: {error}", self.0.display()))
    }
}

/// So that targets with the same seed do not get the same numbers.
fn name_as_number(name: &str) -> u64 {
    name.bytes().fold(7, |sum, byte| sum * 31 + u64::from(byte))
}
