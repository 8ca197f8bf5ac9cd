//! Live sessions at a site: made with their secret, put on air, ended; and who may use them when.
//!
//! The secret is made here, handed out once, and forgotten: the ledger holds its digest.

use crate::clock;
use crate::error::CommandError;
use crate::meta::Meta;
use crate::site::outputs::{PASSPHRASE_BYTES, password_fits};
use crate::site::{Password, Site};
use grimnir_events::ladder::Tier;
use grimnir_events::line::LiveLine;
use grimnir_events::live::{
    LiveGrant, LiveMode, LiveSession, LiveValidity, TakePolicy, secret_digest,
};
use grimnir_events::live_recording::LiveRecording;
use grimnir_events::{CredentialId, LiveSessionId, StationId, derive_id};
use grimnir_rules::Ladder;
use grimnir_rules::ladder::LadderState;
use grimnir_rules::ladder::command::LadderCommand;
use grimnir_rules::live::{self, Connection, LiveCommand};
use grimnir_rules::planner::hours;
use grimnir_rules::show::Programme;
use grimnir_rules::timeline::TimelineState;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Where an engine keeps what it recorded of live sessions, in its folder.
const LIVE_FOLDER: &str = "live-recordings";
/// Windows of the plan are handed over so far ahead: a week.
const AHEAD_US: i64 = 7 * 86_400_000_000;

/// A session that is wanted.
#[derive(Clone, Debug)]
pub struct LiveRequest {
    /// What people see.
    pub name: String,
    /// User name of its encoder; empty for any.
    pub username: String,
    /// Mount, with its slash.
    pub mount: String,
    /// When it may be used.
    pub validity: LiveValidity,
    /// Tier it claims the air at.
    pub tier: Tier,
    /// How it takes the air.
    pub take: TakePolicy,
    /// What becomes of the programme.
    pub mode: LiveMode,
}

/// A session as it is shown.
#[derive(Clone, Debug)]
pub struct LiveStatus {
    /// The session.
    pub session: LiveSession,
    /// Who is connected with it.
    pub connection: Option<Connection>,
    /// The line that its sound comes over.
    pub line: Option<LiveLine>,
    /// How what comes in with it is recorded.
    pub recording: Option<LiveRecording>,
    /// It owns the air.
    pub on_air: bool,
}

/// A session that was made.
#[derive(Clone, Debug)]
pub struct LiveCreated {
    /// The session.
    pub session: LiveSession,
    /// Its secret; `None` where the request was answered before, and it is known to nobody else.
    pub secret: Option<String>,
    /// Ledger position.
    pub seq: u64,
}

/// Sessions with the stretches of time in which each may be used.
pub(crate) fn grants(
    ladder: &LadderState,
    timeline: &TimelineState,
    time_zone: &str,
) -> Vec<LiveGrant> {
    if ladder.live.sessions.is_empty() {
        return vec![];
    }
    let clock = timeline.default_clock.and_then(|clock| timeline.clocks.get(&clock));
    let TimelineState { shows, grid, clocks, .. } = timeline;
    let programme = Programme::new(hours::zone(time_zone), shows, grid, clock, clocks);
    let now = clock::now();
    let windows = programme.windows_between(now, now.plus(AHEAD_US));
    live::grants(&ladder.live, &windows, now)
}

impl Site {
    /// Makes a session; asked twice, the same one.
    pub async fn live_create(
        &self,
        station: StationId,
        request: LiveRequest,
        meta: Meta,
    ) -> Result<LiveCreated, CommandError> {
        let before = match self.asked_before::<Ladder>(meta).await {
            Some(LadderCommand::Live(command)) => match *command {
                LiveCommand::Create { session } => Some(*session),
                _ => None,
            },
            _ => None,
        };
        let id = LiveSessionId(derive_id("live session", &[&meta.commit_id.0]));
        let secret = hex::encode(clock::fresh_id());
        let LiveRequest { name, username, mount, validity, tier, take, mode } = request;
        let validity = match &before {
            Some(before) if before.validity.lasts() == validity.lasts() => before.validity.clone(),
            _ => validity,
        };
        let digest = match &before {
            Some(session) => session.digest,
            None => secret_digest(id, &secret),
        };
        let session = LiveSession { id, name, username, digest, mount, validity, tier, take, mode };
        let command = LiveCommand::Create { session: Box::new(session.clone()) };
        let seq = self.live_command(station, command, meta).await?;
        Ok(LiveCreated { session, secret: before.is_none().then_some(secret), seq })
    }

    /// Carries out a command about live sessions; its ledger position.
    pub async fn live_command(
        &self,
        station: StationId,
        command: LiveCommand,
        meta: Meta,
    ) -> Result<u64, CommandError> {
        let of_lines = match &command {
            // A session that is made makes room: others go, with their lines.
            LiveCommand::Create { .. }
            | LiveCommand::Revoke { .. }
            | LiveCommand::SetLine { .. } => self.passphrases(station).await?,
            LiveCommand::Handover { .. }
            | LiveCommand::Disconnect { .. }
            | LiveCommand::SetRecording { .. } => BTreeSet::new(),
        };
        let command = LadderCommand::Live(Box::new(command));
        let seq = self.command::<Ladder>(station, command, meta).await?.seq;
        if !of_lines.is_empty() {
            let left = self.passphrases(station).await?;
            for gone in of_lines.difference(&left) {
                self.forget_secret(*gone).await;
            }
        }
        Ok(seq)
    }

    /// Has a session's sound come over a line; `passphrase` says what becomes of the one it has.
    pub async fn live_line(
        &self,
        station: StationId,
        session_id: LiveSessionId,
        line: LiveLine,
        passphrase: Password,
        meta: Meta,
    ) -> Result<u64, CommandError> {
        let invalid = |detail| CommandError::invalid("bad_live_line", "passphrase", detail);
        let mut fresh = None;
        let line = match passphrase {
            Password::Forget => line,
            Password::Keep => {
                let ladder = self.inspect::<Ladder>(station).await?.state;
                let held = ladder.live.lines.get(&session_id).and_then(LiveLine::passphrase);
                let none = || invalid("passphrase of the line is not there to be kept".to_owned());
                line.encrypted(*held.ok_or_else(none)?)
            }
            Password::Set(text) => {
                password_fits(&text, PASSPHRASE_BYTES)
                    .map_err(|detail| invalid(format!("passphrase of the line {detail}")))?;
                let (secret, known) = self.keep_secret(&text, &meta).await?;
                fresh = (!known).then_some(secret);
                line.encrypted(secret)
            }
        };
        let command = LiveCommand::SetLine { session_id, line: Some(Box::new(line)) };
        let done = self.live_command(station, command, meta).await;
        if let (Err(CommandError::Rejected { .. }), Some(fresh)) = (&done, fresh) {
            self.forget_secret(fresh.id).await;
        }
        done
    }

    /// What the lines of a station are encrypted with.
    async fn passphrases(
        &self,
        station: StationId,
    ) -> Result<BTreeSet<CredentialId>, CommandError> {
        let ladder = self.inspect::<Ladder>(station).await?.state;
        let lines = ladder.live.lines.values();
        Ok(lines.filter_map(|line| line.passphrase().map(|secret| secret.id)).collect())
    }

    /// Where a recording of a live session lies, by the name that its engine reported.
    pub fn live_recording_path(&self, station: StationId, file: &str) -> PathBuf {
        self.shared().place_of(station).dir.join(LIVE_FOLDER).join(file)
    }

    /// The sessions of a station, by name.
    pub async fn live_sessions(&self, station: StationId) -> Result<Vec<LiveStatus>, CommandError> {
        let ladder = self.inspect::<Ladder>(station).await?.state;
        let status = |session: &LiveSession| {
            let connection = ladder.witnessed.live.connected.get(&session.id).cloned();
            let claim = connection.as_ref().and_then(|connection| connection.claim_id);
            let on_air = claim == Some(ladder.owner);
            let line = ladder.live.lines.get(&session.id).cloned();
            let recording = ladder.live.recordings.get(&session.id).copied();
            LiveStatus { session: session.clone(), connection, line, recording, on_air }
        };
        let mut all: Vec<LiveStatus> = ladder.live.sessions.values().map(status).collect();
        all.sort_by(|a, b| (&a.session.name, a.session.id).cmp(&(&b.session.name, b.session.id)));
        Ok(all)
    }
}
