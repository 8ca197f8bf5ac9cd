//! What a confined process cannot do any more.

use super::*;
use std::fs::File;
use std::io::{Error, ErrorKind};
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;

/// What a thread that needs only this can still do.
fn confined<T: Send + 'static>(needs: Needs, tried: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::spawn(move || {
        rustix::thread::set_no_new_privs(true).expect("no new privileges");
        if !needs.programs {
            files::confine(&needs).expect("the files are kept from it");
        }
        filter::confine(&needs, false).expect("the filter is set");
        tried()
    });
    thread.join().expect("it is not killed")
}

fn is_denied<T>(result: Result<T, Error>) -> bool {
    result.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
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
        assert!(Command::new("/bin/true").status().is_err());
        if has_landlock() {
            assert!(is_denied(std::net::TcpListener::bind("127.0.0.1:0")), "TCP");
        }
    });
    confined(Needs { programs: true, ..Needs::default() }, || {
        assert!(Command::new("/bin/true").status().expect("starts").success());
        assert!(is_denied(UdpSocket::bind("127.0.0.1:0")));
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
            assert!(File::open("/usr/lib").is_ok() && Path::new("/etc").read_dir().is_ok());
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
