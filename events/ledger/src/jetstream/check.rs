//! Whether a stream on a server is worth what a ledger promises: every deviation by its name.

use super::monitor::SyncPolicy;
use super::names::Names;
use crate::ledger::{Deviation, Durability};
use async_nats::jetstream::stream::{
    Compression, Config, DiscardPolicy, Info, PersistenceMode, RetentionPolicy, State, StorageType,
};
use grimnir_events::{LogId, SiteId};
use std::time::Duration;

/// Layout of a stream that this program makes and understands.
pub const STREAM_SCHEMA: &str = "1";
/// Repeats are answered by the server for so long; after it, by the node's replica.
pub(crate) const DUPLICATE_WINDOW: Duration = Duration::from_secs(120);
/// Copies that survive the loss of one.
const QUORUM_REPLICAS: usize = 3;

/// What a stream's metadata says about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Marks {
    pub log_id: LogId,
    pub incarnation: u64,
}

impl Marks {
    /// The marks of a stream; else what is missing or wrong.
    pub fn of(config: &Config) -> Result<Self, String> {
        let mark = |name: &str| {
            config.metadata.get(name).ok_or_else(|| format!("its metadata has no {name}"))
        };
        let schema = mark("schema")?;
        if schema != STREAM_SCHEMA {
            return Err(format!("its schema is {schema}, this program knows {STREAM_SCHEMA}"));
        }
        let log_id = mark("log_id")?.parse().map_err(|e| format!("its log_id: {e}"))?;
        let incarnation = mark("incarnation")?
            .parse()
            .map_err(|_| "its incarnation is not a number".to_owned())?;
        Ok(Self { log_id, incarnation })
    }
}

/// The configuration of a site's stream.
pub(crate) fn wanted(site: SiteId, marks: &Marks, replicas: usize) -> Config {
    let names = Names::of(site);
    let text = |name: &str, value: String| (name.to_owned(), value);
    Config {
        name: names.stream.clone(),
        subjects: vec![names.all()],
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        max_messages: -1,
        max_bytes: -1,
        max_messages_per_subject: -1,
        max_consumers: -1,
        max_message_size: -1,
        storage: StorageType::File,
        num_replicas: replicas,
        duplicate_window: DUPLICATE_WINDOW,
        deny_delete: true,
        deny_purge: true,
        allow_direct: true,
        metadata: [
            text("log_id", marks.log_id.to_string()),
            text("schema", STREAM_SCHEMA.into()),
            text("incarnation", marks.incarnation.to_string()),
            text("created_by", format!("grimnir {}", env!("CARGO_PKG_VERSION"))),
        ]
        .into(),
        ..Config::default()
    }
}

struct Found(Vec<Deviation>);

impl Found {
    fn hold(&mut self, name: &'static str, found: impl ToString, wanted: impl ToString) {
        let (found, wanted) = (found.to_string(), wanted.to_string());
        if found != wanted {
            self.0.push(Deviation { name, found, wanted });
        }
    }
    fn none(&mut self, name: &'static str, found: Option<String>) {
        self.hold(name, found.unwrap_or_else(|| "none".into()), "none");
    }
}

/// Everything in which a stream is less than a ledger's.
pub(crate) fn deviations(
    info: &Info,
    site: SiteId,
    log_id: LogId,
    sync: &SyncPolicy,
) -> Vec<Deviation> {
    let mut found = Found(Vec::new());
    identity(&mut found, &info.config, site, log_id);
    limits(&mut found, &info.config);
    powers(&mut found, &info.config);
    history(&mut found, &info.state);
    let replicas = info.config.num_replicas;
    if replicas < QUORUM_REPLICAS {
        // One copy is as good as its disk: then every message must be on it.
        found.hold("replicas", replicas, if replicas == 1 { 1 } else { QUORUM_REPLICAS });
        found.hold("sync", sync, SyncPolicy::Always);
    }
    found.0
}

fn identity(found: &mut Found, config: &Config, site: SiteId, log_id: LogId) {
    let marked = match Marks::of(config) {
        Ok(marks) => marks.log_id.to_string(),
        Err(reason) => reason,
    };
    found.hold("log_id", marked, log_id);
    found.hold("subjects", config.subjects.join(","), Names::of(site).all());
    found.none("mirror", config.mirror.as_ref().map(|source| source.name.clone()));
    let sources = config.sources.as_ref().filter(|sources| !sources.is_empty());
    found.none("sources", sources.map(|sources| sources.len().to_string()));
    found.none("subject_transform", config.subject_transform.as_ref().map(|_| "set".into()));
}

fn limits(found: &mut Found, config: &Config) {
    let limit = |value: i64| if value <= 0 { -1 } else { value };
    let age = config.max_age;
    found.hold("max_age", format!("{} s", age.as_secs_f64()), "0 s");
    found.hold("max_msgs", limit(config.max_messages), -1);
    found.hold("max_bytes", limit(config.max_bytes), -1);
    found.hold("max_msgs_per_subject", limit(config.max_messages_per_subject), -1);
    found.hold("max_msg_size", limit(config.max_message_size.into()), -1);
    found.hold("retention", retention(config.retention), "limits");
    found.hold("discard", discard(config.discard), "new");
}

fn retention(policy: RetentionPolicy) -> &'static str {
    match policy {
        RetentionPolicy::Limits => "limits",
        RetentionPolicy::Interest => "interest",
        RetentionPolicy::WorkQueue => "workqueue",
    }
}

fn discard(policy: DiscardPolicy) -> &'static str {
    match policy {
        DiscardPolicy::New => "new",
        DiscardPolicy::Old => "old",
    }
}

fn powers(found: &mut Found, config: &Config) {
    found.hold(
        "storage",
        if config.storage == StorageType::File { "file" } else { "memory" },
        "file",
    );
    let compressed = !matches!(config.compression, None | Some(Compression::None));
    found.hold("compression", compressed, false);
    found.hold("allow_rollup_hdrs", config.allow_rollup, false);
    found.hold("allow_msg_ttl", config.allow_message_ttl, false);
    found.hold("allow_msg_counter", config.allow_message_counter, false);
    found.hold("allow_msg_schedules", config.allow_message_schedules, false);
    found.hold("deny_delete", config.deny_delete, true);
    found.hold("deny_purge", config.deny_purge, true);
    found.hold("allow_direct", config.allow_direct, true);
    found.hold("no_ack", config.no_ack, false);
    found.hold("sealed", config.sealed, false);
    let relaxed = config.persist_mode == Some(PersistenceMode::Async);
    found.hold("persist_mode", if relaxed { "async" } else { "default" }, "default");
}

fn history(found: &mut Found, state: &State) {
    found.hold("num_deleted", state.deleted_count.unwrap_or(0), 0);
    let whole = (state.last_sequence + 1).saturating_sub(state.first_sequence);
    if state.last_sequence > 0 {
        found.hold("first_seq", state.first_sequence, 1);
        found.hold("messages", state.messages, whole);
    }
}

/// What an acknowledgement of such a stream is worth.
pub(crate) fn class(replicas: usize, sync: &SyncPolicy, deviations: &[Deviation]) -> Durability {
    let other_than_sync = deviations.iter().any(|deviation| deviation.name != "sync");
    match (deviations.is_empty(), sync) {
        (true, _) if replicas >= QUORUM_REPLICAS => Durability::Quorum,
        (true, _) => Durability::SyncAlways,
        (false, SyncPolicy::Unread(_)) if !other_than_sync => Durability::Unverified,
        (false, _) => Durability::Weaker,
    }
}

#[cfg(test)]
#[path = "check/tests.rs"]
mod tests;
