//! Walls of the system around a sandbox: what its process cannot do, whatever code does to its interpreter.
//!
//! Each wall holds where the kernel has it. A process that serves needs its standard input and output, memory, time and
//! its own processor limit, and nothing else.

use crate::tools::jail::drop_capabilities;
use landlock::{
    ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
    RulesetStatus, Scope,
};
use nix::libc;
use rustix::process::setsid;
use rustix::thread::set_no_new_privs;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter_all_threads,
};
use std::collections::BTreeMap;
use std::io;

/// What a Rust program with threads does without files, sockets and processes.
const ALLOWED: [libc::c_long; 30] = [
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_close,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// The walls that hold for a thread and for those that it starts later: raise them first. Whether the kernel has Landlock.
///
/// # Errors
/// Where the kernel has a wall that cannot be raised.
pub(super) fn raise() -> io::Result<bool> {
    // A leader of a group stays in its session.
    let _ = setsid();
    drop_capabilities();
    set_no_new_privs(true)?;
    let status = refuse_files_and_networks().map_err(io::Error::other)?;
    Ok(status != RulesetStatus::NotEnforced)
}

/// The walls that stand; `None` where there is none.
pub(super) fn in_words(by_landlock: bool, by_filter: bool) -> Option<String> {
    match (by_landlock, by_filter) {
        (true, true) => Some("Landlock, seccomp".to_owned()),
        (true, false) => Some("Landlock".to_owned()),
        (false, true) => Some("seccomp".to_owned()),
        (false, false) => None,
    }
}

/// Landlock with no rule: nothing can be opened, bound or connected. Older kernels have a part of it or nothing.
fn refuse_files_and_networks() -> Result<RulesetStatus, RulesetError> {
    let newest = ABI::V7;
    let rules = Ruleset::default()
        .handle_access(AccessFs::from_all(newest))?
        .handle_access(AccessNet::from_all(newest))?
        .scope(Scope::from_all(newest))?;
    let status = rules.create()?.no_new_privs(true).restrict_self()?;
    Ok(status.ruleset)
}

/// Refuses all other system calls in all threads, for ever. Whether the kernel can.
///
/// # Errors
/// Where the kernel has filters and refuses this one.
pub(super) fn filter_system_calls() -> io::Result<bool> {
    // Other architectures have no filter here.
    let Ok(architecture) = TargetArch::try_from(std::env::consts::ARCH) else {
        return Ok(false);
    };
    let filter = filter(architecture).map_err(io::Error::other)?;
    match apply_filter_all_threads(&filter) {
        Err(seccompiler::Error::Prctl(error) | seccompiler::Error::Seccomp(error))
            if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOSYS)) =>
        {
            // The kernel is built without filters.
            Ok(false)
        }
        other => other.map(|()| true).map_err(io::Error::other),
    }
}

fn filter(architecture: TargetArch) -> Result<BpfProgram, BackendError> {
    let equal = |argument, value| {
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
    };
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    // Memory is never executable.
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        let executable = libc::PROT_EXEC as u64;
        let never = SeccompCondition::new(
            2,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::MaskedEq(executable),
            0,
        )?;
        rules.insert(call, vec![SeccompRule::new(vec![never])?]);
    }
    // Signals, as `abort` sends them, and limits are its own.
    let own = u64::from(std::process::id());
    rules.insert(
        libc::SYS_tgkill,
        vec![SeccompRule::new(vec![equal(0, own)?])?],
    );
    let processor = u64::from(libc::RLIMIT_CPU);
    rules.insert(
        libc::SYS_prlimit64,
        vec![SeccompRule::new(vec![equal(0, 0)?, equal(1, processor)?])?],
    );
    let refused = SeccompAction::Errno(libc::EPERM as u32);
    SeccompFilter::new(rules, refused, SeccompAction::Allow, architecture)?.try_into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `wall` in a thread of its own, for which alone it holds, and tries to open a file and to connect.
    fn behind(wall: impl FnOnce() -> bool + Send + 'static) -> Option<(bool, bool)> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let place = listener.local_addr().unwrap();
        let tried = std::thread::spawn(move || {
            let is_raised = wall();
            let opened = std::fs::File::open("/proc/self/stat").is_ok();
            let connected = std::net::TcpStream::connect(place).is_ok();
            is_raised.then_some((opened, connected))
        });
        tried.join().unwrap()
    }

    #[test]
    fn files_and_networks_are_refused_where_the_kernel_can() {
        assert_eq!(behind(|| true), Some((true, true)));
        let refused =
            behind(|| refuse_files_and_networks().unwrap() == RulesetStatus::FullyEnforced);
        assert!(refused.is_none_or(|tried| tried == (false, false)));
    }

    #[test]
    fn other_system_calls_are_refused() {
        let architecture = TargetArch::try_from(std::env::consts::ARCH).unwrap();
        let refused = behind(move || {
            let filter = filter(architecture).unwrap();
            seccompiler::apply_filter(&filter).is_ok()
        });
        assert!(refused.is_none_or(|tried| tried == (false, false)));
    }

    #[test]
    fn the_filter_is_valid_for_every_architecture() {
        for architecture in [TargetArch::x86_64, TargetArch::aarch64] {
            assert!(filter(architecture).is_ok());
        }
    }
}
