//! Names that are cut where they have to be, and still tell which is which.
//!
//! A name that is too long loses its middle. How much of its beginning and its end stays follows from the other names:
//! what a name has in common with others gives way first, what distinguishes it stays.

use super::line;
use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use unicode_width::UnicodeWidthChar;

/// What stands for the part that is left out.
const GAP: char = '…';
/// Cells below which a beginning that says it all is not parted for the sake of an end.
const SHORT: usize = 8;
/// Names beyond which not every way to cut is tried.
const MANY: usize = 2_000;

/// The names of one set, such as the steps of a run.
#[derive(Debug, Default)]
#[allow(unnameable_types, reason = "only the dashboard has it in its state")]
pub struct Names {
    given: Vec<Arc<str>>,
    sorted: OnceCell<Sorted>,
    /// By width: names that neither their beginning nor their end tells from all others, and how they are cut.
    hard: RefCell<HashMap<usize, HashMap<String, String>>>,
}

/// Every name, made safe, once: sorted by their beginnings, and by their ends.
#[derive(Debug)]
struct Sorted {
    by_start: Vec<String>,
    /// Reversed names.
    by_end: Vec<String>,
}

impl Names {
    /// These names; one that occurs twice counts once.
    pub fn new(names: impl IntoIterator<Item = Arc<str>>) -> Self {
        Self {
            given: names.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Adds these names.
    pub fn add(&mut self, names: impl IntoIterator<Item = Arc<str>>) {
        self.given.extend(names);
        self.sorted = OnceCell::new();
        self.hard.get_mut().clear();
    }

    /// `name`, made safe, in at most `width` cells. A longer name loses its middle such that no other name of the set
    /// looks the same, as far as the width allows it. A name that is not in the set is cut like one that is.
    pub fn fit(&self, name: &str, width: usize) -> String {
        let name = line(name);
        if is_within(&name, width) {
            return name;
        }
        let Some(room) = width.checked_sub(1) else {
            return String::new();
        };
        let name = Cells::new(&name);
        match self.sorted().split(&name, room) {
            Some((head, tail)) => name.without_middle(head, tail),
            None => self.hard(&name, width),
        }
    }

    fn sorted(&self) -> &Sorted {
        self.sorted.get_or_init(|| {
            let mut by_start: Vec<String> = self.given.iter().map(|name| line(name)).collect();
            by_start.sort_unstable();
            by_start.dedup();
            let mut by_end: Vec<String> = by_start.iter().map(|name| reversed(name)).collect();
            by_end.sort_unstable();
            Sorted { by_start, by_end }
        })
    }

    fn hard(&self, name: &Cells<'_>, width: usize) -> String {
        let mut known = self.hard.borrow_mut();
        let table = known.entry(width).or_insert_with(|| {
            let sorted = self.sorted();
            let room = width.saturating_sub(1);
            let long = sorted
                .by_start
                .iter()
                .filter(|name| !is_within(name, width))
                .map(|name| Cells::new(name));
            let hard: Vec<Cells<'_>> = long
                .filter(|name| sorted.split(name, room).is_none())
                .collect();
            let cut = together(&hard, width);
            let names = hard.iter().map(|name| name.text.to_owned());
            names.zip(cut).collect()
        });
        let found = table.get(name.text).cloned();
        found.unwrap_or_else(|| {
            let room = width.saturating_sub(1);
            let tail = name.aligned_tail(room);
            name.without_middle(room - tail, tail)
        })
    }
}

impl Sorted {
    /// The cells of the beginning and of the end that stay, together `room`, where either tells the name from every
    /// other. `None` where neither can.
    fn split(&self, name: &Cells<'_>, room: usize) -> Option<(usize, usize)> {
        let head = name.head_beyond(shared(&self.by_start, name.text));
        let tail = name.tail_beyond(shared(&self.by_end, &reversed(name.text)));
        if room < SHORT && head.is_some_and(|head| head <= room) {
            return Some((room, 0));
        }
        let wanted = name.aligned_tail(room);
        if tail.is_some_and(|tail| tail <= wanted) || head.is_some_and(|head| head <= room - wanted)
        {
            return Some((room - wanted, wanted));
        }
        // What little remains goes to the other side.
        match (head, tail) {
            (_, Some(tail)) if tail <= room => {
                let tail = name
                    .word_before(tail)
                    .filter(|&word| word <= room * 2 / 3)
                    .unwrap_or(tail);
                Some((room - tail, tail))
            }
            (Some(head), _) if head <= room => Some((head, room - head)),
            _ => None,
        }
    }
}

/// Names that have to be cut as a set.
fn together(names: &[Cells<'_>], width: usize) -> Vec<String> {
    let room = width.saturating_sub(1);
    let wanted = room * 2 / 5;
    let mut tails: Vec<usize> = (0..=room).collect();
    tails.sort_by_key(|tail| tail.abs_diff(wanted));
    if names.len() > MANY {
        tails.truncate(4);
    }
    let mut best: Option<(usize, Vec<String>)> = None;
    for tail in tails {
        let cut: Vec<String> = names
            .iter()
            .map(|name| name.without_middle(room - tail, tail))
            .collect();
        let distinct = cut.iter().collect::<HashSet<_>>().len();
        if distinct == names.len() {
            return cut;
        }
        if best.as_ref().is_none_or(|(most, _)| distinct > *most) {
            best = Some((distinct, cut));
        }
    }
    let mut cut = best.map(|(_, cut)| cut).unwrap_or_default();
    let mut alike: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, name) in cut.iter().enumerate() {
        alike.entry(name).or_default().push(at);
    }
    let mut alike: Vec<Vec<usize>> = alike.into_values().filter(|of| of.len() > 1).collect();
    alike.sort_unstable();
    for of in alike {
        let of_these: Vec<&Cells<'_>> = of.iter().map(|&at| &names[at]).collect();
        for (at, name) in of.into_iter().zip(around_what_differs(&of_these, width)) {
            cut[at] = name;
        }
    }
    cut
}

/// Names of which the middle is what distinguishes them: `sta…middle…end`.
fn around_what_differs(names: &[&Cells<'_>], width: usize) -> Vec<String> {
    let Some(first) = names.first() else {
        return Vec::new();
    };
    let same = |of: &dyn Fn(&Cells<'_>, usize) -> Option<String>| {
        let all_alike = |at: &usize| {
            let wanted = of(first, *at);
            wanted.is_some() && names.iter().all(|name| of(name, *at) == wanted)
        };
        (0..first.len()).take_while(all_alike).count()
    };
    let start = same(&|name, at| name.cell(at).map(str::to_owned));
    let end = same(&|name, at| {
        let from_end = name.len().checked_sub(at + 1)?;
        name.cell(from_end).map(str::to_owned)
    });
    let shortest = names.iter().map(|name| name.len()).min().unwrap_or(0);
    let end = end.min(shortest - start.min(shortest));
    let middles = |start: usize, end: usize| {
        let middle = |name: &&Cells<'_>| name.part(start, name.len() - end).to_owned();
        let middles: Vec<String> = names.iter().map(middle).collect();
        let widest = middles.iter().map(|middle| cells_of(middle)).max();
        (start, end, widest.unwrap_or(0), middles)
    };
    let within = (0..start)
        .rev()
        .take_while(|&at| first.is_in_word(at))
        .count();
    let behind = (first.len() - end..first.len())
        .take_while(|&at| first.is_in_word(at))
        .count();
    // Whole words where there is room for them.
    let (start, end, widest, middles) = [(within, behind), (within, 0), (0, behind)]
        .into_iter()
        .map(|(within, behind)| middles(start - within, end - behind))
        .find(|(_, _, widest, _)| widest + 2 <= width)
        .unwrap_or_else(|| middles(start, end));
    // A gap on each side of the middle that has something beside it.
    let gaps = usize::from(start > 0) + usize::from(end > 0);
    if gaps == 0 || width <= gaps {
        return names
            .iter()
            .map(|name| name.without_middle(width.saturating_sub(1), 0))
            .collect();
    }
    let inner = Names::new(middles.iter().map(|middle| middle.as_str().into()));
    let room = width - gaps;
    let rest = room.saturating_sub(widest);
    names
        .iter()
        .zip(&middles)
        .map(|(name, middle)| {
            let mut rest = (rest / 2, rest - rest / 2);
            if start == 0 {
                rest = (0, rest.0 + rest.1);
            } else if end == 0 {
                rest = (rest.0 + rest.1, 0);
            }
            let mut shown = String::new();
            if start > 0 {
                shown.push_str(name.head(rest.0.min(name.cells_up_to(start))));
                shown.push(GAP);
            }
            shown.push_str(&inner.fit(middle, room.min(widest)));
            if end > 0 {
                shown.push(GAP);
                shown.push_str(name.tail(rest.1));
            }
            shown
        })
        .collect()
}

/// The longest beginning, in bytes, that `name` shares with another of the sorted names.
fn shared(sorted: &[String], name: &str) -> usize {
    let at = sorted.partition_point(|other| other.as_str() < name);
    let before = at.checked_sub(1).and_then(|before| sorted.get(before));
    let after = sorted[at..].iter().find(|other| *other != name);
    [before, after]
        .into_iter()
        .flatten()
        .map(|other| common_start(other, name))
        .max()
        .unwrap_or(0)
}

fn common_start(a: &str, b: &str) -> usize {
    a.char_indices()
        .zip(b.chars())
        .find(|((_, a), b)| a != b)
        .map_or(a.len().min(b.len()), |((at, _), _)| at)
}

fn reversed(text: &str) -> String {
    text.chars().rev().collect()
}

fn cells_of(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// Whether a safe name needs no more than `width` cells.
fn is_within(name: &str, width: usize) -> bool {
    name.len() <= width || (name.len() / 4 <= width && cells_of(name) <= width)
}

/// A safe name as the cells it is drawn in, each with the marks on it.
struct Cells<'a> {
    text: &'a str,
    /// Where each begins in the text, and the columns before it; one more for the end.
    at: Vec<(usize, usize)>,
}

impl<'a> Cells<'a> {
    fn new(text: &'a str) -> Self {
        let mut at = Vec::with_capacity(text.len() + 1);
        let mut columns = 0;
        for (byte, c) in text.char_indices() {
            let width = c.width().unwrap_or(0);
            if width > 0 || at.is_empty() {
                at.push((byte, columns));
            }
            columns += width;
        }
        at.push((text.len(), columns));
        Self { text, at }
    }

    fn len(&self) -> usize {
        self.at.len() - 1
    }

    fn columns(&self) -> usize {
        self.at.last().map_or(0, |end| end.1)
    }

    fn part(&self, from: usize, to: usize) -> &'a str {
        let to = to.min(self.len());
        &self.text[self.at[from.min(to)].0..self.at[to].0]
    }

    fn cell(&self, at: usize) -> Option<&'a str> {
        (at < self.len()).then(|| self.part(at, at + 1))
    }

    fn is_in_word(&self, at: usize) -> bool {
        let first = self.cell(at).and_then(|cell| cell.chars().next());
        first.is_some_and(char::is_alphanumeric)
    }

    /// The columns of the first `count`.
    fn cells_up_to(&self, count: usize) -> usize {
        self.at[count.min(self.len())].1
    }

    /// As much of the beginning as `columns` hold.
    fn head(&self, columns: usize) -> &'a str {
        let count = self.at.partition_point(|&(_, before)| before <= columns);
        self.part(0, count.saturating_sub(1))
    }

    /// As much of the end as `columns` hold.
    fn tail(&self, columns: usize) -> &'a str {
        let all = self.columns();
        let from = self
            .at
            .partition_point(|&(_, before)| all - before > columns);
        self.part(from, self.len())
    }

    fn without_middle(&self, head: usize, tail: usize) -> String {
        format!("{}{GAP}{}", self.head(head), self.tail(tail))
    }

    /// The columns of the beginning with the first cell after `shared` bytes.
    fn head_beyond(&self, shared: usize) -> Option<usize> {
        let next = self.at.iter().position(|&(byte, _)| byte > shared)?;
        Some(self.at[next].1)
    }

    /// The columns of the end with the first cell before the last `shared` bytes.
    fn tail_beyond(&self, shared: usize) -> Option<usize> {
        let from = self.text.len().checked_sub(shared)?;
        let last = self.at.iter().rposition(|&(byte, _)| byte < from)?;
        Some(self.columns() - self.at[last].1)
    }

    /// The columns of the end that is about two fifths of `room`, from the beginning of a word where there is one.
    fn aligned_tail(&self, room: usize) -> usize {
        let wanted = room * 2 / 5;
        self.words()
            .filter(|&tail| tail <= room * 3 / 5 && tail * 2 >= wanted)
            .max()
            .unwrap_or(wanted)
    }

    /// The columns of the shortest end that begins with a word and takes at least `tail`.
    fn word_before(&self, tail: usize) -> Option<usize> {
        self.words().filter(|&word| word >= tail).min()
    }

    /// The columns from the beginning of each word to the end.
    fn words(&self) -> impl Iterator<Item = usize> + '_ {
        let all = self.columns();
        let breaks = |c: char| !c.is_alphanumeric();
        (1..self.len()).filter_map(move |at| {
            let before = self.cell(at - 1)?.chars().next()?;
            let first = self.cell(at)?.chars().next()?;
            (breaks(before) && !breaks(first)).then(|| all - self.at[at].1)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fitted(names: &[&str], width: usize) -> Vec<String> {
        let set = Names::new(names.iter().map(|&name| name.into()));
        names.iter().map(|name| set.fit(name, width)).collect()
    }

    #[test]
    fn what_siblings_share_gives_way_first() {
        let pages = [
            "collect_meter_readings_from_the_northern_district_part_1",
            "collect_meter_readings_from_the_northern_district_part_2",
            "collect_meter_readings_from_the_northern_district_part_13",
        ];
        assert_eq!(
            fitted(&pages, 16),
            ["collect_m…part_1", "collect_m…part_2", "collect_…part_13"]
        );
        let ends = [
            "alpha_rates_of_the_common_market",
            "gamma_rates_of_the_common_market",
        ];
        assert_eq!(fitted(&ends, 12), ["alpha…market", "gamma…market"]);
    }

    #[test]
    fn a_middle_that_differs_stays() {
        let names = [
            "translate_the_spanish_manual_into_plain_words",
            "translate_the_swedish_manual_into_plain_words",
        ];
        let cut = fitted(&names, 13);
        assert!(
            cut[0].contains("spanish") && cut[1].contains("swedish"),
            "{cut:?}"
        );
    }

    #[test]
    fn a_name_with_room_stays_as_it_is() {
        assert_eq!(fitted(&["step_5", "s2"], 6), ["step_5", "s2"]);
        assert_eq!(fitted(&["数据处理"], 8), ["数据处理"]);
        assert_eq!(fitted(&["数据处理"], 7), ["数据处…"]);
        assert_eq!(fitted(&["step_5"], 1), ["…"]);
        assert_eq!(fitted(&["step_5"], 0), [""]);
        assert_eq!(Names::default().fit("an_unknown_name", 9), "an_u…name");
    }

    proptest! {
        #[test]
        fn distinct_names_stay_distinct_where_the_width_allows_it(
            names in prop::collection::hash_set("[ab_]{1,9}(_long|_longer)?[ab]{0,9}", 1..14),
            width in 1usize..16,
        ) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let cut = fitted(&names, width);
            for (name, cut) in names.iter().zip(&cut) {
                prop_assert!(cells_of(cut) <= width, "{cut}");
                prop_assert!(name.len() > width || cut == name);
            }
            // The width allows it where cutting all of them at the same places does.
            let count = |cut: &[String]| cut.iter().collect::<HashSet<_>>().len();
            let allows = (0..width).any(|tail| {
                let alike = |name: &&str| {
                    if name.len() > width {
                        Cells::new(name).without_middle(width - 1 - tail, tail)
                    } else {
                        (*name).to_owned()
                    }
                };
                count(&names.iter().map(alike).collect::<Vec<_>>()) == names.len()
            });
            prop_assert!(!allows || count(&cut) == names.len(), "{names:?} {cut:?}");
        }

        #[test]
        fn a_short_middle_always_tells_names_apart(
            start in "[a-z_]{0,30}",
            end in "[a-z_]{0,30}",
            middles in prop::collection::hash_set("[A-Z]{3}", 2..9),
            width in 6usize..20,
        ) {
            let names: Vec<String> = middles.iter().map(|middle| format!("{start}{middle}{end}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let cut: HashSet<String> = fitted(&names, width).into_iter().collect();
            prop_assert_eq!(cut.len(), names.len(), "{:?}", cut);
        }
    }
}
