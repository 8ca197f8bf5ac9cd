//! One play as it is judged, and what a judge has to say about it.

use super::world::World;
use grimnir_events::clock::{ImagingRole, Stopset};
use grimnir_events::details::MediaDetails;
use grimnir_events::library::MediaItem;
use grimnir_events::timeline::PlaylistMode;
use grimnir_events::{InstanceId, MediaId, PlaylistId, SmartBlockId, UtcMicros};

/// Who asked for a play.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Asked {
    /// Nobody that is judged: it aired before.
    Before,
    /// The station, from its whole library.
    Library,
    /// A category.
    Category(String),
    /// A playlist.
    List(PlaylistId, PlaylistMode),
    /// A slot of one item.
    Item(MediaId),
    /// A break.
    Break(Box<Stopset>),
    /// A place for imaging.
    Imaging(ImagingRole, String),
    /// A place for a recorded link.
    Voice(MediaId),
    /// The station's rule for legal IDs.
    Id,
    /// The list of a show.
    Show(InstanceId),
    /// A block, or a block that lends to it.
    Block(SmartBlockId),
    /// What fills the gaps of a block.
    Bumper(SmartBlockId),
    /// What comes in between in a block, from the source at this place.
    Interstitial(SmartBlockId, usize),
}

/// One play.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Take {
    /// When it starts.
    pub at: UtcMicros,
    pub media_id: MediaId,
    pub title: String,
    pub artist: String,
    /// Place of its hour among those judged.
    pub hour: usize,
    /// Place of its slot in the clock; `None` before the first.
    pub slot: Option<usize>,
    /// Place of the slot underneath, where the list of a show had ended.
    pub inner: Option<usize>,
    pub asked: Asked,
}

impl Take {
    pub fn item<'a>(&self, world: &'a World) -> Option<&'a MediaItem> {
        world.media.get(&self.media_id)
    }

    pub fn details(&self, world: &World) -> MediaDetails {
        world.details.get(&self.media_id).cloned().unwrap_or_default()
    }

    /// How the planner's notes call its slot.
    pub fn label(&self) -> String {
        self.slot.map_or("hour".into(), |slot| format!("slot {slot}"))
    }

    /// It starts less than so many seconds after `earlier`.
    pub fn within(&self, earlier: &Take, seconds: u32) -> bool {
        self.at.since(earlier.at) < i64::from(seconds) * 1_000_000
    }
}

/// What is wrong.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Complaint {
    /// The rule, as notes call it.
    pub rule: String,
    /// Place of the hour.
    pub hour: usize,
    /// How notes call the slot.
    pub label: String,
    /// What was found.
    pub what: String,
}

impl Complaint {
    pub fn new(rule: &str, take: &Take, what: impl Into<String>) -> Self {
        let what = format!("{} at {}: {}", take.title, take.at, what.into());
        Self { rule: rule.into(), hour: take.hour, label: take.label(), what }
    }

    pub fn of_hour(rule: &str, hour: usize, what: impl Into<String>) -> Self {
        Self { rule: rule.into(), hour, label: String::new(), what: what.into() }
    }
}
