//! Nodes that share one ledger on a JetStream server of their own.

use crate::client::Client;
use crate::nats::{Servers, Setup};
use crate::programs::{program, until};
use crate::server::Server;
use grimnir_events::envelope;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long anything about ownership may take on a machine at its limit.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A JetStream server with a site's stream, and the folder of its nodes.
pub struct Cluster {
    /// The server.
    pub nats: Servers,
    site: String,
    root: tempfile::TempDir,
}

impl Cluster {
    /// Starts the server and makes the stream of a new site.
    pub fn start() -> Self {
        let nats = Servers::one(&Setup::default());
        let root = tempfile::tempdir().expect("a folder can be made");
        let made = Command::new(program("grimnir"))
            .args(["ledger", "provision", "--nats", &nats.url()])
            .output()
            .expect("the program runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let made: Value = serde_json::from_slice(&made.stdout).expect("the answer is JSON");
        let site = made["site_id"].as_str().expect("a site has an id").to_owned();
        Self { nats, site, root }
    }

    /// Folder of a node. That of `common` is also what all nodes of the host share.
    pub fn dir(&self, node: &str) -> PathBuf {
        self.root.path().join(node)
    }

    /// Starts a node as on another host: with engines of its own and a copy of what is played.
    pub async fn elsewhere(&self, node: &str) -> Server {
        for folder in ["media", "secrets"] {
            copy_all(&self.dir("common").join(folder), &self.dir(node).join(folder));
        }
        let mut command = self.command(node);
        command.env("GRIMNIR_COMMON", self.dir(node));
        Server::start_with(&self.dir(node), 0, &mut command).await
    }

    /// The program of a node, told by its environment where the ledger is.
    pub fn command(&self, node: &str) -> Command {
        let mut command = Command::new(program("grimnir"));
        command
            .env("GRIMNIR_LEDGER_URL", self.nats.url())
            .env("GRIMNIR_NATS_MONITOR", self.nats.monitors().join(","))
            .env("GRIMNIR_SITE", &self.site)
            .env("GRIMNIR_NODE_ID", node)
            .env("GRIMNIR_COMMON", self.dir("common"));
        command
    }

    /// Starts a node; the one named `common` is to be first.
    pub async fn node(&self, node: &str) -> Server {
        Server::start_with(&self.dir(node), 0, &mut self.command(node)).await
    }
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder can be made");
    for entry in std::fs::read_dir(from).expect("the folder is there").flatten() {
        let next = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_all(&entry.path(), &next);
        } else {
            std::fs::copy(entry.path(), next).expect("a file can be copied");
        }
    }
}

/// A name, beginning with `prefix`, that makes a node the owner of a station beside `other`, or,
/// where `wins` is false, not.
pub fn ranked(prefix: &str, station: &str, other: &str, wins: bool) -> String {
    let unit = station.strip_prefix("sta_").expect("a station's id");
    let unit: Vec<u8> = (0..unit.len() / 2)
        .map(|at| u8::from_str_radix(&unit[2 * at..2 * at + 2], 16).expect("hex"))
        .collect();
    let weight = |node: &str| envelope::hash(&[unit.as_slice(), node.as_bytes()].concat()).0;
    (0..)
        .map(|number| format!("{prefix}{number}"))
        .find(|name| (weight(name)[..8] > weight(other)[..8]) == wins)
        .expect("half of all names are")
}

/// Whom a node takes for the owner of a station; empty for nobody.
pub async fn owner(client: &Client, station: &str) -> Option<String> {
    let request = client.request(reqwest::Method::GET, "/readyz");
    let (_, ready) = client.try_send(request).await?;
    let owner = ready["owners"].as_array()?.iter().find(|o| o["station_id"] == station)?;
    owner["node"].as_str().map(str::to_owned)
}

/// Waits until all of these nodes name the same owner.
pub async fn owned_by(node: &str, station: &str, clients: &[&Client]) {
    until(&format!("{node} owns the station"), PATIENCE, || async {
        for client in clients {
            if owner(client, station).await? != node {
                return None;
            }
        }
        Some(())
    })
    .await;
}
