//! Pages of a library: by words, by fields, in an order.

use super::{MediaView, of_row};
use crate::app::App;
use crate::auth::{Djs, SignedIn};
use crate::extract::Params;
use crate::lookup;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use grimnir_events::library::ItemKind;
use grimnir_events::units::frames_of_ms;
use grimnir_projections::rows::MediaStage;
use grimnir_projections::search::{Filter, Order, Page, Place};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const PAGE_DEFAULT: u32 = 100;
const PAGE_MAX: u32 = 500;

/// Which items.
#[derive(Default, Deserialize, IntoParams, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MediaQuery {
    /// The station, by id or slug.
    station_id: Option<String>,
    /// Words, or beginnings of words, of title, artists, album, genres, year, category, ISRC, file
    /// name, label, moods, tags, language, composer or compilation; items that have all of them.
    /// Case and accents do not matter.
    q: Option<String>,
    /// Their category.
    category: Option<String>,
    /// What they are: `music`, `legal_id`, `imaging`, `spot`, `feature`, `emergency`.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    kind: Option<ItemKind>,
    /// Their artist; case and accents do not matter.
    artist: Option<String>,
    /// Their album; case and accents do not matter.
    album: Option<String>,
    /// One of their genres; case and accents do not matter.
    genre: Option<String>,
    /// Their label; case and accents do not matter.
    label: Option<String>,
    /// One of their moods; case and accents do not matter.
    mood: Option<String>,
    /// One of their tags; case and accents do not matter.
    tag: Option<String>,
    /// Their language; case and accents do not matter.
    language: Option<String>,
    /// Their composer; case and accents do not matter.
    composer: Option<String>,
    /// Their first year of release.
    year_from: Option<u16>,
    /// Their last year of release.
    year_to: Option<u16>,
    /// Their least length.
    min_duration_ms: Option<u32>,
    /// Their greatest length.
    max_duration_ms: Option<u32>,
    /// Whether their audio is lost.
    lost: Option<bool>,
    /// Those that were deleted; without it those that were not.
    deleted: bool,
    /// How far they are: `complete`, `pending`, `failed`.
    analysis_state: Option<String>,
    /// A field of the station's own and its value, `name:value`; case and accents do not matter.
    custom: Option<String>,
    /// Their order: `added` (when they were taken in), `title`, `artist`, `album`, `duration`,
    /// `year`.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    sort: Order,
    /// From the last to the first.
    descending: bool,
    /// How many, 1 to 500; 100 where not given.
    limit: Option<u32>,
    /// `next_cursor` of the page before, with the same order.
    cursor: Option<String>,
}

impl MediaQuery {
    /// The station that it names, as it is written.
    pub(in crate::http) fn station_id(&self) -> Option<&str> {
        self.station_id.as_deref()
    }

    /// Which items, whatever their order.
    pub(in crate::http) fn filter(self) -> Result<Filter, Problem> {
        let frames = |ms: Option<u32>| ms.map(|ms| frames_of_ms(i64::from(ms)));
        let stage = match self.analysis_state.as_deref() {
            None => None,
            Some("complete") => Some(MediaStage::Measured),
            Some("pending") => Some(MediaStage::Pending),
            Some("failed") => Some(MediaStage::Failed("".into())),
            Some(other) => {
                let found = crate::extract::cut(other);
                let detail = format!("found \"{found}\", expected complete, pending or failed");
                return Err(Problem::invalid("analysis_state", detail));
            }
        };
        let custom = match self.custom.as_deref().map(|text| text.split_once(':')) {
            None => None,
            Some(Some((name, value))) => Some((name.trim().to_owned(), value.trim().to_owned())),
            Some(None) => return Err(Problem::invalid("custom", "expected name:value")),
        };
        Ok(Filter {
            words: self.q.unwrap_or_default(),
            category: self.category,
            kind: self.kind,
            artist: self.artist,
            album: self.album,
            genre: self.genre,
            label: self.label,
            mood: self.mood,
            tag: self.tag,
            language: self.language,
            composer: self.composer,
            year: (self.year_from, self.year_to),
            duration: (frames(self.min_duration_ms), frames(self.max_duration_ms)),
            lost: self.lost,
            deleted: self.deleted,
            stage,
            custom,
        })
    }
}

/// One page of items.
#[derive(Debug, Serialize, ToSchema)]
pub struct MediaPage {
    /// The items.
    items: Vec<MediaView>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

/// Lists a station's items.
#[utoipa::path(
    get, path = "/media", tag = "library", params(MediaQuery),
    responses((status = 200, body = MediaPage))
)]
pub async fn list(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Params(query): Params<MediaQuery>,
) -> Result<Json<MediaPage>, Problem> {
    let limit = query.limit.unwrap_or(PAGE_DEFAULT);
    if !(1..=PAGE_MAX).contains(&limit) {
        let detail = format!("limit is {limit}, expected 1 to {PAGE_MAX}");
        return Err(Problem::invalid("limit", detail));
    }
    let station = lookup::needed_station(&app, query.station_id.as_deref())?;
    let (order, descending) = (query.sort, query.descending);
    let after = query.cursor.as_deref().map(|text| read(text, order, descending)).transpose()?;
    let page = Page { order, descending, after, limit: limit as usize };
    let filter = query.filter()?;
    let (rows, next) = app.site.views().media_page(station.id, &filter, &page);
    let next_cursor = next.map(|place| written(order, descending, &place));
    Ok(Json(MediaPage { items: rows.into_iter().map(of_row).collect(), next_cursor }))
}

/// A cursor: order, direction and place, in a form that a query takes as it is.
fn written(order: Order, descending: bool, place: &Place) -> String {
    hex::encode(serde_json::to_vec(&(order, descending, place)).unwrap_or_default())
}

fn read(text: &str, order: Order, descending: bool) -> Result<Place, Problem> {
    let refused = |detail| {
        Problem::new(axum::http::StatusCode::BAD_REQUEST, "invalid_cursor", detail).field("cursor")
    };
    let parsed = hex::decode(text).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    match parsed {
        None => Err(refused("the cursor is not one that a page gave out")),
        Some((of, direction, place)) if (of, direction) == (order, descending) => Ok(place),
        Some((of, direction, _)) => {
            let _: (Order, bool) = (of, direction);
            Err(refused("the cursor is one of another order"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_up_cursor_is_refused_and_one_of_another_order_too() {
        let code =
            |text: &str, order| read(text, order, false).expect_err("is refused").code().to_owned();
        for text in ["", "1", "1.", "zz", "5b5d", "med_00000000000000000000000000000000"] {
            assert_eq!(code(text, Order::Added), "invalid_cursor", "{text}");
        }
        let place: Place = serde_json::from_value(serde_json::json!({
            "number": 7, "text": "", "id": grimnir_events::MediaId([1; 16]),
        }))
        .expect("reads");
        let cursor = written(Order::Added, false, &place);
        assert_eq!(read(&cursor, Order::Added, false).expect("is one"), place);
        assert_eq!(code(&cursor, Order::Title), "invalid_cursor");
        assert_eq!(code(&written(Order::Added, true, &place), Order::Added), "invalid_cursor");
    }
}
