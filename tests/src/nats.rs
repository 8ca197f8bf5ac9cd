//! nats-servers for tests: on free loopback ports, with a store of their own, gone with the test.
//!
//! Each runs below a small shell that ends it when its standard input closes, so that nothing
//! outlives a test process however that ends.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

#[path = "ports.rs"]
pub mod ports;

/// How long a server may take until it serves.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// Between two looks at something that will come.
const LOOK: Duration = Duration::from_millis(10);

const KEEPER: &str = r#"exec 3<&0; "$0" -c "$1" </dev/null >"$2" 2>&1 & p=$!; echo $p
read -r _ <&3; kill -9 $p 2>/dev/null; wait"#;
const SWEEPER: &str = r#"read -r _; sleep 1; rm -rf "$0""#;

/// The server's program: from the cache that `deploy/setup.sh test` fills, else from the path.
pub fn program() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    let kept = cache.map(|cache| cache.join("grimnir/tools/nats-server"));
    let kept = kept.filter(|path| path.exists());
    let on_path = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|dir| dir.join("nats-server")).find(|p| p.exists())
    };
    kept.or_else(on_path).expect("nats-server is there: deploy/setup.sh test installs it")
}

/// Ports that are free, also while a server that was killed is not up again.
pub fn free_ports<const N: usize>() -> [u16; N] {
    let first = ports::adjacent(N as u16);
    std::array::from_fn(|place| first + place as u16)
}

/// Waits for something that comes, or fails with what it was.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {} s", READY_WITHIN.as_secs());
        std::thread::sleep(LOOK);
    }
}

/// Lets some time go by between two looks at something that will come.
pub async fn pause() {
    tokio::time::sleep(LOOK).await;
}

/// The project's accounts as more lines of a configuration, with passwords `of-admin`, `of-app`,
/// `of-audit` and `of-system`; `file` is `deploy/nats/accounts.conf`.
pub fn accounts(file: &Path) -> String {
    let mut lines: String = ["admin", "app", "audit", "system"]
        .map(|who| format!("GRIMNIR_NATS_{}_PASSWORD: \"of-{who}\"\n", who.to_uppercase()))
        .concat();
    lines += &std::fs::read_to_string(file).expect("reads");
    lines
}

/// One server.
pub struct Server {
    /// Where clients connect.
    pub port: u16,
    /// Where it is looked at.
    pub monitor_port: u16,
    dir: PathBuf,
    running: Option<Running>,
}

struct Running {
    keeper: Child,
    _input: ChildStdin,
    pid: i32,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Server {
    fn of(dir: &Path, config: &str, ports: [u16; 2]) -> Self {
        std::fs::create_dir_all(dir).expect("a folder");
        std::fs::write(dir.join("nats.conf"), config).expect("writes");
        Self { port: ports[0], monitor_port: ports[1], dir: dir.to_owned(), running: None }
    }

    /// Starts it, with whatever its store holds; it may not be ready yet.
    pub fn launch(&mut self) {
        assert!(self.running.is_none(), "it runs already");
        let mut keeper = Command::new("sh")
            .arg("-c")
            .arg(KEEPER)
            .arg(program())
            .arg(self.dir.join("nats.conf"))
            .arg(self.dir.join("trace"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let input = keeper.stdin.take().expect("a pipe");
        let mut pid = String::new();
        let mut said = BufReader::new(keeper.stdout.take().expect("a pipe"));
        said.read_line(&mut pid).expect("reads");
        let pid = pid.trim().parse().expect("a pid");
        self.running = Some(Running { keeper, _input: input, pid });
    }
    /// Starts it and waits until it serves.
    pub fn start(&mut self) {
        self.launch();
        self.wait_ready();
    }
    /// Waits until it says that it is healthy.
    pub fn wait_ready(&self) {
        let trace = self.dir.join("trace");
        until(&format!("server, trace in {}", trace.display()), || {
            get(self.monitor_port, "/healthz").filter(|answer| answer.contains("\"ok\""))
        });
    }
    /// SIGKILL, and waits until it is gone.
    pub fn kill(&mut self) {
        let Some(mut running) = self.running.take() else { return };
        if let Some(pid) = rustix::process::Pid::from_raw(running.pid) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        drop(running._input);
        let _ = running.keeper.wait();
    }
    /// Its process.
    pub fn pid(&self) -> i32 {
        self.running.as_ref().expect("it runs").pid
    }
    /// Its address.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }
    /// Where its monitoring is.
    pub fn monitor(&self) -> String {
        format!("http://127.0.0.1:{}", self.monitor_port)
    }
    /// Folder of its configuration and store.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

/// The body of a GET, where there is an answer.
pub fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
}

/// One server, or several in one cluster, with a folder that goes with them.
pub struct Servers {
    /// They, in order.
    pub servers: Vec<Server>,
    sweeper: Option<ChildStdin>,
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.servers.clear();
        self.sweeper.take();
    }
}

/// How servers sync and whom they let in.
#[derive(Clone, Debug)]
pub struct Setup {
    /// `sync_interval`, e.g. `always`.
    pub sync: &'static str,
    /// JetStream's domain, where servers of several are joined.
    pub domain: Option<&'static str>,
    /// More of the configuration, e.g. accounts.
    pub more: String,
}

impl Default for Setup {
    fn default() -> Self {
        Self { sync: "always", domain: None, more: String::new() }
    }
}

impl Servers {
    /// One server.
    pub fn one(setup: &Setup) -> Self {
        let (root, sweeper) = folder();
        let [port, monitor] = free_ports();
        let dir = root.join("s1");
        let config = config(&dir, [port, monitor], setup, "");
        let mut server = Server::of(&dir, &config, [port, monitor]);
        server.start();
        Self { servers: vec![server], sweeper: Some(sweeper) }
    }

    /// Three servers in one cluster.
    pub fn three(setup: &Setup) -> Self {
        let (root, sweeper) = folder();
        let ports: [u16; 9] = free_ports();
        let routes: Vec<_> = (0..3).map(|n| format!("nats://127.0.0.1:{}", ports[n])).collect();
        let mut servers: Vec<_> = (0..3)
            .map(|n| {
                let dir = root.join(format!("s{}", n + 1));
                let own = [ports[3 + n], ports[6 + n]];
                let cluster = format!(
                    "cluster {{ name: test, listen: \"127.0.0.1:{}\", routes: [{}] }}\n",
                    ports[n],
                    routes.iter().map(|r| format!("\"{r}\"")).collect::<Vec<_>>().join(", ")
                );
                Server::of(&dir, &config(&dir, own, setup, &cluster), own)
            })
            .collect();
        servers.iter_mut().for_each(Server::launch);
        servers.iter().for_each(Server::wait_ready);
        Self { servers, sweeper: Some(sweeper) }
    }

    /// The addresses of all, as one text.
    pub fn url(&self) -> String {
        self.servers.iter().map(Server::url).collect::<Vec<_>>().join(",")
    }
    /// The monitoring of all.
    pub fn monitors(&self) -> Vec<String> {
        self.servers.iter().map(Server::monitor).collect()
    }
}

/// A folder that is removed when the answered pipe closes.
#[allow(
    clippy::zombie_processes,
    reason = "the sweeper outlives this process, whose end it waits for"
)]
fn folder() -> (PathBuf, ChildStdin) {
    let root = tempfile::Builder::new().prefix("grimnir-nats-").tempdir().expect("a folder").keep();
    let mut sweeper = Command::new("sh")
        .arg("-c")
        .arg(SWEEPER)
        .arg(&root)
        .stdin(Stdio::piped())
        .spawn()
        .expect("starts");
    let input = sweeper.stdin.take().expect("a pipe");
    (root, input)
}

fn config(dir: &Path, ports: [u16; 2], setup: &Setup, cluster: &str) -> String {
    let [port, monitor] = ports;
    let name = dir.file_name().and_then(|name| name.to_str()).expect("a name");
    let (sync, more) = (setup.sync, &setup.more);
    let store = dir.join("store");
    let domain = setup.domain.map_or_else(String::new, |domain| format!("domain: {domain}, "));
    format!(
        "server_name: {name}\nlisten: \"127.0.0.1:{port}\"\nhttp: \"127.0.0.1:{monitor}\"\n\
         jetstream {{ {domain}store_dir: \"{}\", sync_interval: \"{sync}\", \
         max_mem: 64M, max_file: 4G }}\n\
         {cluster}{more}\n",
        store.display()
    )
}
