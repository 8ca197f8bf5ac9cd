//! A control plane under test, with its own folder and free ports.

use crate::client::Client;
use crate::programs::{kill, program, send, until};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Name of the administrator in every scene.
pub const ADMIN: &str = "admin";
/// Password of the administrator in every scene.
pub const PASSWORD: &str = "a password of the scenes";

/// A running control plane; its engines are ended with it.
pub struct Server {
    /// Everything the site keeps.
    pub data: PathBuf,
    child: Child,
    port: u16,
    keep: Option<tempfile::TempDir>,
}

impl Server {
    /// Starts one in an empty folder.
    pub async fn start() -> Self {
        let keep = tempfile::tempdir().expect("a folder can be made");
        let data = keep.path().join("data");
        let mut server = Self::start_in(&data).await;
        server.keep = Some(keep);
        server
    }

    /// Starts one in a folder that may hold a site already.
    pub async fn start_in(data: &Path) -> Self {
        Self::start_with(data, 0, &mut Command::new(program("grimnir"))).await
    }

    /// Starts one with a prepared command (a wrapper such as strace may stand before it).
    pub async fn start_with(data: &Path, port: u16, command: &mut Command) -> Self {
        std::fs::create_dir_all(data).expect("the folder can be made");
        let mut child = prepare(command, data, port).spawn().expect("the program starts");
        let out = child.stdout.take().expect("piped");
        let port = tokio::task::spawn_blocking(move || {
            let mut lines = BufReader::new(out).lines();
            let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
                let rest = line.strip_prefix("API:")?.trim().strip_prefix("http://127.0.0.1:")?;
                rest.split('/').next()?.parse().ok()
            });
            // Read on in the background, so that the program never blocks on its output.
            std::thread::spawn(move || lines.for_each(drop));
            port
        })
        .await
        .expect("the reader ends");
        let Some(port) = port else {
            let trace = std::fs::read_to_string(data.join("trace.log")).unwrap_or_default();
            let tail: String = trace.lines().rev().take(20).collect::<Vec<_>>().join("\n");
            panic!("the server did not start:\n{tail}");
        };
        Self { data: data.into(), child, port, keep: None }
    }

    /// Address of the API.
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
    /// A client that is signed in as the administrator.
    pub async fn admin(&self) -> Client {
        Client::new(&self.base()).sign_in(ADMIN, PASSWORD).await
    }
    /// The ledger's folder.
    pub fn ledger(&self) -> PathBuf {
        self.data.join("ledger")
    }

    /// Ends the control plane with SIGKILL; engines play on.
    pub fn kill(&mut self) {
        kill(self.child.id());
        let _ = self.child.wait();
    }

    /// Starts the control plane again on the same folder.
    pub async fn restart(&mut self) {
        self.restart_with(&mut Command::new(program("grimnir"))).await;
    }

    /// Runs a prepared command that is to die by itself, and waits for its death.
    pub async fn restart_until_death(&mut self, command: &mut Command) {
        let mut child = prepare(command, &self.data, 0).spawn().expect("the program starts");
        until("the program dies by itself", Duration::from_secs(30), || {
            let ended = matches!(child.try_wait(), Ok(Some(_)));
            async move { ended.then_some(()) }
        })
        .await;
    }

    /// Runs a prepared command that is to refuse to start; answers what it said.
    pub async fn fails_to_start(&self, command: &mut Command) -> String {
        let command = prepare(command, &self.data, 0);
        let output = command.stderr(Stdio::piped()).output().expect("the program runs");
        assert!(!output.status.success(), "the program was to refuse");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Starts it again with a prepared command.
    pub async fn restart_with(&mut self, command: &mut Command) {
        let keep = self.keep.take();
        let data = self.data.clone();
        let mut next = Self::start_with(&data, 0, command).await;
        next.keep = keep;
        // The old one's process is gone; dropping it must not end the engines.
        let old = std::mem::replace(self, next);
        old.forget();
    }

    fn forget(mut self) {
        let _ = self.child.try_wait();
        self.data = PathBuf::new();
    }

    /// Asks the control plane to end in order.
    pub fn stop(&mut self) {
        send(self.child.id(), rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }

    /// Asks the program behind a wrapper to end in order, and waits for the wrapper.
    pub fn stop_behind_wrapper(&mut self) {
        let own = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children"));
        for pid in children.unwrap_or_default().split_whitespace() {
            send(pid.parse().expect("a process number"), rustix::process::Signal::TERM);
        }
        let _ = self.child.wait();
    }

    /// Process of a station's engine.
    pub fn engine_pid(&self, station: &str) -> Option<u32> {
        let text = std::fs::read(self.station_dir(station).join("engine.json")).ok()?;
        let value: serde_json::Value = serde_json::from_slice(&text).ok()?;
        value["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok())
    }

    /// Folder of a station's engine.
    pub fn station_dir(&self, station: &str) -> PathBuf {
        self.data.join("stations").join(station)
    }

    /// Everything traced by the control plane and its engines.
    pub fn traces(&self) -> String {
        let mut all = std::fs::read_to_string(self.data.join("trace.log")).unwrap_or_default();
        if let Ok(stations) = std::fs::read_dir(self.data.join("stations")) {
            for station in stations.flatten() {
                let log = station.path().join("engine.log");
                all.push_str(&std::fs::read_to_string(log).unwrap_or_default());
            }
        }
        all
    }

    /// Fails the test when anything panicked.
    pub fn assert_no_panic(&self) {
        let traces = self.traces();
        let panics: Vec<_> = traces.lines().filter(|l| l.contains("panicked at")).collect();
        assert!(panics.is_empty(), "panics in the trace: {panics:#?}");
    }

    /// Waits until the station's engine plays; answers its first listen URL.
    pub async fn on_air(&self, client: &Client, station: &str) -> String {
        until("the station is on air", Duration::from_secs(30), || async {
            let request = client.request(reqwest::Method::GET, "/readyz");
            let (_, body) = client.try_send(request).await?;
            let engine = body["engines"]
                .as_array()?
                .iter()
                .find(|e| e["station_id"] == station && e["on_air"] == true)?;
            engine["listen_urls"][0].as_str().map(str::to_owned)
        })
        .await
    }
}

fn prepare<'a>(command: &'a mut Command, data: &Path, port: u16) -> &'a mut Command {
    let trace = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(data.join("trace.log"))
        .expect("the trace can be written");
    command
        .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--mount-port", "0"])
        .arg("--data")
        .arg(data)
        .arg("--engine")
        .arg(program("grimnir-engine"))
        .env("GRIMNIR_ADMIN_USER", ADMIN)
        .env("GRIMNIR_ADMIN_PASSWORD", PASSWORD)
        .env("GRIMNIR_LOG", "info")
        .stdout(Stdio::piped())
        .stderr(trace)
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.data.as_os_str().is_empty() {
            return;
        }
        kill(self.child.id());
        let _ = self.child.wait();
        let Ok(stations) = std::fs::read_dir(self.data.join("stations")) else { return };
        for station in stations.flatten() {
            if let Some(name) = station.file_name().to_str()
                && let Some(pid) = self.engine_pid(name)
                && is_engine(pid)
            {
                kill(pid);
            }
        }
    }
}

/// A process number may have been given to another program meanwhile.
fn is_engine(pid: u32) -> bool {
    std::fs::read(format!("/proc/{pid}/cmdline"))
        .is_ok_and(|line| String::from_utf8_lossy(&line).contains("grimnir-engine"))
}
