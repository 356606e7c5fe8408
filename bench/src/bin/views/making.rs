//! The log: everything goes through the sealing and append path of the product, under a clock of our own.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tabellion_ledger::disk::real::RealDisk;
use tabellion_ledger::{Clock, Draft, Ledger, NewLog, OpenOptions, OsEntropy, SystemClock};
use tabellion_model::{Env, Micros, Origin};

use crate::calls::{Call, Chance};
use crate::{Options, Outcome, house, items};

/// Days over which calls are spread.
const DAYS: u64 = 30;
const DAY_US: u64 = 86_400_000_000;
/// Records in one append.
const GROUP: usize = 500;
/// Between two words on progress.
const WORD_EVERY: u32 = 200_000;

/// A clock that is set.
struct SetClock(AtomicU64);

impl Clock for SetClock {
    fn now(&self) -> Micros {
        Micros(self.0.load(Ordering::Acquire))
    }
}

/// Makes the directory.
pub(crate) fn make(options: &Options) -> Outcome<()> {
    let dir = options.dir.as_path();
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    configure(dir)?;
    let now = SystemClock.now().0;
    let start = now - (DAYS + 1) * DAY_US;
    let clock = Arc::new(SetClock(AtomicU64::new(start)));
    let open = OpenOptions::new(clock.clone(), Arc::new(OsEntropy));
    let new = NewLog { origin: Origin::new("bench.example/log/views")?, env: Env::Production };
    let ledger = Ledger::create(Arc::new(RealDisk::create(dir)?), &new, &open)?;
    let began = Instant::now();
    append(&ledger, &house::drafts()?)?;
    let mut chance = Chance(1);
    let mut items = items::drafts(options.items, Micros(now), &mut chance)?.into_iter();
    // Items are written over the same days: a few between any two groups of calls.
    let groups = (options.calls / u32::try_from(GROUP)?).max(1);
    let items_each = options.items.div_ceil(groups);
    for group in 0..groups {
        let at = start + DAY_US + DAYS * DAY_US * u64::from(group) / u64::from(groups);
        clock.0.store(at, Ordering::Release);
        let some: Vec<Draft> = items.by_ref().take(usize::try_from(items_each)?).flatten().collect();
        append(&ledger, &some)?;
        calls(&ledger, &mut chance)?;
        if (group + 1) % (WORD_EVERY / u32::try_from(GROUP)?) == 0 {
            let calls = (group + 1) * u32::try_from(GROUP)?;
            eprintln!("{calls} calls after {:.0} s", began.elapsed().as_secs_f64());
        }
    }
    println!("made {} entries in {:.0} s", ledger.reader().size(), began.elapsed().as_secs_f64());
    ledger.close()?;
    Ok(())
}

/// Calls of one moment, and their ends.
fn calls(ledger: &Ledger, chance: &mut Chance) -> Outcome<()> {
    let size = ledger.reader().size();
    let calls: Vec<Call> = (0..GROUP).map(|_| Call::next(chance)).collect();
    let begins = calls.iter().map(|call| call.begin(size)).collect::<Outcome<Vec<_>>>()?;
    let acks = ledger.append_all(&begins)?;
    let mut ends = Vec::new();
    for (call, ack) in calls.iter().zip(&acks) {
        ends.extend(call.end(ack, chance)?);
    }
    append(ledger, &ends)
}

fn append(ledger: &Ledger, drafts: &[Draft]) -> Outcome<()> {
    for group in drafts.chunks(GROUP) {
        ledger.append_all(group)?;
    }
    Ok(())
}

/// What `tabellion serve` wants to find beside the log.
fn configure(dir: &Path) -> Outcome<()> {
    let text = "[log]\nhost = \"bench.example\"\ntenant = \"views\"\nenv = \"production\"\n";
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(dir.join("tabellion.toml"))?;
    file.write_all(text.as_bytes())?;
    Ok(())
}
