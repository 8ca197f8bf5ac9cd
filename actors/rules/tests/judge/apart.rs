//! Separations and quotas at air time, against everything that started before.

use super::credit::values;
use super::play::{Asked, Complaint, Take};
use super::world::World;
use grimnir_events::clock::{Stopset, StopsetSource};
use grimnir_events::smart_block::{BlockRules, BlockSeparation, Field, Quota};

/// What a pick of this kind is kept apart by, in seconds.
pub fn separations(world: &World, asked: &Asked) -> Vec<(Field, u32)> {
    let of_station = &world.rules.separation;
    let settings = &world.settings;
    let block = match asked {
        // What stands in a fixed order, and what is no programme, comes when its time comes.
        Asked::Before
        | Asked::Item(_)
        | Asked::Voice(_)
        | Asked::Imaging(..)
        | Asked::Id
        | Asked::Show(_)
        | Asked::Bumper(_)
        | Asked::Interstitial(..) => {
            return vec![];
        }
        Asked::List(_, grimnir_events::timeline::PlaylistMode::Sequential) => return vec![],
        Asked::Break(stopset) => return in_break(world, stopset),
        Asked::Library | Asked::Category(_) | Asked::List(..) => None,
        Asked::Block(id) => world.blocks.get(id).map(|block| &block.rules.separation),
    };
    let own =
        |of: fn(&BlockSeparation) -> Option<u32>| block.and_then(of).or_else(|| of(of_station));
    let mut found = vec![
        (Field::Artist, own(|apart| apart.artist_sec).or(Some(settings.artist_separation_s))),
        (Field::Title, own(|apart| apart.title_sec).or(Some(settings.title_separation_s))),
        (Field::Album, own(|apart| apart.album_sec)),
        (Field::Label, own(|apart| apart.label_sec)),
    ];
    let fields = block.map(|block| &block.fields).filter(|fields| !fields.is_empty());
    let fields = fields.unwrap_or(&of_station.fields);
    found.extend(fields.iter().map(|apart| (apart.field.clone(), Some(apart.sec))));
    let asked = found.into_iter().map(|(field, sec)| (field, sec.unwrap_or_default()));
    asked.filter(|(_, sec)| *sec > 0).collect()
}

/// What a break asks: itself, else its block, else the station of what is no category.
fn in_break(world: &World, stopset: &Stopset) -> Vec<(Field, u32)> {
    let own = &stopset.separation;
    let block = match &stopset.from {
        StopsetSource::Category(_) => return named(own),
        StopsetSource::SmartBlock(id) => *id,
    };
    let mut found = named(own);
    let lent = separations(world, &Asked::Block(block));
    let given = |field: &Field| match field {
        Field::Artist => own.artist_sec.is_some(),
        Field::Title => own.title_sec.is_some(),
        Field::Album => own.album_sec.is_some(),
        Field::Label => own.label_sec.is_some(),
        _ => !own.fields.is_empty(),
    };
    found.extend(lent.into_iter().filter(|(field, _)| !given(field)));
    found
}

/// What a separation names, and asks anything of.
pub fn named(own: &BlockSeparation) -> Vec<(Field, u32)> {
    let four = [
        (Field::Artist, own.artist_sec),
        (Field::Title, own.title_sec),
        (Field::Album, own.album_sec),
        (Field::Label, own.label_sec),
    ];
    let four = four.into_iter().map(|(field, sec)| (field, sec.unwrap_or_default()));
    let fields = own.fields.iter().map(|apart| (apart.field.clone(), apart.sec));
    four.chain(fields).filter(|(_, sec)| *sec > 0).collect()
}

/// The name of a field as rules write it.
pub fn word(field: &Field) -> String {
    match field {
        Field::Custom(name) => name.clone(),
        field => serde_json::to_value(field).expect("a word").as_str().expect("a word").into(),
    }
}

/// What is too near to the play at this place.
pub fn separation(world: &World, takes: &[Take], at: usize) -> Vec<Complaint> {
    let take = &takes[at];
    let mut found = Vec::new();
    for (field, seconds) in separations(world, &take.asked) {
        let own = values(world, take, &field);
        let near = takes[..at].iter().rev().take_while(|earlier| take.within(earlier, seconds));
        for earlier in near {
            if !own.is_disjoint(&values(world, earlier, &field)) {
                let rule = format!("{} separation of {seconds} s", word(&field));
                let what = format!("too soon after {} at {}", earlier.title, earlier.at);
                found.push(Complaint::new(&rule, take, what));
                break;
            }
        }
    }
    found
}

/// The plays of the run that a play is one of, before it: whoever lent them, they count.
pub fn run(takes: &[Take], at: usize) -> Vec<&Take> {
    let take = &takes[at];
    let place = |take: &Take| (take.hour, take.slot, take.inner);
    let same = |other: &&Take| place(other) == place(take);
    let main = |other: &&Take| matches!(other.asked, Asked::Block(_) | Asked::Break(_));
    takes[..at].iter().filter(same).filter(main).collect()
}

/// The rules of the block that asked.
pub fn block_of<'a>(world: &'a World, take: &Take) -> Option<&'a BlockRules> {
    match &take.asked {
        Asked::Block(id) => world.blocks.get(id).map(|block| &block.rules),
        Asked::Break(stopset) => match &stopset.from {
            StopsetSource::SmartBlock(id) => world.blocks.get(id).map(|block| &block.rules),
            StopsetSource::Category(_) => None,
        },
        _ => None,
    }
}

/// Quotas that the play at this place breaks: it is one too many, or another was owed.
pub fn quotas(world: &World, takes: &[Take], at: usize) -> Vec<Complaint> {
    let take = &takes[at];
    let Some(rules) = block_of(world, take) else { return vec![] };
    let broken = |quota: &&Quota| {
        let before: Vec<&Take> = match quota.window_sec {
            0 => run(takes, at),
            seconds => takes[..at].iter().filter(|other| take.within(other, seconds)).collect(),
        };
        breaks(world, take, &before, quota)
    };
    let broken = rules.quotas.iter().filter(broken);
    // However many it breaks, the planner relaxes them at once.
    broken.take(1).map(|quota| Complaint::new("quota", take, format!("{quota:?}"))).collect()
}

fn breaks(world: &World, take: &Take, before: &[&Take], quota: &Quota) -> bool {
    let counts = |take: &Take| {
        let said = values(world, take, &quota.field);
        quota.values.iter().any(|value| said.contains(&super::credit::normal(value)))
    };
    let count = before.iter().filter(|other| counts(other)).count();
    if counts(take) {
        quota.max.is_some_and(|max| count + 1 > max as usize)
    } else {
        quota.min.is_some_and(|min| count < min as usize)
    }
}
