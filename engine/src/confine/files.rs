//! Files that a process that decodes may open, by Landlock; older kernels do without.
//!
//! What it reads is the system's libraries, its plugins and its own file; what it writes is what it
//! was started to write. A station's secrets and ledger are none of these.

#![expect(unsafe_code, reason = "the kept crate for it is larger than what is needed of it")]

use super::{Needs, Reads};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};

const VERSION: u32 = 1;
const PATH_BENEATH: libc::c_long = 1;
const EXECUTE: u64 = 1;
const WRITE_FILE: u64 = 1 << 1;
const READ_FILE: u64 = 1 << 2;
const READ_DIR: u64 = 1 << 3;
/// To remove and to make whatever there is, and (from version 2 on) to move and (3) to cut off.
const CHANGE_DIR: u64 = 0x1FF0;
const REFER: u64 = 1 << 13;
const TRUNCATE: u64 = 1 << 14;
/// From version 4 on: TCP, which no input speaks.
const TCP: u64 = 0b11;
/// From version 6 on: abstract sockets and signals of processes that are not confined like it.
const SCOPED: u64 = 0b11;

/// Where libraries, plugins and their register are, and what the C library asks for. Of `/etc` no
/// more: a station's passwords and keys may be there.
const SYSTEM: [&str; 18] = [
    "/usr",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/resolv.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/passwd",
    "/etc/ssl/openssl.cnf",
    "/dev",
    "/proc/self",
    "/proc/cpuinfo",
    "/sys/devices",
    "/nix",
];
/// Where the loader of programs is, and GStreamer's own that looks at plugins.
const LOADERS: [&str; 6] = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/libexec", "/nix"];
/// Variables that name more of them, with colons between.
const NAMED: [&str; 6] = [
    "LD_LIBRARY_PATH",
    "GST_PLUGIN_PATH",
    "GST_PLUGIN_PATH_1_0",
    "GST_PLUGIN_SYSTEM_PATH",
    "GST_REGISTRY",
    "GST_REGISTRY_1_0",
];

#[repr(C)]
struct Ruleset {
    files: u64,
    network: u64,
    scoped: u64,
}

#[repr(C, packed)]
struct Beneath {
    allowed: u64,
    parent: i32,
}

/// Keeps this thread, and those that it starts, from all other files; false where the kernel
/// cannot. Whoever starts its decoder reads and writes as before, but starts nothing else.
pub fn confine(needs: &Needs) -> Result<bool, String> {
    // SAFETY: with this flag the call takes no pointer.
    let version = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0usize, VERSION)
    };
    if version < 1 {
        return Ok(false);
    }
    let mut handled = EXECUTE;
    if !needs.programs {
        handled |= WRITE_FILE | READ_FILE | READ_DIR | CHANGE_DIR;
        handled |= if version >= 2 { REFER } else { 0 };
        handled |= if version >= 3 { TRUNCATE } else { 0 };
    }
    let rules = ruleset(handled, version)?;
    if needs.programs {
        let own = std::env::current_exe().map_err(|e| format!("own program: {e}"))?;
        allow(&rules, &own, EXECUTE)?;
        for path in LOADERS {
            allow(&rules, Path::new(path), EXECUTE)?;
        }
    } else {
        allow_files(&rules, needs, handled)?;
    }
    // SAFETY: the call takes a descriptor that is open, and no pointer.
    let done = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, rules.as_raw_fd(), 0u32) };
    if done == 0 { Ok(true) } else { Err(last("files")) }
}

fn ruleset(files: u64, version: libc::c_long) -> Result<OwnedFd, String> {
    let network = if version >= 4 { TCP } else { 0 };
    let ruleset = Ruleset { files, network, scoped: if version >= 6 { SCOPED } else { 0 } };
    let fields = match version {
        ..4 => 1,
        4..6 => 2,
        _ => 3,
    };
    let size = fields * size_of::<u64>();
    // SAFETY: the kernel reads `size` bytes of a structure that is at least as long.
    let made =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, &raw const ruleset, size, 0u32) };
    let fd = i32::try_from(made).ok().filter(|fd| *fd >= 0).ok_or_else(|| last("rules"))?;
    // SAFETY: the call gave this descriptor to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn allow_files(rules: &OwnedFd, needs: &Needs, handled: u64) -> Result<(), String> {
    let read = READ_FILE | READ_DIR;
    match &needs.reads {
        Reads::Any => allow(rules, Path::new("/"), read)?,
        Reads::File(file) => allow(rules, file, READ_FILE)?,
        Reads::None => {}
    }
    for path in system() {
        allow(rules, &path, read)?;
    }
    for path in ["/dev/null", "/dev/shm"] {
        allow(rules, Path::new(path), WRITE_FILE)?;
    }
    for path in &needs.writes {
        allow(rules, path, (READ_FILE | WRITE_FILE | TRUNCATE) & handled)?;
    }
    Ok(())
}

fn system() -> Vec<PathBuf> {
    let named = NAMED.iter().filter_map(std::env::var_os);
    let named = named.flat_map(|paths| std::env::split_paths(&paths).collect::<Vec<_>>());
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let cache = cache.or_else(home).map(|cache| cache.join("gstreamer-1.0"));
    SYSTEM.iter().map(PathBuf::from).chain(named).chain(cache).collect()
}

/// What is not there needs no rule; of a file no more is allowed than a file knows.
fn allow(rules: &OwnedFd, path: &Path, allowed: u64) -> Result<(), String> {
    let Ok(place) =
        std::fs::File::open(path).or_else(|_| std::fs::File::options().write(true).open(path))
    else {
        return Ok(());
    };
    let folder = place.metadata().is_ok_and(|data| data.is_dir());
    let of_file = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE;
    let allowed = if folder { allowed } else { allowed & of_file };
    let beneath = Beneath { allowed, parent: place.as_raw_fd() };
    // SAFETY: the kernel reads the structure during the call; the descriptor is open.
    let done = unsafe {
        let (rules, beneath) = (rules.as_raw_fd(), &raw const beneath);
        libc::syscall(libc::SYS_landlock_add_rule, rules, PATH_BENEATH, beneath, 0u32)
    };
    if done == 0 { Ok(()) } else { Err(last(&path.display().to_string())) }
}

fn last(what: &str) -> String {
    format!("Landlock, {what}: {}", std::io::Error::last_os_error())
}
