//! Bars that show how much of a limit is used, with what is only reserved apart. Every number that is drawn is also said.
//!
//! Must never: draw more than there is room for without saying it.

use askama::Template;

use super::block::Block;
use super::words::Tone;
use crate::refusal::Refusal;

/// The length of a whole bar, as the drawing counts.
const WHOLE: u64 = 1000;

/// One bar.
pub(crate) struct Gauge {
    label: String,
    /// The same in words.
    said: String,
    tone: &'static str,
    settled: u64,
    reserved: u64,
}

impl Gauge {
    /// `used` of `cap`, of which `reserved` may be given back.
    pub(crate) fn new(
        label: String,
        said: String,
        tone: Tone,
        (used, reserved, cap): (u64, u64, u64),
    ) -> Self {
        let reserved = reserved.min(used);
        let settled = share(used - reserved, cap);
        Self { label, said, tone: tone.class(), settled, reserved: share(used, cap).saturating_sub(settled) }
    }
}

/// A share of the bar; a cap of nothing is full.
fn share(part: u64, cap: u64) -> u64 {
    let share = (u128::from(part) * u128::from(WHOLE)).checked_div(u128::from(cap));
    share.map_or(WHOLE, |share| u64::try_from(share).unwrap_or(WHOLE)).min(WHOLE)
}

#[derive(Template)]
#[template(path = "console/gauges.html")]
struct Gauges {
    gauges: Vec<Gauge>,
}

/// The bars; nothing where there is none.
pub(crate) fn gauges(gauges: Vec<Gauge>) -> Result<Block, Refusal> {
    if gauges.is_empty() { Ok(Block::nothing()) } else { Block::of(&Gauges { gauges }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reserved_stands_behind_what_is_settled_and_never_over_the_edge() {
        let bar = |used, reserved, cap| {
            let gauge = Gauge::new(String::new(), String::new(), Tone::Good, (used, reserved, cap));
            (gauge.settled, gauge.reserved)
        };
        assert_eq!(bar(50, 20, 100), (300, 200));
        assert_eq!(bar(150, 100, 100), (500, 500), "a cap that is passed would be drawn outside");
        assert_eq!(bar(0, 0, 0), (1000, 0), "a cap of nothing leaves no room");
        assert_eq!(bar(u64::MAX, 0, u64::MAX), (1000, 0));
    }
}
