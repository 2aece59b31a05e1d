//! Parallel regions: tasks cut by shape, of which each thread first claims its own part, then the others'.
//!
//! A region never depends on the number of threads: who runs a task is open, what the tasks are
//! is the caller's. A region inside a region, or beside another one, runs on its own thread alone.

use super::interrupt;
use super::team::{with_team, Line};
use super::threads::num_threads;
use rayon::iter::plumbing::{Producer, ProducerCallback};
use smallvec::SmallVec;
use std::cell::UnsafeCell;
use std::ops::Range;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

pub use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
pub use rayon::slice::{ParallelSlice, ParallelSliceMut};

#[cfg(test)]
mod tests;

/// Tasks for which no memory is asked.
const USUAL: usize = 32;
/// Threads for whose parts no memory is asked.
const USUAL_THREADS: usize = 4;

/// Calls `f` with each task, once, in any order and on any thread, the calling one included, and
/// returns when all have returned.
///
/// # Panics
/// With the panic of a task that panicked, or where the caller gives up ([`interrupt`]); tasks that had
/// not begun are then left out.
#[inline]
pub fn share<I: IndexedParallelIterator>(tasks: I, f: impl Fn(I::Item) + Sync) {
    share_if(true, tasks, f);
}

/// As [`share`], on the calling thread alone unless it is `worth_it`.
#[inline]
pub fn share_if<I: IndexedParallelIterator>(worth_it: bool, tasks: I, f: impl Fn(I::Item) + Sync) {
    if !worth_it {
        return tasks.with_producer(Alone(f));
    }
    let count = tasks.len();
    let helpers = num_threads().min(count).saturating_sub(1);
    tasks.with_producer(Region { helpers, count, f });
}

/// Tasks too small to share, or to be given up between.
struct Alone<F>(F);

impl<T, F: Fn(T)> ProducerCallback<T> for Alone<F> {
    type Output = ();

    #[inline]
    fn callback<P: Producer<Item = T>>(self, tasks: P) {
        tasks.into_iter().for_each(self.0);
    }
}

struct Region<F> {
    helpers: usize,
    count: usize,
    f: F,
}

/// A task until it is claimed.
struct Slot<T>(UnsafeCell<Option<T>>);

// SAFETY: a task is taken by one thread, whichever claims its number.
unsafe impl<T: Send> Sync for Slot<T> {}

impl<T: Send, F: Fn(T) + Sync> ProducerCallback<T> for Region<F> {
    type Output = ();

    #[inline]
    fn callback<P: Producer<Item = T>>(self, tasks: P) {
        let run = |task| {
            (self.f)(task);
            interrupt::check();
        };
        if self.helpers == 0 {
            return tasks.into_iter().for_each(run);
        }
        let slot = |task| Slot(UnsafeCell::new(Some(task)));
        let slots: SmallVec<[Slot<T>; USUAL]> = tasks.into_iter().map(slot).collect();
        claim_all(self.helpers, self.count, &|i| {
            // SAFETY: each number is claimed once.
            if let Some(task) = unsafe { (*slots[i].0.get()).take() } {
                run(task);
            }
        });
    }
}

/// Neighbouring tasks, and how many of them have been claimed.
struct Part {
    tasks: Range<usize>,
    claimed: Line<AtomicUsize>,
}

impl Part {
    fn claim(&self) -> Option<usize> {
        let i = self.tasks.start + self.claimed.0.fetch_add(1, Relaxed);
        (i < self.tasks.end).then_some(i)
    }

    fn close(&self) {
        self.claimed.0.store(self.tasks.len(), Relaxed);
    }
}

/// Calls `f(0)`, ..., `f(count - 1)`, each once, with the help of so many workers. A thread begins with
/// its own part of the tasks, so that rows which it made are in its cache when the next region reads them,
/// and then helps with the others'.
fn claim_all(helpers: usize, count: usize, f: &(dyn Fn(usize) + Sync)) {
    let threads = helpers + 1;
    let part = |i: usize| Part {
        tasks: i * count / threads..(i + 1) * count / threads,
        claimed: Line::default(),
    };
    let parts: SmallVec<[Part; USUAL_THREADS]> = (0..threads).map(part).collect();
    let panic = Mutex::new(None);
    let work = |worker: usize| {
        let others = (0..threads).map(|i| &parts[(worker + i) % threads]);
        let work = || others.for_each(|part| std::iter::from_fn(|| part.claim()).for_each(f));
        if let Err(payload) = catch_unwind(AssertUnwindSafe(work)) {
            parts.iter().for_each(Part::close);
            panic
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert(payload);
        }
    };
    with_team(helpers, &work);
    if let Some(payload) = panic.into_inner().unwrap_or_else(PoisonError::into_inner) {
        resume_unwind(payload);
    }
}
