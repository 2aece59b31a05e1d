//! The team: rayon's threads beside the calling one.
//!
//! The caller works too. It waits only for the workers that are inside when it is done: one that has not
//! woken is never waited for. A worker looks for the next work for a while ([`LINGER`]) before it sleeps,
//! so that work which follows closely costs neither a system call nor a queue. It does so within one job
//! of rayon's, since a thread that waits for rayon's next job yields many times before it sleeps: on a
//! busy machine it is then slow to come.

use super::threads::{cores, num_threads, pool, MAX_THREADS};
use rayon::ThreadPool;
use std::cell::UnsafeCell;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// How long an idle worker looks for the next work before it sleeps.
const LINGER: Duration = Duration::from_micros(100);

/// How much of that it keeps its core for; then it lets others have it between two looks.
const ALONE: Duration = Duration::from_micros(10);

type Work<'a> = dyn Fn(usize) + Sync + 'a;

/// Calls `work(0)` on this thread and, while it runs, `work(i)` on worker `i` from 1, up to `helpers` at a
/// time and once each; on this thread alone where the workers help another caller, or this is one of them.
pub fn with_team(helpers: usize, work: &Work<'_>) {
    match claim().as_mut().and_then(|team| team.workers()) {
        Some(workers) => workers.meeting.hold(helpers, work),
        None => work(0),
    }
}

/// How many workers were asked for, and those that the system gave.
#[derive(Default)]
struct Team(usize, Option<Workers>);

impl Team {
    fn workers(&mut self) -> Option<&Workers> {
        let wanted = num_threads() - 1;
        if self.0 != wanted {
            *self = Team(wanted, pool(wanted).map(Workers::new));
        }
        self.1.as_ref()
    }
}

struct Workers {
    meeting: Arc<Meeting>,
    _pool: ThreadPool,
}

impl Workers {
    fn new(pool: ThreadPool) -> Self {
        let meeting = Arc::new(Meeting::new(pool.current_num_threads()));
        let theirs = meeting.clone();
        pool.spawn_broadcast(move |worker| theirs.attend(1 + worker.index()));
        Workers {
            meeting,
            _pool: pool,
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.meeting.last.store(true, Release);
        self.meeting.announce(0, MAX_THREADS);
    }
}

/// This process's team, once there is one. Never freed: the locks of one whose threads a parent process
/// had may be held forever.
static TEAM: AtomicPtr<Mutex<Team>> = AtomicPtr::new(std::ptr::null_mut());

/// The team, which is this caller's for as long as it keeps it; none where another caller has it.
fn claim() -> Option<MutexGuard<'static, Team>> {
    // SAFETY: null, or leaked below.
    let team = match unsafe { TEAM.load(Acquire).as_ref() } {
        Some(team) => team,
        None => first_team(),
    };
    match team.try_lock() {
        Ok(team) => Some(team),
        Err(TryLockError::Poisoned(team)) => Some(team.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

#[cold]
fn first_team() -> &'static Mutex<Team> {
    forget_in_children();
    let (none, new) = (std::ptr::null_mut(), Box::into_raw(Box::default()));
    let was = TEAM.compare_exchange(none, new, AcqRel, Acquire);
    // SAFETY: both are leaked.
    unsafe { &*was.map_or_else(|other| other, |_| new) }
}

/// A forked child has none of its parent's threads, so it makes its own team.
fn forget_in_children() {
    #[cfg(unix)]
    {
        type Handler = Option<extern "C" fn()>;
        extern "C" {
            fn pthread_atfork(prepare: Handler, parent: Handler, child: Handler) -> i32;
        }
        extern "C" fn forget() {
            TEAM.store(std::ptr::null_mut(), Release);
        }
        static ONCE: Once = Once::new();
        // SAFETY: the handler only stores to an atomic, which a child may do at once.
        ONCE.call_once(|| assert_eq!(unsafe { pthread_atfork(None, None, Some(forget)) }, 0));
    }
}

/// Where a caller and its workers meet. `state` is one word, so that a worker enters only while the
/// meeting is open and wants more: `number of the meeting << 32 | OPEN | wanted << 16 | workers inside`.
struct Meeting {
    state: Line<AtomicU64>,
    /// All that may come.
    workers: usize,
    /// Written only while the meeting is closed and empty.
    work: UnsafeCell<*const Work<'static>>,
    /// Whether no meeting comes any more.
    last: AtomicBool,
    /// Workers that sleep and have not been called.
    sleepers: Line<AtomicUsize>,
    /// Workers that have been called and sleep still.
    bed: Mutex<usize>,
    bell: Condvar,
}

/// What has a cache line of its own, and the one that is fetched with it.
#[derive(Default)]
#[repr(align(128))]
pub struct Line<T>(pub T);

// SAFETY: `work` is written by the holder of the team while no worker is inside, and read by workers that
// are inside only; it may be called from any thread. All else is atomic.
unsafe impl Sync for Meeting {}
// SAFETY: as above.
unsafe impl Send for Meeting {}

const OPEN: u64 = 1 << 31;
const INSIDE: u64 = (1 << 16) - 1;

impl Meeting {
    fn new(workers: usize) -> Self {
        Meeting {
            state: Line::default(),
            workers,
            work: UnsafeCell::new(&|_| ()),
            last: AtomicBool::default(),
            sleepers: Line::default(),
            bed: Mutex::default(),
            bell: Condvar::default(),
        }
    }

    /// One meeting; the caller holds the team.
    fn hold(&self, helpers: usize, work: &Work<'_>) {
        // SAFETY: the lifetime is forgotten for the meeting only, which is closed and empty when this
        // function ends. This thread holds the team, and the last meeting is closed and empty.
        unsafe { *self.work.get() = std::mem::transmute::<&Work<'_>, &Work<'static>>(work) };
        self.announce(OPEN | (helpers as u64) << 16, helpers);
        let _close = Close(self);
        work(0);
    }

    /// Begins the next state, and wakes workers where fewer than wanted are awake.
    fn announce(&self, open: u64, wanted: usize) {
        let next = (self.state.0.load(Relaxed) >> 32).wrapping_add(1);
        self.state.0.store(next << 32 | open, SeqCst);
        // A worker that goes to sleep counts itself, then looks at `state`: one of the two sees the
        // other.
        if self.sleepers.0.load(SeqCst) > 0 {
            let mut called = self.bed();
            let sleepers = self.sleepers.0.load(SeqCst);
            let more = wanted.saturating_sub(self.workers - sleepers).min(sleepers);
            self.sleepers.0.fetch_sub(more, SeqCst);
            *called += more;
            drop(called);
            (0..more).for_each(|_| self.bell.notify_one());
        }
    }

    fn sleep(&self, seen: u64) {
        let mut called = self.bed();
        self.sleepers.0.fetch_add(1, SeqCst);
        if self.state.0.load(SeqCst) >> 32 != seen {
            self.sleepers.0.fetch_sub(1, SeqCst);
            return;
        }
        while *called == 0 {
            called = self
                .bell
                .wait(called)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *called -= 1;
    }

    fn bed(&self) -> MutexGuard<'_, usize> {
        self.bed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes part in every meeting until the last, as this worker.
    fn attend(&self, worker: usize) {
        let mut seen = 0;
        let mut patience = Patience::default();
        while !self.last.load(Acquire) {
            let state = self.state.0.load(Acquire);
            if state >> 32 != seen {
                seen = state >> 32;
                if self.enter(state) {
                    // SAFETY: this worker is inside.
                    unsafe { (**self.work.get())(worker) };
                    self.state.0.fetch_sub(1, Release);
                    patience = Patience::default();
                }
            } else if patience.is_over() {
                self.sleep(seen);
                patience = Patience::default();
            }
        }
    }

    /// Counts this worker in, unless the meeting is closed or full.
    fn enter(&self, state: u64) -> bool {
        let wanted = (state & (OPEN - 1)) >> 16;
        let this = |now: u64| now & OPEN != 0 && now >> 32 == state >> 32 && now & INSIDE < wanted;
        let more = |now| this(now).then_some(now + 1);
        self.state.0.fetch_update(AcqRel, Acquire, more).is_ok()
    }
}

/// Closes the meeting when it is dropped.
struct Close<'a>(&'a Meeting);

impl Drop for Close<'_> {
    fn drop(&mut self) {
        let mut patience = Patience::default();
        self.0.state.0.fetch_and(!OPEN, AcqRel);
        while self.0.state.0.load(Acquire) & INSIDE != 0 {
            if patience.is_over() {
                std::thread::yield_now();
            }
        }
    }
}

/// Spins, and says when spinning no longer pays. With more threads than cores it never pays.
#[derive(Default)]
struct Patience {
    looks: u32,
    start: Option<Instant>,
}

impl Patience {
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
        waited > LINGER || num_threads() > cores()
    }
}
