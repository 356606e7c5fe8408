//! The difference of two texts, line by line.
//!
//! Promises: the lines that are the same and new, in order, are the new text; those that are the same and gone are the old one.

use crate::console::block::Line;

/// Most lines of each text that are compared one with every other; longer ones are shown as wholly replaced.
const MAX_LINES: usize = 2000;

/// What has to be done to `old` to make it `new`.
pub(crate) fn difference(old: &str, new: &str) -> Vec<Line> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    // What begins and ends the same needs no table.
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - head;
    let tail = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let (old_middle, new_middle) = (middle(&old, head, tail), middle(&new, head, tail));
    let mut lines = Vec::with_capacity(old.len().max(new.len()));
    let mut number = 0_usize;
    let mut push = |class: &'static str, text: &str| {
        if class != "gone" {
            number += 1;
        }
        let number = if class == "gone" { String::new() } else { number.to_string() };
        lines.push(Line { class, number, text: text.to_owned() });
    };
    old.iter().take(head).for_each(|text| push("same", text));
    for (class, text) in compared(old_middle, new_middle) {
        push(class, text);
    }
    old.iter().skip(old.len() - tail).for_each(|text| push("same", text));
    lines
}

fn middle<'a, 'b>(lines: &'b [&'a str], head: usize, tail: usize) -> &'b [&'a str] {
    lines.get(head..lines.len() - tail).unwrap_or_default()
}

/// The longest common subsequence by dynamic programming: quadratic, over what a person changed at once.
fn compared<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<(&'static str, &'a str)> {
    if old.len() > MAX_LINES || new.len() > MAX_LINES {
        let gone = old.iter().map(|text| ("gone", *text));
        return gone.chain(new.iter().map(|text| ("new", *text))).collect();
    }
    let width = new.len() + 1;
    let mut common = vec![0_u16; (old.len() + 1) * width];
    let at = |common: &[u16], a: usize, b: usize| common.get(a * width + b).copied().unwrap_or(0);
    for (a, left) in old.iter().enumerate().rev() {
        for (b, right) in new.iter().enumerate().rev() {
            let best = if left == right {
                at(&common, a + 1, b + 1) + 1
            } else {
                at(&common, a + 1, b).max(at(&common, a, b + 1))
            };
            if let Some(cell) = common.get_mut(a * width + b) {
                *cell = best;
            }
        }
    }
    let (mut a, mut b, mut steps) = (0, 0, Vec::new());
    loop {
        match (old.get(a), new.get(b)) {
            (Some(left), Some(right)) if left == right => {
                steps.push(("same", *left));
                (a, b) = (a + 1, b + 1);
            }
            (Some(left), right) if right.is_none() || at(&common, a + 1, b) >= at(&common, a, b + 1) => {
                steps.push(("gone", *left));
                a += 1;
            }
            (_, Some(right)) => {
                steps.push(("new", *right));
                b += 1;
            }
            _ => return steps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_texts_can_be_read_from_the_difference() {
        let texts =
            ["", "a\nb\nc", "a\nc", "x\na\nb\nc\ny", "c\nb\na", "a\nb\nb\nc", "permit\nforbid\n\npermit"];
        for old in texts {
            for new in texts {
                let lines = difference(old, new);
                let read = |without: &str| {
                    let kept: Vec<&str> = lines
                        .iter()
                        .filter(|line| line.class != without)
                        .map(|line| line.text.as_str())
                        .collect();
                    kept.join("\n")
                };
                assert_eq!(
                    read("new"),
                    old.trim_end_matches('\n'),
                    "a reviewer would see another text before ({old:?} → {new:?})"
                );
                assert_eq!(
                    read("gone"),
                    new.trim_end_matches('\n'),
                    "a reviewer would see another text after ({old:?} → {new:?})"
                );
            }
        }
        let classes: Vec<&str> = difference("a\nb\nc", "a\nx\nc").iter().map(|line| line.class).collect();
        assert_eq!(classes, ["same", "gone", "new", "same"], "a change of one line would hide among others");
    }
}
