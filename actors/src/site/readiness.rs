//! How ready the site is, for probes, metrics and people.

use crate::clock;
use crate::ownership::Standing;
use crate::site::{EngineReadiness, Owner, Readiness, Site, archive, levels};
use grimnir_events::StationId;
use grimnir_events::station::Mount;
use grimnir_ledger::Ledger;

/// One figure for metrics: name, help, labels, value.
pub type Gauge = (&'static str, &'static str, Vec<(&'static str, String)>, f64);

impl Site {
    /// How ready the site is.
    pub async fn readiness(&self) -> Readiness {
        let shared = &self.shared;
        let head = shared.ledger.head().await;
        let ledger_reason = match &head {
            Ok(_) => shared.ledger.writable().err(),
            Err(error) => Some(error.to_string()),
        };
        let mut engines = Vec::new();
        let mut all_on_air = true;
        for station in shared.views.stations() {
            let engine = self.engine_readiness(station.id);
            // What another node owns is another node's to keep on air.
            let ours = shared.ownership.epoch(station.id.0).is_some();
            all_on_air &= !ours || !station.on_air || (engine.connected && engine.on_air);
            if station.on_air || engine.connected {
                engines.push(engine);
            }
        }
        let deviations = shared.ledger.deviations();
        let strong_enough = deviations.is_empty() || shared.config.accepts_weaker();
        let checkpoint = shared.proof.readiness(clock::now());
        let sound = strong_enough && checkpoint.fault.is_none();
        Readiness {
            ready: ledger_reason.is_none() && all_on_air && sound,
            durability: shared.ledger.durability(),
            deviations,
            ledger_writable: ledger_reason.is_none(),
            ledger_reason,
            head_seq: head.map(|h| h.seq).unwrap_or_default(),
            projected_seq: shared.views.position(),
            checkpoint,
            archive: shared.archiver.as_ref().map(archive::readiness),
            engines,
            node: shared.ownership.node().name.clone(),
            owners: self.owners(),
        }
    }

    /// Who owns each station.
    fn owners(&self) -> Vec<Owner> {
        let ownership = &self.shared.ownership;
        let owner = |station_id: StationId| match ownership.standing(station_id.0) {
            Standing::Own { epoch } => {
                Owner { station_id, node: ownership.node().name.clone(), epoch: Some(epoch) }
            }
            Standing::Other(node) => Owner { station_id, node: node.name, epoch: None },
            Standing::Nobody => Owner { station_id, node: String::new(), epoch: None },
        };
        self.shared.views.stations().into_iter().map(|station| owner(station.id)).collect()
    }

    fn checkpoint_gauges(&self) -> [Gauge; 4] {
        let found = self.shared.proof.readiness(clock::now());
        let gauge = |name, help, value| (name, help, vec![], value);
        [
            gauge(
                "grimnir_checkpoint_size",
                "Commits that the last signed checkpoint covers",
                found.size as f64,
            ),
            gauge(
                "grimnir_checkpoint_age_seconds",
                "Time since the last checkpoint was signed; -1 before the first",
                found.age_s.map_or(-1.0, |age| age as f64),
            ),
            gauge(
                "grimnir_checkpoint_cosignatures",
                "Witnesses that have cosigned the last checkpoint",
                found.cosignatures as f64,
            ),
            gauge(
                "grimnir_checkpoint_fault",
                "1 where the ledger is not what was signed, or a witness disputes it",
                f64::from(u8::from(found.fault.is_some())),
            ),
        ]
    }

    fn archive_gauges(&self) -> Vec<Gauge> {
        let Some(archiver) = &self.shared.archiver else { return Vec::new() };
        let found = archive::readiness(archiver);
        let gauge = |name, help, value| (name, help, vec![], value);
        vec![
            gauge(
                "grimnir_archive_seq",
                "Every commit up to this position is archived",
                found.seq as f64,
            ),
            gauge(
                "grimnir_archive_segments_behind",
                "Sealed segments that are not archived",
                found.behind as f64,
            ),
            gauge(
                "grimnir_archive_failures_total",
                "Tries to archive that failed since the site was opened",
                found.failures as f64,
            ),
            gauge(
                "grimnir_archive_fault",
                "1 where the last try to archive failed; it is tried again",
                f64::from(u8::from(found.fault.is_some())),
            ),
        ]
    }

    fn engine_readiness(&self, station: StationId) -> EngineReadiness {
        let handle = self.shared.engine(station);
        let status = handle.status();
        EngineReadiness {
            station_id: station,
            connected: status.is_some(),
            realtime: status.as_ref().is_some_and(|s| s.realtime),
            on_air: status.as_ref().is_some_and(|s| s.on_air),
            listen_urls: self.urls(station),
            journal_backlog: handle.backlog(),
        }
    }

    /// Where a station is listened to.
    pub async fn listen_urls(&self, station: StationId) -> Vec<String> {
        self.urls(station)
    }

    fn urls(&self, station: StationId) -> Vec<String> {
        let Some(row) = self.shared.views.station(station) else { return Vec::new() };
        let port = self.shared.engine(station).status().map(|s| s.http_port);
        let place = self.shared.place_of(station);
        let port = port
            .and_then(|port| u16::try_from(port).ok())
            .or_else(|| place.description().map(|d| d.http_port));
        let Some(port) = port else { return Vec::new() };
        let host = match place.ip {
            ip if ip.is_unspecified() => "localhost".to_owned(),
            std::net::IpAddr::V6(ip) => format!("[{ip}]"),
            std::net::IpAddr::V4(ip) => ip.to_string(),
        };
        let url = |mount: &Mount| format!("http://{host}:{port}{}", mount.path);
        row.mounts.iter().map(url).collect()
    }

    /// Figures for metrics.
    pub fn gauges(&self) -> Vec<Gauge> {
        let shared = &self.shared;
        let mut all: Vec<Gauge> = vec![
            (
                "grimnir_actor_restarts_total",
                "Actors started again since the site was opened",
                vec![],
                shared.restarts() as f64,
            ),
            (
                "grimnir_commands_waiting",
                "Commands that wait for an aggregate",
                vec![],
                shared.directory.waiting() as f64,
            ),
            (
                "grimnir_projected_seq",
                "Ledger position of the read models",
                vec![],
                shared.views.position() as f64,
            ),
        ];
        all.extend(ledger_gauges(&*shared.ledger));
        all.extend(self.checkpoint_gauges());
        all.extend(self.archive_gauges());
        for (station, handle) in shared.engines() {
            let labels = || vec![("station_id", station.to_string())];
            let crashes = shared.views.executor(station).map_or(0, |row| row.crashes);
            all.push((
                "grimnir_engine_crashes_total",
                "Engines that ended without an order",
                labels(),
                crashes as f64,
            ));
            let status = handle.status();
            let flag = |on: bool| if on { 1.0 } else { 0.0 };
            all.push((
                "grimnir_engine_connected",
                "The control plane is connected to the engine",
                labels(),
                flag(status.is_some()),
            ));
            let Some(status) = status else { continue };
            all.push((
                "grimnir_engine_on_air",
                "Programme is on air",
                labels(),
                flag(status.on_air),
            ));
            all.push((
                "grimnir_engine_realtime",
                "The mix thread runs under SCHED_RR",
                labels(),
                flag(status.realtime),
            ));
            all.push((
                "grimnir_engine_late_blocks_total",
                "Mix blocks rendered after their deadline",
                labels(),
                status.late_blocks as f64,
            ));
            all.push((
                "grimnir_journal_backlog",
                "Journal records that are not in the ledger yet",
                labels(),
                handle.backlog() as f64,
            ));
            all.push((
                "grimnir_engine_minimal",
                "Too many crashes: only the fallback and emergencies play",
                labels(),
                flag(status.minimal),
            ));
            let listeners: u32 = status.outputs.iter().map(|o| o.listeners).sum();
            all.push(("grimnir_listeners_current", "Listeners", labels(), f64::from(listeners)));
            all.extend(status.telemetry.iter().flat_map(|t| levels::gauges(station, t)));
        }
        all
    }
}

/// What the ledger's store is worth.
fn ledger_gauges(ledger: &dyn Ledger) -> Vec<Gauge> {
    let deviations = ledger.deviations();
    let mut all: Vec<Gauge> = vec![
        (
            "grimnir_ledger_durability",
            "What an acknowledgement is worth: the class that holds is 1",
            vec![("class", ledger.durability().word().to_owned())],
            1.0,
        ),
        (
            "grimnir_ledger_writable",
            "The ledger takes commits",
            vec![],
            if ledger.writable().is_ok() { 1.0 } else { 0.0 },
        ),
        (
            "grimnir_ledger_deviations",
            "Things in which the ledger's store is less than it has to be",
            vec![],
            deviations.len() as f64,
        ),
    ];
    all.extend(deviations.into_iter().map(|deviation| {
        let labels = vec![("name", deviation.name.to_owned())];
        ("grimnir_ledger_deviation", "This deviates", labels, 1.0)
    }));
    all
}
