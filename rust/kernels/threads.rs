//! The threads: how many, and rayon's pools of them.

use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::OnceLock;

/// The environment variable that sets the number of threads.
pub const THREADS_VARIABLE: &str = "CHAINRULE_NUM_THREADS";

/// The largest number of threads.
pub const MAX_THREADS: usize = 256;

/// The number of threads in use, the calling one included; 0 until the first call.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// The cores that this process may use.
pub fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, |n| n.get()))
}

/// What `CHAINRULE_NUM_THREADS` asks for, or the available cores where it is unset or empty.
///
/// # Errors
/// The variable is not a whole number from 1 to [`MAX_THREADS`].
pub fn selected() -> Result<usize, String> {
    let text = std::env::var_os(THREADS_VARIABLE).unwrap_or_default();
    let text = text.to_string_lossy();
    match text.trim().parse() {
        _ if text.is_empty() => Ok(cores().min(MAX_THREADS)),
        Ok(n @ 1..=MAX_THREADS) => Ok(n),
        _ => Err(format!(
            "{THREADS_VARIABLE}: expected a whole number from 1 to {MAX_THREADS}, got {text:?}"
        )),
    }
}

/// Threads that a region may use, the calling one included: what [`selected`] says at the first
/// call (the available cores where it refuses), or the last [`set_num_threads`].
pub fn num_threads() -> usize {
    if THREADS.load(Relaxed) == 0 {
        set_num_threads(selected().unwrap_or_else(|_| cores()));
    }
    THREADS.load(Relaxed)
}

/// Uses `n` threads from the next region on, at least 1 and at most [`MAX_THREADS`]. May exceed
/// the cores. Results keep the same bits.
pub fn set_num_threads(n: usize) {
    THREADS.store(n.clamp(1, MAX_THREADS), Relaxed);
}

/// A pool of `n` threads or as many as the system gives, which costs only speed; none of none.
pub fn pool(n: usize) -> Option<ThreadPool> {
    let build = |n| {
        let name = |i| format!("chainrule-{}", i + 1);
        let builder = ThreadPoolBuilder::new().num_threads(n).thread_name(name);
        builder.build().ok()
    };
    let sizes = std::iter::successors(Some(n), |n| Some(n / 2));
    sizes.take_while(|n| *n > 0).find_map(build)
}
