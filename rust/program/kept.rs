//! What kernels have made of variables, such as a convolution's kernel in the order in which tiles read
//! it, for as long as nobody writes them.
//!
//! All programs that want the same of a variable share it. Nobody waits here: who does not get a lock
//! makes its own in the run's scratch memory, as who reads a variable that changes from run to run.

use crate::graph::Cell;
use crate::memory::Buffer;
use crate::run::{Input, Repacking};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::AcqRel, Ordering::Acquire};
use std::sync::{Arc, LazyLock, Mutex, Weak};

/// Of variables of fewer bytes nothing is kept: counters and seeds, which are written all the time.
const SMALL: usize = 1 << 10;

/// How often variables have been taken to be written, whichever they were.
static WRITES: AtomicU64 = AtomicU64::new(0);

/// Says that the caller, who holds the lock of the cell, is going to write it.
pub fn about_to_write(cell: &Cell) {
    if cell.spec.bytes() >= SMALL {
        WRITES.fetch_add(1, AcqRel);
    }
}

/// Made when there had been so many writes.
#[derive(Debug)]
struct Made {
    writes: u64,
    buffer: Buffer,
}

/// A cell's number, and what is made of it.
type Key = (u64, String);

static SHARED: LazyLock<Mutex<HashMap<Key, Weak<Made>>>> = LazyLock::new(Mutex::default);

/// What one step keeps.
#[derive(Debug)]
pub struct Kept {
    cell: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// How many writes there had been at the last run.
    writes: u64,
    made: Option<Arc<Made>>,
}

/// It can be read as long as this lives.
pub struct Held(Arc<Made>);

impl Held {
    pub fn bytes(&self) -> &[u8] {
        self.0.buffer.bytes(self.0.buffer.len())
    }
}

impl Kept {
    /// Nothing of a small variable, whose writes are not counted.
    pub fn of(cell: &Cell) -> Option<Self> {
        let kept = || Kept {
            cell: cell.id,
            state: Mutex::default(),
        };
        (cell.spec.bytes() >= SMALL).then(kept)
    }

    /// What `repacking` makes of the input, which is the cell's elements; the caller holds its lock. None
    /// where something has been written since the last run, or memory is short.
    pub fn get(&self, repacking: &Repacking, input: &Input) -> Option<Held> {
        let mut state = self.state.try_lock().ok()?;
        // Writes of this cell have ended: its lock is held.
        let writes = WRITES.load(Acquire);
        let made = state.made.as_ref().filter(|made| made.writes == writes);
        if let Some(made) = made {
            return Some(Held(made.clone()));
        }
        if state.writes != writes {
            *state = State { writes, made: None };
            return None;
        }
        let made = self.share(repacking, input, writes)?;
        state.made = Some(made.clone());
        Some(Held(made))
    }

    /// What another step has made, or it is made now.
    fn share(&self, repacking: &Repacking, input: &Input, writes: u64) -> Option<Arc<Made>> {
        let mut shared = SHARED.try_lock().ok()?;
        let key = (self.cell, repacking.key.clone());
        let known = shared.get(&key).and_then(Weak::upgrade);
        if let Some(made) = known.filter(|made| made.writes == writes) {
            return Some(made);
        }
        let mut buffer = Buffer::zeroed(repacking.bytes).ok()?;
        (repacking.make)(input, buffer.bytes_mut(repacking.bytes));
        let made = Arc::new(Made { writes, buffer });
        shared.retain(|_, made| made.strong_count() > 0);
        shared.insert(key, Arc::downgrade(&made));
        Some(made)
    }
}
