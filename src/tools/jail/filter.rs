//! What a program in a jail may ask of the kernel, where the kernel has filters of system calls.

use super::Jail;
use nix::libc;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter,
};
use std::collections::BTreeMap;
use std::io;

/// Ways around the jail, to other processes and to the kernel's inside: no program in a jail has a use for them.
const REFUSED: [libc::c_long; 35] = [
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    // It makes other calls without being asked.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsmount,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_acct,
];

/// What an interpreter that computes needs: memory, time, files that Landlock lets it open, its own threads.
const COMPUTES: [libc::c_long; 78] = [
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_lseek,
    libc::SYS_openat,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_statfs,
    libc::SYS_fstatfs,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    libc::SYS_getdents64,
    libc::SYS_getcwd,
    libc::SYS_fcntl,
    libc::SYS_fadvise64,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_pipe2,
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_mlock,
    libc::SYS_munlock,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_times,
    libc::SYS_getitimer,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_sysinfo,
    libc::SYS_uname,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigpending,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_set_robust_list,
    libc::SYS_get_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_rseq,
    libc::SYS_membarrier,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getpgid,
    libc::SYS_getsid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getgroups,
    libc::SYS_umask,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Calls with other names on the older architecture.
#[cfg(target_arch = "x86_64")]
const COMPUTES_OLDER: [libc::c_long; 13] = [
    libc::SYS_open,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_poll,
    libc::SYS_select,
    libc::SYS_pipe,
    libc::SYS_dup2,
    libc::SYS_epoll_create,
    libc::SYS_epoll_wait,
    libc::SYS_time,
    libc::SYS_arch_prctl,
];

#[cfg(not(target_arch = "x86_64"))]
const COMPUTES_OLDER: [libc::c_long; 0] = [];

/// Requests of `ioctl`, the same on every architecture with a filter: to type into a terminal, and to ask whether
/// something is one.
const TYPE_INTO_TERMINAL: u64 = 0x5412;
const IS_TERMINAL: u64 = 0x5401;
/// To fail where reading or writing would wait.
const NEVER_WAIT: u64 = 0x5421;

/// Namespaces that a child may not begin.
const NAMESPACES: libc::c_int = libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;

/// Refuses what the jail does not let through, in this thread and in what it becomes.
///
/// # Errors
/// Where there are no filters: without them a network other than TCP is not refused.
pub(super) fn apply(jail: &Jail) -> io::Result<()> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH).map_err(io::Error::other)?;
    // Its flags cannot be looked at; without it the C libraries use `clone`.
    let clone3 = filter(
        BTreeMap::from([(libc::SYS_clone3, Vec::new())]),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOSYS as u32),
        architecture,
    );
    let calls = if jail.is_strict {
        computing(architecture)
    } else {
        refusing(jail.network, architecture)
    };
    for program in [clone3, calls] {
        let program = program.map_err(io::Error::other)?;
        apply_filter(&program).map_err(io::Error::other)?;
    }
    Ok(())
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn filter(
    rules: Rules,
    otherwise: SeccompAction,
    matched: SeccompAction,
    architecture: TargetArch,
) -> Result<BpfProgram, BackendError> {
    SeccompFilter::new(rules, otherwise, matched, architecture)?.try_into()
}

fn condition(at: u8, how: SeccompCmpOp, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(at, SeccompCmpArgLen::Dword, how, value)
}

fn denied() -> SeccompAction {
    SeccompAction::Errno(libc::EPERM as u32)
}

/// Everything but [`REFUSED`], new namespaces, sockets, and what types into a terminal.
fn refusing(network: bool, architecture: TargetArch) -> Result<BpfProgram, BackendError> {
    let mut rules: Rules = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    let mut namespaces = Vec::new();
    for bit in (0..32)
        .map(|at| 1_u64 << at)
        .filter(|bit| NAMESPACES as u64 & bit != 0)
    {
        let has = condition(0, SeccompCmpOp::MaskedEq(bit), bit)?;
        namespaces.push(SeccompRule::new(vec![has])?);
    }
    rules.insert(libc::SYS_clone, namespaces);
    // Sockets with a path lead to other programs, such as one that starts containers.
    let sockets = if network {
        let local = condition(0, SeccompCmpOp::Eq, libc::AF_UNIX as u64)?;
        vec![SeccompRule::new(vec![local])?]
    } else {
        Vec::new()
    };
    rules.insert(libc::SYS_socket, sockets);
    let types = condition(1, SeccompCmpOp::Eq, TYPE_INTO_TERMINAL)?;
    rules.insert(libc::SYS_ioctl, vec![SeccompRule::new(vec![types])?]);
    filter(rules, SeccompAction::Allow, denied(), architecture)
}

/// Nothing but [`COMPUTES`], threads, becoming the program, and asking for its own limits.
fn computing(architecture: TargetArch) -> Result<BpfProgram, BackendError> {
    let calls = COMPUTES.iter().chain(&COMPUTES_OLDER);
    let mut rules: Rules = calls.map(|call| (*call, Vec::new())).collect();
    // Landlock says what can be run: only what can be read.
    rules.insert(libc::SYS_execve, Vec::new());
    let thread = libc::CLONE_THREAD as u64;
    let is_thread = condition(0, SeccompCmpOp::MaskedEq(thread), thread)?;
    rules.insert(libc::SYS_clone, vec![SeccompRule::new(vec![is_thread])?]);
    let asks = SeccompCondition::new(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)?;
    let own = condition(0, SeccompCmpOp::Eq, 0)?;
    // And it limits its memory just before it becomes the program; what is limited cannot be raised again.
    let memory = vec![
        condition(0, SeccompCmpOp::Eq, 0)?,
        condition(1, SeccompCmpOp::Eq, u64::from(libc::RLIMIT_AS))?,
    ];
    rules.insert(
        libc::SYS_prlimit64,
        vec![
            SeccompRule::new(vec![own, asks])?,
            SeccompRule::new(memory)?,
        ],
    );
    // Whether it is a terminal.
    let is_terminal = condition(1, SeccompCmpOp::Eq, IS_TERMINAL)?;
    let never_waits = condition(1, SeccompCmpOp::Eq, NEVER_WAIT)?;
    rules.insert(
        libc::SYS_ioctl,
        vec![
            SeccompRule::new(vec![is_terminal])?,
            SeccompRule::new(vec![never_waits])?,
        ],
    );
    // `abort` sends a signal to the own process, whose id is kept when it becomes another program.
    let own = u64::from(std::process::id());
    let to_own = condition(0, SeccompCmpOp::Eq, own)?;
    rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![to_own])?]);
    // The other filter answers it.
    rules.insert(libc::SYS_clone3, Vec::new());
    filter(rules, denied(), SeccompAction::Allow, architecture)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_are_valid_for_every_architecture() {
        for architecture in [TargetArch::x86_64, TargetArch::aarch64, TargetArch::riscv64] {
            assert!(computing(architecture).is_ok());
            for network in [true, false] {
                assert!(refusing(network, architecture).is_ok());
            }
        }
    }
}
