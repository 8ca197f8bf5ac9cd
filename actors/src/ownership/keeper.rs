//! The keeper of a node's leases: claims its share, renews it, lets go of what is another's.
//!
//! Every node has a lease on its own name, and so all know which nodes live. Which of them owns a
//! unit follows from that alone ([`rendezvous`]); the lease on the unit makes sure that two nodes
//! that see different things do not both begin. While leases cannot be read nothing changes: the
//! node goes on with what it had, because its ledger takes nothing then, and nobody else's does.

use super::pace::{RENEW_EVERY, SETTLED, TAKE_PATIENCE, TICK};
use super::words::{NodeWord, UnitWord, View, bytes_of, key_of};
use super::{Node, Ownership, Standing, Unit, host, memory, rendezvous, take};
use crate::site::Shared;
use grimnir_ledger::{LeaseError, Leases};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{error, info, warn};

struct Held {
    revision: u64,
    renewed: Instant,
    epoch: u64,
    /// Its streams are taken.
    taken: bool,
}

/// A node's keeper.
pub struct Keeper {
    shared: Arc<Shared>,
    leases: Arc<dyn Leases>,
    instance: String,
    host: String,
    own: Option<(u64, Instant)>,
    held: BTreeMap<Unit, Held>,
    /// Since when each other node, by name and instance, has been seen.
    seen: BTreeMap<(String, String), Instant>,
    /// Another process goes by our name.
    doubled: bool,
    /// Nothing is claimed any more.
    closing: bool,
    /// Leases could be read last time.
    reached: bool,
    renew_every: Duration,
}

impl Keeper {
    /// A keeper that owns nothing yet; what the node's last life owned is remembered by file.
    pub fn new(shared: Arc<Shared>, leases: Arc<dyn Leases>) -> Self {
        let instance = hex::encode(&crate::clock::fresh_id()[..8]);
        Self {
            host: host::name(shared.common_dir()),
            shared,
            leases,
            instance,
            own: None,
            held: BTreeMap::new(),
            seen: BTreeMap::new(),
            doubled: false,
            closing: false,
            reached: true,
            renew_every: RENEW_EVERY,
        }
    }

    /// Another pause between two renewals than a third of the time to live.
    pub fn renewing_every(self, renew_every: Duration) -> Self {
        Self { renew_every, ..self }
    }

    /// Runs one round; answers false when leases are not kept now.
    pub async fn round(&mut self) -> bool {
        let looked = self.look().await;
        match &looked {
            Ok(()) if !self.reached => info!("leases are read again"),
            Err(error) if self.reached => warn!(%error, "ownership stays as it is"),
            Ok(()) | Err(_) => {}
        }
        self.reached = looked.is_ok();
        self.reached
    }

    /// Rounds until the site closes.
    pub async fn run(keeper: Arc<tokio::sync::Mutex<Self>>) {
        loop {
            keeper.lock().await.round().await;
            tokio::time::sleep(TICK).await;
        }
    }

    fn ownership(&self) -> &Ownership {
        &self.shared.ownership
    }
    fn me(&self) -> &str {
        &self.shared.ownership.node().name
    }

    async fn look(&mut self) -> Result<(), LeaseError> {
        if self.closing {
            return Ok(());
        }
        self.renew_own().await?;
        if self.doubled {
            return Ok(());
        }
        self.renew_held().await?;
        let view = self.view().await?;
        let settled = self.settled(&view);
        let mut won = Vec::new();
        for unit in self.shared.units() {
            let names = || view.nodes.keys().map(String::as_str).chain([self.me()]);
            let share = rendezvous::owner(unit, names()).unwrap_or_default().to_owned();
            if self.held.contains_key(&unit) {
                if share != self.me() && settled.contains(&share) {
                    self.hand_over(unit, Some(&view), &share).await?;
                }
                continue;
            }
            match self.free(unit, &view) {
                Free::At(revision) if share == self.me() => {
                    if self.claim(unit, revision).await? {
                        won.push(unit);
                    }
                }
                Free::At(_) => self.wait_for(unit, &share, &view),
                Free::Of(name) => self.lost(unit, &name, &view),
            }
        }
        self.take_all().await;
        Ok(())
    }

    async fn renew_own(&mut self) -> Result<(), LeaseError> {
        if self.own.is_some_and(|(_, renewed)| renewed.elapsed() < self.renew_every) {
            return Ok(());
        }
        let word = NodeWord {
            instance: self.instance.clone(),
            url: self.ownership().node().url.clone(),
            host: self.host.clone(),
            gone: self.closing,
        };
        let key = format!("node.{}", self.me());
        let at = self.own.map_or(0, |(revision, _)| revision);
        match self.leases.claim(&key, bytes_of(&word), at).await {
            Ok(revision) => {
                self.own = Some((revision, Instant::now()));
                self.doubled = false;
                Ok(())
            }
            Err(LeaseError::Taken { .. }) => {
                let found = self.view().await?.own;
                let foreign = found.as_ref().is_some_and(|(_, w)| w.instance != self.instance);
                if foreign && at != 0 {
                    self.stand_aside();
                    return Ok(());
                }
                // Our last life's, or our own renewal whose answer was lost, or ended meanwhile.
                let at = found.map_or(0, |(revision, _)| revision);
                let revision = self.leases.claim(&key, bytes_of(&word), at).await?;
                self.own = Some((revision, Instant::now()));
                self.doubled = false;
                Ok(())
            }
            Err(away) => Err(away),
        }
    }

    /// Another process goes by this node's name: one of the two has to leave, and it is newer.
    fn stand_aside(&mut self) {
        if !self.doubled {
            error!(node = self.me(), "another process runs as this node: nothing is decided here");
        }
        self.doubled = true;
        for unit in self.shared.units() {
            self.held.remove(&unit);
            self.ownership().set(unit, Standing::Nobody);
        }
    }

    async fn renew_held(&mut self) -> Result<(), LeaseError> {
        let due: Vec<Unit> = self
            .held
            .iter()
            .filter(|(_, held)| held.renewed.elapsed() >= self.renew_every)
            .map(|(unit, _)| *unit)
            .collect();
        for unit in due {
            let Some(held) = self.held.get(&unit) else { continue };
            let (word, at) = (self.word(held.epoch, false), held.revision);
            match self.leases.claim(&key_of(unit), bytes_of(&word), at).await {
                Ok(revision) => self.renewed(unit, revision),
                Err(LeaseError::Taken { .. }) => {
                    // Judged by what the leases say now, with everything else.
                    let view = self.view().await?;
                    match view.units.get(&unit) {
                        Some((revision, word)) if word.instance == self.instance => {
                            self.renewed(unit, *revision);
                        }
                        _ => {
                            self.held.remove(&unit);
                        }
                    }
                }
                Err(away) => return Err(away),
            }
        }
        Ok(())
    }

    fn renewed(&mut self, unit: Unit, revision: u64) {
        if let Some(held) = self.held.get_mut(&unit) {
            (held.revision, held.renewed) = (revision, Instant::now());
        }
    }

    /// Names of the other nodes that have lived for a while.
    fn settled(&mut self, view: &View) -> Vec<String> {
        let now = Instant::now();
        let lives = |(name, instance): &(String, String)| {
            view.nodes.get(name).is_some_and(|word| word.instance == *instance)
        };
        self.seen.retain(|key, _| lives(key));
        for (name, word) in &view.nodes {
            self.seen.entry((name.clone(), word.instance.clone())).or_insert(now);
        }
        let settled = self.seen.iter().filter(|(_, since)| now - **since >= SETTLED);
        settled.map(|((name, _), _)| name.clone()).collect()
    }

    /// Whether a unit can be claimed, or whose it is.
    fn free(&self, unit: Unit, view: &View) -> Free {
        match view.units.get(&unit) {
            None => Free::At(0),
            // Held by an earlier life of this node: its folder is locked by us, so it is over.
            Some((revision, word)) if word.released || word.node == self.me() => {
                Free::At(*revision)
            }
            Some((_, word)) => Free::Of(word.node.clone()),
        }
    }

    /// Claims a unit; false when somebody else was first.
    async fn claim(&mut self, unit: Unit, at: u64) -> Result<bool, LeaseError> {
        let epoch = self.ownership().epoch(unit).unwrap_or(0);
        let word = self.word(epoch, false);
        match self.leases.claim(&key_of(unit), bytes_of(&word), at).await {
            Ok(revision) => {
                let renewed = Instant::now();
                let held = Held { revision, renewed, epoch: revision, taken: false };
                self.held.insert(unit, held);
                Ok(true)
            }
            Err(LeaseError::Taken { .. }) => Ok(false),
            Err(away) => Err(away),
        }
    }

    /// Takes the streams of everything that is held and not taken yet.
    async fn take_all(&mut self) {
        let shared = self.shared.clone();
        let due: Vec<_> =
            self.held.iter().filter(|(_, h)| !h.taken).map(|(u, h)| (*u, h.epoch)).collect();
        let taking = due.into_iter().map(|(unit, epoch)| {
            let shared = shared.clone();
            async move {
                let taken = tokio::time::timeout(TAKE_PATIENCE, take_unit(&shared, unit, epoch));
                let taken = taken.await.unwrap_or_else(|_| Err("it took too long".into()));
                (unit, taken)
            }
        });
        for (unit, taken) in futures_util::future::join_all(taking).await {
            match taken {
                Ok(epoch) => {
                    if let Some(held) = self.held.get_mut(&unit) {
                        (held.epoch, held.taken) = (epoch, true);
                    }
                    self.ownership().set(unit, Standing::Own { epoch });
                    self.remember();
                }
                Err(reason) => warn!(reason, "a unit is ours and not taken yet"),
            }
        }
    }

    /// Lets another node have a unit: first nothing is decided here, then the lease is let go.
    async fn hand_over(
        &mut self,
        unit: Unit,
        view: Option<&View>,
        to: &str,
    ) -> Result<(), LeaseError> {
        let Some(held) = self.held.remove(&unit) else { return Ok(()) };
        let url = view.map(|view| view.url_of(to)).unwrap_or_default();
        info!(unit = %grimnir_events::StationId(unit), to, "a unit is handed over");
        let next = match to {
            "" => Standing::Nobody,
            name => Standing::Other(Node { name: name.into(), url }),
        };
        self.ownership().set(unit, next);
        self.remember();
        let word = self.word(held.epoch, true);
        match self.leases.claim(&key_of(unit), bytes_of(&word), held.revision).await {
            Ok(_) | Err(LeaseError::Taken { .. }) => Ok(()),
            Err(away) => Err(away),
        }
    }

    /// Free, and another node's share: it is on its way.
    fn wait_for(&self, unit: Unit, share: &str, view: &View) {
        let url = view.url_of(share);
        if !matches!(self.ownership().standing(unit), Standing::Own { .. }) {
            self.ownership().set(unit, Standing::Other(Node { name: share.into(), url }));
        }
    }

    fn lost(&self, unit: Unit, name: &str, view: &View) {
        self.ownership().saw_owner(unit, crate::clock::now());
        let url = view.url_of(name);
        let news = self.ownership().set(unit, Standing::Other(Node { name: name.into(), url }));
        if news {
            self.remember();
        }
        if view.is_elsewhere(name, &self.host) {
            tokio::spawn(host::leave(self.shared.clone(), unit));
        }
    }

    fn word(&self, epoch: u64, released: bool) -> UnitWord {
        let (node, instance) = (self.me().to_owned(), self.instance.clone());
        UnitWord { node, instance, epoch, released }
    }

    /// Lets go of everything, so that others need not wait for the leases to end.
    pub async fn release(&mut self) {
        self.closing = true;
        self.renew_every = Duration::ZERO;
        let _ = self.renew_own().await;
        for unit in self.held.keys().copied().collect::<Vec<_>>() {
            if self.hand_over(unit, None, "").await.is_err() {
                // Nobody answers: they end by themselves.
                return;
            }
        }
    }

    /// A unit that begins here: claimed at once, whoever's share it is.
    pub async fn begin(&mut self, unit: Unit) -> Result<(), LeaseError> {
        if self.held.contains_key(&unit) {
            return Ok(());
        }
        let view = self.view().await?;
        match self.free(unit, &view) {
            Free::At(revision) if self.claim(unit, revision).await? => {
                self.take_all().await;
                Ok(())
            }
            Free::At(_) | Free::Of(_) => Err(LeaseError::Taken { key: key_of(unit) }),
        }
    }

    fn remember(&self) {
        if let Err(error) = memory::remember(&self.shared) {
            warn!(%error, "what this node owns cannot be remembered");
        }
    }

    async fn view(&self) -> Result<View, LeaseError> {
        Ok(View::of(self.leases.all().await?, self.me()))
    }
}

enum Free {
    /// By a claim at this revision.
    At(u64),
    /// It is this node's.
    Of(String),
}

async fn take_unit(shared: &Shared, unit: Unit, revision: u64) -> Result<u64, String> {
    let streams = take::streams(unit, unit == shared.site_id.0);
    let ledger = shared.ledger.as_ref();
    let me = &shared.ownership.node().name;
    let last = take::last_epoch(ledger, &streams).await.map_err(|e| e.to_string())?;
    // Monotone in the log itself: a bucket that was lost counts from one again.
    let epoch = revision.max(last + 1);
    take::take(ledger, &streams, epoch, me).await?;
    Ok(epoch)
}
