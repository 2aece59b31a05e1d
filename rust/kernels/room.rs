//! Memory that a thread works in, and keeps.

use super::float::Float;
use crate::error::{unwind, OutOfMemory};
use std::cell::Cell;

thread_local! {
    /// Memory of one thread, as long as its longest use.
    static ROOM: Cell<Vec<f64>> = const { Cell::new(Vec::new()) };
}

/// Calls `f` with room for so many elements each, holding anything.
pub fn with_room<T: Float, const N: usize>(sizes: [usize; N], f: impl FnOnce([&mut [T]; N])) {
    // Whole cache lines, so that no two parts share one.
    let line = 64 / size_of::<T>();
    let padded = sizes.map(|n| n.next_multiple_of(line));
    let bytes = padded.iter().sum::<usize>() * size_of::<T>();
    let mut room = ROOM.take();
    let words = bytes.div_ceil(size_of::<f64>());
    if room.len() < words {
        let more = words - room.len();
        if room.try_reserve_exact(more).is_err() {
            unwind(OutOfMemory {
                bytes,
                available: None,
            });
        }
        room.resize(words, 0.0);
    }
    let len = bytes / size_of::<T>();
    // SAFETY: `f64`s are as aligned as a `T`, and any bits are one; the memory is borrowed from `room`.
    let mut rest = unsafe { std::slice::from_raw_parts_mut(room.as_mut_ptr().cast::<T>(), len) };
    let parts = std::array::from_fn(|i| {
        let (part, after) = std::mem::take(&mut rest).split_at_mut(padded[i]);
        rest = after;
        &mut part[..sizes[i]]
    });
    f(parts);
    ROOM.set(room);
}
