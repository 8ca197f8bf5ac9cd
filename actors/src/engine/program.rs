//! The engine's process: started in its own process group, outliving us, adopted by the next one.
//!
//! Its log goes to a file, its socket and its description lie in the station's folder. A pidfd
//! tells at once when it ends, whether it is our child or was adopted.

use grimnir_events::StationId;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde::Deserialize;
use std::fs::OpenOptions;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tokio::io::unix::AsyncFd;

/// What an engine says of itself in `engine.json`.
#[derive(Clone, Debug, Deserialize)]
pub struct Description {
    /// Its process.
    pub pid: u32,
    /// Port of its mounts.
    pub http_port: u16,
    /// Port of its harbor, Shoutcast's the next; 0 where nobody can be let in.
    #[serde(default)]
    pub harbor_port: u16,
}

/// Where everything of a station's engine lies.
#[derive(Clone, Debug)]
pub struct Place {
    /// The station.
    pub station: StationId,
    /// Its folder.
    pub dir: PathBuf,
    /// The media store.
    pub media: PathBuf,
    /// The program.
    pub program: PathBuf,
    /// Address of its mounts.
    pub ip: IpAddr,
    /// Port of its mounts on the first start; 0 takes a free one.
    pub port: u16,
    /// Epoch of the owner that starts it.
    pub epoch: u64,
}

impl Place {
    /// The control socket.
    pub fn socket(&self) -> PathBuf {
        self.dir.join("engine.sock")
    }
    /// What the engine last said of itself.
    pub fn description(&self) -> Option<Description> {
        let text = std::fs::read(self.dir.join("engine.json")).ok()?;
        serde_json::from_slice(&text).ok()
    }
    /// Starts the process; it keeps the port it had before, so that listeners find it again. `more`
    /// tells it what was heard elsewhere.
    pub fn start(&self, more: &[String]) -> std::io::Result<Child> {
        std::fs::create_dir_all(&self.dir)?;
        let log = OpenOptions::new().create(true).append(true).open(self.dir.join("engine.log"))?;
        let before = self.description();
        let port = before.as_ref().map_or(self.port, |d| d.http_port);
        let harbor_port = before.map_or(0, |d| d.harbor_port);
        Command::new(&self.program)
            .arg("run")
            .arg("--dir")
            .arg(&self.dir)
            .arg("--media")
            .arg(&self.media)
            .arg("--station")
            .arg(self.station.to_string())
            .arg("--listen")
            .arg(std::net::SocketAddr::new(self.ip, port).to_string())
            .arg("--harbor")
            .arg(std::net::SocketAddr::new(self.ip, harbor_port).to_string())
            .arg("--epoch")
            .arg(self.epoch.to_string())
            .args(more)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
    }
}

/// Waits until a process ends; answers at once for one that is gone.
pub async fn ended(pid: u32) {
    let Some(fd) = open(pid) else { return };
    // A pidfd becomes readable when its process ends.
    #[expect(deprecated, reason = "an OwnedFd keeps its descriptor; `register` would be unsafe")]
    if let Ok(fd) = AsyncFd::new(fd) {
        let _ = fd.readable().await;
    }
}

fn open(pid: u32) -> Option<OwnedFd> {
    let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
    pidfd_open(pid, PidfdFlags::NONBLOCK).ok()
}

/// The engine's program: as configured, or beside our own.
pub fn find_program(configured: Option<&Path>) -> PathBuf {
    if let Some(path) = configured {
        return path.to_path_buf();
    }
    let beside = std::env::current_exe().ok().and_then(|own| {
        let name = Path::new("grimnir-engine");
        // Tests run from a folder below the one the programs are built into.
        own.ancestors().skip(1).take(2).map(|dir| dir.join(name)).find(|path| path.is_file())
    });
    beside.unwrap_or_else(|| PathBuf::from("grimnir-engine"))
}
