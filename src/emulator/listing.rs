//! Lists: which items a caller asks for, in which order, and which page of them.

use std::cmp::Ordering;

use serde_json::Value;

use crate::emulator::answer::{Answer, Refusal, Reply};
use crate::emulator::call::Call;

/// How many items a page has when `per_page` is not given.
const PER_PAGE: usize = 100;

/// The search filters of a call: patterns by field, all or any of which must match.
#[derive(Debug)]
pub(crate) struct Filters<'a> {
    patterns: Vec<(&'static str, &'a str)>,
    any: bool,
}

impl<'a> Filters<'a> {
    /// The filters of `call` among the query parameters called `names`.
    pub(crate) fn of(call: &'a Call<'_>, names: &[&'static str]) -> Result<Self, Refusal> {
        let given = |name: &&'static str| Some((*name, call.query(name)?));
        Ok(Self {
            patterns: names.iter().filter_map(given).collect(),
            any: call.flag("filter_or")?.unwrap_or(false),
        })
    }

    /// Whether every item passes.
    pub(crate) const fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether an item passes, whose field of a name has the text that `field` gives.
    pub(crate) fn pass(&self, field: impl Fn(&str) -> Option<String>) -> bool {
        let matches =
            |(name, pattern): &(&'static str, &str)| fits(pattern, field(name).as_deref());
        match self.any {
            true if !self.patterns.is_empty() => self.patterns.iter().any(matches),
            _ => self.patterns.iter().all(matches),
        }
    }
}

/// Whether a value fits a search pattern: `%` is any text, `_` any letter, case does not matter; `NULL` and `NOT NULL`
/// ask whether there is a value; several ids may be given with commas.
pub(crate) fn fits(pattern: &str, value: Option<&str>) -> bool {
    match pattern {
        "NULL" | "is null" | "IS NULL" => return value.is_none_or(str::is_empty),
        "NOT NULL" | "is not null" => return value.is_some_and(|value| !value.is_empty()),
        _ => {}
    }
    let Some(value) = value else {
        return false;
    };
    let is_id = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    if is_id && pattern.contains(',') {
        return pattern.split(',').any(|part| part.trim() == value);
    }
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let value: Vec<char> = value.to_lowercase().chars().collect();
    like(&pattern, &value)
}

/// SQL's `LIKE`, in time proportional to the product of the lengths.
fn like(pattern: &[char], value: &[char]) -> bool {
    let mut reachable = vec![false; value.len() + 1];
    if let Some(first) = reachable.first_mut() {
        *first = true;
    }
    for letter in pattern {
        let mut next = vec![false; reachable.len()];
        let mut before = false;
        for (place, now) in reachable.iter().enumerate() {
            let after = next.get(place.wrapping_sub(1)).copied().unwrap_or(false);
            let here = value.get(place.wrapping_sub(1));
            let open = match letter {
                '%' => *now || after,
                '_' => before,
                letter => before && here == Some(letter),
            };
            if let Some(next) = next.get_mut(place) {
                *next = open;
            }
            before = *now;
        }
        reachable = next;
    }
    reachable.last().copied().unwrap_or(false)
}

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    pub(crate) offset: usize,
    pub(crate) limit: usize,
}

impl Page {
    /// The page `call` asks for, with `limit` and `offset` or with `page` and `per_page`; all where it asks for none.
    pub(crate) fn of(call: &Call<'_>) -> Result<Self, Refusal> {
        let paging = call.paging;
        let mut page = Self::asked(call)?;
        if paging.ignores_offset {
            page.offset = 0;
        }
        if paging.cap > 0 {
            page.limit = page.limit.min(paging.cap);
        }
        Ok(page)
    }

    fn asked(call: &Call<'_>) -> Result<Self, Refusal> {
        if let Some(page) = call.number("page")? {
            let limit = call.number("per_page")?.unwrap_or(PER_PAGE);
            let offset = page.saturating_sub(1).saturating_mul(limit);
            return Ok(Self { offset, limit });
        }
        let (limit, offset) = match call.paging.swapped {
            true => ("offset", "limit"),
            false => ("limit", "offset"),
        };
        let limit = call.number(limit)?.or(call.number("per_page")?);
        Ok(Self {
            offset: call.number(offset)?.unwrap_or(0),
            limit: limit.unwrap_or(usize::MAX),
        })
    }

    /// This page of `items`.
    pub(crate) fn cut<T>(self, items: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        items.skip(self.offset).take(self.limit)
    }
}

/// Whether the order that items have anyway, by id, will do.
pub(crate) fn by_id(call: &Call<'_>) -> bool {
    call.paging.ignores_sort || matches!(call.query("sorts"), None | Some("" | "id" | "id asc"))
}

/// The items of a resource that is not large: sorted, and the page the caller asks for.
pub(crate) fn answer(call: &Call<'_>, items: Vec<Value>) -> Answer {
    let mut items = items;
    sort(call, &mut items);
    Ok(Reply::json(
        Page::of(call)?.cut(items.into_iter()).collect(),
    ))
}

/// The items that pass the filters called `names`, sorted, and the page the caller asks for.
pub(crate) fn search(call: &Call<'_>, names: &[&'static str], items: Vec<Value>) -> Answer {
    let filters = Filters::of(call, names)?;
    let passing = items
        .into_iter()
        .filter(|item| filters.pass(|name| item.get(name).and_then(text)));
    answer(call, passing.collect())
}

/// Put `items` in the order that `sorts` asks for.
pub(crate) fn sort(call: &Call<'_>, items: &mut [Value]) {
    if call.paging.ignores_sort {
        return;
    }
    for key in call.query("sorts").unwrap_or("").rsplit(',') {
        let (name, descending) = direction(key);
        if name.is_empty() {
            continue;
        }
        items.sort_by(|one, other| {
            let order = compare(one.get(name), other.get(name));
            if descending { order.reverse() } else { order }
        });
    }
}

/// The field of a sort key, and whether it goes down: `-id`, `id desc`.
fn direction(key: &str) -> (&str, bool) {
    let key = key.trim();
    if let Some(name) = key.strip_prefix('-') {
        return (name, true);
    }
    match key.split_once(' ') {
        Some((name, word)) => (name, word.trim().eq_ignore_ascii_case("desc")),
        None => (key, false),
    }
}

fn compare(one: Option<&Value>, other: Option<&Value>) -> Ordering {
    let (one, other) = (one.and_then(text), other.and_then(text));
    let number = |text: &Option<String>| text.as_deref()?.parse::<u64>().ok();
    match (number(&one), number(&other)) {
        (Some(one), Some(other)) => one.cmp(&other),
        _ => one.cmp(&other),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Array(_) | Value::Object(_) => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::{direction, fits};

    #[test]
    fn percent_is_any_text_and_underscore_any_letter() {
        assert!(fits("ada%", Some("Ada Lovelace")));
        assert!(fits("%love%", Some("Ada Lovelace")));
        assert!(fits("a_a", Some("Ada")));
        assert!(fits("%", Some("")));
        assert!(!fits("a_a", Some("Adda")));
        assert!(!fits("ada", Some("Ada Lovelace")));
    }

    #[test]
    fn null_asks_whether_there_is_a_value() {
        assert!(fits("NULL", None));
        assert!(fits("NOT NULL", Some("x")));
        assert!(!fits("x", None));
    }

    #[test]
    fn ids_may_be_a_list() {
        assert!(fits("1,2", Some("2")));
        assert!(!fits("1,2", Some("12")));
    }

    #[test]
    fn sorts_go_down_with_a_minus_or_a_word() {
        assert_eq!(direction("-id"), ("id", true));
        assert_eq!(direction("name desc"), ("name", true));
        assert_eq!(direction(" name"), ("name", false));
    }
}
