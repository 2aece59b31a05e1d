use super::*;

/// Numbers that look random, the same each time.
fn draws(mut state: u64) -> impl FnMut(usize) -> usize {
    move |below| {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) as usize % below
    }
}

#[test]
fn values_that_live_at_once_never_overlap() {
    for seed in 0..50 {
        let mut draw = draws(seed);
        let mut arena = Arena::default();
        let mut live: Vec<(usize, usize)> = Vec::new();
        for _ in 0..400 {
            if draw(5) < 3 || live.is_empty() {
                let most = [64, 200, 3000][draw(3)];
                let bytes = 1 + draw(most);
                let offset = arena.take(bytes);
                assert!(offset.is_multiple_of(ALIGN) && offset + bytes <= arena.top);
                let apart = |&(o, b): &(usize, usize)| o + b <= offset || offset + bytes <= o;
                assert!(live.iter().all(apart), "{offset} + {bytes} in {live:?}");
                live.push((offset, bytes));
            } else {
                let (offset, bytes) = live.swap_remove(draw(live.len()));
                arena.give(offset, bytes);
            }
        }
        for (offset, bytes) in live {
            arena.give(offset, bytes);
        }
        // All that was given back lies in one piece, and serves again.
        let top = arena.top;
        assert_eq!(arena.free, [(0, top)]);
        assert_eq!(arena.take(top), 0);
        assert_eq!(arena.top, top);
    }
}

#[test]
fn nothing_takes_no_memory() {
    let mut arena = Arena::default();
    assert_eq!((arena.take(0), arena.top), (0, 0));
    arena.give(0, 0);
    assert!(arena.free.is_empty());
}
