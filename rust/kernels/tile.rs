//! Results handed over tile by tile, so that the next computation finds a tile in the cache still.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering::AcqRel};

/// Whoever goes on with the tiles of a result.
pub trait Consumer: Sync {
    /// Bytes that going on with an element reads from elsewhere.
    fn reads(&self) -> usize {
        0
    }

    /// Whether the result is for this consumer alone, which reads what it is handed at once: it may then
    /// lie elsewhere, and `base` is as far before it as if it lay in the result.
    fn is_last(&self) -> bool {
        false
    }

    /// Hears that this thread is making the elements `range`, and hands them over next: what goes on
    /// with them can be fetched meanwhile.
    fn prefetch(&self, range: Range<usize>) {
        let _ = range;
    }

    /// Takes the elements `range` of the result that begins at `base`.
    ///
    /// # Safety
    /// The elements are complete, are handed over once, and from now on are the consumer's, or until
    /// this returns where it [is the last](Consumer::is_last). Else `base` is the same for all tiles and
    /// points to the whole result.
    unsafe fn take(&self, base: *mut u8, range: Range<usize>);
}

/// Makes a result, and hands its tiles over.
pub type Produce<'a, E> = &'a mut dyn FnMut(&dyn Consumer) -> Result<(), E>;

/// Chunks of a result, and how many elements of each are not ready.
pub struct Chunks {
    size: usize,
    missing: Vec<AtomicUsize>,
}

impl Chunks {
    /// `len` elements in chunks of `size`.
    pub fn new(len: usize, size: usize) -> Self {
        let elements = |start: usize| AtomicUsize::new((len - start).min(size));
        Chunks {
            size,
            missing: (0..len).step_by(size).map(elements).collect(),
        }
    }

    /// Calls `complete` with each chunk whose last elements are among those of `range`, which are
    /// ready.
    pub fn ready(&self, range: Range<usize>, mut complete: impl FnMut(usize)) {
        let mut start = range.start;
        while start < range.end {
            let chunk = start / self.size;
            let end = range.end.min((chunk + 1) * self.size);
            let count = end - start;
            if self.missing[chunk].fetch_sub(count, AcqRel) == count {
                complete(chunk);
            }
            start = end;
        }
    }

    /// # Panics
    /// Some elements have never been ready.
    pub fn finish(self) {
        assert!(self.missing.into_iter().all(|m| m.into_inner() == 0));
    }
}

/// A consumer that does nothing.
pub struct NoConsumer;

impl Consumer for NoConsumer {
    unsafe fn take(&self, _base: *mut u8, _range: Range<usize>) {}
}

/// Hands a whole result over.
pub fn hand_over<T>(consumer: &dyn Consumer, result: &mut [T]) {
    // SAFETY: the slice is this caller's, and handed over at once.
    unsafe { consumer.take(result.as_mut_ptr().cast(), 0..result.len()) }
}
