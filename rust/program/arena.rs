//! The memory of a program while it runs, handed to ops as typed views.
//!
//! The plan proves what the borrow checker cannot see: within one step no output overlaps another
//! operand, but for inputs marked in place, whose view is left empty.
//!
//! A run may be lent the caller's memory for feeds and outputs, which are then read and computed
//! where they are. What is lent stands in for the arena's memory of all the values that share it.

use super::kept::about_to_write;
use crate::error::OutOfMemory;
use crate::graph::Cell;
use crate::memory::{data_at, data_mut_at, keep, kept, Buffer, LARGE};
use crate::run::{Input, Output};
use crate::tensor::{Data, DataMut, Element, Spec, Tensor};
use crate::with_dtype;
use smallvec::SmallVec;
use std::marker::PhantomData;
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, RwLockReadGuard, RwLockWriteGuard, TryLockError,
};

/// Memory that the caller may lend to one run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lent {
    /// The elements of this feed, to read.
    Feed(usize),
    /// Where this output goes.
    Result(usize),
}

/// The arenas of a program: each run has one to itself. Large ones wait for the next run of any program:
/// one for each length of a sequence, say, takes no more memory than the longest.
#[derive(Debug)]
pub struct Arenas {
    bytes: usize,
    /// Small ones of runs that are over, for the next.
    idle: Mutex<Vec<Buffer>>,
}

/// So many small arenas of a program wait for the next runs, and so many large ones of all programs; other
/// large ones are kept with the memory of results.
const MOST_IDLE: usize = 64;
const MOST_SHARED: usize = 2;

/// Large arenas that no run has.
struct Shared {
    idle: Vec<Buffer>,
    /// The bytes that each program which may want one asks for.
    wanted: Vec<usize>,
}

static SHARED: Mutex<Shared> = Mutex::new(Shared {
    idle: Vec::new(),
    wanted: Vec::new(),
});

/// Nobody waits for the lock: in a forked child it may be held by a thread that is not there.
fn free<T>(lock: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match lock.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

impl Shared {
    /// The smallest that has so many bytes.
    fn take(&mut self, bytes: usize) -> Option<Buffer> {
        let fitting = (0..self.idle.len()).filter(|at| self.idle[*at].len() >= bytes);
        let smallest = fitting.min_by_key(|at| self.idle[*at].len())?;
        Some(self.idle.swap_remove(smallest))
    }

    /// Keeps the largest ones; gives back what is not kept.
    fn give(&mut self, buffer: Buffer) -> Option<Buffer> {
        self.idle.push(buffer);
        let too_many = self.idle.len() > MOST_SHARED;
        let smallest = (0..self.idle.len()).min_by_key(|at| self.idle[*at].len());
        smallest
            .filter(|_| too_many)
            .map(|at| self.idle.swap_remove(at))
    }
}

impl Arenas {
    /// Arenas of so many bytes, of which one is made at once.
    pub fn new(bytes: usize) -> Result<Self, OutOfMemory> {
        let arenas = Arenas {
            bytes,
            idle: Mutex::default(),
        };
        if let (true, Some(mut shared)) = (arenas.is_large(), free(&SHARED)) {
            shared.wanted.push(bytes);
        }
        arenas.lend()?;
        Ok(arenas)
    }

    fn is_large(&self) -> bool {
        self.bytes >= LARGE
    }

    /// Bytes of one arena.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// An arena for one run, or several one after the other.
    pub fn lend(&self) -> Result<Arena<'_>, OutOfMemory> {
        let idle = match self.is_large() {
            true => free(&SHARED).and_then(|mut shared| shared.take(self.bytes)),
            false => free(&self.idle).and_then(|mut idle| idle.pop()),
        };
        let buffer = match idle {
            Some(buffer) => buffer,
            None if self.is_large() => kept(self.bytes).or_else(|_| {
                drop(free(&SHARED).map(|mut shared| std::mem::take(&mut shared.idle)));
                kept(self.bytes)
            })?,
            None => Buffer::zeroed(self.bytes)?,
        };
        Ok(Arena { buffer, home: self })
    }
}

impl Drop for Arenas {
    /// Frees what is larger than any program that is left asks for.
    fn drop(&mut self) {
        if let (true, Some(mut shared)) = (self.is_large(), free(&SHARED)) {
            if let Some(at) = shared.wanted.iter().position(|bytes| *bytes == self.bytes) {
                shared.wanted.swap_remove(at);
            }
            let most = shared.wanted.iter().copied().max().unwrap_or(0);
            shared.idle.retain(|buffer| buffer.len() <= most);
        }
    }
}

/// An arena while a run has it. It holds anything.
#[derive(Debug)]
pub struct Arena<'p> {
    buffer: Buffer,
    home: &'p Arenas,
}

impl Arena<'_> {
    pub fn is_of(&self, arenas: &Arenas) -> bool {
        std::ptr::eq(self.home, arenas)
    }
}

impl Drop for Arena<'_> {
    fn drop(&mut self) {
        let buffer = std::mem::replace(&mut self.buffer, Buffer::empty());
        let rest = match self.home.is_large() {
            true => match free(&SHARED) {
                Some(mut shared) => shared.give(buffer),
                None => Some(buffer),
            },
            false => match free(&self.home.idle) {
                Some(mut idle) if idle.len() < MOST_IDLE => {
                    idle.push(buffer);
                    None
                }
                _ => Some(buffer),
            },
        };
        if let Some(rest) = rest {
            keep(rest);
        }
    }
}

/// Where an operand lies where a run is lent nothing for it.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// From so many bytes of the run's arena on.
    Arena(usize),
    /// In a cell or a constant.
    At(*mut u8),
}

/// Place and spec of one operand of a step. Valid while the program's constants and its cells live,
/// which the program owns.
#[derive(Debug)]
pub struct Operand {
    place: Place,
    pub spec: Spec,
    pub in_place: Option<usize>,
    /// What stands in for its place where a run is lent it.
    pub lent: Option<Lent>,
}

// SAFETY: an address only; it is followed inside `Memory`, under the cells' locks.
unsafe impl Send for Operand {}
// SAFETY: as above.
unsafe impl Sync for Operand {}

impl Operand {
    fn new(place: Place, spec: Spec) -> Self {
        Operand {
            place,
            spec,
            in_place: None,
            lent: None,
        }
    }

    pub fn in_arena(arenas: &Arenas, offset: usize, spec: Spec) -> Self {
        assert!(offset + spec.bytes() <= arenas.bytes);
        Operand::new(Place::Arena(offset), spec)
    }

    /// The cell's elements; a cell's tensor is written in place, never replaced.
    pub fn in_cell(cell: &Arc<Cell>, spec: Spec) -> Self {
        let guard = cell.tensor.read().unwrap_or_else(|e| e.into_inner());
        assert_eq!(spec.bytes(), cell.spec.bytes());
        Operand::new(Place::At(guard.as_ptr()), spec)
    }

    pub fn in_tensor(tensor: &Tensor, spec: Spec) -> Self {
        assert_eq!(spec.bytes(), tensor.spec().bytes());
        Operand::new(Place::At(tensor.as_ptr()), spec)
    }

    pub fn or_lent(mut self, lent: Option<Lent>) -> Self {
        self.lent = lent;
        self
    }

    pub fn overwritten_by(mut self, output: Option<usize>) -> Self {
        self.in_place = output;
        self
    }
}

/// The views of one step, without allocating for most.
pub type Operands<T> = SmallVec<[T; 8]>;

/// Holds what makes operands readable and writable: the cells' locks.
pub struct Locked<'a> {
    _reads: Guards<RwLockReadGuard<'a, Tensor>>,
    _writes: Guards<RwLockWriteGuard<'a, Tensor>>,
}

type Guards<T> = SmallVec<[T; 16]>;

/// Locks cells in the order of their ids, which every program does, so that none waits in a ring.
pub fn lock(cells: &[(Arc<Cell>, bool)]) -> Locked<'_> {
    let mut out = Locked {
        _reads: SmallVec::new(),
        _writes: SmallVec::new(),
    };
    for (cell, assigned) in cells {
        match assigned {
            true => {
                let guard = cell.tensor.write();
                out._writes
                    .push(guard.unwrap_or_else(PoisonError::into_inner));
                about_to_write(cell);
            }
            false => {
                let guard = cell.tensor.read();
                out._reads
                    .push(guard.unwrap_or_else(PoisonError::into_inner));
            }
        }
    }
    out
}

/// As [`lock`], where nobody has to be waited for.
pub fn try_lock(cells: &[(Arc<Cell>, bool)]) -> Option<Locked<'_>> {
    fn had<T>(tried: Result<T, TryLockError<T>>) -> Option<T> {
        match tried {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
    let mut out = Locked {
        _reads: SmallVec::new(),
        _writes: SmallVec::new(),
    };
    for (cell, assigned) in cells {
        match assigned {
            true => {
                out._writes.push(had(cell.tensor.try_write())?);
                about_to_write(cell);
            }
            false => out._reads.push(had(cell.tensor.try_read())?),
        }
    }
    Some(out)
}

impl Locked<'_> {
    /// The memory of one run of the program whose cells and arena these are.
    pub fn run<'r>(&'r mut self, arena: &'r mut Arena) -> Memory<'r> {
        Memory {
            arena: arena.buffer.as_ptr(),
            feeds: SmallVec::new(),
            results: SmallVec::new(),
            _borrowed: PhantomData,
        }
    }
}

/// The memory of one run: the cells are locked, and what is lent stays borrowed.
pub struct Memory<'r> {
    arena: *mut u8,
    /// What is lent for each feed, null for nothing.
    feeds: SmallVec<[*mut u8; 4]>,
    /// The same for each output.
    results: SmallVec<[*mut u8; 4]>,
    _borrowed: PhantomData<&'r mut u8>,
}

impl<'r> Memory<'r> {
    /// Lends the next feed its elements. Says whether they can be read where they are: they are
    /// as many as the operand's, and of its dtype; bools are taken only from bools, so never.
    pub fn lend_feed(&mut self, operand: &Operand, data: Option<Data<'r>>) -> bool {
        let spec = &operand.spec;
        let fits = |data: &Data| data.dtype() == spec.dtype && data.len() == spec.len();
        let data = data.filter(fits);
        self.feeds.push(match data {
            Some(data) => with_dtype!(spec.dtype, T => T::slice(data).as_ptr().cast_mut().cast()),
            None => std::ptr::null_mut(),
        });
        data.is_some()
    }

    /// Lends the next output its place, or gives it back where the output has a place of its own:
    /// a cell, a constant, a feed, or another output.
    pub fn lend_result(
        &mut self,
        operand: &Operand,
        mut target: DataMut<'r>,
    ) -> Option<DataMut<'r>> {
        let at = self.results.len();
        let spec = &operand.spec;
        let lent = operand.lent == Some(Lent::Result(at));
        let address = with_dtype!(spec.dtype, T => {
            let target = T::slice_mut(&mut target);
            assert_eq!(target.len(), spec.len());
            target.as_mut_ptr().cast()
        });
        self.results.push(match lent {
            true => address,
            false => std::ptr::null_mut(),
        });
        (!lent).then_some(target)
    }

    #[inline]
    fn address(&self, operand: &Operand) -> *mut u8 {
        let lent = match operand.lent {
            None => None,
            Some(Lent::Feed(at)) => self.feeds.get(at),
            Some(Lent::Result(at)) => self.results.get(at),
        };
        match lent {
            Some(lent) if !lent.is_null() => *lent,
            _ => self.own(operand),
        }
    }

    /// Where the operand lies, whatever is lent.
    #[inline]
    fn own(&self, operand: &Operand) -> *mut u8 {
        match operand.place {
            // SAFETY: the operand lies within the arenas of its program, and the arena is one of them.
            Place::Arena(offset) => unsafe { self.arena.add(offset) },
            Place::At(address) => address,
        }
    }

    /// The operand as an input.
    pub fn input<'s>(&'s self, operand: &'s Operand) -> Input<'s> {
        let len = if operand.in_place.is_some() {
            0
        } else {
            operand.spec.len()
        };
        let address = self.address(operand);
        Input {
            spec: &operand.spec,
            // SAFETY: the memory lives as long as the program or is borrowed for the run, is aligned
            // for its dtype, and is written by no output of this step, or the view is empty.
            data: unsafe { data_at(address, operand.spec.dtype, 0, len) },
            in_place: operand.in_place,
        }
    }

    /// The operand as an output.
    pub fn output<'s>(&'s mut self, operand: &'s Operand) -> Output<'s> {
        // SAFETY: as `step`, for one operand.
        unsafe { self.written(operand) }
    }

    /// The inputs, outputs and scratch memory of one step.
    pub fn step<'s>(
        &'s mut self,
        inputs: &'s [Operand],
        outputs: &'s [Operand],
        scratch: &'s Operand,
    ) -> (Operands<Input<'s>>, Operands<Output<'s>>, &'s mut [u8]) {
        let views = inputs.iter().map(|i| self.input(i)).collect();
        // SAFETY: the plan gives the outputs and the scratch memory of one step ranges of their own,
        // and none to inputs that are not marked in place.
        let results = outputs.iter().map(|o| unsafe { self.written(o) }).collect();
        // SAFETY: as above; bytes are readable whatever they hold.
        let scratch =
            unsafe { std::slice::from_raw_parts_mut(self.own(scratch), scratch.spec.len()) };
        (views, results, scratch)
    }

    /// Copies bytes between operands of one size.
    pub fn copy(&mut self, from: &Operand, to: &Operand) {
        assert_eq!(from.spec.bytes(), to.spec.bytes());
        let (from, bytes) = (self.address(from), from.spec.bytes());
        // SAFETY: both valid for their size; `copy` allows overlap.
        unsafe { std::ptr::copy(from, self.address(to), bytes) }
    }

    /// # Safety
    /// Nothing else reads or writes the operand while the view lives.
    unsafe fn written<'s>(&self, operand: &'s Operand) -> Output<'s> {
        let address = self.address(operand);
        // A feed that is lent is only read: the plan writes nothing over feeds.
        let lent = matches!(operand.lent, Some(Lent::Feed(_)));
        debug_assert!(!lent || address == self.own(operand));
        Output {
            spec: &operand.spec,
            // SAFETY: the caller's promise; what is lent is borrowed for the run.
            data: unsafe { data_mut_at(address, operand.spec.dtype, 0, operand.spec.len()) },
        }
    }
}
