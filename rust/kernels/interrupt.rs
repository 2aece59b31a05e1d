//! Giving up in the middle of an op: the thread that called the core asks between two tasks of a region,
//! about twenty times a second, and unwinds to the nearest [`caught`](crate::error::caught).
//!
//! Only work that can be thrown away is watched: once a step has begun to write variables, it ends.

use crate::error::{unwind, GivenUp};
use std::cell::Cell;
use std::time::{Duration, Instant};

/// How often the caller is asked.
pub const TICK: Duration = Duration::from_millis(50);

/// Says whether to give up.
pub type Ask = fn() -> bool;

#[derive(Clone, Copy)]
struct Watch {
    ask: Ask,
    last: Instant,
}

thread_local! {
    static WATCH: Cell<Option<Watch>> = const { Cell::new(None) };
}

/// What this thread's watch was, until this is dropped.
struct Restore(Option<Watch>);

impl Drop for Restore {
    fn drop(&mut self) {
        WATCH.set(self.0);
    }
}

/// Calls `f`, within which [`check`] asks `ask`.
pub fn watched<R>(ask: Ask, f: impl FnOnce() -> R) -> R {
    let last = Instant::now();
    let _restore = Restore(WATCH.replace(Some(Watch { ask, last })));
    f()
}

/// Calls `f`, within which nobody is asked.
pub fn unwatched<R>(f: impl FnOnce() -> R) -> R {
    let _restore = Restore(WATCH.replace(None));
    f()
}

/// Unwinds with [`GivenUp`] where the thread is watched and the answer is to give up.
#[inline]
pub fn check() {
    if let Some(watch) = WATCH.get() {
        look(watch);
    }
}

fn look(watch: Watch) {
    if watch.last.elapsed() < TICK {
        return;
    }
    if (watch.ask)() {
        unwind(GivenUp);
    }
    let last = Instant::now();
    WATCH.set(Some(Watch { last, ..watch }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{caught, Error};
    use crate::kernels::region::{share, IntoParallelIterator};
    use crate::kernels::threads::set_num_threads;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    #[test]
    fn a_region_is_given_up_and_the_pool_lives_on() {
        for threads in [1, 3] {
            set_num_threads(threads);
            let done = AtomicUsize::new(0);
            let slow = |_| {
                std::thread::sleep(Duration::from_millis(2));
                done.fetch_add(1, Relaxed);
            };
            let region = || {
                share((0..1000).into_par_iter(), slow);
                Ok(())
            };
            let begin = Instant::now();
            let result = watched(|| true, || caught("op", region));
            assert_eq!(result, Err(Error::Interrupted));
            assert!(begin.elapsed() < 20 * TICK && done.load(Relaxed) < 1000);
            let all = AtomicUsize::new(0);
            let count = |_| {
                all.fetch_add(1, Relaxed);
                std::thread::sleep(Duration::from_millis(1));
            };
            watched(
                || true,
                || unwatched(|| share((0..100).into_par_iter(), count)),
            );
            watched(|| false, || share((0..100).into_par_iter(), count));
            assert_eq!(all.load(Relaxed), 200);
        }
    }
}
