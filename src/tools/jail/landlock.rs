//! A jail that the kernel makes for the process that asks for it: Landlock.

use super::places::system;
use super::{Jail, filter};
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, RestrictionStatus, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_no_new_privs,
};
use std::io;
use std::path::Path;
use std::sync::OnceLock;

/// The newest version whose rights are known here. Older kernels have a part of them.
const NEWEST: ABI = ABI::V7;

/// Devices that every program may use.
const DEVICES: [&str; 5] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
];

/// What a program reads about itself and the machine.
const FIGURES: [&str; 5] = [
    "/proc/self",
    "/proc/meminfo",
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/sys/devices/system/cpu",
];

/// The version that the kernel has, found out once; `None` where it has none, or has no filters of system calls.
pub(super) fn version() -> Option<u32> {
    static FOUND: OnceLock<Option<u32>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        // It is tried, in a thread that then ends: its walls hold for no other.
        let trial = std::thread::Builder::new().spawn(|| {
            set_no_new_privs(true).ok()?;
            let nothing = Jail::of_nothing();
            filter::apply(&nothing).ok()?;
            match rules(&nothing).ok()?.landlock {
                LandlockStatus::Available { effective_abi, .. } => Some(effective_abi as u32),
                LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => None,
            }
        });
        trial.ok()?.join().ok()?
    })
}

/// Goes into the jail with this thread and what it becomes.
pub(super) fn enter(jail: &Jail) -> io::Result<()> {
    drop_capabilities();
    set_no_new_privs(true)?;
    match rules(jail).map_err(io::Error::other)?.ruleset {
        RulesetStatus::NotEnforced => Err(io::Error::other("the kernel has no Landlock")),
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
    }
}

fn rules(jail: &Jail) -> Result<RestrictionStatus, RulesetError> {
    let mut ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?;
    if !jail.network {
        ruleset = ruleset.handle_access(AccessNet::from_all(NEWEST))?;
    }
    let all = AccessFs::from_all(NEWEST);
    let read = AccessFs::from_read(NEWEST);
    let use_device = read | AccessFs::WriteFile | AccessFs::Truncate;
    let device: BitFlags<AccessFs> = if jail.is_strict { read } else { use_device };
    let figures =
        FIGURES
            .iter()
            .map(Path::new)
            .take(if jail.is_strict { 0 } else { FIGURES.len() });
    // What computes is given what it needs.
    let of_system = system().filter(|_| !jail.is_strict);
    ruleset
        .create()?
        .add_rules(path_beneath_rules(of_system, read))?
        .add_rules(path_beneath_rules(figures, read))?
        .add_rules(path_beneath_rules(DEVICES, device))?
        .add_rules(path_beneath_rules(&jail.reads, read))?
        .add_rules(path_beneath_rules(&jail.writes, all))?
        .no_new_privs(true)
        .restrict_self()
}

/// Without capabilities the process is no more than any of its user, even where that is root.
pub(in crate::tools) fn drop_capabilities() {
    for capability in CapabilitySet::all().iter() {
        // Only with the right to do so, which few have.
        let _ = remove_capability_from_bounding_set(capability);
    }
    let _ = clear_ambient_capability_set();
    let none = CapabilitySet::empty();
    let _ = set_capabilities(
        None,
        CapabilitySets {
            effective: none,
            permitted: none,
            inheritable: none,
        },
    );
}
