//! The gradients of attention: one head of k and v a task, whose sums over its queries run in order.

use super::rows::{ByScores, Normalised, Scaled, Thinned};
use super::{Element, Geometry, Operands, Place, Target, MOST_ROWS, PARALLEL};
use crate::kernels::float::Float;
use crate::kernels::gemm::{gemm, Mat, MatMut, NoEpilogue};
use crate::kernels::isa::dispatch;
use crate::kernels::region::{share_if, IntoParallelIterator};
use crate::kernels::room::with_room;

/// What is written: shapes as the operands', scores (B, N, T, S) where they are wanted.
#[derive(Debug)]
pub struct Grads<'a, T> {
    pub q: &'a mut [T],
    pub k: &'a mut [T],
    pub v: &'a mut [T],
    /// By the scores: by the bias before it was broadcast.
    pub scores: Option<&'a mut [T]>,
}

struct Targets<'a, T> {
    q: Target<'a, T>,
    k: Target<'a, T>,
    v: Target<'a, T>,
    scores: Option<Target<'a, T>>,
}

/// Room of a task: two tiles, two for what is dropped, rows of dq, and the sums of dk and dv.
struct Room<'a, T> {
    p: &'a mut [T],
    d: &'a mut [T],
    kept: &'a mut [T],
    rows: &'a mut [T],
    dk: &'a mut [T],
    dv: &'a mut [T],
    inverse: &'a mut [T],
}

/// The gradients from that by the result, `dout` (B, T, N, E).
pub fn backward<T: Element>(g: &Geometry, x: &Operands<T>, dout: &[T], grads: Grads<T>) {
    if g.keys == 0 {
        return grads.q.fill(<T as Float>::ZERO);
    }
    let to = Targets {
        q: Target::new(grads.q),
        k: Target::new(grads.k),
        v: Target::new(grads.v),
        scores: grads.scores.map(Target::new),
    };
    let heads = g.batch * g.key_heads;
    let worth_it = g.work().saturating_mul(g.batch * g.heads) >= PARALLEL;
    share_if(worth_it, (0..heads).into_par_iter(), |head| {
        let (tile, longest) = (g.tile_len(), g.longest_block());
        let dropped = if g.rate > 0.0 { tile } else { 0 };
        let sizes = [
            tile,
            tile,
            dropped,
            longest * g.depth,
            g.keys * g.depth,
            g.keys * g.value_depth,
            longest,
        ];
        with_room(sizes, |[p, d, kept, rows, dk, dv, inverse]| {
            let mut room = Room {
                p,
                d,
                kept,
                rows,
                dk,
                dv,
                inverse,
            };
            let (batch, key_head) = (head / g.key_heads, head % g.key_heads);
            key_head_grads(g, x, dout, (batch, key_head), &mut room, &to);
        });
    });
}

/// All that flows through one head of k and v.
fn key_head_grads<T: Element>(
    g: &Geometry,
    x: &Operands<T>,
    dout: &[T],
    (batch, key_head): (usize, usize),
    room: &mut Room<T>,
    to: &Targets<T>,
) {
    room.dk.fill(<T as Float>::ZERO);
    room.dv.fill(<T as Float>::ZERO);
    let group = g.heads / g.key_heads;
    for head in key_head * group..(key_head + 1) * group {
        for block in 0..g.blocks() {
            let at = Place {
                batch,
                head,
                rows: g.block(block),
            };
            unit(g, x, dout, &at, room, to);
        }
    }
    let sums = [
        (&*room.dk, &to.k, g.depth, <T as Float>::from_f64(g.scale)),
        (&*room.dv, &to.v, g.value_depth, <T as Float>::ONE),
    ];
    for (sums, to, depth, factor) in sums {
        for key in 0..g.keys {
            let place = ((batch * g.keys + key) * g.key_heads + key_head) * depth;
            // SAFETY: the rows of a head of k belong to one task.
            let to = unsafe { to.part(place, depth) };
            let x = &sums[key * depth..][..depth];
            dispatch(Scaled { x, factor, to });
        }
    }
}

/// What flows through some queries of one head: dq and the gradient by their scores, and what they add to dk
/// and dv.
fn unit<T: Element>(
    g: &Geometry,
    x: &Operands<T>,
    dout: &[T],
    at: &Place,
    room: &mut Room<T>,
    to: &Targets<T>,
) {
    let rows = at.rows.len();
    let mut whole = [false; MOST_ROWS];
    let p = g.tile(x, at, room.p, room.inverse, &mut whole);
    let n = p.keys;
    dispatch(Normalised {
        x: p.scores,
        keys: n,
        factors: p.inverse,
    });
    let dout = g.query_rows(dout, g.value_depth, at);
    // dv += (kept p)^T dout
    let weights: &[T] = match g.rate > 0.0 {
        false => p.scores,
        true => {
            // The second tile is free until the gradient by the weights fills it.
            let ones = &mut room.d[..rows * g.keys];
            g.kept(x.seed, at, room.kept, ones);
            let d = &mut room.d[..rows * n];
            d.copy_from_slice(p.scores);
            dispatch(Thinned {
                x: d,
                kept: room.kept,
                keys: n,
                all: g.keys,
            });
            d
        }
    };
    let sums = MatMut::row_major(&mut room.dv[..n * g.value_depth], n, g.value_depth);
    gemm(
        Mat::row_major(weights, rows, n).t(),
        dout,
        sums,
        true,
        &NoEpilogue,
    );
    // d = dout v^T, by the weights, then by the scores
    let d = &mut room.d[..rows * n];
    let v = g.key_rows(x.v, g.value_depth, at, n);
    gemm(
        dout,
        v.t(),
        MatMut::row_major(d, rows, n),
        false,
        &NoEpilogue,
    );
    if g.rate > 0.0 {
        dispatch(Thinned {
            x: d,
            kept: room.kept,
            keys: n,
            all: g.keys,
        });
    }
    dispatch(ByScores {
        d,
        p: p.scores,
        keys: n,
        whole: p.whole,
    });
    if let Some(scores) = &to.scores {
        for (row, d) in at.rows.clone().zip(d.chunks_exact(n)) {
            // SAFETY: each row of scores belongs to one unit.
            let to = unsafe { scores.part(g.number(at, row), g.keys) };
            to[..n].copy_from_slice(d);
            to[n..].fill(<T as Float>::ZERO);
        }
    }
    // dq = scale d k
    let d = Mat::row_major(d, rows, n);
    let k = g.key_rows(x.k, g.depth, at, n);
    let sums = &mut room.rows[..rows * g.depth];
    gemm(
        d,
        k,
        MatMut::row_major(sums, rows, g.depth),
        false,
        &NoEpilogue,
    );
    let factor = <T as Float>::from_f64(g.scale);
    for (i, row) in at.rows.clone().enumerate() {
        let place = ((at.batch * g.queries + row) * g.heads + at.head) * g.depth;
        // SAFETY: each row of a head of q belongs to one unit.
        let to = unsafe { to.q.part(place, g.depth) };
        let x = &sums[i * g.depth..][..g.depth];
        dispatch(Scaled { x, factor, to });
    }
    // dk += d^T q, scaled once all is summed
    let q = g.query_rows(x.q, g.depth, at);
    let sums = MatMut::row_major(&mut room.dk[..n * g.depth], n, g.depth);
    gemm(d.t(), q, sums, true, &NoEpilogue);
}
