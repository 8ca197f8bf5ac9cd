//! What a process that reads untrusted bytes cannot do any more, even where its decoder is taken
//! over: reach the network or another process, start a program, write or read files that are none
//! of its business.
//!
//! Reading order: this file, [`filter`] (system calls, by seccomp), [`files`] (by Landlock, where
//! the kernel has it). Set once GStreamer has its plugins' register, before a byte is read. Not
//! here: bounds of memory and time (`media::limits`).

mod files;
mod filter;

use std::path::PathBuf;

/// What a process still needs.
#[derive(Clone, Default)]
pub struct Needs {
    /// It starts the process that decodes, which is this program: no other is started, but files
    /// are not kept from it.
    pub programs: bool,
    /// Sound comes to it over UDP: sockets of IPv4 and IPv6.
    pub network: bool,
    /// Files it reads besides the system's libraries.
    pub reads: Reads,
    /// Files it writes, which exist.
    pub writes: Vec<PathBuf>,
}

/// Which files are read.
#[derive(Clone, Default)]
pub enum Reads {
    /// None.
    #[default]
    None,
    /// This one.
    File(PathBuf),
    /// Any: it is told which while it runs.
    Any,
}

/// Takes all else from this process for good.
pub fn process(needs: &Needs) -> Result<(), String> {
    rustix::thread::set_no_new_privs(true).map_err(|e| format!("new privileges: {e}"))?;
    if !files::confine(needs)? {
        tracing::warn!("this kernel has no Landlock: a decoder is kept from no file");
    }
    filter::confine(needs, true)
}

#[cfg(test)]
mod tests;
