//! The routes, one file per noun, and the OpenAPI document that they make.

mod access;
mod air;
mod bulk;
mod clock;
mod dsp;
mod edit;
mod executor;
mod grid;
mod health;
mod import;
mod kept;
mod ladder;
mod library;
mod live;
mod live_line;
mod live_recording;
mod media_file;
mod listener;
mod mount;
mod output;
mod playlist;
mod recording;
mod rolling;
mod show;
mod smart_block;
mod station;
mod template;
mod timeline;
mod tlog;
mod upload;
mod version;
mod webstream;

use crate::app::{ApiConfig, App};
use crate::problem::ProblemDocument;
use crate::{feed, outer, pages};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header;
use axum::routing::get;
use grimnir_actors::Site;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Where the versioned routes begin.
pub const PREFIX: &str = "/api/v1";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Grimnir",
        description = "Broadcast automation. Errors are `application/problem+json` with a stable \
            `code`; every code has a page under `/docs/errors/`. Mutations take an \
            `Idempotency-Key` header and answer the ledger position in `X-Commit-Seq`. A station \
            is named by its id or its slug."
    ),
    // Its path has as many parts as the tree is deep, so it is routed by hand below.
    paths(tlog::tile),
    components(schemas(ProblemDocument)),
    security(("bearer" = [])),
    modifiers(&Bearer)
)]
struct Document;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = api.components.get_or_insert_with(Default::default);
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

fn routes() -> OpenApiRouter<App> {
    let versioned = OpenApiRouter::new()
        .routes(routes!(access::login))
        .routes(routes!(access::list, access::register))
        .routes(routes!(station::list, station::create))
        .routes(routes!(station::show, station::change))
        .routes(routes!(station::start))
        .routes(routes!(station::stop))
        .routes(routes!(station::choose_fallback))
        .routes(routes!(mount::list, mount::add))
        .routes(routes!(mount::remove))
        .routes(routes!(listener::list))
        .routes(routes!(output::list, output::add))
        .routes(routes!(output::show, output::change, output::remove))
        .routes(routes!(output::sdp))
        .routes(routes!(upload::upload))
        .routes(routes!(library::list))
        .routes(routes!(library::show, library::describe, library::remove))
        .routes(routes!(library::analyze))
        .routes(routes!(library::restore))
        .routes(routes!(bulk::bulk))
        .routes(routes!(bulk::categories))
        .routes(routes!(bulk::rename))
        .routes(routes!(import::take))
        .routes(routes!(import::list))
        .routes(routes!(import::show, import::leave))
        .routes(routes!(media_file::audio, upload::replace))
        .routes(routes!(media_file::waveform))
        .routes(routes!(media_file::artwork))
        .routes(routes!(playlist::list, playlist::create))
        .routes(routes!(playlist::show, playlist::replace, playlist::change, playlist::remove))
        .routes(routes!(clock::list, clock::create))
        .routes(routes!(clock::show, clock::replace, clock::remove))
        .routes(routes!(clock::choose_default))
        .routes(routes!(clock::legal_id, clock::set_legal_id))
        .routes(routes!(clock::voice_tracks, clock::assign_voice_track))
        .routes(routes!(grid::show, grid::replace))
        .routes(routes!(smart_block::list, smart_block::create))
        .routes(routes!(smart_block::show, smart_block::replace, smart_block::remove))
        .routes(routes!(smart_block::materialize))
        .routes(routes!(smart_block::test))
        .routes(routes!(smart_block::rules, smart_block::set_rules))
        .routes(routes!(smart_block::explain))
        .routes(routes!(clock::simulate))
        .routes(routes!(timeline::schedule, edit::insert))
        .routes(routes!(edit::change, edit::remove))
        .routes(routes!(edit::queue_next))
        .routes(routes!(edit::shuffle))
        .routes(routes!(edit::validate))
        .routes(routes!(edit::validate_edits))
        .routes(routes!(version::list))
        .routes(routes!(version::show))
        .routes(routes!(version::diff))
        .routes(routes!(version::restore))
        .routes(routes!(template::list, template::create))
        .routes(routes!(template::show, template::replace, template::remove))
        .routes(routes!(template::apply))
        .routes(routes!(show::list, show::create))
        .routes(routes!(show::show, show::replace, show::remove))
        .routes(routes!(show::instances))
        .routes(routes!(show::change, show::cancel))
        .routes(routes!(show::windows))
        .routes(routes!(show::calendar))
        .routes(routes!(timeline::refresh))
        .routes(routes!(rolling::show, rolling::set))
        .routes(routes!(rolling::problems))
        .routes(routes!(air::now_playing))
        .routes(routes!(air::public_now_playing))
        .routes(routes!(air::as_run))
        .routes(routes!(recording::list))
        .routes(routes!(ladder::emergency))
        .routes(routes!(ladder::override_air))
        .routes(routes!(ladder::release))
        .routes(routes!(ladder::active))
        .routes(routes!(ladder::current))
        .routes(routes!(live::list, live::create))
        .routes(routes!(live::show, live::revoke))
        .routes(routes!(live_line::set_line, live_line::close_line))
        .routes(routes!(live_recording::set, live_recording::stop))
        .routes(routes!(live_recording::list))
        .routes(routes!(live_recording::download))
        .routes(routes!(live::hand_over))
        .routes(routes!(live::disconnect))
        .routes(routes!(webstream::list, webstream::add))
        .routes(routes!(webstream::show, webstream::change, webstream::remove))
        .routes(routes!(webstream::start))
        .routes(routes!(webstream::stop))
        .routes(routes!(webstream::test))
        .routes(routes!(dsp::show, dsp::replace))
        .routes(routes!(dsp::presets))
        .routes(routes!(executor::skip))
        .routes(routes!(executor::mode))
        .routes(routes!(executor::start))
        .routes(routes!(executor::restore_engine))
        .routes(routes!(executor::states))
        .routes(routes!(executor::state))
        .routes(routes!(feed::events));
    OpenApiRouter::with_openapi(Document::openapi())
        .nest(PREFIX, versioned)
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .routes(routes!(tlog::checkpoint))
        .routes(routes!(tlog::add_checkpoint))
}

/// The instant; read once per request.
fn now() -> grimnir_events::UtcMicros {
    grimnir_events::UtcMicros(jiff::Timestamp::now().as_microsecond())
}

/// All routes over a site.
pub fn router(site: Site, config: ApiConfig) -> Result<Router, prometheus::Error> {
    App::new(site, config).map(build)
}

/// All routes over an application.
pub(crate) fn build(app: App) -> Router {
    let metrics = app.metrics.clone();
    let (router, _) = routes().split_for_parts();
    let json = [(header::CONTENT_TYPE, "application/json")];
    let router = router
        .route(&format!("{PREFIX}/openapi.json"), get(async move || (json, openapi_json())))
        .route("/docs/errors/{code}", get(pages::show))
        .route("/tlog/tile/{level}/{*index}", get(tlog::tile))
        // Bodies are bounded where they are read: JSON in `extract`, files in `upload`.
        .layer(DefaultBodyLimit::disable())
        .with_state(app);
    outer::wrap(router, metrics)
}

/// The OpenAPI document, as `docs/openapi.json` holds it.
pub fn openapi_json() -> String {
    let document = routes().into_openapi();
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}
