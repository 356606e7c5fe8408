//! Makes the model from a corpus: a conditional random field over the runs of every text, trained with the very code that finds
//! names, then cut to the features that fit and rounded to bytes. Run by hand, as training/README.md tells; deterministic.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::path::Path;

use super::features::{Seen, is_word};
use super::model::{
    FILE_BYTES, FORMAT, HEADER_BYTES, LABELS, MAGIC, MAX_PROBES, Model, ROW_BITS, ROWS, STEP_BYTES,
    WORD_BITS, WORDS, known, place_of, word_place,
};
use super::run::Walk;
use super::{PARTS_PER_NAT, describe, hash, key_of};

/// Version of the training, in the file.
const VERSION: u32 = 1;
/// Features seen less often teach nothing.
const LEAST_COUNT: u32 = 3;
/// Of so many names one is shown as if no list had it, since most names of the world are in none.
const HIDDEN_OF: u64 = 4;
const RATE: f32 = 0.12;
const DECAY: f32 = 2e-6;
const START: usize = LABELS;

#[derive(Default)]
struct Plain(u64);

impl Hasher for Plain {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {}
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// A run: the features of each token and its label.
struct Example {
    tokens: Vec<(Vec<u32>, usize)>,
}

struct Row {
    text: String,
    field: Option<String>,
    spans: Vec<(usize, usize, usize)>,
}

fn read_corpus(path: &Path) -> Vec<Row> {
    let file = std::fs::read_to_string(path).expect("the corpus that corpus.py wrote");
    file.lines().map(|line| read_row(&serde_json::from_str(line).expect("a line of JSON"))).collect()
}

fn read_row(row: &serde_json::Value) -> Row {
    let text = row["text"].as_str().expect("text").to_owned();
    let bytes: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let place = |value: &serde_json::Value| bytes[usize::try_from(value.as_u64().unwrap()).unwrap()];
    let spans = row["spans"].as_array().expect("spans").iter().map(|span| {
        let label = match span[2].as_str() {
            Some("P") => 1,
            Some("L") => 3,
            _ => 5,
        };
        (place(&span[0]), place(&span[1]), label)
    });
    let spans = spans.collect();
    let field = row["field"].as_str().map(str::to_owned);
    Row { text, field, spans }
}

/// The words' table from lexicon.tsv; names first, so that an ordinary word is the first without a place.
fn word_table(path: &Path) -> Vec<u8> {
    let file = std::fs::read_to_string(path).expect("the lexicon that corpus.py wrote");
    let mut entries: Vec<(u64, u16)> = file.lines().map(read_entry).collect();
    entries.sort_by_key(|(_, bits)| bits & (known::NAME | known::ANY_KEY | known::STREET | known::FIRM) == 0);
    let mut merged: HashMap<u64, u16> = HashMap::new();
    for (word, bits) in &entries {
        *merged.entry(*word).or_default() |= bits;
    }
    let mut table = vec![0_u32; WORDS];
    let mut lost = 0;
    for (word, _) in &entries {
        let Some(bits) = merged.remove(word) else { continue };
        let (place, check) = word_place(*word);
        match (0..MAX_PROBES).map(|probe| (place + probe) & (WORDS - 1)).find(|place| table[*place] == 0) {
            Some(place) => table[place] = check | u32::from(bits),
            None => lost += 1,
        }
    }
    println!("{} lexicon lines, {lost} without a place", entries.len());
    table.iter().flat_map(|slot| slot.to_le_bytes()).collect()
}

fn read_entry(line: &str) -> (u64, u16) {
    let (text, letters) = line.split_once('\t').expect("word, tab, letters");
    let bits = letters.chars().map(|letter| match letter {
        'f' => known::FIRST,
        'l' => known::LAST,
        'c' => known::CITY,
        'p' => known::PART,
        'b' => known::BIG,
        'r' => known::REGION,
        's' => known::STREET,
        'o' => known::FIRM,
        'w' => known::COMMON,
        'v' => known::RARE,
        'P' => known::PERSON_KEY,
        'L' => known::PLACE_KEY,
        'O' => known::FIRM_KEY,
        'X' => known::PLAIN_KEY,
        other => panic!("lexicon letter {other}"),
    });
    let word = match text.split_once(' ') {
        Some((first, second)) => hash::pair(hash::word(first), hash::word(second)),
        None => hash::word(text),
    };
    (word, bits.fold(0, |all, bit| all | bit))
}

fn file_of(steps: &[[i16; 8]; 8], rows: &[u8], words: &[u8]) -> Vec<u8> {
    let mut file = MAGIC.to_vec();
    for number in [FORMAT, VERSION, ROW_BITS, WORD_BITS] {
        file.extend(number.to_le_bytes());
    }
    file.resize(HEADER_BYTES, 0);
    file.extend(steps.iter().flatten().flat_map(|step| step.to_le_bytes()));
    assert_eq!(file.len(), HEADER_BYTES + STEP_BYTES);
    file.extend(rows);
    file.extend(words);
    assert_eq!(file.len(), FILE_BYTES);
    file
}

/// A word of a name as if nobody had heard of it.
fn hide(seen: &mut [Seen], names: &[bool], text: u64) {
    for (word, is_name) in seen.iter_mut().skip(super::BEFORE).zip(names) {
        let usual = known::COMMON | known::STREET | known::FIRM;
        if *is_name && word.known & usual == 0 && hash::spread(word.hash ^ text).is_multiple_of(HIDDEN_OF) {
            word.hash = hash::spread(word.hash ^ text ^ 0x77);
            word.known = 0;
        }
    }
}

/// Numbers for features, and how often each was seen.
#[derive(Default)]
struct Index {
    ids: HashMap<u64, u32, BuildHasherDefault<Plain>>,
    counts: Vec<u32>,
    features: Vec<u64>,
}

impl Index {
    fn id(&mut self, feature: u64) -> u32 {
        let next = u32::try_from(self.counts.len()).unwrap();
        let id = *self.ids.entry(feature).or_insert(next);
        if id == next {
            self.counts.push(0);
            self.features.push(feature);
        }
        self.counts[id as usize] += 1;
        id
    }
}

fn examples(rows: &[Row], model: &Model<'_>, index: &mut Index) -> Vec<Example> {
    let mut all = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        Walk::new(*model, key_of(row.field.as_deref(), model)).runs(&row.text, 0, false, |run| {
            let mut last = usize::MAX;
            let labels: Vec<usize> = run
                .tokens
                .iter()
                .map(|token| {
                    let span = row.spans.iter().position(|span| token.start >= span.0 && token.end <= span.1);
                    let label = span.map_or(0, |span| row.spans[span].2 + usize::from(last == span));
                    last = span.unwrap_or(usize::MAX);
                    label
                })
                .collect();
            let names: Vec<bool> = run
                .tokens
                .iter()
                .zip(&labels)
                .map(|(token, label)| *label != 0 && is_word(token.shape))
                .collect();
            let mut seen = run.around();
            hide(&mut seen, &names, number as u64);
            let mut tokens: Vec<(Vec<u32>, usize)> =
                labels.iter().map(|label| (Vec::with_capacity(28), *label)).collect();
            describe(&row.text, run, &seen, model, |at, feature| tokens[at].0.push(index.id(feature)));
            all.push(Example { tokens });
        });
    }
    all
}

/// Weights and how far each has moved.
struct Field {
    weights: Vec<[f32; LABELS]>,
    moved: Vec<[f32; LABELS]>,
    steps: [[f32; LABELS]; LABELS + 1],
    steps_moved: [[f32; LABELS]; LABELS + 1],
}

fn allowed(before: usize, label: usize) -> bool {
    label == 0 || label % 2 == 1 || (before != START && (before == label || before + 1 == label))
}

fn follow(weight: &mut f32, moved: &mut f32, gradient: f32) {
    let gradient = gradient + DECAY * *weight;
    *moved += gradient * gradient;
    *weight -= RATE * gradient / (moved.sqrt() + 1e-6);
}

impl Field {
    fn new(features: usize) -> Self {
        Self {
            weights: vec![[0.0; LABELS]; features],
            moved: vec![[0.0; LABELS]; features],
            steps: [[0.0; LABELS]; LABELS + 1],
            steps_moved: [[0.0; LABELS]; LABELS + 1],
        }
    }

    /// Potentials of each token, scaled so that the largest is one.
    fn potentials(&self, example: &Example) -> Vec<[f64; LABELS]> {
        let potential = |features: &Vec<u32>| {
            let mut scores = [0.0_f32; LABELS];
            for feature in features {
                for (score, weight) in scores.iter_mut().zip(&self.weights[*feature as usize]) {
                    *score += weight;
                }
            }
            let top = scores.iter().copied().fold(f32::MIN, f32::max);
            scores.map(|score| f64::from(score - top).exp())
        };
        example.tokens.iter().map(|(features, _)| potential(features)).collect()
    }

    fn step_potentials(&self) -> [[f64; LABELS]; LABELS + 1] {
        std::array::from_fn(|before| {
            std::array::from_fn(|label| {
                if allowed(before, label) { f64::from(self.steps[before][label]).exp() } else { 0.0 }
            })
        })
    }

    /// One step towards the labels of an example; gives its loss.
    fn learn(&mut self, example: &Example) -> f64 {
        let (nodes, steps) = (self.potentials(example), self.step_potentials());
        let count = nodes.len();
        let (mut front, mut back) = (vec![[0.0; LABELS]; count], vec![[1.0; LABELS]; count]);
        for at in 0..count {
            let mut now: [f64; LABELS] = std::array::from_fn(|label| {
                let before: f64 = match at {
                    0 => steps[START][label],
                    _ => (0..LABELS).map(|from| front[at - 1][from] * steps[from][label]).sum(),
                };
                before * nodes[at][label]
            });
            let sum: f64 = now.iter().sum();
            now = now.map(|value| value / sum);
            front[at] = now;
        }
        for at in (0..count.saturating_sub(1)).rev() {
            let mut now: [f64; LABELS] = std::array::from_fn(|label| {
                (0..LABELS).map(|to| steps[label][to] * nodes[at + 1][to] * back[at + 1][to]).sum()
            });
            let sum: f64 = now.iter().sum();
            now = now.map(|value| value / sum);
            back[at] = now;
        }
        let mut loss = 0.0;
        for (at, (features, gold)) in example.tokens.iter().enumerate() {
            let product: [f64; LABELS] = std::array::from_fn(|label| front[at][label] * back[at][label]);
            let sum: f64 = product.iter().sum();
            loss -= (product[*gold] / sum).max(1e-30).ln();
            self.move_nodes(features, &product.map(|value| value / sum), *gold);
            let before = if at == 0 { None } else { Some((front[at - 1], example.tokens[at - 1].1)) };
            self.move_steps(before, &nodes[at], &back[at], &steps, *gold);
        }
        loss
    }

    #[expect(clippy::cast_possible_truncation, reason = "a gradient needs no more than single precision")]
    fn move_nodes(&mut self, features: &[u32], likely: &[f64; LABELS], gold: usize) {
        let gradient: [f32; LABELS] =
            std::array::from_fn(|label| likely[label] as f32 - if label == gold { 1.0 } else { 0.0 });
        if gradient.iter().all(|value| value.abs() < 1e-4) {
            return;
        }
        for feature in features {
            let (weights, moved) = (&mut self.weights[*feature as usize], &mut self.moved[*feature as usize]);
            for label in 0..LABELS {
                follow(&mut weights[label], &mut moved[label], gradient[label]);
            }
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "a gradient needs no more than single precision")]
    fn move_steps(
        &mut self,
        before: Option<([f64; LABELS], usize)>,
        node: &[f64; LABELS],
        back: &[f64; LABELS],
        steps: &[[f64; LABELS]; LABELS + 1],
        gold: usize,
    ) {
        let rows: Vec<(usize, f64)> = match before {
            None => vec![(START, 1.0)],
            Some((front, _)) => front.iter().copied().enumerate().collect(),
        };
        let from_gold = before.map_or(START, |(_, label)| label);
        let edge =
            |row: usize, share: f64, label: usize| share * steps[row][label] * node[label] * back[label];
        let sum: f64 = rows
            .iter()
            .flat_map(|(row, share)| (0..LABELS).map(move |label| edge(*row, *share, label)))
            .sum();
        for (row, share) in rows {
            for label in (0..LABELS).filter(|label| allowed(row, *label)) {
                let is_gold = row == from_gold && label == gold;
                let gradient = (edge(row, share, label) / sum) as f32 - if is_gold { 1.0 } else { 0.0 };
                follow(&mut self.steps[row][label], &mut self.steps_moved[row][label], gradient);
            }
        }
    }
}

/// A fixed order that is no order.
fn shuffled(count: usize, round: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|at| hash::spread(*at as u64 ^ (round << 40)));
    order
}

fn train(field: &mut Field, examples: &[Example], rounds: std::ops::Range<u64>) {
    for round in rounds {
        let loss: f64 =
            shuffled(examples.len(), round).into_iter().map(|at| field.learn(&examples[at])).sum();
        println!("round {round}: loss {:.4} a run", loss / f64::from(u32::try_from(examples.len()).unwrap()));
    }
}

/// Keeps what fits: features in the order of what they do, each in one of its two rows.
fn place(field: &Field, index: &Index) -> HashMap<u32, usize> {
    let mut order: Vec<(u32, f32)> = Vec::new();
    for (id, weights) in field.weights.iter().enumerate() {
        let most = weights.iter().fold(0.0_f32, |most, weight| most.max(weight.abs()));
        if most > 0.06 {
            let often = f32::from(u16::try_from(index.counts[id]).unwrap_or(u16::MAX));
            order.push((u32::try_from(id).unwrap(), most * (1.0 + often).ln()));
        }
    }
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut taken: Vec<Option<u8>> = vec![None; ROWS];
    let mut placed = HashMap::new();
    for (id, _) in &order {
        let (row, check) = place_of(index.features[*id as usize]);
        if taken[row] == Some(check) || taken[row ^ 1] == Some(check) {
            continue;
        }
        if let Some(free) = [row, row ^ 1].into_iter().find(|row| taken[*row].is_none()) {
            taken[free] = Some(check);
            placed.insert(*id, free);
        }
    }
    println!("{} features of weight, {} placed", order.len(), placed.len());
    placed
}

#[expect(clippy::cast_possible_truncation, reason = "rounded and within range")]
fn rounded(weight: f32, limit: f32) -> i16 {
    (weight * f32::from(i16::try_from(PARTS_PER_NAT).unwrap())).round().clamp(-limit, limit) as i16
}

fn write(field: &Field, placed: &HashMap<u32, usize>, index: &Index, words: &[u8]) -> Vec<u8> {
    let mut steps = [[0_i16; 8]; 8];
    for (before, row) in field.steps.iter().enumerate() {
        for (label, step) in row.iter().enumerate() {
            steps[before][label] = rounded(*step, 4000.0);
        }
    }
    let mut rows = vec![0_u8; ROWS * 8];
    for (id, row) in placed {
        let slot = &mut rows[row * 8..row * 8 + 8];
        slot[0] = place_of(index.features[*id as usize]).1;
        for (label, weight) in field.weights[*id as usize].iter().enumerate() {
            slot[label + 1] = i8::try_from(rounded(*weight, 127.0)).unwrap().to_le_bytes()[0];
        }
    }
    file_of(&steps, &rows, words)
}

fn without(examples: &mut [Example], keep: impl Fn(u32) -> bool) {
    for example in examples {
        for (features, _) in &mut example.tokens {
            features.retain(|feature| keep(*feature));
        }
    }
}

/// Runs where the model is made: `TABELLION_NAMES` is the folder with corpus.jsonl and lexicon.tsv, model.bin is written there.
#[test]
#[ignore = "minutes of training, run by hand"]
fn make_the_model() {
    let folder =
        std::env::var("TABELLION_NAMES").expect("TABELLION_NAMES names the folder that corpus.py wrote");
    let folder = Path::new(&folder);
    let words = word_table(&folder.join("lexicon.tsv"));
    let empty = file_of(&[[0; 8]; 8], &vec![0; ROWS * 8], &words);
    let model = Model::read(&empty).expect("a file as this code writes it");
    let rows = read_corpus(&folder.join("corpus.jsonl"));
    let mut index = Index::default();
    let mut all = examples(&rows, &model, &mut index);
    println!("{} texts, {} runs, {} features", rows.len(), all.len(), index.counts.len());
    without(&mut all, |feature| index.counts[feature as usize] >= LEAST_COUNT);
    let mut field = Field::new(index.counts.len());
    train(&mut field, &all, 0..3);
    let placed = place(&field, &index);
    without(&mut all, |feature| placed.contains_key(&feature));
    train(&mut field, &all, 3..6);
    std::fs::write(folder.join("model.bin"), write(&field, &placed, &index, &words))
        .expect("model.bin written");
}
