//! Parallel regions: tasks cut by shape, claimed by whichever thread is free.
//!
//! One pool serves the process. A region costs about a microsecond while its workers still spin
//! from the region before, because a worker that has not woken is never waited for: the calling
//! thread takes tasks too, closes the region when none is left, and waits only for the workers
//! that are inside. A worker spins for `SPIN` after its last region, then sleeps.
//!
//! A region never depends on the number of threads: who runs a task is open, what the tasks are
//! is the caller's. A region inside a region, or beside another one, runs on its own thread alone.

use super::interrupt;
use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// The environment variable that sets the number of threads.
pub const THREADS_VARIABLE: &str = "CHAINRULE_NUM_THREADS";

/// The largest number of threads.
pub const MAX_THREADS: usize = 256;

/// How long an idle worker looks for the next region before it sleeps.
const SPIN: Duration = Duration::from_micros(100);

/// How much of that it keeps its core for; then it lets others have it between two looks.
const ALONE: Duration = Duration::from_micros(10);

/// The number of threads in use, the calling one included; 0 until the first call.
static THREADS: AtomicUsize = AtomicUsize::new(0);

fn cores() -> usize {
    static CORES: AtomicUsize = AtomicUsize::new(0);
    match CORES.load(Relaxed) {
        0 => {
            let n = std::thread::available_parallelism().map_or(1, |n| n.get());
            CORES.store(n, Relaxed);
            n
        }
        n => n,
    }
}

/// What `CHAINRULE_NUM_THREADS` asks for, or the available cores where it is unset or empty.
///
/// # Errors
/// The variable is not a whole number from 1 to [`MAX_THREADS`].
pub fn selected() -> Result<usize, String> {
    match std::env::var_os(THREADS_VARIABLE) {
        Some(text) if !text.is_empty() => {
            let text = text.to_string_lossy();
            match text.trim().parse() {
                Ok(n @ 1..=MAX_THREADS) => Ok(n),
                _ => Err(format!(
                    "{THREADS_VARIABLE}: expected a whole number from 1 to {MAX_THREADS}, \
                     got {text:?}"
                )),
            }
        }
        _ => Ok(cores().min(MAX_THREADS)),
    }
}

/// Threads that a region may use, the calling one included: what [`selected`] says at the first
/// call (the available cores where it refuses), or the last [`set_num_threads`].
pub fn num_threads() -> usize {
    match THREADS.load(Relaxed) {
        0 => {
            let n = selected().unwrap_or_else(|_| cores().min(MAX_THREADS));
            THREADS.store(n, Relaxed);
            n
        }
        n => n,
    }
}

/// Uses `n` threads from the next region on, at least 1 and at most [`MAX_THREADS`]. May exceed
/// the cores. Results keep the same bits.
pub fn set_num_threads(n: usize) {
    THREADS.store(n.clamp(1, MAX_THREADS), Relaxed);
}

/// Calls `f(0)`, ..., `f(tasks - 1)`, each once, in any order and on any thread of the pool, the
/// calling one included, and returns when all have returned.
///
/// # Panics
/// With the panic of a task that panicked, or where the caller gives up ([`interrupt`]); tasks that had
/// not begun are then left out.
pub fn parallel_for(tasks: usize, f: &(dyn Fn(usize) + Sync)) {
    let helpers = num_threads().min(tasks).saturating_sub(1);
    if helpers > 0 {
        let pool = Pool::current();
        if !pool.busy.swap(true, Acquire) {
            return pool.region(tasks, helpers, f);
        }
    }
    for i in 0..tasks {
        f(i);
        interrupt::check();
    }
}

/// A pointer that the tasks of a region share.
pub struct Shared<T>(*mut T);

// SAFETY: an address only. Whoever follows it sees to it that tasks write disjoint parts, and read
// what others wrote in a later region.
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    pub fn new(pointer: *mut T) -> Self {
        Shared(pointer)
    }

    pub fn get(&self) -> *mut T {
        self.0
    }
}

type Task<'a> = dyn Fn(usize) + Sync + 'a;

/// What the workers of a region read. Written only while the region is closed and empty.
struct Job {
    tasks: usize,
    f: *const Task<'static>,
}

#[repr(align(128))]
struct Padded<T>(T);

/// The worker's own corner of the pool.
struct Slot {
    thread: OnceLock<Thread>,
    asleep: AtomicBool,
}

/// `state` is one word, so that a worker enters a region only while it is open:
/// `epoch << 32 | OPEN | helpers << 16 | workers inside`.
struct Pool {
    process: u32,
    busy: AtomicBool,
    state: Padded<AtomicU64>,
    next: Padded<AtomicUsize>,
    job: UnsafeCell<Job>,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    spawned: AtomicUsize,
    slots: Vec<Padded<Slot>>,
}

// SAFETY: `job` is written only by the holder of `busy` while no worker is inside, and read only by
// workers that are inside; its task may be called from any thread. All else is atomic or locked.
unsafe impl Sync for Pool {}

const OPEN: u64 = 1 << 31;
const INSIDE: u64 = 0xffff;

fn epoch(state: u64) -> u32 {
    (state >> 32) as u32
}

fn helpers(state: u64) -> usize {
    ((state & !OPEN) as u32 >> 16) as usize
}

static POOL: AtomicPtr<Pool> = AtomicPtr::new(std::ptr::null_mut());

impl Pool {
    /// This process's pool. A forked child has none of its parent's threads, so it makes its own;
    /// pools are never freed, since a worker may look at its pool until the process ends.
    fn current() -> &'static Pool {
        let process = std::process::id();
        let old = POOL.load(Acquire);
        // SAFETY: null, or a leaked pool.
        if let Some(pool) = unsafe { old.as_ref() } {
            if pool.process == process {
                return pool;
            }
        }
        let new = Box::into_raw(Box::new(Pool::new(process)));
        match POOL.compare_exchange(old, new, AcqRel, Acquire) {
            // SAFETY: leaked just now.
            Ok(_) => unsafe { &*new },
            Err(other) => {
                // SAFETY: `new` was not published; `other` is a leaked pool, of this process since
                // only this process's threads can have put it there.
                unsafe {
                    drop(Box::from_raw(new));
                    &*other
                }
            }
        }
    }

    fn new(process: u32) -> Pool {
        let slot = |_| {
            Padded(Slot {
                thread: OnceLock::new(),
                asleep: AtomicBool::new(false),
            })
        };
        Pool {
            process,
            busy: AtomicBool::new(false),
            state: Padded(AtomicU64::new(0)),
            next: Padded(AtomicUsize::new(0)),
            job: UnsafeCell::new(Job {
                tasks: 0,
                f: &|_| (),
            }),
            panic: Mutex::new(None),
            spawned: AtomicUsize::new(0),
            slots: (0..MAX_THREADS - 1).map(slot).collect(),
        }
    }

    /// Starts workers up to `helpers`; fewer where the system refuses, which costs only speed.
    #[cold]
    fn spawn(&'static self, helpers: usize) {
        for index in self.spawned.load(Relaxed)..helpers {
            let name = format!("chainrule-{}", index + 1);
            let builder = std::thread::Builder::new().name(name);
            match builder.spawn(move || self.work(index)) {
                Ok(handle) => {
                    // A slot is filled once: only the holder of `busy` spawns.
                    let _ = self.slots[index].0.thread.set(handle.thread().clone());
                    self.spawned.store(index + 1, Relaxed);
                }
                Err(_) => break,
            }
        }
    }

    /// Runs one region; the caller holds `busy`, which is released at the end.
    fn region(&'static self, tasks: usize, helpers: usize, f: &Task<'_>) {
        if self.spawned.load(Relaxed) < helpers {
            self.spawn(helpers);
        }
        // SAFETY: the lifetime is forgotten only for the region: it is closed and empty before this
        // function returns, and a worker calls `f` only while it is inside.
        let task = unsafe { std::mem::transmute::<*const Task<'_>, *const Task<'static>>(f) };
        // SAFETY: this thread holds `busy` and the last region is closed and empty.
        unsafe { *self.job.get() = Job { tasks, f: task } };
        self.next.0.store(0, Relaxed);
        let next_epoch = u64::from(epoch(self.state.0.load(Relaxed)).wrapping_add(1));
        let open = next_epoch << 32 | OPEN | (helpers as u64) << 16;
        self.state.0.store(open, SeqCst);
        for slot in &self.slots[..helpers] {
            // With the worker's store to `asleep` and its second look at `state`: one of the two
            // sees the other.
            if slot.0.asleep.load(SeqCst) && slot.0.asleep.swap(false, SeqCst) {
                if let Some(thread) = slot.0.thread.get() {
                    thread.unpark();
                }
            }
        }
        self.run_tasks(tasks, f);
        self.state.0.fetch_and(!OPEN, AcqRel);
        let mut patience = Patience::new();
        while self.state.0.load(Acquire) & INSIDE != 0 {
            if patience.is_over() {
                std::thread::yield_now();
            }
        }
        let panic = self.panic().take();
        self.busy.store(false, Release);
        if let Some(payload) = panic {
            resume_unwind(payload);
        }
    }

    fn panic(&self) -> std::sync::MutexGuard<'_, Option<Box<dyn Any + Send>>> {
        self.panic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run_tasks(&self, tasks: usize, f: &Task<'_>) {
        let run = AssertUnwindSafe(|| loop {
            let i = self.next.0.fetch_add(1, Relaxed);
            if i >= tasks {
                break;
            }
            f(i);
            interrupt::check();
        });
        if let Err(payload) = catch_unwind(run) {
            self.next.0.store(tasks, Relaxed);
            self.panic().get_or_insert(payload);
        }
    }

    fn work(&self, index: usize) {
        let slot = &self.slots[index].0;
        let mut seen = 0;
        let mut patience = Patience::new();
        loop {
            let state = self.state.0.load(Acquire);
            if epoch(state) != seen {
                seen = epoch(state);
                if index < helpers(state) {
                    if self.enter(state) {
                        // SAFETY: while this worker is inside, the job stands and its `f` lives.
                        unsafe {
                            let job = &*self.job.get();
                            self.run_tasks(job.tasks, &*job.f);
                        }
                        self.state.0.fetch_sub(1, Release);
                    }
                    patience = Patience::new();
                }
            } else if patience.is_over() {
                slot.asleep.store(true, SeqCst);
                while epoch(self.state.0.load(SeqCst)) == seen && slot.asleep.load(SeqCst) {
                    std::thread::park();
                }
                slot.asleep.store(false, SeqCst);
                patience = Patience::new();
            }
        }
    }

    /// Counts this worker in, unless the region has closed.
    fn enter(&self, mut state: u64) -> bool {
        let this = epoch(state);
        while state & OPEN != 0 && epoch(state) == this {
            match self
                .state
                .0
                .compare_exchange_weak(state, state + 1, AcqRel, Acquire)
            {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }
}

/// Spins, and says when spinning no longer pays. With more threads than cores it never pays.
struct Patience {
    looks: u32,
    start: Option<Instant>,
}

impl Patience {
    fn new() -> Self {
        Patience {
            looks: 0,
            start: None,
        }
    }

    fn is_over(&mut self) -> bool {
        std::hint::spin_loop();
        self.looks = self.looks.wrapping_add(1);
        if !self.looks.is_multiple_of(32) {
            return false;
        }
        let waited = self.start.get_or_insert_with(Instant::now).elapsed();
        if waited > ALONE {
            std::thread::yield_now();
        }
        waited > SPIN || num_threads() > cores()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(tasks: usize) -> usize {
        let total = AtomicUsize::new(0);
        parallel_for(tasks, &|i| {
            total.fetch_add(i + 1, Relaxed);
        });
        total.into_inner()
    }

    #[test]
    fn every_task_runs_once() {
        for threads in [1, 2, 3, 8] {
            set_num_threads(threads);
            for tasks in [0, 1, 2, 3, 17, 100] {
                for _ in 0..200 {
                    let counts: Vec<_> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
                    parallel_for(tasks, &|i| {
                        counts[i].fetch_add(1, Relaxed);
                    });
                    assert!(counts.iter().all(|c| c.load(Relaxed) == 1));
                }
            }
        }
    }

    #[test]
    fn sleeping_workers_wake() {
        set_num_threads(3);
        for pause in [0, 50, 150, 2000] {
            for _ in 0..50 {
                std::thread::sleep(Duration::from_micros(pause));
                assert_eq!(sum(16), 136);
            }
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_lives_on() {
        for _ in 0..20 {
            let result = catch_unwind(|| {
                parallel_for(64, &|i| assert!(i != 13, "task thirteen"));
            });
            let payload = result.unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&"task thirteen"));
            assert_eq!(sum(64), 2080);
        }
    }

    #[test]
    fn nested_and_simultaneous_regions_complete() {
        let total = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        parallel_for(8, &|_| {
                            parallel_for(4, &|_| {
                                total.fetch_add(1, Relaxed);
                            });
                        });
                    }
                });
            }
        });
        assert_eq!(total.into_inner(), 4 * 200 * 8 * 4);
    }

    #[cfg(unix)]
    #[test]
    fn a_forked_child_makes_its_own_pool() {
        extern "C" {
            fn fork() -> i32;
            fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
            fn _exit(status: i32) -> !;
        }
        assert_eq!(sum(64), 2080);
        // SAFETY: the child touches only this module (atomics, a fresh pool) and then leaves.
        unsafe {
            let child = fork();
            assert!(child >= 0, "fork failed");
            if child == 0 {
                set_num_threads(3);
                let ok = (0..100).all(|_| sum(64) == 2080);
                _exit(if ok { 0 } else { 1 });
            }
            let mut status = -1;
            assert_eq!(waitpid(child, &mut status, 0), child);
            assert_eq!(status, 0);
        }
        assert_eq!(sum(64), 2080);
    }
}
