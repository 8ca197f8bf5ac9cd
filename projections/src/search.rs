//! Finds items among very many: by words or their beginnings, by fields, in an order, page by page.
//!
//! Upstream: rows of the library's model. Downstream: its views. Derived and in memory only: made
//! again from the rows when a model is loaded. Words are folded, so that `bjork` finds `Björk`.

mod bits;
mod words;

use crate::rows::{MediaRow, MediaStage};
use bits::Bits;
use grimnir_events::MediaId;
use grimnir_events::library::ItemKind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Bound;

/// What pages are ordered by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// When they were taken in.
    #[default]
    Added,
    /// Title.
    Title,
    /// Artist, then title.
    Artist,
    /// Album, then title.
    Album,
    /// Length.
    Duration,
    /// Year of release; those that say none come first.
    Year,
}

const ORDERS: [Order; 6] =
    [Order::Added, Order::Title, Order::Artist, Order::Album, Order::Duration, Order::Year];

/// Where an item stands in an order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Place {
    number: i64,
    text: Box<str>,
    id: MediaId,
}

impl Place {
    fn of(row: &MediaRow, order: Order) -> Self {
        let number = number_of(row, order);
        let text = texts_of(row, order).map(|(first, title)| {
            format!("{}\0{}", words::folded(first), words::folded(title)).into()
        });
        Place { number, text: text.unwrap_or_default(), id: row.item.id }
    }

    /// Whether a row stands before it. A row is read as it is: places of very many rows are met
    /// when one is looked for.
    fn is_after(&self, row: &MediaRow, order: Order) -> bool {
        let texts = || match texts_of(row, order) {
            Some((first, title)) => words::folded_cmp(first, title, &self.text),
            None => "".cmp(&self.text),
        };
        let number = number_of(row, order).cmp(&self.number);
        number.then_with(texts).then_with(|| row.item.id.cmp(&self.id)).is_lt()
    }
}

fn number_of(row: &MediaRow, order: Order) -> i64 {
    match order {
        Order::Added => row.added_at.0,
        Order::Duration => row.item.duration_frames,
        Order::Year => row.item.tags.year.map_or(-1, i64::from),
        Order::Title | Order::Artist | Order::Album => 0,
    }
}

fn texts_of(row: &MediaRow, order: Order) -> Option<(&str, &str)> {
    let tags = &row.item.tags;
    match order {
        Order::Title => Some((&tags.title, &tags.title)),
        Order::Artist => Some((&tags.artist, &tags.title)),
        Order::Album => Some((&tags.album, &tags.title)),
        Order::Added | Order::Duration | Order::Year => None,
    }
}

/// Which items.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// Words of title, artists, album, genres, year, category, ISRC, file name, label, moods, tags,
    /// language, composer and compilation, or beginnings of words there; all of them.
    pub words: String,
    /// Their category.
    pub category: Option<String>,
    /// What they are.
    pub kind: Option<ItemKind>,
    /// Their artist, in any case.
    pub artist: Option<String>,
    /// Their album, in any case.
    pub album: Option<String>,
    /// One of their genres, in any case.
    pub genre: Option<String>,
    /// Their label, in any case.
    pub label: Option<String>,
    /// One of their moods, in any case.
    pub mood: Option<String>,
    /// One of their tags, in any case.
    pub tag: Option<String>,
    /// Their language, in any case.
    pub language: Option<String>,
    /// Their composer, in any case.
    pub composer: Option<String>,
    /// Their first and last year of release.
    pub year: (Option<u16>, Option<u16>),
    /// Their least and greatest length in frames.
    pub duration: (Option<i64>, Option<i64>),
    /// Whether their audio is lost.
    pub lost: Option<bool>,
    /// Those that were deleted, and not those that were not.
    pub deleted: bool,
    /// How far they are: measured, pending, failed.
    pub stage: Option<MediaStage>,
    /// Name of a field of the station's own, and its value, both in any case.
    pub custom: Option<(String, String)>,
}

impl Filter {
    /// The words that an item must have: those of its fields are indexed too.
    fn all_words(&self) -> String {
        let fields = [
            &self.artist,
            &self.album,
            &self.genre,
            &self.label,
            &self.mood,
            &self.tag,
            &self.language,
            &self.composer,
        ];
        let fields = fields.into_iter().flatten().map(String::as_str);
        let custom = self.custom.iter().map(|(_, value)| value.as_str());
        std::iter::once(&*self.words).chain(fields).chain(custom).collect::<Vec<_>>().join(" ")
    }

    fn takes(&self, row: &MediaRow) -> bool {
        let same = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| words::folded(wanted) == words::folded(found))
        };
        fn within<T: PartialOrd + Copy>(
            found: Option<T>,
            (from, to): (Option<T>, Option<T>),
        ) -> bool {
            let low = from.is_none_or(|from| found.is_some_and(|found| found >= from));
            low && to.is_none_or(|to| found.is_some_and(|found| found <= to))
        }
        let (item, more) = (&row.item, &row.details);
        let among = |wanted: &Option<String>, found: &[String]| {
            wanted.is_none() || found.iter().any(|found| same(wanted, found))
        };
        self.category.as_ref().is_none_or(|category| item.category == *category)
            && self.kind.is_none_or(|kind| item.kind == kind)
            && self.lost.is_none_or(|lost| row.lost.is_some() == lost)
            && row.deleted.is_some() == self.deleted
            && self.stage.as_ref().is_none_or(|stage| same_stage(stage, &row.stage))
            && self.custom.as_ref().is_none_or(|(name, value)| {
                let mut fields = more.custom.iter();
                let is = |a: &str, b: &str| words::folded(a) == words::folded(b);
                fields.any(|field| is(name, &field.name) && is(value, &field.value))
            })
            && within(item.tags.year, self.year)
            && within(Some(item.duration_frames), self.duration)
            && same(&self.artist, &item.tags.artist)
            && same(&self.album, &item.tags.album)
            && (same(&self.genre, &item.tags.genre) || among(&self.genre, &more.genres))
            && same(&self.label, &more.label)
            && same(&self.language, &more.language)
            && same(&self.composer, &more.composer)
            && among(&self.mood, &more.moods)
            && among(&self.tag, &more.tags)
    }
}

fn same_stage(wanted: &MediaStage, found: &MediaStage) -> bool {
    std::mem::discriminant(wanted) == std::mem::discriminant(found)
}

/// Which page.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Page {
    /// The order.
    pub order: Order,
    /// From the last to the first.
    pub descending: bool,
    /// The place of the last item of the page before.
    pub after: Option<Place>,
    /// Most items.
    pub limit: usize,
}

/// Fewer found than this are put in order themselves; more are met by walking the order.
const FEW: usize = 2_000;

/// The words and orders of a library's items.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// Items by number.
    items: Vec<Option<MediaId>>,
    numbers: BTreeMap<MediaId, u32>,
    free: Vec<u32>,
    /// Numbers of the items that have a word, rising.
    words: BTreeMap<Box<str>, Vec<u32>>,
    /// Numbers in each order; where they stand is read from their rows.
    orders: [Vec<u32>; ORDERS.len()],
}

/// The rows that an index is of.
type Rows = BTreeMap<MediaId, Box<MediaRow>>;

impl Index {
    /// The index of these rows.
    pub fn of(rows: &Rows) -> Self {
        let mut index = Self::default();
        rows.values().for_each(|row| {
            index.number(row);
        });
        for order in ORDERS {
            let mut numbers: Vec<u32> = index.numbers.values().copied().collect();
            numbers.sort_by_cached_key(|number| index.place(rows, *number, order));
            index.orders[order as usize] = numbers;
        }
        index
    }

    /// Takes in a row that is not in it; the others are among `rows`.
    pub fn insert(&mut self, row: &MediaRow, rows: &Rows) {
        let number = self.number(row);
        for order in ORDERS {
            let at = self.before(rows, order, &Place::of(row, order));
            self.orders[order as usize].insert(at, number);
        }
    }

    /// Takes out a row, which must be as it was taken in; the others are among `rows`.
    pub fn remove(&mut self, row: &MediaRow, rows: &Rows) {
        let Some(number) = self.numbers.remove(&row.item.id) else { return };
        for order in ORDERS {
            // It has no row any more: it stands where the first of the greater would.
            let own = Place::of(row, order);
            let lower = |other: &u32| {
                *other != number
                    && self.row(rows, *other).is_none_or(|row| own.is_after(row, order))
            };
            let numbers = &self.orders[order as usize];
            let at = numbers.partition_point(lower);
            if numbers.get(at) == Some(&number) {
                self.orders[order as usize].remove(at);
            }
        }
        self.items[number as usize] = None;
        self.free.push(number);
        for word in words::of(row) {
            let Some(numbers) = self.words.get_mut(&word) else { continue };
            if let Ok(at) = numbers.binary_search(&number) {
                numbers.remove(at);
            }
            if numbers.is_empty() {
                self.words.remove(&word);
            }
        }
    }

    /// Gives a row a number, and its words.
    fn number(&mut self, row: &MediaRow) -> u32 {
        let number = self.free.pop().unwrap_or_else(|| {
            self.items.push(None);
            u32::try_from(self.items.len() - 1).unwrap_or(u32::MAX)
        });
        self.items[number as usize] = Some(row.item.id);
        self.numbers.insert(row.item.id, number);
        for word in words::of(row) {
            let numbers = self.words.entry(word).or_default();
            if let Err(at) = numbers.binary_search(&number) {
                numbers.insert(at, number);
            }
        }
        number
    }

    fn row<'a>(&self, rows: &'a Rows, number: u32) -> Option<&'a MediaRow> {
        rows.get(&self.items.get(number as usize).copied().flatten()?).map(|row| &**row)
    }

    fn place(&self, rows: &Rows, number: u32, order: Order) -> Option<Place> {
        self.row(rows, number).map(|row| Place::of(row, order))
    }

    /// How many stand before a place.
    fn before(&self, rows: &Rows, order: Order, place: &Place) -> usize {
        let lower =
            |other: &u32| self.row(rows, *other).is_some_and(|row| place.is_after(row, order));
        self.orders[order as usize].partition_point(lower)
    }

    /// Items that have every word, or one that begins with it; `None` without words: all.
    fn found(&self, text: &str) -> Option<Bits> {
        let mut all: Option<Bits> = None;
        for word in words::split(text) {
            let mut one = Bits::of(self.items.len());
            let from = (Bound::Included(&*word), Bound::Unbounded);
            let begins =
                self.words.range::<str, _>(from).take_while(|(w, _)| w.starts_with(&*word));
            begins.flat_map(|(_, numbers)| numbers).for_each(|number| one.set(*number));
            match &mut all {
                Some(all) => all.keep(&one),
                None => all = Some(one),
            }
        }
        all
    }

    /// One page of what the filter takes, and the place after which the next begins; `None` on the
    /// last. Pages hold no item twice and miss none, whatever is added or removed between them.
    pub fn page<'a>(
        &self,
        rows: &'a Rows,
        filter: &Filter,
        page: &Page,
    ) -> (Vec<&'a MediaRow>, Option<Place>) {
        let found = self.found(&filter.all_words());
        let row = |number| self.row(rows, number).filter(|row| filter.takes(row));
        let few = found.as_ref().filter(|found| found.count() < FEW);
        if let Some(found) = few {
            let wanted = found.numbers().filter_map(row);
            let mut placed: BTreeMap<Place, &MediaRow> =
                wanted.map(|row| (Place::of(row, page.order), row)).collect();
            let placed = match (&page.after, page.descending) {
                (None, _) => placed,
                (Some(after), false) => {
                    let mut rest = placed.split_off(after);
                    rest.remove(after);
                    rest
                }
                (Some(after), true) => {
                    placed.split_off(after);
                    placed
                }
            };
            let placed = either(placed.into_values(), page.descending);
            return cut(placed, page);
        }
        let numbers = &self.orders[page.order as usize];
        let range = match &page.after {
            None => numbers.as_slice(),
            Some(after) => {
                let at = self.before(rows, page.order, after);
                let own = numbers.get(at).and_then(|number| self.place(rows, *number, page.order));
                let past = at + usize::from(own.as_ref() == Some(after));
                if page.descending { &numbers[..at] } else { &numbers[past..] }
            }
        };
        let here = |number: u32| found.as_ref().is_none_or(|found| found.has(number));
        let walk = either(range.iter().copied(), page.descending);
        cut(walk.filter(|number| here(*number)).filter_map(row), page)
    }
}

fn either<'a, I: DoubleEndedIterator + 'a>(
    items: I,
    descending: bool,
) -> Box<dyn Iterator<Item = I::Item> + 'a> {
    if descending { Box::new(items.rev()) } else { Box::new(items) }
}

fn cut<'a>(
    mut found: impl Iterator<Item = &'a MediaRow>,
    page: &Page,
) -> (Vec<&'a MediaRow>, Option<Place>) {
    let rows: Vec<_> = found.by_ref().take(page.limit).collect();
    let more = rows.len() == page.limit && found.next().is_some();
    let last = rows.last().filter(|_| more).map(|row| Place::of(row, page.order));
    (rows, last)
}

#[cfg(test)]
mod tests;
