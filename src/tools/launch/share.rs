//! A share of the processor for a program and everything that it starts.
//!
//! No limit of the system does this for an ordinary user. The processes are looked at many times a second, and
//! stopped with SIGSTOP while they are ahead of their share.

use super::family::{Member, members_of_leader};
use rustix::process::{Pid, Signal};
use std::collections::{HashMap, HashSet};
use std::num::NonZeroI32;
use std::time::{Duration, Instant};

/// The time between two looks. It varies, so that no process happens to sleep at each of them.
const TICK: Duration = Duration::from_millis(50);

/// Processor time that may be used beyond the share, in seconds: short programs are not slowed down.
const BURST: f64 = 0.1;

/// How far samples may be ahead of what the system has counted, in seconds, before they are believed.
const SLACK: f64 = 0.1;

/// Stops what the child `leader` has started while it is ahead of `percent` of one core, until the future is dropped.
/// For a program that cannot start itself as a launcher.
pub(in crate::tools) async fn hold(leader: u32, percent: u32) {
    let leader = i32::try_from(leader).ok().and_then(NonZeroI32::new);
    let Some(leader) = leader.and_then(|id| Pid::from_raw(id.get())) else {
        return;
    };
    let mut share = Share::new(percent);
    loop {
        share.keep(&members_of_leader(leader), 0.0, &HashSet::new());
        tokio::time::sleep(share.next_look()).await;
    }
}

/// The processor time of a family compared with its share.
pub(super) struct Share {
    started: Instant,
    percent: f64,
    meter: Meter,
    looked: Instant,
    is_held: bool,
}

impl Share {
    pub(super) fn new(percent: u32) -> Self {
        Self {
            started: Instant::now(),
            percent: percent.into(),
            meter: Meter::default(),
            looked: Instant::now(),
            is_held: false,
        }
    }

    /// Stops the family where it is ahead of its share, and continues it where it no longer is. `adopter` is the time
    /// of the processes that the supervisor has reaped, in seconds, and `reaped` their ids since the last look.
    pub(super) fn keep(&mut self, members: &[Member], adopter: f64, reaped: &HashSet<Pid>) {
        let now = Instant::now();
        let ran = if self.is_held {
            Duration::ZERO
        } else {
            now - self.looked
        };
        self.looked = now;
        self.meter.look(members, adopter, reaped, ran.as_secs_f64());
        let share = self.started.elapsed().as_secs_f64() * self.percent / 100.0;
        // Once stopped it is continued only when the burst is paid back: long turns cost fewer signals.
        let allowed = share + if self.is_held { 0.0 } else { BURST };
        let is_ahead = self.meter.used() > allowed;
        // While it is ahead, new processes are stopped too.
        if is_ahead || self.is_held {
            let signal = if is_ahead { Signal::STOP } else { Signal::CONT };
            for member in members.iter().filter(|member| !member.has_ended()) {
                member.signal(signal);
            }
            self.is_held = is_ahead;
        }
    }

    /// When to look again.
    pub(super) fn next_look(&self) -> Duration {
        if self.is_held {
            TICK
        } else {
            TICK.mul_f64(0.4 + 0.6 * fastrand::f64())
        }
    }
}

/// Adds up the processor time of a family, ended processes included.
///
/// The system adds the time of a process to that of the process that reaps it. So what a process has reaped beyond
/// what was already seen was used by children between two looks. Where a process ignores SIGCHLD nobody reaps its
/// children, and their time is lost: it is estimated from how often a child that was not there at the last look is
/// found running.
#[derive(Default)]
struct Meter {
    known: HashMap<Pid, Member>,
    adopter: f64,
    /// What the system has counted, in seconds.
    counted: f64,
    /// The part of it that processes used which no earlier look had found, and the same from samples.
    short_lived: f64,
    sampled: f64,
}

impl Meter {
    fn used(&self) -> f64 {
        let lost = (self.sampled - self.short_lived - SLACK).max(0.0);
        self.counted + lost
    }

    fn look(&mut self, members: &[Member], adopter: f64, reaped: &HashSet<Pid>, ran: f64) {
        let mut now: HashMap<Pid, Member> =
            members.iter().map(|member| (member.id, *member)).collect();
        // A list that is made while processes come and go may miss some.
        for (id, before) in &self.known {
            if !now.contains_key(id)
                && let Some(member) = Member::read(*id)
                && member.started == before.started
            {
                now.insert(*id, member);
            }
        }
        let is_same = |id: &Pid, member: &Member| {
            now.get(id)
                .is_some_and(|found| found.started == member.started)
        };
        // What living processes have surely reaped: their children that are gone.
        let mut seen: HashMap<Option<Pid>, f64> = HashMap::new();
        for (id, gone) in self.known.iter().filter(|(id, known)| !is_same(id, known)) {
            let heir = self.heir(*id, reaped, &is_same);
            *seen.entry(heir).or_default() += gone.own + gone.reaped;
        }
        let beyond = |heir: Option<Pid>, growth: f64| {
            (growth - seen.get(&heir).copied().unwrap_or_default()).max(0.0)
        };
        let mut new_running: f64 = 0.0;
        let mut short_lived = beyond(None, adopter - self.adopter);
        for member in now.values() {
            let known = self.known.get(&member.id);
            if let Some(known) = known.filter(|known| known.started == member.started) {
                self.counted += member.own - known.own;
                short_lived += beyond(Some(member.id), member.reaped - known.reaped);
            } else {
                short_lived += member.own + member.reaped;
                if member.state == b'R' {
                    new_running += on_processor(member.id);
                }
            }
        }
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        self.sampled += ran * new_running.min(processors as f64);
        self.short_lived += short_lived;
        self.counted += short_lived;
        self.adopter = adopter;
        self.known = now;
    }

    /// Who has reaped a process that is gone; `None` for the supervisor.
    fn heir(
        &self,
        gone: Pid,
        reaped: &HashSet<Pid>,
        is_same: &impl Fn(&Pid, &Member) -> bool,
    ) -> Option<Pid> {
        let mut id = gone;
        while !reaped.contains(&id) {
            let parent = Pid::from_raw(self.known.get(&id)?.parent)?;
            let known = self.known.get(&parent)?;
            if is_same(&parent, known) {
                return Some(parent);
            }
            id = parent;
        }
        None
    }
}

/// Which part of its runnable time a process had a processor: less than 1 on a busy machine.
fn on_processor(id: Pid) -> f64 {
    let times = std::fs::read_to_string(format!("/proc/{}/schedstat", id.as_raw_nonzero()));
    let part = times.ok().and_then(|times| {
        let mut times = times
            .split_ascii_whitespace()
            .map_while(|time| time.parse::<f64>().ok());
        let (ran, waited) = (times.next()?, times.next()?);
        Some(ran / (ran + waited))
    });
    part.filter(|part| part.is_finite()).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ids beyond those that the system gives.
    fn id(n: i32) -> Pid {
        Pid::from_raw(2_000_000_000 + n).unwrap()
    }

    fn member(n: i32, parent: i32, own: f64, reaped: f64, state: u8) -> Member {
        Member {
            id: id(n),
            parent: 2_000_000_000 + parent,
            group: 0,
            session: 0,
            state,
            started: 1,
            own,
            reaped,
        }
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn what_a_child_used_is_counted_once() {
        let mut meter = Meter::default();
        let none = HashSet::new();
        meter.look(
            &[member(1, 0, 0.1, 0.0, b'S'), member(2, 1, 0.5, 0.0, b'S')],
            0.0,
            &none,
            0.1,
        );
        assert!(close(meter.used(), 0.6));
        // The child used 0.2 s more and was reaped.
        meter.look(&[member(1, 0, 0.1, 0.7, b'S')], 0.0, &none, 0.1);
        assert!(close(meter.used(), 0.8), "{}", meter.used());
        // The program itself ended, and the supervisor reaped it.
        meter.look(&[], 0.9, &HashSet::from([id(1)]), 0.1);
        assert!(close(meter.used(), 0.9), "{}", meter.used());
    }

    #[test]
    fn an_orphan_that_the_supervisor_reaps_is_counted_once() {
        let mut meter = Meter::default();
        let family = [
            member(1, 0, 0.0, 0.0, b'S'),
            member(2, 1, 0.1, 0.0, b'S'),
            member(3, 2, 1.0, 0.0, b'S'),
        ];
        meter.look(&family, 0.0, &HashSet::new(), 0.1);
        // The middle one is reaped by the first, and then the last one by the supervisor.
        meter.look(
            &[member(1, 0, 0.0, 0.1, b'S')],
            1.2,
            &HashSet::from([id(3)]),
            0.1,
        );
        assert!(close(meter.used(), 1.3), "{}", meter.used());
    }

    #[test]
    fn time_that_nobody_reaps_stays_counted() {
        let mut meter = Meter::default();
        let none = HashSet::new();
        meter.look(
            &[member(1, 0, 0.0, 0.0, b'S'), member(2, 1, 0.5, 0.0, b'S')],
            0.0,
            &none,
            0.1,
        );
        meter.look(&[member(1, 0, 0.0, 0.0, b'S')], 0.0, &none, 0.1);
        assert!(close(meter.used(), 0.5), "{}", meter.used());
    }

    #[test]
    fn children_that_no_look_finds_twice_are_estimated_unless_they_are_reaped() {
        let (mut lost, mut kept) = (Meter::default(), Meter::default());
        let none = HashSet::new();
        for turn in 1..=100 {
            let child = member(100 + turn, 1, 0.0, 0.0, b'R');
            lost.look(&[member(1, 0, 0.0, 0.0, b'S'), child], 0.0, &none, 0.05);
            let reaped = f64::from(turn) * 0.05;
            kept.look(&[member(1, 0, 0.0, reaped, b'S'), child], 0.0, &none, 0.05);
        }
        assert!(lost.used() > 4.5, "{}", lost.used());
        assert!(close(kept.used(), 5.0), "{}", kept.used());
    }
}
