//! Moving the table's keys to another wrapping key, some at a time, while others are made, used and destroyed.
//!
//! Order, and why: that keys are moved is durable before the first is; each gets its second wrapping beside its first, which stays until every key has its
//! second and that is durable; then the first go. So at no moment is a key on disk under neither. A step that failed leaves nobody knowing what is on disk,
//! and nothing more is made durable by this process.

use std::collections::BTreeSet;
use std::io;

use tabellion_model::VaultKeyId;
use tabellion_tlog::Hash;

use super::slot::{self, SLOT};
use super::table::{KeyTable, TableOf, header};
use super::wrapping::{MasterKey, Phase, Turn, Wrapping};
use crate::disk::Disk;
use crate::entropy::Entropy;

/// Slots that are written at once, 256 KiB: whoever needs a key meanwhile waits for that one write and its sync.
const SLOTS_AT_ONCE: u64 = 1024;

impl KeyTable {
    /// What the keys are wrapped under.
    pub(crate) fn wrapping(&self) -> &Wrapping {
        &self.wrapping
    }

    /// Begins to move every key to `next`; `begun`: the entry that says so. New keys are under it from here on.
    pub(crate) fn begin_moving(
        &mut self,
        disk: &dyn Disk,
        origin: &Hash,
        next: MasterKey,
        begun: u64,
    ) -> io::Result<()> {
        self.make_durable()?;
        let turned = self.wrapping.turn(disk, origin, Turn::Begin(Box::new(next), begun));
        self.or_failed(turned)
    }

    /// Gives the keys from slot `from` on their second wrapping, as many as are written at once. Returns where to go on; `None`: every key has it.
    pub(crate) fn move_some(&mut self, from: u64, entropy: &dyn Entropy) -> io::Result<Option<u64>> {
        let moved = self.rewrite(from, |table, bytes| {
            let (Some(slot), Some((generation, next))) = (slot::read(bytes), table.wrapping.next()) else {
                return Ok(());
            };
            let key = table.rows.get(&slot.identity.id).and_then(|row| row.key.as_ref());
            match key {
                Some(key) if !slot.is_gone => {
                    slot::put(bytes, generation, &next.wrap_key(key, &slot.aad, entropy)?);
                    Ok(())
                }
                _ => Ok(()),
            }
        });
        self.or_failed(moved)
    }

    /// Says that every key is moved. Nothing is opened with the key before from here on.
    pub(crate) fn all_moved(&mut self, disk: &dyn Disk, origin: &Hash) -> io::Result<()> {
        let durable = self.durable();
        let moved = self.rows.values().filter(|row| row.key.is_some() && row.position < durable).count();
        let turned = self.wrapping.turn(disk, origin, Turn::Moved(moved as u64));
        self.or_failed(turned)
    }

    /// Takes away what the key before had wrapped, from slot `from` on. Returns where to go on; `None`: nothing of it is left.
    pub(crate) fn clear_some(&mut self, from: u64) -> io::Result<Option<u64>> {
        // Places are taken in turn, so that the one of the generation before is that of the one after.
        let before = slot::place(self.wrapping.generation().wrapping_add(1));
        let cleared = self.rewrite(from, |_, bytes| {
            bytes.get_mut(before.clone()).unwrap_or_default().fill(0);
            Ok(())
        });
        self.or_failed(cleared)
    }

    /// Says that the change is over.
    pub(crate) fn all_cleared(&mut self, disk: &dyn Disk, origin: &Hash) -> io::Result<()> {
        let turned = self.wrapping.turn(disk, origin, Turn::Settled);
        self.or_failed(turned)
    }

    /// Whether a change is under way.
    pub(crate) fn is_moving(&self) -> bool {
        self.wrapping.phase() != Phase::Settled
    }

    /// Writes some slots again as `change` makes them, durably; what is the same is written too, since a process before may have died before its sync.
    fn rewrite(
        &self,
        from: u64,
        change: impl Fn(&Self, &mut [u8]) -> io::Result<()>,
    ) -> io::Result<Option<u64>> {
        let to = from.saturating_add(SLOTS_AT_ONCE).min(self.durable());
        if from >= to {
            return Ok(None);
        }
        let len = usize::try_from((to - from) * SLOT as u64).map_err(io::Error::other)?;
        let mut bytes = vec![0; len];
        self.file.read_at(from * SLOT as u64, &mut bytes)?;
        bytes.chunks_mut(SLOT).try_for_each(|slot| change(self, slot))?;
        self.file.write_at(from * SLOT as u64, &bytes)?;
        self.file.sync()?;
        Ok((to < self.durable()).then_some(to))
    }

    /// The table as it is, as bytes, with every key under `master`, which is a key of `of`, and those of `gone` destroyed.
    pub(crate) fn wrapped_under(
        &self,
        (master, of): (&MasterKey, TableOf),
        origin: &Hash,
        gone: &BTreeSet<VaultKeyId>,
        entropy: &dyn Entropy,
    ) -> io::Result<Vec<u8>> {
        let len = usize::try_from(self.durable() * SLOT as u64).map_err(io::Error::other)?;
        let mut bytes = vec![0; len];
        let mut put = |position: u64, slot: &[u8]| {
            let from = usize::try_from(position * SLOT as u64).map_err(io::Error::other)?;
            let place = bytes.get_mut(from..from + SLOT).unwrap_or_default();
            for (to, from) in place.iter_mut().zip(slot) {
                *to = *from;
            }
            Ok::<(), io::Error>(())
        };
        put(0, &header(origin, master, of)?)?;
        for (id, row) in self.rows.iter().filter(|(_, row)| row.position < self.durable()) {
            let aad = row.identity.to_bytes();
            let slot = match row.key.as_ref().filter(|_| !gone.contains(id)) {
                Some(key) => slot::live(&aad, 0, &master.wrap_key(key, &aad, entropy)?),
                None => slot::gone(&aad),
            };
            put(row.position, &slot)?;
        }
        Ok(bytes)
    }

    fn or_failed<T>(&mut self, done: io::Result<T>) -> io::Result<T> {
        self.has_failed |= done.is_err();
        done
    }
}
