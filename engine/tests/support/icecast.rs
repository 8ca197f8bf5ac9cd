//! A real Icecast server of the engine's tests, on a port of its own, ended with the test.

use super::{Ear, get, listen_to, ports};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The user that it runs as where the tests are root's: it refuses to be root.
const NOBODY: u32 = 65_534;

pub const PASSWORD: &str = "hackme";

pub struct Icecast {
    dir: tempfile::TempDir,
    child: Option<Child>,
    pub port: u16,
    /// There is TLS on this port.
    pub tls_port: Option<u16>,
}

impl Icecast {
    /// Listeners and sources on `port`, Shoutcast sources for `/shout.mp3` on the one above it.
    pub fn start() -> Self {
        Self::start_as(None)
    }

    /// With TLS as well, by a certificate and its key.
    pub fn start_encrypted([chain, key]: &[std::path::PathBuf; 2]) -> Self {
        Self::start_as(Some([chain, key].map(Path::new)))
    }

    fn start_as(certificate: Option<[&Path; 2]>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        if rustix::process::getuid().is_root() {
            std::os::unix::fs::chown(dir.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let port = ports::adjacent(3);
        let tls_port = certificate.map(|parts| {
            let whole: Vec<u8> =
                parts.into_iter().flat_map(|part| std::fs::read(part).unwrap()).collect();
            std::fs::write(dir.path().join("tls.pem"), whole).unwrap();
            port + 2
        });
        let mut icecast = Self { dir, child: None, port, tls_port };
        icecast.start_again();
        icecast
    }

    /// On the same port.
    pub fn start_again(&mut self) {
        let (dir, port) = (self.dir.path().display(), self.port);
        let tls = self.tls_port.map_or(String::new(), |port| {
            format!(
                "<listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address>\
                 <ssl>1</ssl></listen-socket>"
            )
        });
        let config = format!(
            "<icecast><limits><clients>400</clients><sources>20</sources>\
             <header-timeout>15</header-timeout><source-timeout>10</source-timeout>\
             <burst-on-connect>0</burst-on-connect></limits>\
             <authentication><source-password>{PASSWORD}</source-password>\
             <admin-user>admin</admin-user><admin-password>{PASSWORD}</admin-password>\
             </authentication><hostname>localhost</hostname>\
             <listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address>\
             <shoutcast-mount>/shout.mp3</shoutcast-mount></listen-socket>{tls}\
             <fileserve>1</fileserve><paths><basedir>{dir}</basedir><logdir>{dir}</logdir>\
             <ssl-certificate>{dir}/tls.pem</ssl-certificate>\
             <webroot>/usr/share/icecast2/web</webroot>\
             <adminroot>/usr/share/icecast2/admin</adminroot></paths>\
             <logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog>\
             <loglevel>3</loglevel></logging><security><chroot>0</chroot></security></icecast>"
        );
        let path = self.dir.path().join("icecast.xml");
        std::fs::write(&path, config).unwrap();
        let mut command = Command::new("icecast2");
        command.arg("-c").arg(&path).stdin(Stdio::null()).stdout(Stdio::null());
        if rustix::process::getuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.stderr(Stdio::null());
        // Whoever connects before its statistics are there kills it (2.4.4): ourselves here, or an
        // output of ours that is to come back. Then it is started once more.
        let until = Instant::now() + Duration::from_secs(20);
        let mut child = command.spawn().expect("icecast2 is installed");
        let mut answers = 0;
        while answers < 2 {
            if child.try_wait().unwrap().is_some() {
                (child, answers) = (command.spawn().expect("icecast2 is installed"), 0);
            }
            answers += usize::from(has_statistics(port));
            assert!(Instant::now() < until, "no icecast2: {}", self.log());
            std::thread::yield_now();
        }
        self.child = Some(child);
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("error.log")).unwrap_or_default()
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// SIGSTOP: it stands still, its sockets stay.
    pub fn stand_still(&self) {
        self.signal(rustix::process::Signal::STOP);
    }

    pub fn go_on(&self) {
        self.signal(rustix::process::Signal::CONT);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(self.child.as_ref().unwrap());
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// What its status document says of a mount; waits until it has one.
    pub fn source(&self, mount: &str) -> serde_json::Value {
        self.source_until(mount, |_| true)
    }

    pub fn source_until(
        &self,
        mount: &str,
        enough: impl Fn(&serde_json::Value) -> bool,
    ) -> serde_json::Value {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let answer = get(self.port, "GET /status-json.xsl HTTP/1.0");
            let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
            let status: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
            let sources = match &status["icestats"]["source"] {
                serde_json::Value::Array(all) => all.clone(),
                one => vec![one.clone()],
            };
            let ends = |source: &serde_json::Value| {
                source["listenurl"].as_str().is_some_and(|url| url.ends_with(mount))
            };
            if let Some(source) = sources.into_iter().find(|source| ends(source) && enough(source))
            {
                return source;
            }
            assert!(Instant::now() < until, "{mount}: {status:#} {}", self.log());
        }
    }

    /// Listens to a mount once it is there.
    pub fn listen(&self, mount: &str) -> Ear {
        self.source(mount);
        listen_to(self.port, mount)
    }
}

fn has_statistics(port: u16) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.write_all(b"GET /status-json.xsl HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.contains("server_start"))
}

impl Drop for Icecast {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A server that takes sources and resets the connection of each after so many bytes of sound,
/// again and again; it ends with the test. Answers its port.
pub fn resetting(bytes: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 4_096]);
                let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n");
                let _ = stream.read_exact(&mut vec![0; bytes]);
                // Closed without lingering and with bytes unread: the other side is reset.
                let _ = rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO));
            });
        }
    });
    port
}
