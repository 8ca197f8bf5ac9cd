//! What every handler has at hand.

use crate::auth::Tokens;
use crate::limit::Buckets;
use crate::metrics::Metrics;
use grimnir_actors::Site;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};

/// How the API behaves; the defaults are what a site runs with.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// How long a token lives.
    pub token_life: Duration,
    /// Failed sign-ins that one address may make in a row.
    pub sign_in_burst: u32,
    /// How long until one more is allowed.
    pub sign_in_refill: Duration,
    /// How long an upload may pause between two chunks.
    pub upload_pause: Duration,
    /// How long a feed client may take none of what is sent to it.
    pub feed_stall: Duration,
    /// How long open requests may take once the API is closing.
    pub closing_grace: Duration,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            token_life: Duration::from_secs(900),
            sign_in_burst: 20,
            sign_in_refill: Duration::from_secs(3),
            upload_pause: Duration::from_secs(30),
            feed_stall: Duration::from_secs(10),
            closing_grace: Duration::from_secs(10),
        }
    }
}

/// What every handler has at hand; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
pub struct Parts {
    /// The site.
    pub site: Site,
    /// How the API behaves.
    pub config: ApiConfig,
    /// Signs and checks tokens.
    pub tokens: Tokens,
    /// Sign-in attempts by address.
    pub sign_ins: Buckets,
    /// What the API counts.
    pub metrics: Metrics,
    /// Held from looking a slug up to its station's creation, so that none is given twice.
    pub naming: Mutex<()>,
    /// Turns true when the API closes.
    pub closing: watch::Sender<bool>,
}

impl App {
    /// The application over a site.
    pub fn new(site: Site, config: ApiConfig) -> Result<Self, prometheus::Error> {
        Ok(Self(Arc::new(Parts {
            tokens: Tokens::new(&site.token_secret(), config.token_life),
            sign_ins: Buckets::new(config.sign_in_burst, config.sign_in_refill),
            metrics: Metrics::new()?,
            naming: Mutex::new(()),
            closing: watch::Sender::new(false),
            site,
            config,
        })))
    }
}

impl Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Waits until the API closes.
pub async fn closed(closing: &mut watch::Receiver<bool>) {
    // An error means that the API is gone already.
    let _ = closing.wait_for(|closing| *closing).await;
}
