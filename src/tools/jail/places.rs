//! Places that every program needs.

use std::path::{Path, PathBuf};

/// Folders and files of the system that a program in a jail may read: programs, libraries, certificates, names.
const SYSTEM: [&str; 27] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/opt",
    "/nix/store",
    "/snap",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/group",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/pki",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl",
    "/etc/timezone",
    "/run/systemd/resolve",
];

/// Those of them that this system has.
pub(super) fn system() -> impl Iterator<Item = &'static Path> {
    let places = SYSTEM.iter().map(Path::new);
    places.filter(|place| place.exists())
}

/// What a program outside of the system's folders needs of its own: its file, and the libraries beside it.
pub(in crate::tools) fn beside_program(program: &Path) -> Vec<PathBuf> {
    let Ok(real) = program.canonicalize() else {
        return Vec::new();
    };
    let mut places = Vec::new();
    for file in [program, &real] {
        if SYSTEM.iter().any(|system| file.starts_with(system)) {
            continue;
        }
        places.push(file.to_path_buf());
        let Some(prefix) = file.parent().and_then(Path::parent) else {
            continue;
        };
        if file.parent().is_some_and(|folder| folder.ends_with("bin")) {
            let libraries = ["lib", "lib64"].map(|name| prefix.join(name));
            places.extend(libraries.into_iter().filter(|folder| folder.is_dir()));
            // A virtual environment says there which interpreter it is of.
            let settings = prefix.join("pyvenv.cfg");
            places.extend(Some(settings).filter(|file| file.is_file()));
        }
    }
    places.dedup();
    places
}
