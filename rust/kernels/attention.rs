//! Attention of heads that lie side by side: softmax(scale q k^T + bias) v, and its gradients.
//!
//! A unit of work is one head and a block of its queries: their rows of scores lie in a tile, so that no
//! matrix of all scores is kept, however long the keys are, and each row has the plain softmax. Heads
//! are read where they lie, by strides. Products are [`gemm`]'s; sums of a row run in the lanes of
//! [`fold_row`]. So a result's bits follow from the shapes and the values alone.
//!
//! Masked scores are -0.7 times the largest number, as in JAX: a row that is masked whole then weighs all
//! keys alike. Under a causal mask a tile holds the keys up to its last query, rounded up to whole lanes, which
//! changes no sum; all keys where a row of it is masked whole and weighs them.

mod backward;
mod rows;
#[cfg(test)]
mod tests;

pub use backward::{backward, Grads};

use super::float::Float;
use super::gemm::{self, gemm, Mat, MatMut, NoEpilogue};
use super::isa::dispatch;
use super::number::Number;
use super::region::{share_if, IntoParallelIterator};
use super::rng;
use super::room::with_room;
use rows::{Exponentials, Scaled, Thinned};
use std::ops::Range;

/// Elements of a tile of scores, where it has more rows than [`LEAST_ROWS`].
const TILE: usize = 1 << 16;
const LEAST_ROWS: usize = 16;
const MOST_ROWS: usize = 128;
/// Most rows of a tile of a short sequence under a causal mask.
const CAUSAL_ROWS: usize = 32;
/// Keys of a tile under a causal mask are a multiple of this: the lanes of a sum.
const LANES: usize = 16;
/// Multiply-adds that a task should have at least, and under which one thread does it all.
const TASK: usize = 1 << 18;
const PARALLEL: usize = 1 << 19;

/// The element types of attention.
pub trait Element: Float + Number + gemm::Element {}
impl Element for f32 {}
impl Element for f64 {}

/// Sizes, and where the scores of a row find their mask and bias.
#[derive(Clone, Debug)]
pub struct Geometry {
    pub batch: usize,
    /// T
    pub queries: usize,
    /// S
    pub keys: usize,
    /// N
    pub heads: usize,
    /// Heads of k and v, each read by as many neighbouring heads of q.
    pub key_heads: usize,
    /// H
    pub depth: usize,
    /// Elements of a value.
    pub value_depth: usize,
    pub scale: f64,
    pub causal: bool,
    /// Strides of the mask along (B, N, T, S), 0 where it broadcasts.
    pub mask: Option<[usize; 4]>,
    pub bias: Option<[usize; 4]>,
    /// Share of the weights that are dropped.
    pub rate: f64,
    /// Whether a row that is masked whole has weights of 0, not equal ones.
    pub zero_masked: bool,
}

/// What is read: q (B, T, N, H), k (B, S, K, H), v (B, S, K, E), mask and bias as the geometry says.
#[derive(Clone, Copy, Debug)]
pub struct Operands<'a, T> {
    pub q: &'a [T],
    pub k: &'a [T],
    pub v: &'a [T],
    pub mask: &'a [u8],
    pub bias: &'a [T],
    pub seed: [u32; 2],
}

/// A head of one batch element, and some of its queries.
#[derive(Clone, Debug)]
struct Place {
    batch: usize,
    head: usize,
    rows: Range<usize>,
}

/// The exponentials of a tile of scores, and what is known of its rows.
struct Tile<'a, T> {
    /// (rows, keys)
    scores: &'a mut [T],
    keys: usize,
    /// 1 / sum of each row.
    inverse: &'a mut [T],
    /// Whether each row is masked whole.
    whole: &'a mut [bool],
}

impl Geometry {
    /// Blocks that the queries of a head are cut into.
    fn blocks(&self) -> usize {
        // Short blocks under a causal mask: half of a block's own square is reckoned in vain.
        let most = match self.causal {
            true => (self.queries / 8).clamp(CAUSAL_ROWS, MOST_ROWS),
            false => MOST_ROWS,
        };
        let rows = (TILE / self.keys.max(1)).clamp(LEAST_ROWS, most);
        self.queries.div_ceil(rows)
    }

    fn block(&self, i: usize) -> Range<usize> {
        let blocks = self.blocks();
        i * self.queries / blocks..(i + 1) * self.queries / blocks
    }

    fn longest_block(&self) -> usize {
        self.queries.div_ceil(self.blocks().max(1))
    }

    fn key_head(&self, head: usize) -> usize {
        head / (self.heads / self.key_heads)
    }

    /// Keys that some query of the rows sees.
    fn seen(&self, rows: &Range<usize>) -> usize {
        match self.causal {
            true => self.keys.min(rows.end.next_multiple_of(LANES)),
            false => self.keys,
        }
    }

    /// Multiply-adds of the products of one head with all its keys.
    fn work(&self) -> usize {
        let depth = self.depth + self.value_depth;
        self.queries
            .saturating_mul(self.keys)
            .saturating_mul(depth.max(1))
    }

    /// Some rows of one head of a (B, rows, heads, depth) tensor.
    fn head<'a, T>(
        x: &'a [T],
        (batch, rows, heads, depth): (usize, usize, usize, usize),
        head: usize,
        part: Range<usize>,
    ) -> Mat<'a, T> {
        if part.is_empty() || depth == 0 {
            return Mat::row_major(&[], part.len(), depth);
        }
        let first = ((batch * rows + part.start) * heads + head) * depth;
        Mat::new(&x[first..], part.len(), depth, heads * depth, 1)
    }

    /// Rows of q, or of what is like it with another depth.
    fn query_rows<'a, T>(&self, x: &'a [T], depth: usize, at: &Place) -> Mat<'a, T> {
        let sizes = (at.batch, self.queries, self.heads, depth);
        Self::head(x, sizes, at.head, at.rows.clone())
    }

    /// The first keys of k, or values of v.
    fn key_rows<'a, T>(&self, x: &'a [T], depth: usize, at: &Place, keys: usize) -> Mat<'a, T> {
        let sizes = (at.batch, self.keys, self.key_heads, depth);
        Self::head(x, sizes, self.key_head(at.head), 0..keys)
    }

    /// Number of the score of query `row` and key 0.
    fn number(&self, at: &Place, row: usize) -> usize {
        ((at.batch * self.heads + at.head) * self.queries + row) * self.keys
    }

    /// `exp(score - largest of its row)` of a place, with what follows of the rows.
    fn tile<'w, T: Element>(
        &self,
        x: &Operands<T>,
        at: &Place,
        room: &'w mut [T],
        inverse: &'w mut [T],
        whole: &'w mut [bool],
    ) -> Tile<'w, T> {
        let rows = at.rows.len();
        let mut keys = self.seen(&at.rows);
        loop {
            let scores = &mut room[..rows * keys];
            let q = self.query_rows(x.q, self.depth, at);
            let k = self.key_rows(x.k, self.depth, at, keys);
            let to = MatMut::row_major(scores, rows, keys);
            gemm(q, k.t(), to, false, &NoEpilogue);
            dispatch(Exponentials {
                geometry: self,
                operands: x,
                at,
                scores,
                keys,
                inverse: &mut inverse[..rows],
                whole: &mut whole[..rows],
            });
            if keys == self.keys || self.zero_masked || !whole[..rows].contains(&true) {
                break;
            }
            keys = self.keys;
        }
        Tile {
            scores: &mut room[..rows * keys],
            keys,
            inverse: &mut inverse[..rows],
            whole: &mut whole[..rows],
        }
    }

    /// `1 / (1 - rate)` where a weight of the place is kept, else 0: (rows, S).
    fn kept<T: Element>(&self, seed: [u32; 2], at: &Place, out: &mut [T], ones: &mut [T]) {
        let count = at.rows.len() * self.keys;
        ones[..count].fill(<T as Float>::ONE);
        let first = self.number(at, at.rows.start) as u64;
        rng::dropout(&ones[..count], &mut out[..count], seed, first, self.rate);
    }

    /// Elements of the tile of a block.
    fn tile_len(&self) -> usize {
        self.longest_block() * self.keys
    }
}

/// `out = softmax(scale q k^T + bias) v`, (B, T, N, E).
pub fn attention<T: Element>(g: &Geometry, x: &Operands<T>, out: &mut [T]) {
    if g.keys == 0 || out.is_empty() {
        return out.fill(<T as Float>::ZERO);
    }
    let out = Target::new(out);
    let blocks = g.blocks();
    let units = g.batch * g.heads * blocks;
    let grain = (TASK * blocks / g.work().max(1)).clamp(1, units);
    let worth_it = g.work().saturating_mul(g.batch * g.heads) >= PARALLEL;
    let tasks = (0..units.div_ceil(grain)).into_par_iter();
    share_if(worth_it, tasks, |task| {
        let (tile, longest) = (g.tile_len(), g.longest_block());
        let dropped = if g.rate > 0.0 { tile } else { 0 };
        let sizes = [tile, dropped, dropped, longest * g.value_depth, longest];
        with_room(sizes, |[room, kept, ones, sums, inverse]| {
            let mut whole = [false; MOST_ROWS];
            for unit in task * grain..units.min((task + 1) * grain) {
                let (head, block) = (unit / blocks, unit % blocks);
                let at = Place {
                    batch: head / g.heads,
                    head: head % g.heads,
                    rows: g.block(block),
                };
                forward(
                    g,
                    x,
                    &at,
                    [room, kept, ones, sums, inverse],
                    &mut whole,
                    &out,
                );
            }
        });
    });
}

/// One unit.
fn forward<T: Element>(
    g: &Geometry,
    x: &Operands<T>,
    at: &Place,
    [room, kept, ones, sums, inverse]: [&mut [T]; 5],
    whole: &mut [bool],
    out: &Target<T>,
) {
    let (rows, depth) = (at.rows.len(), g.value_depth);
    let tile = g.tile(x, at, room, inverse, whole);
    if g.rate > 0.0 {
        g.kept(x.seed, at, kept, ones);
        dispatch(Thinned {
            x: tile.scores,
            kept,
            keys: tile.keys,
            all: g.keys,
        });
    }
    let weights = Mat::row_major(tile.scores, rows, tile.keys);
    let v = g.key_rows(x.v, depth, at, tile.keys);
    let sums = &mut sums[..rows * depth];
    gemm(
        weights,
        v,
        MatMut::row_major(sums, rows, depth),
        false,
        &NoEpilogue,
    );
    for (i, (row, factor)) in at.rows.clone().zip(&*tile.inverse).enumerate() {
        let place = ((at.batch * g.queries + row) * g.heads + at.head) * depth;
        // SAFETY: each row of a head belongs to one unit.
        let to = unsafe { out.part(place, depth) };
        dispatch(Scaled {
            x: &sums[i * depth..][..depth],
            factor: *factor,
            to,
        });
    }
}

/// A result whose parts are written by several tasks.
struct Target<'a, T> {
    data: *mut T,
    len: usize,
    borrow: std::marker::PhantomData<&'a mut [T]>,
}

// SAFETY: an address; whoever takes a part says that no other task has it.
unsafe impl<T: Send> Sync for Target<'_, T> {}

impl<'a, T> Target<'a, T> {
    fn new(data: &'a mut [T]) -> Self {
        Target {
            data: data.as_mut_ptr(),
            len: data.len(),
            borrow: std::marker::PhantomData,
        }
    }

    /// # Safety
    /// Nobody else has a part that overlaps this one while it is used.
    ///
    /// # Panics
    /// The part lies outside.
    #[allow(clippy::mut_from_ref)]
    unsafe fn part(&self, first: usize, len: usize) -> &mut [T] {
        assert!(first <= self.len && len <= self.len - first);
        // SAFETY: in bounds, and the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.data.add(first), len) }
    }
}
