//! The recorder's log, read: what a process did to the files below one folder, in order.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The library that records, compiled once for this test binary.
pub fn library() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/power/recorder.c");
    let out = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let library = out.join(format!("recorder-{}.so", std::process::id()));
    let compiled = Command::new("gcc")
        .args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o"])
        .args([&library, &source])
        .args(["-ldl", "-lpthread"])
        .status();
    assert!(compiled.expect("gcc is there").success(), "the recorder compiles");
    library
}

/// What was done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Create,
    Write,
    Length,
    Sync,
    Rename,
    Unlink,
    MakeDir,
    RemoveDir,
}

/// One call that succeeded. Paths are relative to the folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Op {
    pub kind: Kind,
    pub inode: u64,
    /// Length of the file after it.
    pub after: u64,
    /// Offset of a write, or the new length.
    pub number: u64,
    pub path: PathBuf,
    /// Where it was renamed to.
    pub to: PathBuf,
    pub data: Vec<u8>,
}

/// The records in a log of what was done below `root`.
pub fn read(log: &Path, root: &Path) -> Vec<Op> {
    let bytes = std::fs::read(log).expect("a log");
    let mut rest = bytes.as_slice();
    let mut ops = Vec::new();
    while !rest.is_empty() {
        let (head, tail) = rest.split_at(37);
        let long = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().expect("8"));
        let short = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().expect("4"));
        let (path, tail) = tail.split_at(short(25) as usize);
        let (to, tail) = tail.split_at(short(29) as usize);
        let (data, tail) = tail.split_at(short(33) as usize);
        rest = tail;
        let relative = |path: &[u8]| {
            let path = Path::new(OsStr::from_bytes(path));
            path.strip_prefix(root).unwrap_or(path).to_owned()
        };
        let path = relative(path);
        let kind = match head[0] {
            1 => Kind::Create,
            2 => Kind::Write,
            3 => Kind::Length,
            4 => Kind::Sync,
            5 => Kind::Rename,
            6 => Kind::Unlink,
            7 => Kind::MakeDir,
            8 => Kind::RemoveDir,
            other => panic!("{}: a call of kind {other}, which no image can show", path.display()),
        };
        let (inode, after, number) = (long(1), long(9), long(17));
        ops.push(Op { kind, inode, after, number, path, to: relative(to), data: data.to_vec() });
    }
    ops
}
