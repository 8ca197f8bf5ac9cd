//! Breaks: their items stand together and add up, no two compete, and one that is short says by
//! how much, with nothing left that would have fitted.

use super::apart::named;
use super::composed::{Place, places};
use super::credit::{normal, values};
use super::criteria::Asking;
use super::play::{Asked, Complaint, Take};
use super::world::World;
use super::{items, law};
use grimnir_events::clock::{Stopset, StopsetSource};
use grimnir_events::library::ItemKind;
use grimnir_events::smart_block::Field;
use grimnir_events::timeline::{HourPlan, Line, SlotSource, SlotStart};
use grimnir_events::{AirFrame, MediaId};

/// What is wrong with the breaks of one hour.
pub fn breaks(world: &World, takes: &[Take], plan: &HourPlan, hour: usize) -> Vec<Complaint> {
    let mut found = Vec::new();
    let places = places(world, plan.hour);
    for (at, place) in places.iter().enumerate() {
        let SlotSource::Stopset { stopset } = &place.slot.source else { continue };
        let of_it = |take: &Take| {
            (take.hour, take.slot) == (hour, Some(at)) && matches!(take.asked, Asked::Break(_))
        };
        let run: Vec<usize> = (0..takes.len()).filter(|take| of_it(&takes[*take])).collect();
        let first = plan.lines.first().map_or(plan.hour, |line| line.planned_at);
        let mut wrong = |rule: &str, what: String| {
            let what = format!("slot {at} of the hour from {first}: {what}");
            found.push(Complaint::of_hour(rule, hour, what));
        };
        // One that must air and was moved stands where it can.
        let stays = |take: &usize| {
            let moves = format!("\"{}\" must air and moves behind", takes[*take].title);
            !plan.notes.iter().any(|note| note.starts_with(&moves))
        };
        let staying: Vec<usize> = run.iter().copied().filter(stays).collect();
        competitors(world, takes, &staying, stopset, &mut wrong);
        let told = |words: &str| {
            let label = format!("slot {at}: ");
            plan.notes.iter().find(|note| note.starts_with(&label) && note.contains(words)).cloned()
        };
        // What had no room later is said, and may have been of the break.
        let moved = |note: &String| {
            note.contains("has no room before") || note.contains("must air and moves behind")
        };
        let lines = lines_of(plan, &run, takes);
        if !plan.notes.iter().any(moved) {
            let length = Length { world, stopset, plan, places: &places, at, lines: &lines };
            length.judged(takes, &run, told("short of its"), &mut wrong);
        }
    }
    found
}

fn lines_of<'a>(plan: &'a HourPlan, run: &[usize], takes: &[Take]) -> Vec<(usize, &'a Line)> {
    let is = |line: &Line| {
        run.iter()
            .any(|at| (takes[*at].at, takes[*at].media_id) == (line.planned_at, line.media_id))
    };
    plan.lines.iter().enumerate().filter(|(_, line)| is(line)).collect()
}

/// Fields that no two items of one break share: what it names, and what its block does.
fn kept(world: &World, stopset: &Stopset) -> Vec<Field> {
    let mut fields = named(&stopset.separation);
    if let StopsetSource::SmartBlock(id) = &stopset.from
        && let Some(block) = world.blocks.get(id)
    {
        // What the break names itself, even as nothing, is its own.
        let own = &stopset.separation;
        let given = |field: &Field| match field {
            Field::Artist => own.artist_sec.is_some(),
            Field::Title => own.title_sec.is_some(),
            Field::Album => own.album_sec.is_some(),
            Field::Label => own.label_sec.is_some(),
            _ => !own.fields.is_empty(),
        };
        let lent = named(&block.rules.separation);
        fields.extend(lent.into_iter().filter(|(field, _)| !given(field)));
    }
    fields.into_iter().map(|(field, _)| field).collect()
}

fn competitors(
    world: &World,
    takes: &[Take],
    run: &[usize],
    stopset: &Stopset,
    wrong: &mut impl FnMut(&str, String),
) {
    for (nth, at) in run.iter().enumerate() {
        let take = &takes[*at];
        let before: Vec<&Take> = run[..nth].iter().map(|at| &takes[*at]).collect();
        if before.iter().any(|other| other.media_id == take.media_id) {
            wrong("break", format!("{} comes twice", take.title));
        }
        if let Some(other) = rival(world, take, &before, &kept(world, stopset)) {
            wrong("competitors", format!("{} beside {}", take.title, other.title));
        }
        for (field, seconds) in named(&stopset.separation) {
            let near = takes[..*at].iter().filter(|other| take.within(other, seconds));
            if let Some(other) = rival(world, take, &near.collect::<Vec<_>>(), &[field]) {
                wrong("competitors", format!("{} after {}", take.title, other.title));
            }
        }
    }
}

fn rival<'a>(
    world: &World,
    take: &Take,
    others: &[&'a Take],
    fields: &[Field],
) -> Option<&'a Take> {
    let alike = |other: &&&Take| {
        let same = |field| !values(world, take, field).is_disjoint(&values(world, other, field));
        fields.iter().any(same)
    };
    others.iter().find(alike).copied()
}

/// One break and the time it takes.
struct Length<'a> {
    world: &'a World,
    stopset: &'a Stopset,
    plan: &'a HourPlan,
    places: &'a [Place],
    at: usize,
    lines: &'a [(usize, &'a Line)],
}

impl Length<'_> {
    fn judged(
        &self,
        takes: &[Take],
        run: &[usize],
        told: Option<String>,
        wrong: &mut impl FnMut(&str, String),
    ) {
        let ms = |ms: u32| i64::from(ms) * 48;
        let (length, tolerance) = (ms(self.stopset.length_ms), ms(self.stopset.tolerance_ms));
        let aired: i64 = self.lines.iter().map(|(_, line)| line.cues.airtime()).sum();
        if aired > length + tolerance {
            wrong("break", format!("{aired} frames where {length} are asked for"));
        }
        if self.stopset.max_items.is_some_and(|most| self.lines.len() > most as usize) {
            wrong("break", format!("{} items", self.lines.len()));
        }
        let row = self.lines.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1);
        if !row {
            wrong("break", "its items are not in one row".into());
        }
        let short = (length - aired) / 48;
        let overlap = i64::from(self.world.settings.crossfade_ms);
        let said = told.as_ref().and_then(|note| {
            let (before, _) = note.split_once(" ms short of its ")?;
            before.rsplit(' ').next()?.parse::<i64>().ok()
        });
        match said {
            None if length - aired > tolerance => {
                wrong("break", format!("{short} ms short, and nothing is said"));
            }
            // Whether its last item is overlapped is seen when the next line comes.
            Some(said) if said < short || said > short + overlap => {
                wrong("break", format!("{said} ms short are {short}"));
            }
            _ => {}
        }
        if said.is_some()
            && let Some(id) = self.missed(takes, run, length - aired + tolerance)
        {
            let title = &self.world.media[&id].tags.title;
            wrong("break", format!("{short} ms short, and {title} would fit"));
        }
    }

    /// An item that could have been put behind the break's last, in so many frames.
    fn missed(&self, takes: &[Take], run: &[usize], room: i64) -> Option<MediaId> {
        let (&last, world) = (run.last()?, self.world);
        let full = self.stopset.max_items.is_some_and(|most| run.len() >= most as usize);
        if full {
            return None;
        }
        let (_, line) = self.lines.last()?;
        let end = line.planned_at.frame().plus(line.cues.airtime());
        // So near to a fixed time the break is over.
        let near = i64::from(self.stopset.tolerance_ms) * 48 * 2;
        let room = room.min(self.cut().since(end) - near);
        let mut before = takes[..=last].to_vec();
        for (id, item) in &world.media {
            let whole = item.cues.segue - item.cues.cue_in;
            let asking = Asking { world, before: &before, at: end.utc() };
            let belongs = match &self.stopset.from {
                StopsetSource::Category(name) => normal(&item.category) == normal(name),
                StopsetSource::SmartBlock(of) => {
                    world.blocks.get(of).is_some_and(|of| asking.takes(&of.rules, *id, false))
                }
            };
            if !belongs || whole > room || run.iter().any(|at| takes[*at].media_id == *id) {
                continue;
            }
            let (title, artist) = (item.tags.title.clone(), item.tags.artist.clone());
            before.push(Take {
                at: end.utc(),
                media_id: *id,
                title,
                artist,
                ..takes[last].clone()
            });
            let mut all = run.to_vec();
            all.push(before.len() - 1);
            let mut wrong = items::item(world, &before, before.len() - 1).len()
                + law::complement(world, &before, before.len() - 1).len();
            competitors(world, &before, &all, self.stopset, &mut |_, _| wrong += 1);
            before.pop();
            if wrong == 0 {
                return Some(*id);
            }
        }
        None
    }

    /// Where the next time that is fixed would cut what is said.
    fn cut(&self) -> AirFrame {
        let later = self.places[self.at + 1..].iter();
        let next = later.filter(|place| place.slot.start != SlotStart::Free);
        // The hour after may begin with one too.
        let ms = next.map(|place| place.begins_ms).min().unwrap_or(3_600_000);
        // The station's legal ID may have its place there.
        let after = self.lines.last().and_then(|(at, _)| self.plan.lines.get(at + 1));
        let id = after.filter(|line| line.kind == ItemKind::LegalId && line.must_air);
        let kept = id.map_or(0, |line| line.cues.cue_out - line.cues.cue_in);
        self.plan.hour.plus(ms * 1_000).frame().plus(-kept)
    }
}
