//! The gradient by kernel: for each tap the product of the shifted image, transposed, and `dout`.
//!
//! Blocks of positions are summed one after the other into a kernel of their chunk's own, as one
//! chain an element; the chunks, cut by shape, are added in order. Positions whose tap lies outside
//! the image are left out.

use super::axis::Axis;
use super::elements;
use super::tiles::{Element, Outer, Run, Tiles, WIDEST};
use crate::error::unwind;
use crate::kernels::region::{share, IndexedParallelIterator, ParallelIterator, ParallelSliceMut};
use crate::memory::{room, Buffer};
use std::ops::{Add, Range};
use std::slice::ChunksExact;

/// Chunks whose kernels are summed apart, at the most.
const MAX_CHUNKS: usize = 16;
/// Elements of all chunks' kernels together, at the most (unless one is larger).
const MAX_PARTIAL: usize = 2 << 20;
/// Multiply-adds that one chunk is worth.
const CHUNK: usize = 250_000;
/// Positions summed up between two visits of an element of the kernel.
const BLOCK: usize = 400;

/// Fills memory with a run of lines of a value.
pub type MakeLines<'a, T> = dyn Fn(Range<usize>, &mut [T]) + Sync + 'a;

/// A value read by lines along its last spatial axis, which are numbered through all images.
#[derive(Clone, Copy)]
pub enum Lines<'a, T> {
    Stored(&'a [T]),
    /// Made when they are read, and in memory no longer than that.
    Made(&'a MakeLines<'a, T>),
}

/// One gradient by kernel. Counts of channels are of one group.
pub(super) struct KernelGrad<'a, T: 'static> {
    pub tiles: &'static Tiles<T>,
    pub batch: usize,
    pub axes: &'a [Axis; 3],
    pub groups: usize,
    pub depth: usize,
    pub width: usize,
    pub x: &'a [T],
    pub dout: Lines<'a, T>,
}

/// Rows of output positions (along the last axis), numbered through all images; how they are cut
/// into chunks and blocks follows from the shapes alone.
struct Cut {
    total: usize,
    chunks: usize,
    /// Lines of a block.
    block: usize,
}

impl Cut {
    fn new(batch: usize, axes: &[Axis; 3], kernel_len: usize) -> Cut {
        let total = batch * axes[0].output * axes[1].output;
        let work = total * axes[2].output * kernel_len;
        let affordable = (MAX_PARTIAL / kernel_len.max(1)).max(1);
        Cut {
            total,
            chunks: (work / CHUNK)
                .clamp(1, MAX_CHUNKS)
                .min(affordable)
                .min(total.max(1)),
            block: (BLOCK / axes[2].output.max(1)).max(1),
        }
    }

    fn chunk(&self, i: usize) -> Range<usize> {
        i * self.total / self.chunks..(i + 1) * self.total / self.chunks
    }
}

/// How many kernels of partial sums [`KernelGrad::run`] wants room for besides the result.
pub(super) fn partial_kernels(batch: usize, axes: &[Axis; 3], kernel_len: usize) -> usize {
    Cut::new(batch, axes, kernel_len).chunks - 1
}

/// What one task works with: the runs of each tap of a block, and a strip of dout.
struct Room<T> {
    runs: Vec<Run>,
    /// Where each tap's runs end.
    ends: Vec<usize>,
    /// Cache-line aligned: a vector that lies in two lines is read twice.
    dout: Buffer,
    /// The lines of a block of dout, where they are made.
    made: Vec<T>,
}

impl<T: Element + Add<Output = T>> KernelGrad<'_, T> {
    /// `dw`, with `partial` as room for the sums of all chunks but the first.
    pub fn run(&self, dw: &mut [T], partial: &mut [T]) {
        let len = dw.len();
        let lines = Cut::new(self.batch, self.axes, len);
        let partial = &mut partial[..(lines.chunks - 1) * len];
        let kernels = dw.par_chunks_mut(len).chain(partial.par_chunks_mut(len));
        share(kernels.enumerate(), |(chunk, dw)| {
            dw.fill(T::ZERO);
            let range = lines.chunk(chunk);
            let mut room = Room {
                runs: Vec::new(),
                ends: Vec::new(),
                dout: Buffer::zeroed(self.strip_len(lines.block) * size_of::<T>())
                    .unwrap_or_else(|e| unwind(e)),
                made: match self.dout {
                    Lines::Stored(_) => Vec::new(),
                    Lines::Made(_) => room(T::ZERO, lines.block * self.line()),
                },
            };
            for start in range.clone().step_by(lines.block) {
                let block = start..range.end.min(start + lines.block);
                // SAFETY: this task's own.
                unsafe { self.add_block(block, dw.as_mut_ptr(), &mut room) };
            }
        });
        let piece = len.div_ceil(16).max(1 << 12);
        if lines.chunks > 1 {
            share(dw.par_chunks_mut(piece).enumerate(), |(t, dw)| {
                for partial in partial.chunks(len) {
                    for (sum, more) in dw.iter_mut().zip(&partial[t * piece..]) {
                        *sum = *sum + *more;
                    }
                }
            });
        }
    }

    /// Adds the products of a block of lines to a kernel.
    ///
    /// # Safety
    /// `to` is a kernel that no other thread reads or writes.
    unsafe fn add_block(&self, lines: Range<usize>, to: *mut T, room: &mut Room<T>) {
        let [d, h, w] = self.axes;
        // Taps along the last axis are neighbours in the image: where all of them lie inside for
        // every position, their channels are rows of one tile.
        let joined = self.groups == 1
            && w.dilation == 1
            && (0..w.kernel).all(|k| w.inside(k) == (0..w.output));
        let (taps, depth) = match joined {
            true => (1, w.kernel * self.depth),
            false => (w.kernel, self.depth),
        };
        room.runs.clear();
        room.ends.clear();
        for kd in 0..d.kernel {
            for kh in 0..h.kernel {
                for kw in 0..taps {
                    self.list_runs(lines.clone(), [kd, kh, kw], &mut room.runs);
                    room.ends.push(room.runs.len());
                }
            }
        }
        let from = match self.dout {
            Lines::Stored(dout) => &dout[lines.start * self.line()..],
            Lines::Made(make) => {
                let made = &mut room.made[..lines.len() * self.line()];
                make(lines.clone(), made);
                made
            }
        };
        for group in 0..self.groups {
            for start in (0..self.width).step_by(WIDEST * self.tiles.lanes) {
                let width = (self.width - start).min(WIDEST * self.tiles.lanes);
                let column = group * self.width + start;
                let dout = elements::<T>(room.dout.bytes_mut(room.dout.len()));
                self.pack_columns(from, lines.len(), column..column + width, dout);
                let mut runs_start = 0;
                for (tap, runs_end) in room.ends.iter().enumerate() {
                    let runs = &room.runs[runs_start..*runs_end];
                    runs_start = *runs_end;
                    let tap = tap * w.kernel / taps;
                    // SAFETY: the caller's promise; the runs lie inside x and the packed columns.
                    unsafe {
                        self.add_tap(
                            runs,
                            (group * self.depth, tap * self.depth, depth),
                            dout,
                            column..column + width,
                            to,
                        );
                    }
                }
            }
        }
    }

    /// Adds one tap's products, for `depth` channels of x from `channel` on, to the rows of the kernel
    /// from `row` on.
    ///
    /// # Safety
    /// As for [`KernelGrad::add_block`].
    unsafe fn add_tap(
        &self,
        runs: &[Run],
        (channel, row, depth): (usize, usize, usize),
        dout: &[T],
        columns: Range<usize>,
        to: *mut T,
    ) {
        let lanes = self.tiles.lanes;
        let vectors = columns.len().div_ceil(lanes);
        let tiles = self.tiles.outer[vectors - 1];
        let c_step = self.groups * self.width;
        let count = depth.div_ceil(tiles.len());
        for t in 0..count {
            let rows = t * depth / count..(t + 1) * depth / count;
            // SAFETY: the caller's promise; rows and columns lie inside the kernel.
            unsafe {
                tiles[rows.len() - 1](&Outer {
                    runs,
                    a: self.x.as_ptr().add(channel + rows.start),
                    a_step: self.axes[2].stride * self.groups * self.depth,
                    b: dout.as_ptr(),
                    c: to.add((row + rows.start) * c_step + columns.start),
                    c_step,
                    last: columns.len() - (vectors - 1) * lanes,
                });
            }
        }
    }

    /// Elements of the widest strip of so many lines of dout.
    fn strip_len(&self, lines: usize) -> usize {
        lines * self.axes[2].output * WIDEST * self.tiles.lanes
    }

    /// Elements of a line of dout.
    fn line(&self) -> usize {
        self.axes[2].output * self.groups * self.width
    }

    /// Copies columns of so many lines of dout, in whole vectors with zeros behind the last.
    fn pack_columns(&self, from: &[T], lines: usize, columns: Range<usize>, packed: &mut [T]) {
        let width = columns.len().next_multiple_of(self.tiles.lanes);
        let packed = &mut packed[..lines * self.axes[2].output * width];
        let from = from.chunks_exact(self.groups * self.width);
        match (columns.len() == width, width) {
            (true, 8) => copy_columns::<T, 8>(from, columns.start, packed),
            (true, 16) => copy_columns::<T, 16>(from, columns.start, packed),
            (true, 32) => copy_columns::<T, 32>(from, columns.start, packed),
            _ => {
                for (to, from) in packed.chunks_exact_mut(width).zip(from) {
                    to[..columns.len()].copy_from_slice(&from[columns.clone()]);
                    to[columns.len()..].fill(T::ZERO);
                }
            }
        }
    }

    /// The runs of positions, one a line, whose tap lies inside the image.
    fn list_runs(&self, lines: Range<usize>, [kd, kh, kw]: [usize; 3], runs: &mut Vec<Run>) {
        let [d, h, w] = self.axes;
        let (inside_d, inside_h, inside_w) = (d.inside(kd), h.inside(kh), w.inside(kw));
        if inside_w.is_empty() {
            return;
        }
        for line in lines.clone() {
            let (rest, oh) = (line / h.output, line % h.output);
            let (image, od) = (rest / d.output, rest % d.output);
            if !inside_d.contains(&od) || !inside_h.contains(&oh) {
                continue;
            }
            let id = od * d.stride + kd * d.dilation - d.before;
            let ih = oh * h.stride + kh * h.dilation - h.before;
            let iw = inside_w.start * w.stride + kw * w.dilation - w.before;
            runs.push(Run {
                a: (((image * d.input + id) * h.input + ih) * w.input + iw)
                    * self.groups
                    * self.depth,
                b: (line - lines.start) * w.output + inside_w.start,
                len: inside_w.len(),
            });
        }
    }
}

/// `to[p, j] = from[p, start + j]` for `W` columns, which the compiler copies in vectors.
fn copy_columns<T: Copy, const W: usize>(from: ChunksExact<'_, T>, start: usize, to: &mut [T]) {
    for (to, from) in to.chunks_exact_mut(W).zip(from) {
        if let Some(columns) = from[start..].first_chunk::<W>() {
            to.copy_from_slice(columns);
        }
    }
}
