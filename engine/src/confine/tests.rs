//! What a confined process cannot do any more.

#![expect(unsafe_code, reason = "what is refused is asked of the kernel itself")]

use super::*;
use rustix::net::{AddressFamily, SocketType};
use std::fs::File;
use std::io::{Error, ErrorKind};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a thread that needs only this can still do.
fn confined<T: Send + 'static>(needs: Needs, tried: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::spawn(move || {
        rustix::thread::set_no_new_privs(true).expect("no new privileges");
        files::confine(&needs).expect("the files are kept from it");
        filter::confine(&needs, false).expect("the filter is set");
        tried()
    });
    thread.join().expect("it is not killed")
}

fn is_denied<T>(result: Result<T, Error>) -> bool {
    result.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
}

/// The file that nobody is to read, for a process of this test that confines itself.
const SECRET: &str = "GRIMNIR_TEST_SECRET";

/// What every decoder calls: it holds for the process, and for threads that ran before.
#[test]
fn a_process_that_confines_itself_is_kept_from_files_and_from_the_network() {
    if let Some(secret) = std::env::var_os(SECRET) {
        confine_and_try(Path::new(&secret));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let secret = folder.path().join("secret");
    std::fs::write(&secret, b"secret").expect("writes");
    let test = "a_process_that_confines_itself_is_kept_from_files_and_from_the_network";
    let own = std::env::current_exe().expect("is known");
    let mut child = Command::new(own);
    child.args(["--exact", &format!("confine::tests::{test}"), "--nocapture"]);
    let output = child.env(SECRET, &secret).output().expect("starts");
    assert_eq!(output.status.code(), Some(KEPT), "{}", String::from_utf8_lossy(&output.stdout));
}

/// It was kept from all; no test ends with it.
const KEPT: i32 = 77;

fn confine_and_try(secret: &Path) -> ! {
    let landlock = has_landlock();
    let (go, wait) = std::sync::mpsc::channel();
    let before = std::thread::spawn(move || wait.recv().map(|()| UdpSocket::bind("127.0.0.1:0")));
    assert!(File::open(secret).is_ok(), "it could be read before");
    process(&Needs::default()).expect("is confined");
    assert_eq!(is_denied(File::open(secret)), landlock, "a file");
    assert!(is_denied(UdpSocket::bind("127.0.0.1:0")), "a socket");
    go.send(()).expect("it waits");
    assert!(is_denied(before.join().expect("ends").expect("is told")), "a socket of another");
    std::process::exit(KEPT);
}

/// False on a kernel without it, where the tests of files say nothing.
fn has_landlock() -> bool {
    let has = std::thread::spawn(|| files::confine(&Needs::default()).expect("is asked"));
    has.join().expect("answers")
}

#[test]
fn a_decoder_reaches_no_network_no_process_and_no_program() {
    confined(Needs::default(), || {
        assert!(is_denied(UdpSocket::bind("127.0.0.1:0")), "a socket");
        assert!(is_denied(std::os::unix::net::UnixDatagram::unbound()), "a local socket");
        assert!(Command::new("/bin/true").status().is_err(), "a program");
        let parent = rustix::process::getppid().expect("a parent");
        let sent = rustix::process::test_kill_process(parent);
        assert_eq!(sent, Err(rustix::io::Errno::PERM), "a signal");
        let moved = rustix::process::chroot("/");
        assert_eq!(moved, Err(rustix::io::Errno::PERM), "another root");
        // What decoding needs goes on.
        assert_eq!(std::thread::spawn(|| 7).join().expect("a thread"), 7);
    });
}

#[test]
fn who_needs_the_network_or_a_program_has_that_and_nothing_else() {
    confined(Needs { network: true, ..Needs::default() }, || {
        assert!(UdpSocket::bind("127.0.0.1:0").is_ok());
        assert!(UdpSocket::bind("[::]:0").is_ok());
        assert!(Command::new("/bin/true").status().is_err());
        assert!(is_denied(std::os::unix::net::UnixDatagram::unbound()), "a local socket");
        for other in [AddressFamily::NETLINK, AddressFamily::PACKET, AddressFamily::VSOCK] {
            let opened = rustix::net::socket(other, SocketType::DGRAM, None);
            assert_eq!(opened.err(), Some(rustix::io::Errno::PERM), "{other:?}");
        }
        if has_landlock() {
            assert!(is_denied(std::net::TcpListener::bind("127.0.0.1:0")), "TCP");
        }
    });
    let landlock = has_landlock();
    confined(Needs { programs: true, ..Needs::default() }, move || {
        let own = std::env::current_exe().expect("is known");
        let own = Command::new(own).args(["--list", "none"]).stdout(Stdio::null()).status();
        assert!(own.expect("starts").success());
        assert_eq!(Command::new("/bin/true").status().is_err(), landlock, "another program");
        assert!(is_denied(UdpSocket::bind("127.0.0.1:0")));
    });
}

/// A descriptor whose owner is another process would have the kernel kill that.
#[test]
fn a_decoder_has_nobody_signalled_hindered_or_moved() {
    // Its own process stands for any: a call that passed would do no harm.
    let other = std::process::id();
    let refused = |done: libc::c_int| {
        done == -1 && Error::last_os_error().raw_os_error() == Some(libc::EPERM)
    };
    confined(Needs { network: true, ..Needs::default() }, move || {
        let (read, _write) = std::io::pipe().expect("a pipe");
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let (pipe, socket) = (read.as_raw_fd(), socket.as_raw_fd());
        let (owner, all, id) = ([1, other], [u64::MAX; 16], other as libc::pid_t);
        // SAFETY: the calls take descriptors that are open, and pointers to what lives until then.
        unsafe {
            assert!(refused(libc::fcntl(pipe, libc::F_SETOWN, id)));
            assert!(refused(libc::fcntl(pipe, 10, libc::SIGURG)), "F_SETSIG");
            assert!(refused(libc::fcntl(pipe, 15, &raw const owner)), "F_SETOWN_EX");
            assert!(refused(libc::ioctl(socket, 0x8901, &raw const id)), "FIOSETOWN");
            assert!(refused(libc::ioctl(socket, 0x8902, &raw const id)), "SIOCSPGRP");
            assert!(refused(libc::setpriority(libc::PRIO_PROCESS, other, 1)));
            let all = (&raw const all).cast();
            assert!(refused(libc::sched_setaffinity(id, 128, all)));
            let (set, found) = (std::ptr::null(), std::ptr::null_mut());
            assert!(refused(libc::prlimit(id, libc::RLIMIT_CORE, set, found)));
            // What a descriptor is asked for otherwise goes on.
            assert!(libc::fcntl(pipe, libc::F_GETFL) >= 0);
        }
    });
}

/// A station's passwords and keys may be in `/etc`.
#[test]
fn a_decoder_reads_of_etc_what_the_c_library_asks_for_and_no_more() {
    if !has_landlock() {
        return;
    }
    confined(Needs::default(), || {
        assert!(File::open("/etc/passwd").is_ok());
        assert!(is_denied(Path::new("/etc").read_dir()), "the names in it");
        for other in ["/etc/group", "/etc/fstab", "/etc/shadow", "/etc/os-release"] {
            let real = std::fs::canonicalize(other);
            let elsewhere = real.is_ok_and(|real| !real.starts_with("/etc"));
            let opened = File::open(other);
            let gone = opened.as_ref().is_err_and(|e| e.kind() == ErrorKind::NotFound);
            assert!(elsewhere || gone || is_denied(opened), "{other}");
        }
    });
}

#[test]
fn a_decoder_reads_its_own_file_and_writes_its_own_and_no_other() {
    if !has_landlock() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let [own, out, secret] = ["own", "out", "secret"].map(|name| folder.path().join(name));
    for path in [&own, &out, &secret] {
        std::fs::write(path, b"before").expect("writes");
    }
    let needs =
        Needs { reads: Reads::File(own.clone()), writes: vec![out.clone()], ..Needs::default() };
    let new = folder.path().join("new");
    let tried = {
        let [own, out, secret, new] = [&own, &out, &secret, &new].map(|path| path.to_owned());
        move || {
            assert_eq!(std::fs::read(&own).expect("reads"), b"before");
            assert!(is_denied(File::options().write(true).open(&own)), "its own file");
            std::fs::write(&out, b"after").expect("writes");
            assert!(is_denied(File::open(&secret)), "another file");
            assert!(is_denied(File::create(&new)), "a new file");
            assert!(is_denied(std::fs::remove_file(&secret)), "a removal");
            assert!(is_denied(std::fs::rename(&out, &secret)), "a move");
            assert!(File::open("/usr/lib").is_ok());
        }
    };
    confined(needs, tried);
    assert_eq!(std::fs::read(&out).expect("reads"), b"after");
    assert_eq!(std::fs::read(&secret).expect("reads"), b"before");
    let any = Needs { reads: Reads::Any, ..Needs::default() };
    confined(any, move || {
        assert!(File::open(&secret).is_ok());
        assert!(is_denied(File::options().append(true).open(&secret)));
    });
}
