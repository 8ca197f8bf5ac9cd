//! What is never relaxed: explicit words, the times an item may air, its limits, the performance
//! complement.

use super::catalogue::{ALBUM, ARTIST, COMPILATION, Catalogue};
use super::criteria::Moment;
use super::history::{History, Logged, Who};
use super::pick::{Ask, Desk};
use super::source::Source;
use grimnir_events::UtcMicros;
use grimnir_events::library::ItemKind;
use jiff::tz::TimeZone;

/// An item is ruled out because the run must not be longer.
pub const TOO_LONG: &str = "longer than what is left";
/// Time of the performance complement.
const THREE_HOURS_US: i64 = 3 * 3_600_000_000;

/// Most plays of one value in three hours, and most in a row.
#[derive(Clone, Copy)]
struct Complement {
    dim: usize,
    most: usize,
    row: usize,
    name: &'static str,
}

const COMPLEMENT: [Complement; 3] = [
    Complement { dim: ALBUM, most: 3, row: 2, name: "performance complement: album" },
    Complement { dim: ARTIST, most: 4, row: 3, name: "performance complement: artist" },
    Complement { dim: COMPILATION, most: 4, row: 3, name: "performance complement: compilation" },
];

/// What is hard at one instant.
pub struct Hard<'d> {
    catalogue: &'d Catalogue,
    at: UtcMicros,
    /// Day of the week (0 is Monday) and minute of the day in the station's zone.
    local: (u8, u16),
    /// Per rule of the complement: values of the tracks around, sorted, with repeats.
    around: Vec<Vec<u32>>,
    complement: bool,
}

impl<'d> Hard<'d> {
    /// What is hard at `at`.
    pub fn at(
        catalogue: &'d Catalogue,
        history: &History,
        zone: &TimeZone,
        complement: bool,
        at: UtcMicros,
    ) -> Self {
        let mut around = Vec::new();
        if complement {
            for rule in COMPLEMENT {
                let music = |play: &&Logged| is_music(catalogue, play);
                let tracks = history.window(at, THREE_HOURS_US).filter(music);
                let mut values: Vec<u32> =
                    tracks.flat_map(|play| play.values(catalogue, rule.dim)).copied().collect();
                values.sort_unstable();
                around.push(values);
            }
        }
        Self { catalogue, at, local: local(at, zone), around, complement }
    }

    /// Why an item must not air as this pick.
    pub fn of(
        &self,
        source: &Source,
        ask: &Ask<'_>,
        place: usize,
        moment: &Moment<'_>,
        desk: &Desk<'_>,
    ) -> Option<&'static str> {
        let entry = &self.catalogue.entries[place];
        if !source.rules.loop_to_fill && ask.run.picked.contains(&(place as u32)) {
            return Some("played in this run");
        }
        if source.longest.is_some_and(|longest| entry.cues.airtime() > longest) {
            return Some("too long");
        }
        let under = |fit: i64| entry.cues.airtime() > fit;
        if ask.run.longest.is_some_and(under) {
            return Some(TOO_LONG);
        }
        if source.include.iter().any(|group| !group.holds(place, moment)) {
            return Some("include");
        }
        let explicit = |group: &&super::criteria::Group| group.on_explicit();
        if source.exclude.iter().filter(explicit).any(|group| group.holds(place, moment)) {
            return Some("explicit");
        }
        self.item(place, moment.history).or_else(|| self.complement(place, desk))
    }

    /// Why an item must not air now, whatever it is picked for.
    pub fn item(&self, place: usize, history: &History) -> Option<&'static str> {
        let rules = self.catalogue.rules(place)?;
        if rules.valid_from.is_some_and(|from| self.at < from)
            || rules.valid_to.is_some_and(|to| self.at >= to)
        {
            return Some("not valid");
        }
        let (day, minute) = self.local;
        if !rules.dayparts.is_empty() && !rules.dayparts.iter().any(|part| part.holds(day, minute))
        {
            return Some("daypart");
        }
        if rules.play_limit.is_some_and(|limit| history.count(place) >= limit) {
            return Some("play limit");
        }
        let rest = rules.rest_s.map(|seconds| i64::from(seconds) * 1_000_000);
        if rest.is_some_and(|us| history.item_close(place, self.at, us)) {
            return Some("rest time of the item");
        }
        None
    }

    /// The rule of the performance complement that the item would break.
    pub fn complement(&self, place: usize, desk: &Desk<'_>) -> Option<&'static str> {
        if !self.complement || self.catalogue.entries[place].kind != ItemKind::Music {
            return None;
        }
        for (rule, around) in COMPLEMENT.iter().zip(&self.around) {
            for value in self.catalogue.dims[rule.dim].of(place) {
                let from = around.partition_point(|other| other < value);
                let to = around.partition_point(|other| other <= value);
                // Without as many there is no row of them either, within three hours.
                if to - from >= rule.most
                    || (to - from >= rule.row && self.row(rule, *value, desk) >= rule.row)
                {
                    return Some(rule.name);
                }
            }
        }
        None
    }

    /// Tracks of the value right before and right after.
    fn row(&self, rule: &Complement, value: u32, desk: &Desk<'_>) -> usize {
        let dim = &self.catalogue.dims[rule.dim];
        let music = |place: &u32| self.catalogue.entries[*place as usize].kind;
        let same = |place: &u32| dim.of(*place as usize).contains(&value);
        let (before, after) = desk.neighbours();
        let count = |row: &mut dyn Iterator<Item = u32>| {
            let tracks = row.filter(|place| music(place) == ItemKind::Music);
            tracks.take(rule.row + 1).take_while(same).count()
        };
        let (mut before, mut after) = (before, after);
        count(&mut before) + count(&mut after)
    }
}

fn is_music(catalogue: &Catalogue, play: &Logged) -> bool {
    match play.who {
        Who::Item(place) => catalogue.entries[place as usize].kind == ItemKind::Music,
        Who::Gone { .. } => true,
    }
}

/// Day of the week and minute of the day.
fn local(at: UtcMicros, zone: &TimeZone) -> (u8, u16) {
    let Ok(at) = jiff::Timestamp::from_microsecond(at.0) else { return (0, 0) };
    let at = at.to_zoned(zone.clone());
    let day = at.weekday().to_monday_zero_offset().unsigned_abs();
    (day, u16::from(at.hour().unsigned_abs()) * 60 + u16::from(at.minute().unsigned_abs()))
}
