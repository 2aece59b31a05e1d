//! Results told piece by piece, so that the next computation finds a piece in the cache still.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering::AcqRel};

/// Whoever goes on with the pieces of a result.
pub trait Follow: Sync {
    /// Bytes that going on with an element reads from elsewhere.
    fn reads(&self) -> usize {
        0
    }

    /// Hears that the elements `range` are being made by this thread, and are told soon: what goes on
    /// with them can be fetched meanwhile.
    fn soon(&self, range: Range<usize>) {
        let _ = range;
    }

    /// Takes the elements `range` of the result that begins at `base`.
    ///
    /// # Safety
    /// The elements are complete, are told once, and from now on are the follower's; `base` is the
    /// same for all pieces and points to the whole result.
    unsafe fn made(&self, base: *mut u8, range: Range<usize>);
}

/// Makes a result, and tells of its pieces.
pub type Makes<'a, E> = &'a mut dyn FnMut(&dyn Follow) -> Result<(), E>;

/// Chunks of a result, and how many elements of each have not come.
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

    /// Calls `complete` with each chunk whose last elements are among those of `range`, which have come.
    pub fn came(&self, range: Range<usize>, mut complete: impl FnMut(usize)) {
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
    /// Some elements have not come.
    pub fn finish(self) {
        assert!(self.missing.into_iter().all(|m| m.into_inner() == 0));
    }
}

/// A follower that does nothing.
pub struct Nobody;

impl Follow for Nobody {
    unsafe fn made(&self, _base: *mut u8, _range: Range<usize>) {}
}

/// Tells a whole result.
pub fn tell<T>(follow: &dyn Follow, result: &mut [T]) {
    // SAFETY: the slice is this caller's, and handed over at once.
    unsafe { follow.made(result.as_mut_ptr().cast(), 0..result.len()) }
}
