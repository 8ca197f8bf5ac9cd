//! A source of items, read once per plan: who belongs to it, in which order they come up, and what
//! is asked of a pick from it.

use super::catalogue::{ALBUM, ARTIST, Catalogue, LABEL, TITLE};
use super::criteria::{Criterion, Group, Moment, Sight};
use super::hard::TOO_LONG;
use super::history::History;
use super::packaging::{self, Firm, names_kinds};
use super::pick::{Removed, Run};
use super::set::Set;
use crate::planner::PlanInputs;
use crate::planner::sound::is_programme;
use grimnir_events::clock::{ImagingRole, Stopset, StopsetSource};
use grimnir_events::smart_block::{BlockRules, BlockSeparation, ItemSource};
use grimnir_events::smart_block::{Order, Quota, Rule, RuleGroup, Span};
use grimnir_events::timeline::PlaylistMode;
use grimnir_events::{PlaylistId, SmartBlockId};
use std::cell::OnceCell;

/// What a source is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum SourceKey {
    /// All programme.
    Library,
    /// A category, in lower case.
    Category(String),
    /// A smart block.
    Block(SmartBlockId),
    /// A playlist that is not played in its order.
    Playlist(PlaylistId, PlaylistMode),
    /// The bumpers of a block.
    Bumpers(SmartBlockId),
    /// One source of the interstitials of a block.
    Interstitial(SmartBlockId, usize),
    /// A break.
    Stopset(Box<Stopset>),
    /// Imaging, of a category in lower case or what is known for the role.
    Imaging(ImagingRole, String),
}

/// One separation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Apart {
    /// Place of its dimension.
    pub dim: usize,
    /// Microseconds from start to start.
    pub us: i64,
}

/// One quota, read.
#[derive(Debug)]
pub struct Bound {
    /// Place of its dimension.
    pub dim: usize,
    /// The values that count.
    pub values: Vec<u32>,
    /// At least.
    pub min: u32,
    /// At most.
    pub max: u32,
    /// In which time; `None` counts the run.
    pub window_us: Option<i64>,
}

/// A source, read.
#[derive(Debug)]
pub struct Source {
    /// What it is.
    pub key: SourceKey,
    /// The rules it was read from.
    pub rules: BlockRules,
    /// Members in the order they come up.
    pub main: Vec<u32>,
    /// Those that only an exclusion keeps out.
    pub reserve: Vec<u32>,
    members: Set,
    /// Groups that must hold, asked at every pick.
    pub include: Vec<Group>,
    /// Groups that must not, asked at every pick.
    pub exclude: Vec<Group>,
    /// Separations, the least important first.
    pub apart: Vec<Apart>,
    /// Those that a break never gives way in.
    pub firm: Firm,
    /// Quotas.
    pub bounds: Vec<Bound>,
    /// Preferences.
    pub weights: Vec<(Criterion, i64)>,
    /// Times that rules look back.
    pub spans: Vec<Span>,
    /// Longest item, in frames.
    pub longest: Option<i64>,
    /// How many of its members are longer.
    too_long: usize,
    /// Shortest of all its items, in frames; read when it is asked for.
    shortest: OnceCell<i64>,
    /// How many items each rule took or left out, where they do not change from pick to pick.
    pub counts: Counts,
}

/// How a source's members came about.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Items looked at.
    pub library: usize,
    /// Of a kind, category or playlist that does not come up here.
    pub other: usize,
    /// Left out by each include group, of those that came as far.
    pub include: Vec<usize>,
    /// Left out by each exclude group, of those that came as far.
    pub exclude: Vec<usize>,
}

/// Who can belong at all.
enum Base {
    Programme,
    AnyKind,
    Places(Vec<u32>),
    Match(Box<Criterion>),
}

impl Base {
    fn holds(&self, place: usize, moment: &Moment<'_>) -> bool {
        match self {
            Self::Programme => is_programme(moment.catalogue.entries[place].kind),
            Self::AnyKind => true,
            Self::Places(places) => places.binary_search(&(place as u32)).is_ok(),
            Self::Match(criterion) => criterion.holds(place, moment),
        }
    }
}

/// Everything that a source is read from.
pub struct Reader<'r, 'a> {
    /// The inputs of the plan.
    pub inputs: &'r PlanInputs<'a>,
    /// The library.
    pub catalogue: &'r Catalogue,
    /// What played.
    pub history: &'r History,
    /// Places by rest.
    pub rested: &'r [u32],
}

impl Reader<'_, '_> {
    /// Reads a source; `None` where it names a block or playlist that does not exist.
    pub fn read(&self, key: &SourceKey) -> Option<Source> {
        let block = |id| self.inputs.blocks.get(id);
        let plain = |order, separation| BlockRules {
            order,
            separation,
            loop_to_fill: true,
            ..BlockRules::default()
        };
        let own = BlockSeparation::default;
        let (rules, base) = match key {
            SourceKey::Library => (plain(Order::LeastRecent, own()), Base::Programme),
            SourceKey::Category(name) => {
                let category = Criterion::category(&super::text::normal(name), &self.sight());
                (plain(Order::LeastRecent, own()), Base::Match(Box::new(category)))
            }
            SourceKey::Block(id) => {
                let rules = block(id)?.rules.clone();
                let base = if names_kinds(&rules) { Base::AnyKind } else { Base::Programme };
                (rules, base)
            }
            SourceKey::Playlist(id, mode) => {
                let mut rules = plain(Order::LeastRecent, own());
                // Shuffled: by chance among the longer rested half. Rotation: longest rested first.
                (rules.rest.share_percent, rules.rest.weight_x100) = match mode {
                    PlaylistMode::Shuffled => (50, 0),
                    PlaylistMode::Rotation | PlaylistMode::Sequential => (1, 0),
                };
                (rules, Base::Places(self.playlist(*id)?))
            }
            SourceKey::Bumpers(id) => {
                let bumpers = &block(id)?.rules.bumpers;
                let base = self.base(bumpers.source.as_ref()?)?;
                return Some(self.extra(key, bumpers.max_duration_sec, base));
            }
            SourceKey::Interstitial(id, at) => {
                let interstitials = &block(id)?.rules.interstitials;
                let base = self.base(interstitials.sources.get(*at)?)?;
                return Some(self.extra(key, interstitials.max_duration_sec, base));
            }
            SourceKey::Stopset(stopset) => {
                let rules = packaging::break_rules(stopset, self.inputs.blocks)?;
                let base = match &stopset.from {
                    StopsetSource::Category(name) => {
                        let name = super::text::normal(name);
                        Base::Match(Box::new(Criterion::category(&name, &self.sight())))
                    }
                    StopsetSource::SmartBlock(_) if names_kinds(&rules) => Base::AnyKind,
                    StopsetSource::SmartBlock(_) => Base::Programme,
                };
                let mut source = self.make(key.clone(), rules, &base);
                packaging::hold(self, stopset, &mut source);
                return Some(source);
            }
            SourceKey::Imaging(role, category) => {
                let places = packaging::places_for(self, *role, &super::text::normal(category));
                let mut source = self.extra(key, u32::MAX, Base::Places(places));
                // Longest rested first, and none twice in a row of them.
                (source.rules.rest.share_percent, source.rules.rest.weight_x100) = (1, 0);
                source.rules.loop_to_fill = false;
                return Some(source);
            }
        };
        Some(self.make(key.clone(), rules, &base))
    }

    /// Bumpers and the like: short, and kept apart by rotation alone.
    fn extra(&self, key: &SourceKey, max_duration_sec: u32, base: Base) -> Source {
        let zero = Some(0);
        let separation = BlockSeparation {
            artist_sec: zero,
            title_sec: zero,
            album_sec: zero,
            label_sec: zero,
            fields: Vec::new(),
        };
        let rules = BlockRules { separation, loop_to_fill: true, ..BlockRules::default() };
        let mut source = self.make(key.clone(), rules, &base);
        source.apart.clear();
        let longest = i64::from(max_duration_sec) * grimnir_events::units::FRAMES_PER_SECOND;
        source.longest = Some(longest);
        let airtime = |place: u32| self.catalogue.entries[place as usize].cues.airtime();
        source.too_long = source.main.iter().filter(|at| airtime(**at) > longest).count();
        source
    }

    fn playlist(&self, id: PlaylistId) -> Option<Vec<u32>> {
        let (_, items) = self.inputs.playlists.get(&id)?;
        let place = |id| self.catalogue.place(id).map(|place| place as u32);
        let mut places: Vec<u32> = items.iter().filter_map(|id| place(*id)).collect();
        places.sort_unstable();
        Some(places)
    }

    fn sight(&self) -> Sight<'_> {
        let PlanInputs { media, details, playlists, .. } = *self.inputs;
        Sight { catalogue: self.catalogue, media, details, playlists }
    }

    fn base(&self, source: &ItemSource) -> Option<Base> {
        Some(match source {
            ItemSource::Playlist(id) => Base::Places(self.playlist(*id)?),
            // One that looks back in time would have to be asked at every pick.
            ItemSource::Match(rule) if rule.field.is_time() => return None,
            ItemSource::Match(rule) => {
                Base::Match(Box::new(Criterion::read(rule, &mut Vec::new(), &self.sight())))
            }
        })
    }

    fn make(&self, key: SourceKey, rules: BlockRules, base: &Base) -> Source {
        let mut spans = Vec::new();
        let sight = self.sight();
        let mut groups = |groups: &[RuleGroup]| -> Vec<Group> {
            groups.iter().map(|group| Group::read(group, &mut spans, &sight)).collect()
        };
        let (include, exclude) = (groups(&rules.include), groups(&rules.exclude));
        let read = |rule: &Rule, spans: &mut Vec<Span>| Criterion::read(rule, spans, &sight);
        let weights = rules
            .weights
            .iter()
            .map(|weight| (read(&weight.rule, &mut spans), i64::from(weight.weight_x100)))
            .collect();
        let bounds = rules.quotas.iter().filter_map(|quota| self.bound(quota)).collect();
        let apart = self.apart(&rules.separation);
        let mut source = Source {
            key,
            rules,
            main: Vec::new(),
            reserve: Vec::new(),
            members: Set::default(),
            include: Vec::new(),
            exclude: Vec::new(),
            apart,
            firm: Firm::default(),
            bounds,
            weights,
            spans,
            longest: None,
            too_long: 0,
            shortest: OnceCell::new(),
            counts: Counts::default(),
        };
        self.fill(&mut source, base, &include, &exclude);
        source.include = include.into_iter().filter(Group::moves).collect();
        source.exclude = exclude.into_iter().filter(Group::moves).collect();
        source
    }

    /// Sorts the library into members and reserve: rule by rule, each of all items.
    fn fill(&self, source: &mut Source, base: &Base, include: &[Group], exclude: &[Group]) {
        let catalogue = self.catalogue;
        let count = catalogue.entries.len();
        let moment = Moment { catalogue, history: self.history, thresholds: &[] };
        let counts = &mut source.counts;
        counts.library = count;
        (counts.include, counts.exclude) = (vec![0; include.len()], vec![0; exclude.len()]);
        let mut left = Set::of(count, |place| base.holds(place, &moment));
        counts.other = count - left.len();
        for (at, group) in include.iter().enumerate().filter(|(_, group)| !group.moves()) {
            counts.include[at] = left.retain(&group.all(&moment));
        }
        let (mut members, mut reserve) = (left.clone(), left);
        for (at, group) in exclude.iter().enumerate().filter(|(_, group)| !group.moves()) {
            let out = group.all(&moment);
            counts.exclude[at] = members.remove(&out);
            if group.on_explicit() {
                reserve.remove(&out);
            }
        }
        // What is left of it is kept out by no explicit group; members are kept out by none.
        reserve.remove(&members);
        source.main = members.among(self.rested);
        source.reserve = reserve.among(self.rested);
        source.members = members;
        self.arrange(source);
    }

    /// Puts members into an order of their own, where they have one.
    fn arrange(&self, source: &mut Source) {
        let added = |place: &u32| self.catalogue.entries[*place as usize].added_at;
        let tie = |place: &u32| self.catalogue.entries[*place as usize].tie;
        match source.rules.order {
            Order::LeastRecent | Order::MostRecent => {}
            Order::Random => source.main = source.members.among(&self.catalogue.by_tie),
            Order::Newest => {
                source.main.sort_by_cached_key(|at| (std::cmp::Reverse(added(at)), tie(at)));
            }
            Order::Oldest => {
                source.main.sort_by_cached_key(|at| (added(at).is_none(), added(at), tie(at)));
            }
        }
    }

    fn bound(&self, quota: &Quota) -> Option<Bound> {
        let dim = self.catalogue.dim(&quota.field)?;
        let find = |text: &String| self.catalogue.dims[dim].find(text);
        Some(Bound {
            dim,
            values: quota.values.iter().filter_map(find).collect(),
            min: quota.min.unwrap_or_default(),
            max: quota.max.unwrap_or(u32::MAX),
            window_us: (quota.window_sec > 0).then(|| i64::from(quota.window_sec) * 1_000_000),
        })
    }

    /// Separations, the least important first; what the block leaves open is the station's.
    fn apart(&self, own: &BlockSeparation) -> Vec<Apart> {
        let station = &self.inputs.rules.separation;
        let settings = self.inputs.settings;
        let fields = if own.fields.is_empty() { &station.fields } else { &own.fields };
        let mut found: Vec<(Option<usize>, u32)> =
            fields.iter().map(|apart| (self.catalogue.dim(&apart.field), apart.sec)).collect();
        let named = [
            (LABEL, own.label_sec.or(station.label_sec), 0),
            (ALBUM, own.album_sec.or(station.album_sec), 0),
            (TITLE, own.title_sec.or(station.title_sec), settings.title_separation_s),
            (ARTIST, own.artist_sec.or(station.artist_sec), settings.artist_separation_s),
        ];
        found.extend(named.map(|(dim, given, or)| (Some(dim), given.unwrap_or(or))));
        let kept = found.into_iter().filter(|(_, seconds)| *seconds > 0);
        kept.filter_map(|(dim, sec)| Some(Apart { dim: dim?, us: i64::from(sec) * 1_000_000 }))
            .collect()
    }
}

impl Source {
    /// The item belongs to it.
    pub fn holds(&self, place: u32) -> bool {
        self.members.holds(place as usize)
    }

    /// Shortest of all its items, in frames.
    pub fn shortest(&self, catalogue: &Catalogue) -> i64 {
        let airtime = |place: &u32| catalogue.entries[*place as usize].cues.airtime();
        let all = || self.main.iter().chain(&self.reserve).map(airtime).min();
        *self.shortest.get_or_init(|| all().unwrap_or(i64::MAX))
    }

    /// What rules its items out where none is as short as the run asks.
    pub fn all_too_long(&self, run: &Run) -> Removed {
        let mut places = run.picked.clone();
        places.sort_unstable();
        places.dedup();
        let again = !self.rules.loop_to_fill;
        let again = if again { places.iter().filter(|at| self.holds(**at)).count() } else { 0 };
        let rest = self.main.len() - again - self.too_long;
        let removed =
            [("played in this run", again), ("too long", self.too_long), (TOO_LONG, rest)];
        removed.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}
