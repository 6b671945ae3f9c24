//! The first stage on Linux: stays beside the program, and ends with everything that it started.
//!
//! The supervisor leads a session without a terminal and adopts orphans (it is a child subreaper), so whatever the
//! program starts stays its descendant: double forks, sessions and groups of their own do not change that. It ends them
//! all when the program has ended, when it is told to, and when the process that started it is gone, even by SIGKILL.

use super::control_group::ControlGroup;
use super::descriptors::{close_inherited, release_pipes};
use super::family::{Member, descendants};
use super::memory::MemoryLimit;
use super::share::Share;
use super::{GRACE, Launch, OVER_MEMORY, OVER_MEMORY_MARK, STARTED, not_started, write_line};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, getpid, getppid, kill_process, pidfd_open,
    set_child_subreaper, set_parent_process_death_signal, setsid, wait,
};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use std::collections::HashSet;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long it goes on killing processes of which none ends: they belong to another user, or wait for a device.
const GIVE_UP: Duration = Duration::from_secs(5);

/// How often it looks for its parent where the system cannot tell of its end.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// Starts the program and supervises it to its end.
pub(super) fn supervise(launch: &Launch) -> ExitCode {
    close_inherited();
    // `pkill plandeck` and `killall plandeck` are meant for the program that started this one, which then ends the rest.
    let _ = rustix::thread::set_name(c"launcher");
    let _ = setsid();
    let _ = set_child_subreaper(Some(getpid()));
    // Where the program has stopped this process, it is continued to see that its parent is gone. The signal also comes
    // when only a thread of the parent ends; then it changes nothing.
    let _ = set_parent_process_death_signal(Some(Signal::CONT));
    let parent = launch.group.as_deref();
    let group = parent.and_then(|parent| {
        ControlGroup::make(parent, getpid(), launch.memory_mb, launch.cpu_percent)
    });
    let started = Events::new(launch.parent).and_then(|events| {
        // The first line on standard error tells that this is a launcher.
        write_line(STARTED);
        let program = second_stage(launch, group.as_ref()).spawn()?;
        release_pipes()?;
        Ok((events, Pid::from_child(&program)))
    });
    match started {
        Ok((events, program)) => Supervisor {
            events,
            program,
            group,
            status: None,
            reaped: HashSet::new(),
        }
        .run(launch),
        Err(error) => {
            if let Some(group) = group {
                group.remove();
            }
            not_started(&launch.program, &error)
        }
    }
}

fn second_stage(launch: &Launch, group: Option<&ControlGroup>) -> Command {
    // The running file, even where another version has replaced it meanwhile.
    let mut command = Command::new("/proc/self/exe");
    command
        .arg("__start")
        .args(["--parent", &std::process::id().to_string()]);
    if let Some(memory) = launch.memory_mb {
        command.args(["--memory-mb", &memory.to_string()]);
    }
    if let Some(group) = group {
        command.arg("--group").arg(group.folder());
    }
    if let Some(jail) = &launch.jail {
        // Paths are text: they came as such.
        command
            .arg("--jail")
            .arg(serde_json::to_string(jail).unwrap_or_default());
    }
    command
        .arg("--")
        .arg(&launch.program)
        .args(&launch.arguments)
        // `kill 0` in a script must not reach the supervisor.
        .process_group(0);
    command
}

struct Supervisor {
    events: Events,
    program: Pid,
    /// The control group of the program, where there is one.
    group: Option<ControlGroup>,
    /// The program's; `None` while it runs.
    status: Option<WaitStatus>,
    /// What was reaped since the last look at the processor time.
    reaped: HashSet<Pid>,
}

impl Supervisor {
    fn run(mut self, launch: &Launch) -> ExitCode {
        let over_memory = self.keep(launch);
        let by_kernel = || {
            let group = self.group.as_ref();
            let was_killed = self
                .status
                .is_none_or(|status| status.exit_status().is_none());
            was_killed && group.is_some_and(ControlGroup::was_over_memory)
        };
        let over_memory = over_memory || by_kernel();
        if let Some(group) = &self.group {
            group.remove();
        }
        if over_memory {
            let megabytes = launch.memory_mb.unwrap_or_default();
            write_line(&format!("{OVER_MEMORY_MARK}{megabytes} MB"));
            return ExitCode::from(OVER_MEMORY);
        }
        self.status.map_or(ExitCode::FAILURE, end_like)
    }

    /// Supervises the program until there is nothing left of it; whether it was ended because it used too much memory.
    fn keep(&mut self, launch: &Launch) -> bool {
        let mut memory = Timed::new(launch.memory_mb.map(MemoryLimit::new));
        let held = self.group.as_ref().is_some_and(|group| group.holds_share);
        let percent = launch.cpu_percent.filter(|_| !held);
        let mut share = Timed::new(percent.map(Share::new));
        loop {
            let nobody_left = self.reap();
            if self.status.is_some() || nobody_left {
                self.kill_all();
                return false;
            }
            if self.events.end.load(Ordering::Relaxed) || self.events.is_orphan() {
                self.end_all();
                self.status = None;
                return false;
            }
            if let Some(limit) = memory.due() {
                if limit.is_exceeded(&descendants(getpid())) {
                    self.kill_all();
                    return true;
                }
                memory.at = Instant::now() + limit.next_look();
            }
            if let Some(limit) = share.due() {
                // The time of what was reaped after this look counts at the next one.
                let adopter = Member::read(getpid()).map_or(0.0, |this| this.reaped);
                let reaped = std::mem::take(&mut self.reaped);
                limit.keep(&descendants(getpid()), adopter, &reaped);
                share.at = Instant::now() + limit.next_look();
            } else if share.what.is_none() {
                self.reaped.clear();
            }
            let wait = [memory.left(), share.left()].into_iter().flatten().min();
            self.events.wait(wait);
        }
    }

    /// Reaps what has ended; whether there is no descendant left.
    fn reap(&mut self) -> bool {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((id, status))) => {
                    self.reaped.insert(id);
                    if id == self.program {
                        self.status = Some(status);
                    }
                }
                Ok(None) => return false,
                Err(Errno::INTR) => {}
                // An orphan is adopted at once, so without children there are no descendants either.
                Err(_) => return true,
            }
        }
    }

    /// Asks all descendants to end, and kills what is left of them after a moment.
    fn end_all(&mut self) {
        for member in descendants(getpid()) {
            member.signal(Signal::TERM);
            // A stopped process handles a signal only after it is continued.
            member.signal(Signal::CONT);
        }
        let until = Instant::now() + GRACE;
        while !self.reap() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.events.wait(Some(left));
        }
        self.kill_all();
    }

    /// Kills all descendants: stops them first, so that none starts others meanwhile, and repeats it until there are
    /// none.
    fn kill_all(&mut self) {
        if let Some(group) = &self.group {
            group.kill();
        }
        let mut last_end = Instant::now();
        let mut before = usize::MAX;
        while !self.reap() && last_end.elapsed() < GIVE_UP {
            let mut stopped = HashSet::new();
            loop {
                let mut is_new = false;
                for member in descendants(getpid()) {
                    if !member.has_ended() && stopped.insert(member.id) {
                        is_new |= member.signal(Signal::STOP);
                    }
                }
                if !is_new {
                    break;
                }
            }
            for id in &stopped {
                let _ = kill_process(*id, Signal::KILL);
            }
            if stopped.len() < before {
                last_end = Instant::now();
            }
            before = stopped.len();
            if !self.reap() {
                self.events.wait(Some(Duration::from_millis(5)));
            }
        }
    }
}

/// Something to look at from time to time, if at all.
struct Timed<T> {
    what: Option<T>,
    at: Instant,
}

impl<T> Timed<T> {
    fn new(what: Option<T>) -> Self {
        Self {
            what,
            at: Instant::now(),
        }
    }

    /// The thing, once its time has come.
    fn due(&mut self) -> Option<&mut T> {
        let is_due = self.at <= Instant::now();
        self.what.as_mut().filter(|_| is_due)
    }

    /// The time until then; `None` where there is nothing to look at.
    fn left(&self) -> Option<Duration> {
        let left = self.at.saturating_duration_since(Instant::now());
        self.what.as_ref().map(|_| left)
    }
}

/// Ends this process the way the program ended, so that whoever started it sees how.
fn end_like(status: WaitStatus) -> ExitCode {
    if let Some(code) = status.exit_status() {
        return ExitCode::from(u8::try_from(code).unwrap_or(1));
    }
    if let Some(signal) = status.terminating_signal() {
        // The program has written its core file; this process has nothing to add.
        let _ = rlimit::Resource::CORE.set(0, 0);
        let _ = signal_hook::low_level::emulate_default_handler(signal);
        if let Some(signal) = Signal::from_named_raw(signal) {
            let _ = kill_process(getpid(), signal);
        }
    }
    ExitCode::FAILURE
}

/// How the end of the process that wants the program is noticed.
enum Parent {
    /// Its descriptor is readable once it has ended.
    Watched(OwnedFd),
    /// A system before Linux 5.3: this process then has another parent. `None` where it was not its child.
    Asked(Option<Pid>),
}

/// What the supervisor waits for.
struct Events {
    /// Readable after a signal.
    signals: UnixStream,
    /// The process that wants the program.
    parent: Parent,
    is_orphan: bool,
    /// Somebody asks for the end.
    end: Arc<AtomicBool>,
}

impl Events {
    fn new(parent: Option<u32>) -> io::Result<Self> {
        let (signals, sender) = UnixStream::pair()?;
        signals.set_nonblocking(true)?;
        let end = Arc::<AtomicBool>::default();
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGQUIT] {
            signal_hook::flag::register(signal, end.clone())?;
            signal_hook::low_level::pipe::register(signal, sender.try_clone()?)?;
        }
        signal_hook::low_level::pipe::register(SIGCHLD, sender)?;
        let parent = parent.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let watched = parent.map(|id| pidfd_open(id, PidfdFlags::empty()));
        Ok(Self {
            signals,
            is_orphan: matches!(watched, Some(Err(Errno::SRCH))),
            parent: match watched {
                Some(Ok(descriptor)) => Parent::Watched(descriptor),
                _ => Parent::Asked(getppid().filter(|id| Some(*id) == parent)),
            },
            end,
        })
    }

    /// Whether the process that wants the program is gone.
    fn is_orphan(&self) -> bool {
        self.is_orphan || matches!(self.parent, Parent::Asked(Some(id)) if getppid() != Some(id))
    }

    /// Waits until something happens, at most for `limit`.
    fn wait(&mut self, limit: Option<Duration>) {
        let mut watched = vec![PollFd::new(&self.signals, PollFlags::IN)];
        let limit = match &self.parent {
            Parent::Watched(_) if self.is_orphan => limit,
            Parent::Watched(descriptor) => {
                watched.push(PollFd::new(descriptor, PollFlags::IN));
                limit
            }
            Parent::Asked(_) => Some(limit.map_or(ASK_AGAIN, |limit| limit.min(ASK_AGAIN))),
        };
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        let _ = poll(&mut watched, limit.as_ref());
        let ended = |fd: &PollFd<'_>| !fd.revents().is_empty();
        self.is_orphan |= watched.get(1).is_some_and(ended);
        let mut bytes = [0; 64];
        while matches!((&self.signals).read(&mut bytes), Ok(1..)) {}
    }
}
