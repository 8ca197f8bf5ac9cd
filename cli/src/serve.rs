//! `grimnir serve`: opens the site, serves the API, closes in order.

use crate::args::Serve;
use crate::ledger::store_options;
use crate::trace;
use grimnir_actors::ownership::Node;
use grimnir_actors::site::{ArchivePlace, ProofConfig};
use grimnir_actors::{CommandError, LedgerPlace, Site, SiteConfig};
use grimnir_api::ApiConfig;
use grimnir_events::Actor;
use grimnir_events::access::Role;
use grimnir_events::owner::MAX_NODE_BYTES;
use grimnir_ledger::JetStreamOptions;
use std::future::Future;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

/// Serves until SIGINT or SIGTERM.
pub async fn serve(args: Serve) -> Result<(), String> {
    trace::to_stderr();
    // Bound first: a second server on the same address must not touch the ledger.
    let listener = bind(args.listen).await?;
    let address = listener.local_addr().map_err(|e| e.to_string())?;
    let site = open(&args, address).await?;
    if let Some((name, password)) = first_admin(&site, &args).await? {
        println!("administrator: {name}");
        println!("password:      {password}");
    }
    // Whoever reads the address may end us from then on, and we end in order.
    let ended = ended()?;
    println!("API:           http://{address}/api/v1");
    info!(listen = %address, "serving");
    let served = grimnir_api::serve(site.clone(), ApiConfig::default(), listener, ended).await;
    site.close(args.stop_engines).await;
    served.map_err(|e| e.to_string())
}

/// Binds the API's address.
pub async fn bind(address: std::net::SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|e| format!("cannot listen on {address}: {e}"))
}

/// Opens the site; `address` is where its API will be reached.
pub async fn open(args: &Serve, address: SocketAddr) -> Result<Site, String> {
    let data_dir = absolute(&args.data)?;
    let url = args.advertise.clone().unwrap_or_else(|| format!("http://{address}"));
    let config = SiteConfig {
        node: Node { name: node_name(args.node_id.as_deref(), &data_dir)?, url },
        common_dir: args.common.as_deref().map(absolute).transpose()?,
        data_dir,
        ledger: ledger_place(args)?,
        engine_program: args.engine.clone(),
        listen_ip: args.mount_ip.unwrap_or(args.listen.ip()),
        mount_port: args.mount_port,
        upload_limit_bytes: args.upload_limit_mb.saturating_mul(1 << 20),
        proof: ProofConfig {
            witnesses: args.witnesses.clone(),
            witnessed: args.witness_for.clone(),
        },
        archive: args.archive.clone().map(|url| ArchivePlace { url, options: store_options() }),
        import_roots: args.import_roots.clone(),
        alarm_url: args.alarm_url.clone(),
    };
    Site::open(config).await.map_err(|e| e.to_string())
}

/// Where the ledger of record is, as the command line says.
fn ledger_place(args: &Serve) -> Result<LedgerPlace, String> {
    let Some(url) = &args.ledger_url else { return Ok(LedgerPlace::Here) };
    if !url.split(',').all(|one| ["nats://", "tls://"].iter().any(|s| one.trim().starts_with(s))) {
        return Err(format!("--ledger: found \"{url}\", expected nats:// or tls:// addresses"));
    }
    Ok(LedgerPlace::JetStream(Box::new(JetStreamOptions {
        site_id: args.site,
        accept_weaker: args.accept_weaker_durability,
        ..JetStreamOptions::at(args.nats.address(url))
    })))
}

/// The node's name: as given, or as it was made up when the folder was new.
fn node_name(given: Option<&str>, data: &std::path::Path) -> Result<String, String> {
    let path = data.join("node-id");
    let kept = std::fs::read_to_string(&path).ok();
    let name = match (given, kept) {
        (Some(name), _) => name.to_owned(),
        (None, Some(kept)) => kept.trim().to_owned(),
        (None, None) => {
            let name = format!("node-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
            std::fs::write(&path, &name).map_err(|e| format!("{}: {e}", path.display()))?;
            name
        }
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.is_empty() || name.len() > MAX_NODE_BYTES || !name.chars().all(plain) {
        return Err(format!(
            "--node-id: found \"{name}\", expected 1 to {MAX_NODE_BYTES} letters, digits, - and _"
        ));
    }
    Ok(name)
}

fn absolute(path: &std::path::Path) -> Result<std::path::PathBuf, String> {
    std::fs::create_dir_all(path).map_err(|e| format!("{}: {e}", path.display()))?;
    path.canonicalize().map_err(|e| format!("{}: {e}", path.display()))
}

/// Makes the administrator where there is no user yet; answers name and password.
pub async fn first_admin(site: &Site, args: &Serve) -> Result<Option<(String, String)>, String> {
    if !site.views().users().is_empty() {
        return Ok(None);
    }
    let password = args.admin_password.clone().unwrap_or_else(made_up_password);
    let meta = site.fresh_meta(Actor::Local);
    match site.register_user(&args.admin_user, &password, Role::Admin, meta).await {
        Ok(_) => Ok(Some((args.admin_user.clone(), password))),
        // Whoever owns the site makes it.
        Err(CommandError::NotOwner { .. } | CommandError::NoOwner) => Ok(None),
        Err(error) => Err(format!("the administrator cannot be made: {error}")),
    }
}

/// Twenty characters that are hard to mistake for one another, 100 bits.
fn made_up_password() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let bytes: [u8; 32] = {
        let (a, b) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
        let mut all = [0; 32];
        all[..16].copy_from_slice(a.as_bytes());
        all[16..].copy_from_slice(b.as_bytes());
        all
    };
    use sha2::Digest;
    let mixed = sha2::Sha256::digest(bytes);
    mixed.iter().take(20).map(|b| char::from(ALPHABET[usize::from(b % 32)])).collect()
}

/// Ends at the first SIGINT or SIGTERM.
pub fn ended() -> Result<impl Future<Output = ()> + Send + 'static, String> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|e| e.to_string())?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| e.to_string())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
