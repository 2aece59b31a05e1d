//! Tests of parallel regions.

use super::*;
use crate::kernels::threads::set_num_threads;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

fn sum(tasks: usize) -> usize {
    let total = AtomicUsize::new(0);
    share((0..tasks).into_par_iter(), |i| {
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
                share((0..tasks).into_par_iter(), |i| {
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
            share((0..64).into_par_iter(), |i| {
                assert!(i != 13, "task thirteen")
            });
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
                    share((0..8).into_par_iter(), |_| {
                        share((0..4).into_par_iter(), |_| {
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
