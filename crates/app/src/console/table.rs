//! Tables: filters as chips, sort, columns to choose, views, paging and CSV, all of it in the address; and the reader's own views of it.
//!
//! Promises: a table that shows a part says so; a filter that is on is seen and can be taken off. Must never: sort a page of a longer list as if
//! it were the list.

use askama::Template;

use super::answer::Reply;
use super::block::{Action, Block, Empty};
use super::cell::Cell;
use super::csv;
use super::link::Link;
use super::own_views::{self, Keep, OwnView};
use super::pairs::Pairs;
use super::visit::Visit;
use super::words::count;
use crate::refusal::Refusal;

/// Rows of one page.
pub(crate) const PAGE_ROWS: usize = 50;
/// Rows of one CSV file: what a spreadsheet opens without complaint.
pub(crate) const CSV_ROWS: usize = 10_000;
/// Parameters that are the table's own.
const OWN: [&str; 8] = ["q", "sort", "cols", "page", "before", "format", "as_of", "recorded"];

/// A column.
pub(crate) struct Column {
    pub(crate) id: &'static str,
    pub(crate) label: &'static str,
    /// Whether it is shown until somebody chooses otherwise.
    pub(crate) shown: bool,
}

/// A column that is shown.
pub(crate) const fn column(id: &'static str, label: &'static str) -> Column {
    Column { id, label, shown: true }
}

/// A column that can be chosen.
pub(crate) const fn more(id: &'static str, label: &'static str) -> Column {
    Column { id, label, shown: false }
}

/// What a filter takes.
pub(crate) enum Takes {
    /// One of these: value and label.
    Choice(Vec<(String, String)>),
    /// A text.
    Text,
    /// A day.
    Day,
}

/// A filter.
pub(crate) struct Filter {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) takes: Takes,
}

/// A row: where it leads, and a cell for each column.
pub(crate) struct Row {
    pub(crate) href: String,
    pub(crate) cells: Vec<Cell>,
}

/// The rows of a list.
pub(crate) enum Rows {
    /// All of them: the table searches, sorts and pages them.
    All(Vec<Row>),
    /// All of them on one page: the table searches and sorts them.
    Whole(Vec<Row>),
    /// A page of them, newest first, already searched; where the next begins.
    Newest(Vec<Row>, Option<u64>),
    /// The page that was asked for, already searched and sorted; how many there are on all, and the columns they can be sorted by, each with its
    /// direction, the one that is used without being asked for first.
    Part(Vec<Row>, u64, &'static [(&'static str, &'static str)]),
}

/// All rows of a small table beside others, in the order in which they come.
pub(crate) fn in_order(rows: Vec<Row>) -> Rows {
    let all = rows.len() as u64;
    Rows::Part(rows, all, &[])
}

/// A list as a page describes it.
pub(crate) struct Listing {
    pub(crate) id: &'static str,
    pub(crate) caption: &'static str,
    pub(crate) columns: &'static [Column],
    pub(crate) filters: Vec<Filter>,
    /// What the search looks at; empty: there is none.
    pub(crate) search: &'static str,
    /// Views that are worth a click: label and parameters.
    pub(crate) views: Vec<(&'static str, Vec<(&'static str, String)>)>,
    pub(crate) empty: Empty,
}

struct Head {
    /// Id of its column, for style sheets that give it a width.
    column: &'static str,
    label: &'static str,
    class: &'static str,
    /// Address of the table sorted by it; empty where it cannot be.
    href: String,
    /// `ascending`, `descending` or nothing.
    sorted: &'static str,
}

struct Chip {
    label: String,
    value: String,
    href: String,
}

struct Control {
    name: &'static str,
    label: &'static str,
    /// `select`, `text` or `date`.
    kind: &'static str,
    value: String,
    choices: Vec<(String, String, bool)>,
}

struct View {
    label: &'static str,
    href: String,
    current: bool,
}

#[derive(Template)]
#[template(path = "console/table.html")]
struct Table {
    id: &'static str,
    caption: &'static str,
    path: String,
    search: &'static str,
    q: String,
    controls: Vec<Control>,
    chips: Vec<Chip>,
    clear: String,
    views: Vec<View>,
    own: Vec<OwnView>,
    keep: Option<Keep>,
    csrf: String,
    heads: Vec<Head>,
    rows: Vec<Row>,
    choices: Vec<(&'static str, &'static str, bool)>,
    /// Whether columns can be chosen and the list taken away as a file.
    has_tools: bool,
    /// Kept by the filters' form.
    kept_by_filters: Vec<(String, String)>,
    /// Kept by the columns' form.
    kept_by_columns: Vec<(String, String)>,
    extent: String,
    previous: String,
    next: String,
    csv: String,
    empty: String,
    none_match: bool,
}

impl Listing {
    /// A list that nobody filters or searches.
    pub(crate) fn plain(
        id: &'static str,
        caption: &'static str,
        columns: &'static [Column],
        empty: Empty,
    ) -> Self {
        Self { id, caption, columns, filters: Vec::new(), search: "", views: Vec::new(), empty }
    }

    /// With a search that looks at `what`.
    pub(crate) fn searched(self, what: &'static str) -> Self {
        Self { search: what, ..self }
    }

    /// The list as a CSV file, with every column.
    pub(crate) fn csv(&self, visit: &Visit<'_>, rows: Rows) -> Reply {
        let rows = match rows {
            Rows::All(rows) | Rows::Whole(rows) => self.arranged(visit, rows),
            Rows::Newest(rows, _) | Rows::Part(rows, ..) => rows,
        };
        let heads = self.columns.iter().map(|column| column.label).collect();
        let lines =
            rows.iter().take(CSV_ROWS).map(|row| row.cells.iter().map(|cell| cell.whole.as_str()).collect());
        let text = csv::write(std::iter::once(heads).chain(lines));
        Reply::File(format!("{}.csv", self.id), "text/csv; charset=utf-8", text.into_bytes())
    }

    /// The list as a table.
    pub(crate) fn table(self, visit: &Visit<'_>, rows: Rows) -> Result<Block, Refusal> {
        let sortable = match &rows {
            Rows::All(_) | Rows::Whole(_) => Sortable::Any,
            Rows::Newest(..) => Sortable::These(&[]),
            Rows::Part(_, _, by) => Sortable::These(by),
        };
        let shown = self.shown_columns(&visit.query);
        // The list that a page is about shows all that it has to whoever asks, also where it is too short to be searched.
        let is_whole_page = matches!(&rows, Rows::All(_)) && self.columns.iter().any(|column| !column.shown);
        let has_tools = !self.search.is_empty() || is_whole_page;
        let (rows, extent, previous, next) = match rows {
            Rows::All(rows) => self.one_page(visit, rows),
            Rows::Whole(rows) => {
                let rows = self.arranged(visit, rows);
                let extent = if self.search.is_empty() || rows.is_empty() {
                    String::new()
                } else {
                    crate::report::words::counted(rows.len() as u64, "row", "rows")
                };
                (rows, extent, String::new(), String::new())
            }
            Rows::Newest(rows, next) => newest(visit, rows, next),
            Rows::Part(rows, total, _) => part(visit, rows, total),
        };
        let chips = self.chips(visit);
        let none_match = rows.is_empty() && (!chips.is_empty() || visit.query.number("before").is_some());
        let heads = self.heads(visit, &shown, &rows, sortable);
        let empty = Block::of(&self.empty)?.html().to_owned();
        let own = if self.search.is_empty() { Vec::new() } else { own_views::own(visit)? };
        let keep = if self.search.is_empty() { None } else { own_views::keep(visit, &own)? };
        let rows =
            rows.into_iter().map(|row| Row { cells: chosen(row.cells, &shown), href: row.href }).collect();
        Block::of(&Table {
            id: self.id,
            caption: self.caption,
            path: visit.path.clone(),
            search: self.search,
            q: visit.query.text("q").to_owned(),
            controls: self.filters.iter().map(|filter| control(filter, &visit.query)).collect(),
            chips,
            clear: visit.here().with_some("as_of", visit.query.get("as_of")).href(),
            views: self.view_links(visit),
            own,
            keep,
            csrf: visit.csrf.clone().unwrap_or_default(),
            heads,
            rows,
            choices: self
                .columns
                .iter()
                .zip(&shown)
                .map(|(column, shown)| (column.id, column.label, *shown))
                .collect(),
            kept_by_filters: kept(&visit.query, |name| matches!(name, "sort" | "cols" | "as_of")),
            kept_by_columns: kept(&visit.query, |name| !matches!(name, "cols" | "page" | "recorded")),
            has_tools,
            extent,
            previous,
            next,
            csv: visit
                .here()
                .keep(&visit.query, &["format", "page", "before", "recorded"])
                .with("format", "csv")
                .href(),
            empty,
            none_match,
        })
    }

    fn shown_columns(&self, query: &Pairs) -> Vec<bool> {
        let wanted: Vec<&str> = query.all("cols").collect();
        let known = self.columns.iter().any(|column| wanted.contains(&column.id));
        self.columns
            .iter()
            .map(|column| if known { wanted.contains(&column.id) } else { column.shown })
            .collect()
    }

    /// Searched and sorted.
    fn arranged(&self, visit: &Visit<'_>, mut rows: Vec<Row>) -> Vec<Row> {
        if let Some(text) = visit.query.get("q").filter(|_| !self.search.is_empty()) {
            let text = text.trim().to_lowercase();
            rows.retain(|row| row.cells.iter().any(|cell| cell.whole.to_lowercase().contains(&text)));
        }
        if let Some((column, descending)) = self.sorted_by(&visit.query) {
            rows.sort_by(|a, b| match (a.cells.get(column), b.cells.get(column)) {
                (Some(a), Some(b)) => a.compare(b, descending),
                _ => std::cmp::Ordering::Equal,
            });
        }
        rows
    }

    fn sorted_by(&self, query: &Pairs) -> Option<(usize, bool)> {
        let wanted = query.get("sort")?;
        let (id, descending) = wanted.strip_prefix('-').map_or((wanted, false), |id| (id, true));
        self.columns.iter().position(|column| column.id == id).map(|column| (column, descending))
    }

    fn one_page(&self, visit: &Visit<'_>, rows: Vec<Row>) -> (Vec<Row>, String, String, String) {
        let rows = self.arranged(visit, rows);
        let total = rows.len() as u64;
        let skipped = usize::try_from(skipped(visit, total)).unwrap_or(usize::MAX);
        let rows: Vec<Row> = rows.into_iter().skip(skipped).take(PAGE_ROWS).collect();
        let (rows, extent, previous, next) = part(visit, rows, total);
        let short = self.search.is_empty() && total <= PAGE_ROWS as u64;
        (rows, if short { String::new() } else { extent }, previous, next)
    }

    fn chips(&self, visit: &Visit<'_>) -> Vec<Chip> {
        let without =
            |name: &str| visit.here().keep(&visit.query, &[name, "page", "before", "recorded"]).href();
        let searched = visit.query.get("q").filter(|_| !self.search.is_empty());
        let searched =
            searched.map(|text| Chip { label: "Search".into(), value: text.to_owned(), href: without("q") });
        let filtered = self.filters.iter().filter_map(|filter| {
            let value = visit.query.get(filter.name)?;
            let shown = match &filter.takes {
                Takes::Choice(choices) => {
                    choices.iter().find(|(known, _)| known == value).map_or(value, |(_, label)| label)
                }
                Takes::Text | Takes::Day => value,
            };
            Some(Chip { label: filter.label.into(), value: shown.to_owned(), href: without(filter.name) })
        });
        searched.into_iter().chain(filtered).collect()
    }

    fn view_links(&self, visit: &Visit<'_>) -> Vec<View> {
        let own = |name: &str| !OWN.contains(&name) || name == "q";
        let views = self.views.iter().map(|(label, parameters)| {
            let link = Link::to(&visit.path).with_some("as_of", visit.query.get("as_of"));
            let link = parameters.iter().fold(link, |link, (name, text)| link.with(name, text));
            let set = visit.query.iter().filter(|(name, text)| own(name) && !text.is_empty()).count();
            let current = set == parameters.len()
                && parameters.iter().all(|(name, text)| visit.query.get(name) == Some(text.as_str()));
            View { label, href: link.href(), current }
        });
        views.collect()
    }

    fn heads(&self, visit: &Visit<'_>, shown: &[bool], rows: &[Row], sortable: Sortable) -> Vec<Head> {
        let sorted = self.sorted_by(&visit.query);
        let heads = self.columns.iter().enumerate().zip(shown).filter(|(_, shown)| **shown).map(
            |((position, column), _)| {
                let now = sorted.filter(|(by, _)| *by == position).map(|(_, descending)| descending);
                let next = if now == Some(false) { format!("-{}", column.id) } else { column.id.to_owned() };
                let href =
                    visit.here().keep(&visit.query, &["sort", "page", "recorded"]).with("sort", &next).href();
                let number = rows
                    .iter()
                    .filter_map(|row| row.cells.get(position))
                    .any(|cell| cell.class() == "number");
                let (href, sorted) = match sortable {
                    Sortable::Any => (
                        href,
                        match now {
                            None => "",
                            Some(true) => "descending",
                            Some(false) => "ascending",
                        },
                    ),
                    Sortable::These(by) => only_these(visit, by, column.id),
                };
                let class = if number { "number" } else { "" };
                Head { column: column.id, label: column.label, class, href, sorted }
            },
        );
        heads.collect()
    }
}

/// By which columns a table can be sorted.
#[derive(Clone, Copy)]
enum Sortable {
    /// By every column, both ways.
    Any,
    /// By these, each with its direction.
    These(&'static [(&'static str, &'static str)]),
}

/// Address and state of a head where only some columns can be sorted by.
fn only_these(
    visit: &Visit<'_>,
    by: &'static [(&'static str, &'static str)],
    id: &str,
) -> (String, &'static str) {
    let Some((_, direction)) = by.iter().find(|(known, _)| *known == id) else {
        return (String::new(), "");
    };
    let asked = visit.query.get("sort").filter(|asked| by.iter().any(|(known, _)| known == asked));
    let used = asked.or(by.first().map(|(first, _)| *first)) == Some(id);
    let href = visit.here().keep(&visit.query, &["sort", "page", "recorded"]).with("sort", id).href();
    (href, if used { direction } else { "" })
}

/// Rows before the page that is asked for.
pub(crate) fn skipped(visit: &Visit<'_>, total: u64) -> u64 {
    let pages = total.div_ceil(PAGE_ROWS as u64).max(1);
    (visit.query.number("page").unwrap_or(1).clamp(1, pages) - 1) * PAGE_ROWS as u64
}

fn part(visit: &Visit<'_>, rows: Vec<Row>, total: u64) -> (Vec<Row>, String, String, String) {
    let first = skipped(visit, total);
    let last = first + rows.len() as u64;
    let page = first / PAGE_ROWS as u64 + 1;
    let to = |page: u64| {
        visit.here().keep(&visit.query, &["page", "recorded"]).with("page", &page.to_string()).href()
    };
    let previous = if page > 1 { to(page - 1) } else { String::new() };
    let next = if last < total { to(page + 1) } else { String::new() };
    let extent = match (rows.is_empty(), total <= PAGE_ROWS as u64) {
        (true, _) => String::new(),
        (_, true) => crate::report::words::counted(total, "row", "rows"),
        _ => format!("{}–{} of {}", count(first + 1), count(last), count(total)),
    };
    (rows, extent, previous, next)
}

fn newest(visit: &Visit<'_>, rows: Vec<Row>, next: Option<u64>) -> (Vec<Row>, String, String, String) {
    let first = visit.here().keep(&visit.query, &["before", "recorded"]).href();
    let previous = if visit.query.number("before").is_some() { first } else { String::new() };
    let extent = match (rows.len(), next) {
        (0, _) => String::new(),
        (shown, None) => {
            format!("{}, newest first", crate::report::words::counted(shown as u64, "row", "rows"))
        }
        (shown, Some(_)) => format!("{} rows, newest first; older ones follow", count(shown as u64)),
    };
    let older = |next: u64| {
        visit.here().keep(&visit.query, &["before", "recorded"]).with("before", &next.to_string()).href()
    };
    (rows, extent, previous, next.map(older).unwrap_or_default())
}

fn chosen(cells: Vec<Cell>, shown: &[bool]) -> Vec<Cell> {
    cells.into_iter().zip(shown).filter(|(_, shown)| **shown).map(|(cell, _)| cell).collect()
}

fn control(filter: &Filter, query: &Pairs) -> Control {
    let value = query.get(filter.name).unwrap_or_default().to_owned();
    let (kind, choices) = match &filter.takes {
        Takes::Choice(choices) => ("select", choices.as_slice()),
        Takes::Text => ("text", &[][..]),
        Takes::Day => ("date", &[][..]),
    };
    let choices =
        choices.iter().map(|(known, label)| (known.clone(), label.clone(), *known == value)).collect();
    Control { name: filter.name, label: filter.label, kind, value, choices }
}

fn kept(query: &Pairs, keep: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    query
        .iter()
        .filter(|(name, text)| keep(name) && !text.is_empty())
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect()
}

/// Choices of words that people read as they are.
pub(crate) fn choices<'a>(words: impl IntoIterator<Item = (&'a str, &'a str)>) -> Takes {
    Takes::Choice(words.into_iter().map(|(value, label)| (value.to_owned(), label.to_owned())).collect())
}

/// An empty state without a step to begin.
pub(crate) fn nothing(title: &'static str, text: &'static str, action: Option<Action>) -> Empty {
    Empty { title, text, action, sample: "" }
}
