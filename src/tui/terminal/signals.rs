//! The signals that a program with a screen acts on, as something to wait for.

use signal_hook::consts as number;
use std::io;
use std::task::{Context, Poll};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end a process unless it catches them. Others that end one cannot be caught (SIGKILL), or say that
/// the program itself is broken (SIGSEGV and the like).
const ENDING: [i32; 11] = [
    number::SIGHUP,
    number::SIGINT,
    number::SIGQUIT,
    number::SIGTERM,
    number::SIGUSR1,
    number::SIGUSR2,
    number::SIGALRM,
    number::SIGVTALRM,
    number::SIGPROF,
    number::SIGXCPU,
    number::SIGABRT,
];

/// Listens for the signals that ask the process to end.
#[derive(Debug)]
pub(crate) struct EndingSignals(Vec<(i32, Signal)>);

impl EndingSignals {
    /// Starts to listen; from here on they do not end the process by themselves.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn listen() -> io::Result<Self> {
        Self::listen_to(&ENDING)
    }

    /// The same for a run without a screen: SIGHUP stays ignored where the process was started so, as `nohup` does.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn listen_in_background() -> io::Result<Self> {
        let ignored = ignored_signals();
        let is_ignored = |signal: i32| ignored >> (signal - 1) & 1 == 1;
        let of: Vec<i32> = ENDING
            .into_iter()
            .filter(|&one| one != number::SIGHUP || !is_ignored(one))
            .collect();
        Self::listen_to(&of)
    }

    fn listen_to(signals: &[i32]) -> io::Result<Self> {
        let listen = |&number: &i32| Ok((number, signal(SignalKind::from_raw(number))?));
        signals
            .iter()
            .map(listen)
            .collect::<io::Result<_>>()
            .map(Self)
    }

    /// The number of the next signal.
    pub(crate) async fn next(&mut self) -> i32 {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<i32> {
        for (number, signal) in &mut self.0 {
            if signal.poll_recv(context).is_ready() {
                return Poll::Ready(*number);
            }
        }
        Poll::Pending
    }
}

/// The signals that this process ignores, one bit each, from SIGHUP at bit 0; none where the system does not say.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

/// What a signal asks of a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// End: the number of the signal.
    End(i32),
    /// Give the terminal back and stop.
    Suspend,
    /// The process was stopped and runs again: the terminal may have been used by others.
    Continued,
}

/// Listens for the signals that a screen acts on.
#[derive(Debug)]
pub(super) struct ScreenSignals {
    ending: EndingSignals,
    suspend: Signal,
    continued: Signal,
}

impl ScreenSignals {
    /// Starts to listen.
    pub(super) fn listen() -> io::Result<Self> {
        let listen = |number| signal(SignalKind::from_raw(number));
        Ok(Self {
            ending: EndingSignals::listen()?,
            suspend: listen(number::SIGTSTP)?,
            continued: listen(number::SIGCONT)?,
        })
    }

    /// What the next signal asks.
    pub(super) async fn next(&mut self) -> Asked {
        tokio::select! {
            biased;
            number = self.ending.next() => Asked::End(number),
            _ = self.suspend.recv() => Asked::Suspend,
            _ = self.continued.recv() => Asked::Continued,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_signal_is_told_by_its_number_and_ends_nothing() {
        let mut signals = ScreenSignals::listen().unwrap();
        for number in [number::SIGUSR2, number::SIGQUIT, number::SIGHUP] {
            signal_hook::low_level::raise(number).unwrap();
            assert_eq!(signals.next().await, Asked::End(number));
        }
        signal_hook::low_level::raise(number::SIGTSTP).unwrap();
        assert_eq!(signals.next().await, Asked::Suspend);
    }
}
