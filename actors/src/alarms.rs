//! Alarms to people: posts every alarm of a station to the address that the site names, in order,
//! each until it is taken.
//!
//! Upstream: the change feed, from a durable cursor. Downstream: whatever listens at the address.

use crate::clock;
use crate::site::Shared;
use futures_util::StreamExt;
use grimnir_events::StationId;
use grimnir_projections::rows::Change;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tracing::warn;

/// One answer may take so long.
const PATIENCE: Duration = Duration::from_secs(5);
/// The pauses between two tries double up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// What is older tells nobody anything: 1 hour.
const STALE_US: i64 = 3_600_000_000;

/// What a messenger is started with.
pub struct AlarmArgs {
    /// The site.
    pub shared: Arc<Shared>,
    /// The station.
    pub station: StationId,
}

/// The actor.
pub struct AlarmMessenger;

/// The feed ended.
pub struct Ended;

impl Actor for AlarmMessenger {
    type Msg = Ended;
    type State = JoinHandle<()>;
    type Arguments = AlarmArgs;

    async fn pre_start(
        &self,
        me: ActorRef<Ended>,
        args: AlarmArgs,
    ) -> Result<JoinHandle<()>, ActorProcessingErr> {
        let Some(url) = args.shared.config.alarm_url.clone() else {
            return Ok(tokio::spawn(async {}));
        };
        let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
        let name = format!("alarms-{}.cursor", args.station);
        let cursor_file = args.shared.config.data_dir.join(name);
        Ok(tokio::spawn(async move {
            carry(&args, &client, &url, &cursor_file).await;
            let _ = me.cast(Ended);
        }))
    }

    async fn handle(
        &self,
        me: ActorRef<Ended>,
        _: Ended,
        _: &mut JoinHandle<()>,
    ) -> Result<(), ActorProcessingErr> {
        me.stop(Some("the change feed ended".into()));
        Ok(())
    }

    async fn post_stop(
        &self,
        _: ActorRef<Ended>,
        task: &mut JoinHandle<()>,
    ) -> Result<(), ActorProcessingErr> {
        task.abort();
        Ok(())
    }
}

async fn carry(args: &AlarmArgs, client: &reqwest::Client, url: &str, cursor_file: &Path) {
    let cursor = read_cursor(cursor_file).unwrap_or((args.shared.views.position(), u32::MAX));
    let mut changes = args.shared.views.follow(Some(cursor));
    while let Some(change) = changes.next().await {
        if change.kind != "alarm" || change.station_id != Some(args.station) {
            continue;
        }
        deliver(client, url, &change).await;
        let text = format!("{} {}\n", change.seq, change.index);
        let next: PathBuf = cursor_file.with_extension("next");
        let written =
            std::fs::write(&next, text).and_then(|()| std::fs::rename(&next, cursor_file));
        if let Err(error) = written {
            warn!(file = %cursor_file.display(), %error, "an alarm may be told twice");
        }
    }
}

/// Posts until it is taken; one that has grown old is let go.
async fn deliver(client: &reqwest::Client, url: &str, change: &Change) {
    let mut pause = Duration::from_secs(1);
    let body = change.document();
    while clock::now().since(change.at) < STALE_US {
        let post = client.post(url).header("content-type", "application/json").body(body.clone());
        let answered = post.send().await.and_then(reqwest::Response::error_for_status);
        // The address may hold a secret: it is not in what is said.
        let Err(error) = answered.map_err(reqwest::Error::without_url) else { return };
        warn!(seq = change.seq, %error, "an alarm was not taken and is posted again");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    warn!(seq = change.seq, "an alarm was not taken within an hour and is let go");
}

fn read_cursor(file: &Path) -> Option<(u64, u32)> {
    let text = std::fs::read_to_string(file).ok()?;
    let (seq, index) = text.trim().split_once(' ')?;
    Some((seq.parse().ok()?, index.parse().ok()?))
}
