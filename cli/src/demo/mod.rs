//! `grimnir demo`: an empty folder becomes a station on air; started again it goes on.

mod music;
mod synth;
mod watch;

use crate::args::{Demo, Serve};
use crate::ledger::NatsArgs;
use crate::{serve, trace};
use grimnir_actors::Site;
use grimnir_events::Actor;
use grimnir_events::ids::{ClockId, MountId, StationId, derive_id};
use grimnir_events::library::ItemKind;
use grimnir_events::station::{Mount, MountFormat, StationSettings};
use grimnir_events::timeline::{ClockSlot, FormatClock, SlotSource, SlotStart};
use grimnir_rules::station::command::StationCommand;
use grimnir_rules::timeline::command::{ClockCommand, TimelineCommand};
use grimnir_rules::{Station, Timeline};
use std::path::Path;

const STATION_NAME: &str = "Grimnir Demo";
const SLUG: &str = "demo";

/// Puts the demonstration on air until Ctrl-C.
pub async fn demo(args: Demo) -> Result<(), String> {
    std::fs::create_dir_all(&args.data).map_err(|e| format!("{}: {e}", args.data.display()))?;
    trace::to_file(&args.data.join("grimnir.log"))?;
    let serve_args = serve_args(&args);
    let listener = serve::bind(args.listen).await?;
    let address = listener.local_addr().map_err(|e| e.to_string())?;
    let site = serve::open(&serve_args, address).await?;
    let (name, password) = admin(&site, &serve_args, &args.data).await?;
    let station = match site.views().stations().first() {
        Some(row) => {
            println!("The station goes on where it was.");
            row.id
        }
        None => set_up(&site, &args).await?,
    };
    start(&site, station).await?;
    let urls = watch::listen_urls(&site, station).await;
    println!();
    for url in &urls {
        println!("Listen:   {url}");
    }
    println!("API:      http://{address}/api/v1   (description: /api/v1/openapi.json)");
    println!("Sign in:  {name} / {password}");
    println!(
        "Proof:    grimnir replay as-run --ledger {}/ledger --station {SLUG} --hour <hour>",
        args.data.display()
    );
    println!("Ctrl-C ends it.\n");
    let watcher = tokio::spawn(watch::now_playing(site.clone(), station));
    let api = grimnir_api::ApiConfig::default();
    let served = grimnir_api::serve(site.clone(), api, listener, serve::ended()?).await;
    println!("\nSigning off …");
    watcher.abort();
    site.close(true).await;
    println!("Signed off. Start again to go on.");
    served.map_err(|e| e.to_string())
}

fn serve_args(args: &Demo) -> Serve {
    Serve {
        data: args.data.clone(),
        ledger_url: None,
        site: None,
        nats: NatsArgs::default(),
        accept_weaker_durability: false,
        node_id: None,
        advertise: None,
        common: None,
        listen: args.listen,
        mount_ip: None,
        mount_port: args.mount_port,
        engine: args.engine.clone(),
        upload_limit_mb: 1_024,
        admin_user: "admin".into(),
        admin_password: None,
        witnesses: Vec::new(),
        witness_for: Vec::new(),
        archive: None,
        alarm_url: None,
        import_roots: Vec::new(),
        stop_engines: true,
    }
}

/// The demonstration keeps its credentials in a file, so that every start can print them.
async fn admin(site: &Site, args: &Serve, data: &Path) -> Result<(String, String), String> {
    let file = data.join("admin.txt");
    if let Some((name, password)) = serve::first_admin(site, args).await? {
        write_private(&file, &format!("{name}\n{password}\n"))
            .map_err(|e| format!("{}: {e}", file.display()))?;
        return Ok((name, password));
    }
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let mut lines = text.lines();
    let name = lines.next().unwrap_or("admin").to_owned();
    Ok((name, lines.next().unwrap_or("(as you set it)").to_owned()))
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())
}

async fn set_up(site: &Site, args: &Demo) -> Result<StationId, String> {
    let id = StationId(derive_id("demo", &[&site.id().0]));
    let fail = |e: grimnir_actors::CommandError| e.to_string();
    let meta = || site.fresh_meta(Actor::Local);
    let create = StationCommand::Create {
        name: STATION_NAME.into(),
        slug: SLUG.into(),
        time_zone: "UTC".into(),
        settings: StationSettings::default(),
    };
    site.command::<Station>(id, create, meta()).await.map_err(fail)?;
    let mount = Mount {
        id: MountId(site.fresh_id()),
        name: "MP3".into(),
        path: format!("/{SLUG}.mp3"),
        format: MountFormat::Mp3,
        bitrate_kbps: 192,
    };
    site.command::<Station>(id, StationCommand::AddMount { mount }, meta()).await.map_err(fail)?;
    let made_up;
    let folder = match &args.music {
        Some(folder) => folder.as_path(),
        None => {
            println!("Making a dozen tracks …");
            made_up = args.data.join("tracks");
            synth::make_tracks(&made_up)?;
            made_up.as_path()
        }
    };
    let taken = music::import(site, id, folder).await?;
    if taken.is_empty() {
        return Err(format!("{}: no file that could be played", folder.display()));
    }
    let fallback = Some(taken[0]);
    site.command::<Station>(id, StationCommand::ChooseFallback { media_id: fallback }, meta())
        .await
        .map_err(fail)?;
    set_clock(site, id).await?;
    Ok(id)
}

/// Music all the hour, and the station's identification at its top where there is one.
async fn set_clock(site: &Site, station: StationId) -> Result<(), String> {
    let legal_id = site
        .views()
        .media(station)
        .into_iter()
        .find(|row| row.item.kind == ItemKind::LegalId)
        .map(|row| row.item.id);
    let mut slots = Vec::new();
    let mut music_at = 0;
    if let Some(media_id) = legal_id {
        slots.push(ClockSlot::at(
            0,
            SlotStart::Soft { grace_ms: 300_000 },
            SlotSource::HardItem { media_id },
        ));
        music_at = 1_000;
    }
    let source = SlotSource::Category { category: String::new() };
    slots.push(ClockSlot::at(music_at, SlotStart::Free, source));
    let (id, name) = (ClockId(site.fresh_id()), "Music hour".into());
    let clock = Box::new(FormatClock { id, name, slots, min_airtime_ms: None });
    let clock_id = Some(clock.id);
    for command in [
        TimelineCommand::Clock(ClockCommand::Set { clock }),
        TimelineCommand::ChooseDefaultClock { clock_id },
    ] {
        site.command::<Timeline>(station, command, site.fresh_meta(Actor::Local))
            .await
            .map_err(|e| e.to_string())?;
    }
    Ok(())
}

async fn start(site: &Site, station: StationId) -> Result<(), String> {
    let meta = site.fresh_meta(Actor::Local);
    site.command::<Station>(station, StationCommand::Start {}, meta)
        .await
        .map(drop)
        .map_err(|e| e.to_string())
}
