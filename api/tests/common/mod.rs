//! A real site in a folder of its own, asked through its router. No engine is started.
#![allow(dead_code, reason = "each test program uses its own part of this")]

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use grimnir_actors::ownership::Node;
use grimnir_actors::{LedgerPlace, Site, SiteConfig};
use grimnir_api::ApiConfig;
use grimnir_events::Actor;
use grimnir_events::access::Role;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};
use tower::ServiceExt;

/// Password of every user of these tests.
pub const PASSWORD: &str = "correct horse battery";

/// A site and its router.
pub struct House {
    /// The site.
    pub site: Site,
    router: Router,
    _folder: tempfile::TempDir,
}

/// What was answered.
#[derive(Debug)]
pub struct Reply {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body; a string where it is not JSON.
    pub body: Value,
}

impl House {
    /// An empty site.
    pub async fn open() -> Self {
        Self::open_with(LedgerPlace::Here).await.expect("opens")
    }

    /// An empty site whose ledger of record is there; or why it does not open.
    pub async fn open_with(ledger: LedgerPlace) -> Result<Self, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let config = SiteConfig {
            node: Node { name: "test".into(), url: String::new() },
            common_dir: None,
            ledger,
            data_dir: folder.path().join("site"),
            engine_program: Some(folder.path().join("no-engine")),
            listen_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            mount_port: 0,
            upload_limit_bytes: 1_000,
            proof: Default::default(),
            archive: None,
            import_roots: Vec::new(),
            alarm_url: None,
        };
        let site = Site::open(config).await.map_err(|error| error.to_string())?;
        let router = grimnir_api::router(site.clone(), ApiConfig::default()).expect("has routes");
        Ok(Self { site, router, _folder: folder })
    }

    /// Closes the site and opens it again.
    pub async fn reopen(&mut self, proof: grimnir_actors::site::ProofConfig) {
        self.site.close(true).await;
        let config = SiteConfig { proof, ..self.site.config().clone() };
        self.site = Site::open(config).await.expect("opens");
        let router = grimnir_api::router(self.site.clone(), ApiConfig::default());
        self.router = router.expect("has routes");
    }

    /// Asks with any body; answers status, headers and bytes.
    pub async fn ask_raw(
        &self,
        method: &str,
        path: &str,
        body: Vec<u8>,
    ) -> (StatusCode, HeaderMap, Vec<u8>) {
        let request = Request::builder().method(method).uri(path).body(Body::from(body));
        let response = self.router.clone().oneshot(request.expect("is a request")).await;
        let response = response.expect("answers");
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = axum::body::to_bytes(response.into_body(), 16 << 20).await.expect("a body");
        (status, headers, bytes.to_vec())
    }

    /// Registers a user and signs it in; answers its token.
    pub async fn sign_in(&self, name: &str, role: Role) -> String {
        let meta = self.site.fresh_meta(Actor::Local);
        self.site.register_user(name, PASSWORD, role, meta).await.expect("is registered");
        let reply = self.login(name, PASSWORD).await;
        assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        reply.body["token"].as_str().expect("a token").to_owned()
    }

    /// Tries to sign in.
    pub async fn login(&self, name: &str, password: &str) -> Reply {
        let body = json!({ "username": name, "password": password });
        self.ask("POST", "/api/v1/auth/login", None, &[], Some(body)).await
    }

    /// Asks once.
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        let request = request.body(body).expect("is a request");
        let response = self.router.clone().oneshot(request).await.expect("answers");
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = axum::body::to_bytes(response.into_body(), 16 << 20).await.expect("a body");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::String(text));
        Reply { status, headers, body }
    }

    /// Makes a station; answers it.
    pub async fn station(&self, token: &str, name: &str) -> Value {
        let body = json!({ "name": name, "time_zone": "Europe/Berlin" });
        let reply = self.ask("POST", "/api/v1/stations", Some(token), &[], Some(body)).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{reply:?}");
        reply.body
    }
}
