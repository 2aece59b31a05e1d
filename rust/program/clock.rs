//! What each step of a program takes, while somebody wants to know.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// Nanoseconds of every step, summed over the runs since it was started.
#[derive(Debug)]
pub struct Clock {
    is_on: AtomicBool,
    nanoseconds: Box<[AtomicU64]>,
}

impl Clock {
    /// Of a program of so many steps; it stands.
    pub fn new(steps: usize) -> Self {
        Clock {
            is_on: AtomicBool::new(false),
            nanoseconds: (0..steps).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Starts from nothing, or stops; what was measured stays until the next start.
    pub fn set(&self, is_on: bool) {
        if is_on {
            self.nanoseconds.iter().for_each(|n| n.store(0, Relaxed));
        }
        self.is_on.store(is_on, Relaxed);
    }

    /// Whether the next run is timed.
    pub fn is_on(&self) -> bool {
        self.is_on.load(Relaxed)
    }

    /// Runs step `at`, timed.
    pub fn time<R>(&self, at: usize, step: impl FnOnce() -> R) -> R {
        let start = Instant::now();
        let result = step();
        let taken = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds[at].fetch_add(taken, Relaxed);
        result
    }

    /// Seconds of step `at` in all timed runs.
    pub fn seconds(&self, at: usize) -> f64 {
        self.nanoseconds[at].load(Relaxed) as f64 * 1e-9
    }
}
